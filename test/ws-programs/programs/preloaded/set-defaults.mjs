import { WebSocketServer } from "ws";

WebSocketServer.setDefaults({ allowedOrigins: ["https://app.example"], logLevel: "silent" });
