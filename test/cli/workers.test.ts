// `hawser serve --workers`: rooms span the processes, and a reload replaces them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { connect } from "@hawser/client";
import { WebSocket } from "ws";
import { sleep, until } from "../harness/concurrency.js";
import { makeCertificate } from "../harness/certificate.js";
import { runCli } from "../harness/run-cli.js";
import { cliPath } from "../harness/server.js";
import { RedisServer, redis } from "../redis/harness/redis-server.js";
import { isAlive, leftIn, startProgram, temporaryFolder, type WorkersProgram } from "../workers/harness/workers.js";

/** `ws://127.0.0.1:PORT` */
const originOf = async (program: WorkersProgram): Promise<string> => (await program.url()).replace(/\/$/, "");

test("rooms span all workers, for plain clients and those of hawser.v1, and a worker that is killed loses nothing", async (t) => {
  const folder = temporaryFolder(t);
  const config = join(folder, "hawser.yaml");
  writeFileSync(config, "workers: 2\nmaxClients: 101\nadminPort: 0\n");
  const program = startProgram(t, { command: [cliPath(), "serve", "--port", "0", "--config", config] });
  await program.saw("serving");

  const origin = await originOf(program);
  const plain = Array.from({ length: 8 }, () => new WebSocket(`${origin}/lobby`));
  const heard = plain.map((socket) => {
    const messages: string[] = [];
    socket.on("message", (data: Buffer) => messages.push(data.toString()));
    return messages;
  });
  await Promise.all(plain.map((socket) => once(socket, "open")));
  const live = connect(`${origin}/`, { WebSocket });
  t.after(() => {
    live.close();
    for (const socket of plain) socket.terminate();
  });
  const seen: unknown[] = [];
  const gaps: unknown[] = [];
  const room = live.topic("/lobby");
  await room.subscribe({ message: (data) => void seen.push(data), gap: (gap) => void gaps.push(gap) }).ready;
  await until(() => program.of("connect").length === 9, "all are connected");
  assert.equal(new Set(program.of("connect").map(({ worker }) => worker)).size, 2, "clients of both");

  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${program.of("admin-listening")[0]!.url}metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  const reaches = async (name: string, value: number): Promise<void> => {
    while ((await metric(name)) !== value) await sleep(100);
  };
  await reaches("hawser_connections", 9);
  assert.equal(await metric("hawser_worker_connections"), 9);
  assert.equal(await metric("hawser_connections_limit"), 101);
  assert.equal(await metric("hawser_workers"), 2);

  plain[0]!.send('"from a plain one"');
  await until(() => heard.filter((messages) => messages.length === 1).length === 7 && seen.length === 1, "all but one");
  assert.deepEqual(heard[0], [], "not to the one who sent it");
  await room.publish("from the other kind");
  await until(() => heard.every((messages) => messages.at(-1) === "from the other kind"), "all");

  const [{ client }] = [live.state.current as { client: string }];
  const { worker } = program.of("connect").find(({ id }) => id === client)!;
  const lost = program.of("connect").filter((line) => line.worker === worker).length - 1;
  process.kill(program.pids().get(worker!)!, "SIGKILL");
  const isClosed = (socket: WebSocket): boolean => socket.readyState === WebSocket.CLOSED;
  await until(() => plain.filter(isClosed).length === lost, "the others' close");
  const survivor = plain.find((socket) => !isClosed(socket))!;
  for (let n = 0; n < 20; n++) survivor.send(`${n}`);
  await until(() => seen.length === 22, "what was sent while it was away");
  assert.deepEqual(
    seen.slice(2),
    Array.from({ length: 20 }, (_, n) => `${n}`),
  );
  assert.deepEqual(gaps, []);
  await program.saw("worker-ready", 3);
  // What the one that is gone had counted stays counted, up to what it had not told yet.
  assert.ok((await metric("hawser_connections_opened_total")) >= 9);
  assert.equal(await metric("hawser_workers_ended_total"), 1);

  program.supervisor.kill("SIGTERM");
  assert.deepEqual(await program.exit, { code: 0, signal: null });
  assert.deepEqual(leftIn(program.temporary), []);
  assert.ok(program.of("worker-started").every(({ pid }) => !isAlive(pid!)));
});

