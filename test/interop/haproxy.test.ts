import { behindProxy } from "./proxies/contract.js";
import { haproxy } from "./proxies/kinds.js";

await behindProxy(haproxy);
