/** Nobody's text may write control sequences to a terminal or a second line to a log. */
export { plain, plainLines } from "../server/base/plain.js";
