"use strict";
const loaded = require("hawser/ws");
// Node and Jest give the class, bundlers the module.
module.exports = loaded.default ?? loaded;
