// Both ends of the protocol: a request as a client writes it, a message as a server does.

import * as client from "@hawser/wire/client";
import * as server from "@hawser/wire/server";

/** Whatever of a frame is the same for every kind of it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A request in the client's hand: text, or bytes for a payload of bytes. */
export function writeRequest(request: server.Request): string | Uint8Array {
  switch (request.verb) {
    case "hello": {
      const subs = request.subs.map(({ topic, position }): client.SubEntry =>
        position === undefined ? [topic] : [topic, position.offset, position.epoch],
      );
      return client.writeHello(request.id, request.token, subs.length === 0 ? undefined : subs);
    }
    case "sub":
      return request.last === undefined
        ? client.writeSub(request.topic, request.id, request.position?.offset, request.position?.epoch)
        : client.writeSubLast(request.topic, request.id, request.last);
    case "unsub":
      return client.writeUnsub(request.topic, wanted(request.id));
    case "pub": {
      const { topic, id, key, payload } = request;
      return payload.binary
        ? client.writeBinaryPub(topic, payload.bytes, id, key)
        : client.writePub(topic, JSON.parse(payload.json), wanted(id), key);
    }
    case "call": {
      const { name, id, payload } = request;
      return payload?.binary
        ? client.writeBinaryCall(name, id, payload.bytes)
        : client.writeCall(name, id, valueOf(payload));
    }
    case "cancel":
      return client.writeCancel(request.id);
    case "auth":
      return client.writeAuth(request.token, request.id);
    case "who":
      return client.writeWho(request.topic, request.id, request.max, request.watch);
    case "count":
      return client.writeCount(request.topic, request.id, request.watch);
    case "back":
      return client.writeBack(request.topic, request.id, request.before, request.epoch, request.max);
    case "ok":
      return client.writeOk(request.call, valueOf(request.payload));
    case "err":
      return client.writeErr(request.call, request.code, request.sentence);
    case "ping":
      return client.PING;
  }
}

/** A message in the server's hand. Of its words, those of an application's own pass for the catalogue's. */
export function writeMessage(message: client.Message): string | Uint8Array {
  switch (message.verb) {
    case "hello": {
      const { client: id, ping, ttl, user, has } = message;
      return server.writeHello({ client: id, ping, ttl, user, has });
    }
    case "ok": {
      const { verb: _, ok, d, in: members, ...answer } = message;
      if (d instanceof Uint8Array) return server.writeBinaryOk(ok, d);
      if (members !== undefined || answer.v !== undefined) {
        return server.writeMembers(ok, { n: answer.n!, v: answer.v, in: members?.map(toMember) });
      }
      return server.writeOk(ok, answer as server.Answer, d === undefined ? undefined : JSON.stringify(d));
    }
    case "err":
      return server.writeErr(message.err, message.code, message.msg!, message.retry);
    case "pub": {
      const { pub, o, by, d } = message;
      return d instanceof Uint8Array
        ? server.writeBinaryPub(pub, d, o, by)
        : server.writePub(pub, JSON.stringify(d), o, by);
    }
    case "gap":
      return server.writeGap(message.gap, { offset: message.o, epoch: message.e }, message.code as "lost");
    case "unsub":
      return server.writeUnsub(message.unsub, message.code as "revoked");
    case "pres": {
      const { pres, n, v, in: members, out } = message;
      return server.writePresence(pres, { n, v, in: members?.map(toMember), out });
    }
    case "call":
      return server.writeCall(
        message.call,
        message.id,
        message.d === undefined ? undefined : JSON.stringify(message.d),
      );
    case "cancel":
      return server.writeCancel(message.cancel);
    case "bye":
      return server.writeBye(message.bye as "drain", message.wait);
    case "ping":
      return server.PING;
  }
}

/** Reads what a client sent, text or bytes. */
export function readAsServer(frame: string | Uint8Array): server.Request | server.Fault {
  return typeof frame === "string" ? server.readRequest(frame) : server.readBinaryRequest(frame);
}

/** Reads what a server sent, text or bytes. */
export function readAsClient(frame: string | Uint8Array): client.Message | undefined {
  return typeof frame === "string" ? client.readMessage(frame) : client.readBinaryMessage(frame);
}

function toMember([key, info]: client.Member): server.Member {
  return info === undefined ? [key] : [key, JSON.stringify(info)];
}

function valueOf(payload: server.Payload | undefined): unknown {
  return payload === undefined || payload.binary ? undefined : JSON.parse(payload.json);
}

/** 0 is for a request that wants no answer. */
function wanted(id: number): number | undefined {
  return id === 0 ? undefined : id;
}
