// TypeScript before 5.8 does not know that ES modules can be required.
// @ts-ignore
import { WebSocket } from "../dist/ws/index.js";
export = WebSocket;
