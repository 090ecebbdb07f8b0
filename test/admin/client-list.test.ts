// The table of clients: searching, sorting and paging, on clients that are made up.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientQuery, listClients, PAGE_SIZE } from "#admin/client-list.js";
import type { Client } from "#hawser/index.js";

function crowd(number: number, each: (index: number) => Partial<Client> = () => ({})): Map<string, Client> {
  const clients = Array.from({ length: number }, (_, index): Client => {
    const client = {
      id: `id-${String(index).padStart(5, "0")}`,
      address: `192.0.2.${index % 250}`,
      path: `/path/${index % 7}`,
      topics: new Set([`room-${index % 7}`]),
      connectedAt: index,
      rttMs: index % 3 === 0 ? null : index % 100,
      bufferedBytes: index % 11,
      dropped: 0,
      isOpen: true,
      messagesIn: index * 2,
      messagesOut: number - index,
      bytesIn: 0,
      bytesOut: 0,
      ...each(index),
    };
    return client as unknown as Client;
  });
  return new Map(clients.map((client) => [client.id, client]));
}

const all: ClientQuery = { search: "", sort: "age", descending: false, page: 0 };

test("the newest first, page by page, each client once", () => {
  const clients = crowd(120);
  const seen: string[] = [];
  for (let page = 0; page < 3; page++)
    seen.push(...listClients(clients, { ...all, page }, 1000).rows.map(({ id }) => id));
  assert.deepEqual(seen, [...clients.keys()].toReversed());
  assert.equal(listClients(clients, { ...all, descending: true }, 1000).rows[0]?.id, "id-00000");
  assert.equal(listClients(clients, all, 1000).rows[0]?.ageMs, 881);
});

test("a page past the end is the last one, and no client makes one empty page", () => {
  const { page, pages, rows } = listClients(crowd(120), { ...all, page: 99 }, 0);
  assert.deepEqual([page, pages, rows.length], [2, 3, 20]);
  assert.deepEqual(listClients(new Map(), all, 0), { total: 0, matched: 0, page: 0, pages: 1, rows: [] });
});

test("each column sorts both ways; a round-trip that is not known counts as the shortest", () => {
  const clients = crowd(300);
  const column = (query: Partial<ClientQuery>, name: keyof Client): unknown[] =>
    listClients(clients, { ...all, ...query }, 0).rows.map(({ id }) => clients.get(id)?.[name]);
  assert.deepEqual(column({ sort: "in", descending: true }, "messagesIn").slice(0, 3), [598, 596, 594]);
  assert.deepEqual(column({ sort: "out", descending: false }, "messagesOut").slice(0, 3), [1, 2, 3]);
  assert.equal(column({ sort: "rtt", descending: true }, "rttMs")[0], 99);
  assert.equal(column({ sort: "rtt", descending: false }, "rttMs")[0], null);
  assert.deepEqual(new Set(column({ sort: "queued", descending: true }, "bufferedBytes").slice(0, 20)), new Set([10]));
  assert.equal(column({ sort: "id", descending: true }, "id")[0], "id-00299");
  assert.equal(column({ sort: "address", descending: false }, "address")[0], "192.0.2.0");
  assert.equal(listClients(clients, { ...all, sort: "room", descending: true }, 0).rows[0]?.rooms[0], "room-6");
});

test("the search is for a part of id, address, path or room, in any case, and never a pattern", () => {
  const clients = crowd(20, (index) => (index === 3 ? { topics: new Set(["a.b*c[(", "Other"]) } : {}));
  const found = (search: string): number => listClients(clients, { ...all, search }, 0).matched;
  assert.equal(found("ID-00003"), 1);
  assert.equal(found("192.0.2.1"), 11);
  assert.equal(found("path/6"), 2);
  assert.equal(found("oTHER"), 1);
  assert.equal(found("a.b*c[("), 1);
  assert.equal(found("..*"), 0);
  assert.equal(found("^id"), 0);
  assert.equal(found("(((((a+)+)+)+)+$"), 0);
  assert.equal(found("nobody"), 0);
});

test("of many rooms a few are shown, and long names are cut", () => {
  const topics = new Set(Array.from({ length: 5000 }, (_, index) => `${index}${"x".repeat(1000)}`));
  const [row] = listClients(
    crowd(1, () => ({ topics, path: `/${"p".repeat(5000)}` })),
    all,
    0,
  ).rows;
  assert.deepEqual([row?.rooms.length, row?.roomCount, row?.rooms[0]?.length, row?.path.length], [3, 5000, 200, 200]);
});

test("ten thousand clients: one page leaves the function, whatever the order", () => {
  const clients = crowd(10_000);
  for (const sort of ["age", "id", "address", "room", "rtt", "queued", "in", "out", "dropped"] as const) {
    const { rows, matched, pages } = listClients(clients, { search: "i", sort, descending: true, page: 100 }, 0);
    assert.deepEqual([rows.length, matched, pages], [PAGE_SIZE, 10_000, 200], sort);
  }
});
