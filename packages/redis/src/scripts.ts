/** What has to happen in Redis in one step. Lua and not Functions: those would have to be put on each master by somebody, and need Redis 7. */
import { createHash } from "node:crypto";
import { STAMP_AT } from "./envelope.js";

/** A position lives for so much longer than the messages it counts, so that an epoch ends only where messages were lost. */
export const POSITION_MS = 86_400_000;

/** Half of what six bytes hold, so that what comes after it fits as well: a number of a position past it is not of our making. */
export const LARGEST_OFFSET: number = 2 ** 47;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

function script(...parts: readonly string[]): Script {
  const text = parts.join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

const TIME = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function whole(number) return string.format('%.0f', number) end`;

/** What was read from Redis, and may be of somebody else: a number that fits into an offset, or nothing; and whether it is an epoch of ours. */
const READ = `
local function count(text)
  local number = text and string.match(text, '^%d+$') and tonumber(text)
  return number and number < ${LARGEST_OFFSET} and number
end
local function isWord(text) return text and #text <= 32 and string.match(text, '^[%w_-]+$') end`;

/**
 * \`position\` answers with epoch, newest offset, its stamp, and for how long the messages of a topic last. Where the engine has thrown away the
 * position and not the messages, or the messages before their time, or where somebody else has written to either, the topic begins anew in another
 * epoch: what is left of it proves nothing.
 */
const POSITION = `${READ}
local NO_STAMP = string.rep('\\0', 8)
local function begin(meta, stream, epoch)
  redis.call('DEL', meta, stream)
  redis.call('HSET', meta, 'e', epoch, 't', 0, 's', NO_STAMP, 'l', 0, 'x', 0)
  redis.call('PEXPIRE', meta, ${POSITION_MS})
  return epoch, 0, NO_STAMP, 0
end
local function position(meta, stream, fresh)
  local known = redis.pcall('HMGET', meta, 'e', 't', 's', 'l', 'x')
  if known.err then return begin(meta, stream, fresh) end
  local epoch, stamp = isWord(known[1]) and known[1], known[3]
  local top, lasts, gone = count(known[2]), count(known[4]), count(known[5])
  local kind = redis.call('TYPE', stream).ok
  local ours = epoch and top and lasts and gone and stamp and #stamp == 8
  if ours and (kind == 'stream' or kind == 'none' and now >= gone) then return epoch, top, stamp, lasts end
  return begin(meta, stream, fresh)
end
local function keep(meta, lasts)
  if redis.call('PTTL', meta) < ${POSITION_MS / 2} then redis.call('PEXPIRE', meta, lasts + ${POSITION_MS}) end
end`;

/**
 * One publish after the other. Offsets are a hybrid clock, the milliseconds of this server or one more than the newest offset: so what a failover or
 * an old copy of the data has lost does not have its offset given to something else, and who comes back with such an offset finds that it is not
 * there. They fit into the 48 bits that they have on the wire for another seven thousand years.
 *
 * What a topic's position and messages need is done once for each topic, however many of the publishes are its.
 *
 * KEYS: one that is never there, position and messages of each topic, keys of publishes.
 * ARGV: PUBLISH or SPUBLISH, how long keys are remembered, an epoch for topics that need one, all publishes in one, and the channel of each topic. A
 * publish is: which topic (2 bytes), size (6), for how long (6), which key, or 0 (2), how long the body is (4), body.
 * Answers with all in one: for each offset (6), whether it was there (1), how long the epoch is (4), epoch. Many arguments and many answers would
 * cost Redis and the node more than what is done with them.
 */
export const publishScript: Script = script(
  TIME,
  POSITION,
  `
local PUBLISH, KEY_WINDOW, FRESH, all = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local TOPICS = #ARGV - 4
local topics, answers, at = {}, {}, 1
for i = 1, TOPICS do topics[i] = {meta = KEYS[2 * i], stream = KEYS[2 * i + 1], messages = {}} end
local function finish()
  for i, topic in ipairs(topics) do
    if topic.lasts then
      local lasts = topic.lasts
      redis.call('XTRIM', topic.stream, 'MINID', whole(math.max(0, now - lasts)))
      redis.call('HSET', topic.meta, 'e', topic.epoch, 't', whole(topic.top), 's', topic.stamp, 'l', lasts, 'x', whole(now + lasts))
      redis.call('PEXPIRE', topic.meta, lasts + ${POSITION_MS})
      -- A second later than the position says that it is gone: what is gone earlier was thrown away.
      redis.call('PEXPIRE', topic.stream, lasts + 1000)
    end
    local messages = topic.messages
    if #messages > 1 then
      for n, message in ipairs(messages) do messages[n] = struct.pack('>I4', #message) .. message end
      table.insert(messages, 1, 'B\\1')
    end
    if #messages > 0 then redis.call(PUBLISH, ARGV[4 + i], table.concat(messages)) end
  end
end
local function add(topic, size, lasts, body)
  if not topic.epoch then topic.epoch, topic.top, topic.stamp = position(topic.meta, topic.stream, FRESH) end
  local function entry()
    return redis.pcall('XADD', topic.stream, 'MAXLEN', size, whole(math.max(topic.top + 1, now)) .. '-0', 'm', struct.pack('>I6', topic.top) .. topic.stamp .. body)
  end
  local added = entry()
  if added.err and string.find(added.err, 'smaller', 1, true) then
    -- Entries of somebody else stand in the way.
    topic.epoch, topic.top, topic.stamp = begin(topic.meta, topic.stream, FRESH)
    added = entry()
  end
  if added.err then return added end
  local prev = topic.top
  topic.top, topic.stamp, topic.lasts = math.max(prev + 1, now), string.sub(body, ${STAMP_AT}, ${STAMP_AT + 7}), lasts
  return nil, topic.epoch, topic.top, prev
end
while at <= #all do
  local which, size, lasts, keyed, length, from = struct.unpack('>I2I6I6I2I4', all, at)
  local topic, key, body = topics[which], KEYS[1 + 2 * TOPICS + keyed], string.sub(all, from, from + length - 1)
  at = from + length
  local earlier = keyed > 0 and redis.pcall('GET', key)
  local epoch, offset, prev = '', 0, 0
  local known
  if type(earlier) == 'string' then known, epoch = string.match(earlier, '^(%d+) (.*)$') end
  known = count(known)
  local isEarlier = known and (isWord(epoch) or known == 0 and epoch == '')
  if isEarlier then
    offset = known
  else
    if size ~= 0 then
      local fault
      fault, epoch, offset, prev = add(topic, whole(size), lasts, body)
      if fault then
        finish()
        return fault
      end
    else
      epoch = ''
      -- A replica refuses it, even where there is nothing to delete: what is published there reaches nobody.
      if keyed == 0 then redis.call('DEL', KEYS[1]) end
    end
    if keyed > 0 then redis.call('SET', key, whole(offset) .. ' ' .. epoch, 'PX', KEY_WINDOW) end
    topic.messages[#topic.messages + 1] = 'H\\1' .. struct.pack('>I6I6B', offset, prev, #epoch) .. epoch .. body
  end
  answers[#answers + 1] = struct.pack('>I6BI4', offset, isEarlier and 1 or 0, #epoch) .. epoch
end
finish()
return table.concat(answers)`,
);

/**
 * The head and the messages as of one moment.
 *
 * KEYS: position, messages. ARGV: an epoch if one is needed, after which offset or "", in which epoch, how many, whether newest first.
 * Answers with epoch, offset, stamp, the oldest message, the message at that offset, and the messages.
 */
export const readScript: Script = script(
  TIME,
  POSITION,
  `
local meta, stream = KEYS[1], KEYS[2]
local fresh, after, limit, newest = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[5] == '1'
local epoch, top, stamp, lasts = position(meta, stream, fresh)
keep(meta, lasts)
if after ~= '' and ARGV[3] ~= epoch then return {epoch, top, stamp, {}, {}, {}} end
redis.call('XTRIM', stream, 'MINID', whole(math.max(0, now - lasts)))
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)
local at, messages = {}, {}
if after ~= '' then at = redis.call('XRANGE', stream, after .. '-0', after .. '-0') end
if limit > 0 then
  if newest then
    local from = '+'
    if after ~= '' then from = whole(math.max(0, tonumber(after) - 1)) end
    messages = redis.call('XREVRANGE', stream, from, '-', 'COUNT', limit)
  else
    messages = redis.call('XRANGE', stream, after == '' and '-' or whole(tonumber(after) + 1), '+', 'COUNT', limit)
  end
end
return {epoch, top, stamp, oldest, at, messages}`,
);

/** KEYS: position and messages of each topic. ARGV: an epoch for each if one is needed. Answers with epoch, offset, stamp of each. */
export const headsScript: Script = script(
  TIME,
  POSITION,
  `
local answers = {}
for i = 0, #KEYS / 2 - 1 do
  local epoch, top, stamp, lasts = position(KEYS[i * 2 + 1], KEYS[i * 2 + 2], ARGV[i + 1])
  keep(KEYS[i * 2 + 1], lasts)
  answers[i * 3 + 1], answers[i * 3 + 2], answers[i * 3 + 3] = epoch, top, stamp
end
return answers`,
);

/** KEYS: position, messages. ARGV: an epoch if one is needed, the epoch that has to end, the one after it. Answers with epoch, offset, stamp. */
export const renewScript: Script = script(
  TIME,
  POSITION,
  `
local epoch, top, stamp, lasts = position(KEYS[1], KEYS[2], ARGV[1])
if epoch == ARGV[2] then
  epoch = ARGV[3]
  redis.call('HSET', KEYS[1], 'e', epoch)
end
redis.call('PEXPIRE', KEYS[1], lasts + ${POSITION_MS})
return {epoch, top, stamp}`,
);

/**
 * Renews a lease that is still the one of this name, or begins another.
 * KEYS: lease. ARGV: the name of the lease, the name of another, for how long. Answers with the name that holds.
 */
export const leaseScript: Script = script(`
local held = redis.pcall('GET', KEYS[1])
if held == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return {1, held}
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {0, ARGV[2]}`);

/** KEYS: lease. ARGV: the name of the lease. */
export const endLeaseScript: Script = script(`
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/**
 * A node stands in the hash of nodes with its lease and the time of its last member.
 * KEYS: nodes, members. ARGV: node, lease, key, details, for how long the two last if nobody comes back to them.
 */
export const enterScript: Script = script(
  TIME,
  `
-- Of another kind, it is somebody else's, and would be in the way for good.
for _, key in ipairs(KEYS) do if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. whole(now))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1`,
);

/** KEYS: nodes, members. ARGV: node, lease, key. Answers with how many of the lease stay. */
export const leaveScript: Script = script(`
redis.call('HDEL', KEYS[2], ARGV[3])
local left = redis.call('HLEN', KEYS[2])
if left == 0 then
  local known = redis.call('HGET', KEYS[1], ARGV[1])
  if known and string.match(known, '^%S+') == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
end
return left`);

/**
 * Clears away what a lease that has ended left in a topic. What is young may be of a node whose lease is still on its way.
 * KEYS: nodes, members. ARGV: node, lease.
 */
export const clearScript: Script = script(
  TIME,
  `
local known = redis.call('HGET', KEYS[1], ARGV[1])
local lease, at = string.match(known or '', '^(%S+) (%d+)$')
if lease ~= ARGV[2] or now - tonumber(at) < 60000 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('DEL', KEYS[2])`,
);

/** KEYS: members of one lease after the other. ARGV: how many at most. Answers with a list of keys and details for each. */
export const membersScript: Script = script(`
local answers, left = {}, tonumber(ARGV[1])
for i, members in ipairs(KEYS) do
  local found = {}
  if redis.call('HLEN', members) <= left then
    found = redis.call('HGETALL', members)
  elseif left > 0 then
    local cursor = '0'
    repeat
      local page = redis.call('HSCAN', members, cursor, 'COUNT', left)
      cursor = page[1]
      for _, field in ipairs(page[2]) do found[#found + 1] = field end
    until cursor == '0' or #found >= left * 2
  end
  left = math.max(0, left - #found / 2)
  answers[i] = found
end
return answers`);

/**
 * Tries everything that the others do, and says what this user may not.
 * KEYS: one of no use to anybody. ARGV: PUBLISH or SPUBLISH, a channel that nobody listens to. Answers with commands, and what Redis says of each.
 */
export const rightsScript: Script = script(`
local key = KEYS[1]
local tries = {
  {'TIME'}, {'DEL', key}, {'TYPE', key}, {'HSET', key, 'a', 1}, {'HGET', key, 'a'}, {'HMGET', key, 'a'}, {'HGETALL', key}, {'HLEN', key},
  {'HSCAN', key, 0}, {'HDEL', key, 'a'}, {'SET', key, 1}, {'GET', key}, {'PEXPIRE', key, 1000}, {'PTTL', key}, {'DEL', key},
  {'XADD', key, '1-0', 'm', 1}, {'XTRIM', key, 'MINID', 0}, {'XRANGE', key, '-', '+'}, {'XREVRANGE', key, '+', '-'}, {'DEL', key},
  {ARGV[1], ARGV[2], ''}}
local refused = {}
for _, try in ipairs(tries) do
  local answer = redis.pcall(unpack(try))
  local fault = type(answer) == 'table' and answer.err
  if fault and (string.find(fault, 'NOPERM', 1, true) or string.find(fault, 'executing the script', 1, true)) then
    refused[#refused + 1] = try[1]
    refused[#refused + 1] = fault
  end
end
return refused`);

/** All of them: they are loaded when a connection is made. */
export const allScripts: readonly Script[] = [
  publishScript,
  readScript,
  headsScript,
  renewScript,
  leaseScript,
  endLeaseScript,
  enterScript,
  leaveScript,
  clearScript,
  membersScript,
  rightsScript,
];
