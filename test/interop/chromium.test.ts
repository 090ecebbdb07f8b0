import { interop } from "./harness/contract.js";
import { startChromium } from "./peers/chromium.js";
import { need } from "./harness/system.js";

const chromium = await need("chromium");

interop({ name: "Chromium", skip: chromium.missing, start: () => startChromium(chromium.path) });
