"""Python's `websockets` as a remote peer (see remote.ts)."""

import asyncio
import base64
import json
import sys

import websockets


def emit(n, on, **fields):
    print(json.dumps({"n": n, "on": on, **fields}), flush=True)


async def read(n, socket):
    try:
        async for message in socket:
            if isinstance(message, str):
                emit(n, "message", text=message)
            else:
                emit(n, "message", base64=base64.b64encode(message).decode())
    except websockets.ConnectionClosedError:
        pass
    emit(n, "close", code=socket.close_code, reason=socket.close_reason)


async def ping(n, socket, payload):
    await (await socket.ping(payload))
    emit(n, "pong", text=payload)  # the library resolves the ping by its payload


async def connect(n, url, sockets):
    try:
        sockets[n] = await websockets.connect(url, max_size=None, ping_interval=None)
    except Exception as error:
        return emit(n, "failed", why=repr(error))
    emit(n, "open", extensions=", ".join(extension.name for extension in sockets[n].extensions), pings=True)
    await read(n, sockets[n])


async def obey(command, sockets):
    n = command["n"]
    match command["do"]:
        case "connect":
            await connect(n, command["url"], sockets)
        case "send":
            await sockets[n].send(command["text"] if "text" in command else base64.b64decode(command["base64"]))
        case "ping":
            await ping(n, sockets[n], command["text"])
        case "close":
            await sockets[n].close(command["code"], command["reason"])


async def main():
    sockets = {}
    tasks = set()
    lines = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        task = asyncio.create_task(obey(json.loads(line), sockets))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()


asyncio.run(main())