test(
  "workers on one Redis: rooms span them and a node by itself, and /readyz asks for the engine",
  { skip: redis.missing },
  async (t) => {
    const engine = await RedisServer.start();
    t.after(() => engine.close());
    const serve = (...more: string[]): WorkersProgram =>
      startProgram(t, { command: [cliPath(), "serve", "--port", "0", "--broker", engine.url, ...more] });
    const [both, alone] = [
      serve("--workers", "2", "--admin-port", "0", "--engine-grace-ms", "0"),
      serve("--engine-grace-ms", "0", "--health-on-main-port", "--ready-without-engine"),
    ];
    await Promise.all([both.saw("serving"), alone.saw("serving")]);
    const heard: string[][] = [];
    const sockets = [...Array.from({ length: 8 }, () => both), alone].map(async (program) => {
      const socket = new WebSocket(`${(await program.url()).replace(/\/$/, "")}/lobby`);
      t.after(() => socket.terminate());
      const messages: string[] = [];
      heard.push(messages);
      socket.on("message", (data: Buffer) => messages.push(data.toString()));
      await once(socket, "open");
      return socket;
    });
    const last = (await Promise.all(sockets)).at(-1)!;
    // A plain client is not told when it is in its room.
    while (heard.filter((messages) => messages.length > 0).length < 8) {
      last.send("hello");
      await sleep(50);
    }

    const ready = async (url: string): Promise<number> => (await fetch(new URL("/readyz", url))).status;
    const admin = both.of("admin-listening")[0]!.url!;
    const own = (await alone.url()).replace(/^ws/, "http");
    const becomes = async (status: number): Promise<void> => {
      while ((await ready(admin)) !== status) await sleep(50);
    };
    await becomes(200);
    await engine.kill();
    await becomes(503);
    await alone.saw("hub-state");
    assert.equal(await ready(own), 200);
    await engine.start();
    await becomes(200);
    for (const { supervisor } of [both, alone]) supervisor.kill("SIGTERM");
    for (const { exit } of [both, alone]) assert.deepEqual(await exit, { code: 0, signal: null });
  },
);

test("SIGHUP has new workers read the certificate again; files that are wrong leave the old workers in place", async (t) => {
  const folder = temporaryFolder(t);
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const write = (name: string): void => {
    const certificate = makeCertificate(name);
    writeFileSync(cert, certificate.cert);
    writeFileSync(key, certificate.key);
  };
  write("first");
  const program = startProgram(t, {
    command: [cliPath(), "serve", "--port", "0", "--workers", "1", "--tls-cert", cert, "--tls-key", key],
  });
  await program.saw("serving");
  const port = Number(new URL(await program.url()).port);
  const name = async (): Promise<string> => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  assert.equal(await name(), "first");
  write("second");
  program.supervisor.kill("SIGHUP");
  await program.saw("workers-restarted");
  assert.equal(await name(), "second");
  writeFileSync(key, "no key");
  program.supervisor.kill("SIGHUP");
  await program.saw("workers-not-restarted");
  assert.ok(
    program.of("worker-output").some(({ msg }) => /^hawser: tlsCert, tlsKey: .* belong together/.test(String(msg))),
  );
  assert.equal(await name(), "second");
  program.supervisor.kill("SIGTERM");
  assert.deepEqual(await program.exit, { code: 0, signal: null });
});

test("what workers cannot be is told in one line, with exit code 2", async () => {
  for (const [args, message] of [
    [["--workers", "0"], /workers: got "0" from flag --workers; takes "auto" or a whole number from 1 to 1024/],
    [["--workers", "many"], /workers: got "many"/],
    [["--workers", "4", "--max-clients", "3"], /maxClients: got 3 from flag --max-clients; takes 4 or more/],
  ] as const) {
    const { code, stderr } = await runCli(["serve", ...args]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
