import { behindProxy } from "./proxies/contract.js";
import { caddy } from "./proxies/kinds.js";

await behindProxy(caddy);
