// The session of Express in `authenticate`: who is logged in over HTTP may connect, as the same user.
// Run: node examples/run.mjs beside/express-session
// Try: curl --cookie-jar jar --data "" "localhost:8080/login?user=Ada"; then a WebSocket to /chat with the cookie in that file

import express from "express";
import expressSession from "express-session";
import { closeOnSignals, createServer } from "hawser";

const session = expressSession({
  secret: process.env.SESSION_SECRET ?? "only for this example",
  resave: false,
  saveUninitialized: false,
});

const app = express();
app.use(session);
app.get("/", (_request, response) => response.send("Hello over HTTP\n"));
app.post("/login", (request, response) => {
  // Your own check of the password goes here.
  request.session.user = request.query.user;
  response.send("Welcome\n");
});

const http = app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

const sockets = createServer({
  path: "/chat",
  async authenticate({ raw }) {
    // The middleware finds the session by the cookie of the handshake; of a response it needs nothing.
    await new Promise((resolve, reject) => session(raw, {}, (error) => (error ? reject(error) : resolve())));
    // `false` refuses with 401. The session itself is not kept: it would be as old as the connection.
    return raw.session.user === undefined ? false : { user: raw.session.user };
  },
  open: (client) => client.subscribe("chat"),
  message: (client, message) => void sockets.publish("chat", `${client.data.user}: ${message.text()}`),
});
sockets.attach(http);

closeOnSignals(http, sockets);
