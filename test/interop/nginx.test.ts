import { behindProxy } from "./proxies/contract.js";
import { nginx } from "./proxies/kinds.js";

await behindProxy(nginx);
