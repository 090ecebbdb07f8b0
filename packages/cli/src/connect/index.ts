/** `hawser connect`: an interactive client, one for hubs, and a server to talk to clients. */

export { connectTo } from "./client-session.js";
export { talkToHub } from "./hub/session.js";
export { type ListenOptions, listenFor } from "./listen-session.js";
export type { Surroundings as ConnectSurroundings } from "./surroundings.js";
