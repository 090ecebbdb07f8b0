/**
 * The web-standard WebSocket as a remote peer (see remote.ts), for every host that has one: evaluated in a page of Chromium,
 * and run by web-main.mjs in Node and Bun. One expression, so that it can be handed to `page.evaluate` as text.
 *
 * `ping(socket, payload)` is for hosts that can ping, each in its own way.
 */
({ WebSocket, emit, ping }) => {
  const sockets = new Map();
  const encode = (bytes) => {
    let binary = "";
    for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(binary);
  };
  const decode = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

  function connect(n, url) {
    const socket = new WebSocket(url);
    let opened = false;
    sockets.set(n, socket);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      emit({ n, on: "open", extensions: socket.extensions, pings: ping !== undefined });
    };
    socket.onmessage = ({ data }) =>
      emit({ n, on: "message", ...(typeof data === "string" ? { text: data } : { base64: encode(new Uint8Array(data)) }) });
    socket.onclose = ({ code, reason }) =>
      emit(opened ? { n, on: "close", code, reason } : { n, on: "failed", why: `the handshake failed: ${code} ${reason}` });
    socket.onerror = () => {}; // a close event always follows
    // Bun tells of pongs here; browsers never do.
    socket.addEventListener("pong", ({ data }) => emit({ n, on: "pong", text: new TextDecoder().decode(data) }));
  }

  return (command) => {
    const { n } = command;
    switch (command.do) {
      case "connect":
        return connect(n, command.url);
      case "send":
        return sockets.get(n).send(command.text ?? decode(command.base64));
      case "ping":
        return ping(sockets.get(n), command.text);
      case "close":
        return sockets.get(n).close(command.code, command.reason);
    }
  };
};
