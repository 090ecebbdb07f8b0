/** What bundles for browsers get. Libraries for both ends import `ws` in any case, and look later at what there is. */
function WebSocket(): never {
  throw new Error("@hawser/ws does not work in browsers: they have a WebSocket of their own");
}

// oxlint-disable-next-line import/no-default-export -- `ws` has one
export default WebSocket;
export {
  WebSocket,
  WebSocket as createWebSocketStream,
  WebSocket as extension,
  WebSocket as Sender,
  WebSocket as Server,
  WebSocket as subprotocol,
  WebSocket as WebSocketServer,
};
export { WebSocket as "module.exports" };
