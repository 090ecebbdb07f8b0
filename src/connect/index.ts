/** `hawser connect`: an interactive client, and a server to talk to clients. */

export { type ConnectOptions, connectTo } from "./client-session.js";
export { type ListenOptions, listenFor } from "./listen-session.js";
export type { Surroundings as ConnectSurroundings } from "./surroundings.js";
