/** `hawser connect`: an interactive client, and a server to talk to clients. */

export { connectTo } from "./client-session.js";
export type { ConnectOptions } from "./options.js";
export { type ListenOptions, listenFor } from "./listen-session.js";
export type { Surroundings as ConnectSurroundings } from "./surroundings.js";
