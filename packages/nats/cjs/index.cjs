"use strict";
// For Jest, whose own `require` cannot load ES modules, and Node's can. Node itself and bundlers find the module by the conditions
// "module-sync" and "module" of package.json.
const { createRequire } = require("node:vm").runInThisContext("process").getBuiltinModule("node:module");
module.exports = createRequire(__filename)("../dist/index.js");
