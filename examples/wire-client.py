# A client of the subprotocol hawser.v1 in Python, written after docs/wire.md: it subscribes, publishes what is typed, and misses nothing
# when the connection breaks. It needs the package python3-websockets of Debian, or `pip install websockets`.
#
#   python3 examples/wire-client.py ws://127.0.0.1:8080/ /lobby [TOKEN]

import asyncio
import itertools
import json
import random
import sys
import uuid

import websockets

FINAL = {1002, 1003, 1007, 1009, 4403}


class Client:
    def __init__(self, url, topic, token=None):
        self.url, self.topic, self.token = url, topic, token
        self.offset = self.epoch = None  # the position: everything up to here was shown
        self.replay = 0  # how many messages of a replay are still to come
        self.unanswered = {}  # publishes by key, to be sent again
        self.keys, self.ids, self.socket, self.ping = {}, itertools.count(3), None, 25

    async def run(self):
        attempt, codes = 0, []
        while len(codes) < 3:
            wait, began = None, asyncio.get_running_loop().time()
            try:
                async with websockets.connect(self.url, subprotocols=["hawser.v1"]) as self.socket:
                    await self.hello()
                    while True:  # silence for longer than this is a dead connection
                        frame = await asyncio.wait_for(self.socket.recv(), self.ping + 10)
                        message = json.loads(frame) if isinstance(frame, str) else {}  # bytes are for other topics
                        wait = message.get("wait", wait) if "bye" in message else wait
                        await self.take(message)
            except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
                code = getattr(error, "code", 1006)
                codes = [*codes, code] if code in FINAL and code in (codes or [code]) else []
            self.socket = None
            attempt = 0 if asyncio.get_running_loop().time() - began > 10 else attempt + 1
            await asyncio.sleep(wait / 1000 if wait else random.uniform(0, min(20, 0.5 * 2 ** min(attempt, 6))))

    async def hello(self):
        self.keys, self.ids, self.replay = {}, itertools.count(3), 0
        sub = [self.topic] if self.epoch is None else [self.topic, self.offset, self.epoch]
        hello = {"hello": 1, "id": 1, "subs": [sub]}  # the topic is answered as request 2
        await self.send({**hello, "token": self.token} if self.token else hello)
        for key in list(self.unanswered):
            await self.publish_again(key)

    async def take(self, message):
        verb = next(iter(message), None)
        if verb == "hello":
            self.ping = message["ping"] / 1000
        elif verb == "ok" and message["ok"] == 2:
            self.replay = message.get("replay", 0)
            self.epoch = message.get("e")
            if not self.replay:
                self.offset = message.get("o")
            if message.get("missed"):
                print("-- messages were missed, and are gone")
        elif verb == "pub" and message["pub"] == self.topic:
            offset, old = message.get("o"), self.replay > 0
            self.replay = max(0, self.replay - 1)
            if offset is not None and self.offset is not None and offset <= self.offset:
                return  # it was shown already
            self.offset = offset
            print(f"{'(before) ' if old else ''}{message.get('by', 'server')}: {json.dumps(message['d'], ensure_ascii=False)}")
        elif verb == "gap" and message["gap"] == self.topic:
            self.offset, self.epoch, self.replay = message["o"], message["e"], 0
            print(f"-- messages are missing here: {message['code']}")
        elif verb in ("ok", "err"):
            if verb == "err":
                print(f"-- {message['code']}: {message.get('msg', '')}")
            if message.get("code") not in ("unavailable", "timeout", "limit"):
                self.unanswered.pop(self.keys.pop(message[verb], None), None)
        elif verb == "call":
            await self.send({"err": message["id"], "code": "unknown-call"})
        elif verb == "unsub":
            print(f"-- the subscription has ended: {message['code']}")

    async def publish(self, data):
        key = str(uuid.uuid4())
        self.unanswered[key] = data
        if self.socket:
            await self.publish_again(key)

    async def publish_again(self, key):
        id = next(self.ids)
        self.keys[id] = key
        await self.send({"pub": self.topic, "id": id, "key": key, "d": self.unanswered[key]})  # d is last

    async def send(self, frame):
        try:
            await self.socket.send(json.dumps(frame))
        except websockets.ConnectionClosed:
            pass  # run() connects again


async def main():
    client = Client(*sys.argv[1:4])
    running = asyncio.create_task(client.run())
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        await client.publish(line.rstrip("\n"))
    await running


asyncio.run(main())
