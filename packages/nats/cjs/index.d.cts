// TypeScript before 5.8 does not know that ES modules can be required.
// @ts-ignore
export * from "../dist/index.js";
