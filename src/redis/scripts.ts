// Generated from src/redis/*.lua by `node scripts/lua.ts`. Not to be edited.
import type { RedisScript } from "./transport.ts";

const ACCOUNT = `local LAYOUT = 1
local HOURLY_DAYS, DAILY_DAYS, EXPIRY_DAYS, MAX_MODELS = 14, 400, 2, 16
local PAUSED, HAS_STORED_LIMITS = 1, 2
local METRICS = { 'u', 't', 'r' }
local function refuse(code, at, details, accounts)
error({ answer = { code = code, at = at, details = details or {}, accounts = accounts or {} } })
end
local function malformed(key, field) refuse('MALFORMED', 0, { key, field }) end
local function refuseUnread(read, key)
if string.find(read.err, 'WRONGTYPE', 1, true) then malformed(key, '(type)') end
error(read)
end
local function integer(digits, key, field)
local number = tonumber(digits)
if number > MAX_AMOUNT then malformed(key, field) end
return number
end
local function told(time) return time or refuse('CLOCK', 0) end
local function split(line, separator)
local parts = {}
for part in string.gmatch(line, '[^' .. separator .. ']+') do parts[#parts + 1] = part end
return parts
end
local function lists(line, entry) return string.find(',' .. line .. ',', ',' .. entry .. ',', 1, true) ~= nil end
local function triple(line, key, field)
local usd, tokens, requests = string.match(line, '^(%d+),(%d+),(%d+)$')
if not usd then malformed(key, field) end
return { integer(usd, key, field), integer(tokens, key, field), integer(requests, key, field) }
end
local function tripleText(amounts) return string.format('%.0f,%.0f,%.0f', amounts[1], amounts[2], amounts[3]) end
local function add(amounts, added, factor)
for metric = 1, 3 do amounts[metric] = amounts[metric] + factor * added[metric] end
end
local limitsOfText = {}
local function limits(line, key, field)
local known = limitsOfText[line]
if known then return known end
local parsed = {}
for hard in string.gmatch(line, '[^/]+') do
for part in string.gmatch(hard, '[^,]+') do
if part ~= '-' and not string.find(part, '^%d+$') then malformed(key, field) end
parsed[#parsed + 1] = part ~= '-' and integer(part, key, field)
end
if #parsed % 3 ~= 0 then malformed(key, field) end
end
local _, slashes = string.gsub(line, '/', '')
if #parsed ~= 3 * (slashes + 1) or slashes > 1 then malformed(key, field) end
limitsOfText[line] = parsed
return parsed
end
local function newEntry(name, start, stop, pair)
return {
name = name, start = start, stop = stop, limits = pair, omitted = false, unsent = false,
base = 0, fired = '-', stored = false, settled = false, committed = false,
}
end
local function hasEnded(window, at) return at >= window.stop * SECOND end
local function parseList(line, key, field)
local windows, position = {}, 1
for first, name, start, stop, pair, after in string.gmatch(line, '()(%S+) (%d+) (%d+) ([%d,/%-]+);()') do
if first ~= position then malformed(key, field) end
position = after
limits(pair, key, field)
windows[#windows + 1] = newEntry(name, integer(start, key, field), integer(stop, key, field), pair)
end
if position ~= #line + 1 then malformed(key, field) end
return windows
end
local function parseOmitted(line, key)
local windows, position = {}, 1
for first, name, start, stop, mark, after in string.gmatch(line, '()(%S+) (%d+) (%d+) ([01]);()') do
if first ~= position then malformed(key, 'o') end
position = after
local window = newEntry(name, integer(start, key, 'o'), integer(stop, key, 'o'), '-,-,-')
window.omitted, window.unsent = true, mark == '0'
windows[#windows + 1] = window
end
if position == 1 or position ~= #line + 1 then malformed(key, 'o') end
return windows
end
local function parseCommitted(account, line)
local key, windows = account.key, account.windows
local layout, last, swept, flags, position = string.match(line, '^(%d+) (%d+) (%d+) (%d+);()')
if not layout then malformed(key, 'c') end
if tonumber(layout) > LAYOUT then refuse('TOO_NEW', 0, { key, layout }) end
account.last, account.swept, account.flags = integer(last, key, 'c'), integer(swept, key, 'c'), integer(flags, key, 'c')
local place = 0
for first, usd, tokens, requests, after in string.gmatch(line, '()(%d+),(%d+),(%d+);()') do
place = place + 1
if first ~= position or not windows[place] then malformed(key, 'c') end
position = after
windows[place].committed = { integer(usd, key, 'c'), integer(tokens, key, 'c'), integer(requests, key, 'c') }
end
if place ~= #windows or position ~= #line + 1 then malformed(key, 'c') end
end
local function parseSettled(account, line)
local key, windows = account.key, account.windows
local place, position = 0, 1
for first, base, fired, usd, tokens, requests, stored, rest, after in
string.gmatch(line, '()(%d+) (%S+) (%d+),(%d+),(%d+) (%S+) (%S+ %S+);()')
do
place = place + 1
local window = windows[place]
if first ~= position or not window or rest ~= '- -' then malformed(key, 's') end
position = after
window.base, window.fired = integer(base, key, 's'), fired
window.stored = stored ~= '-' and stored or false
if window.stored then limits(stored, key, 's') end
local settled = { integer(usd, key, 's'), integer(tokens, key, 's'), integer(requests, key, 's') }
local committed = window.committed
local isCovered = settled[1] <= committed[1] and settled[2] <= committed[2] and settled[3] <= committed[3]
if not isCovered then malformed(key, 'c') end
window.settled = settled
end
if place ~= #windows or position ~= #line + 1 then malformed(key, 's') end
end
local function openAccount(place, read, further)
local key = KEYS[place]
if read.err then refuseUnread(read, key) end
local w, o, c, s = read[1], read[2], read[3], read[4]
if not w and not c and not s then return nil end
if not w then malformed(key, 'w') end
if not c then malformed(key, 'c') end
if not s then malformed(key, 's') end
local idle, born = string.match(read[6] or '', '^(%d+) (%d+)$')
if read[6] and not idle then malformed(key, 'idle') end
local listed = parseList(w, key, 'w')
local account = {
key = key, place = place, reason = read[5], listed = listed, windows = listed,
idle = idle, born = idle and integer(born, key, 'idle') or 0,
stored = { w = w, o = o, c = c, s = s, pr = read[5], idle = read[6] }, fields = {}, changed = {},
last = 0, swept = 0, flags = 0, isNew = false, isSteady = false,
}
for index, field in ipairs(further) do account.fields[field] = read[6 + index] end
if o then
account.windows = parseOmitted(o, key)
for place, window in ipairs(listed) do table.insert(account.windows, place, window) end
end
parseCommitted(account, c)
parseSettled(account, s)
return account
end
local function openAccounts(reads, further)
local accounts = {}
for place, read in ipairs(reads) do accounts[place] = openAccount(place, read, further) or false end
return accounts
end
local function getField(account, field)
if account.fields[field] == nil then account.fields[field] = redis.call('HGET', account.key, field) end
return account.fields[field]
end
local function setField(account, field, value)
if account.fields[field] == value then return end
account.fields[field] = value
account.changed[field] = true
end
local function isKinds(line) return line == '-' or string.gsub(line .. ',', '%-?%d+,', '') == '' end
local function standsInIndex(indexKey, scope)
local found = redis.pcall('HEXISTS', indexKey, scope)
if type(found) == 'table' then refuseUnread(found, indexKey) end
return found == 1
end
local function openRecord(line)
if type(line) == 'table' then refuseUnread(line, recordKey) end
if not line then return nil end
local parts = split(line, ' ')
local kind = parts[1]
if kind == 'gone' and #parts == 2 then return { kind = kind, attempts = parts[2] } end
if kind == 'admin' and #parts == 3 and string.find(parts[3], '^%d+$') then return { kind = kind, hash = parts[2] } end
if (kind ~= 'hold' and kind ~= 'record') or (#parts ~= 8 and #parts ~= 15) then malformed(recordKey, '(operation)') end
local attempt, givenUp = string.match(parts[3], '^([^,]+),?(.*)$')
local isParted = string.find(',' .. parts[3] .. ',', ',,', 1, true)
local times = table.concat(parts, ' ', 4, 6)
if isParted or not string.find(times, '^[01] %d+ %d+$') then malformed(recordKey, '(operation)') end
local record = {
kind = kind,
hash = parts[2],
attempt = attempt,
givenUp = givenUp,
shared = parts[4] == '1',
start = integer(parts[5], recordKey, '(operation)'),
minute = integer(parts[6], recordKey, '(operation)'),
held = triple(parts[7], recordKey, '(operation)'),
chain = parts[8],
}
if #parts == 15 then
local isVerdict = string.find(parts[12], '^[01]$') or string.find(parts[12], '^p%d$')
if not isVerdict or not string.find(parts[10], '^[re%-]$') or not isKinds(parts[15]) then
malformed(recordKey, '(operation)')
end
record.closed = {
actual = triple(parts[9], recordKey, '(operation)'),
source = parts[10],
hash = parts[11],
verdict = parts[12],
crossings = parts[13],
row = parts[14],
kinds = parts[15],
}
end
return record
end
local function recordText(record)
local parts = {
record.kind,
record.hash,
record.givenUp == '' and record.attempt or record.attempt .. ',' .. record.givenUp,
record.shared and '1' or '0',
text(record.start),
text(record.minute),
tripleText(record.held),
record.chain,
}
local closed = record.closed
if closed then
parts[9] = tripleText(closed.actual)
parts[10], parts[11], parts[12] = closed.source, closed.hash, closed.verdict
parts[13], parts[14], parts[15] = closed.crossings, closed.row, closed.kinds
end
return table.concat(parts, ' ')
end
local function holdDetails(record) return { text(record.start), text(record.minute), tripleText(record.held) } end
local function closingDetails(record, closed)
return {
text(record.start),
text(record.minute),
tripleText(closed.actual),
closed.source,
closed.verdict,
closed.crossings,
}
end
local function timeOf(accounts, at)
for place = 1, #scopes do
local account = accounts[place]
if account and account.last + 1 > at then at = account.last + 1 end
end
return at
end
local function markedChain(accounts)
local parts = {}
for place, account in ipairs(accounts) do parts[place] = account.idle and scopes[place] .. '~' or scopes[place] end
return table.concat(parts, ',')
end
local function listText(account)
local w, o = {}, {}
for _, window in ipairs(account.windows) do
local bounds = window.name .. ' ' .. text(window.start) .. ' ' .. text(window.stop)
if window.omitted then
o[#o + 1] = bounds .. (window.unsent and ' 0;' or ' 1;')
else
w[#w + 1] = bounds .. ' ' .. window.limits .. ';'
end
end
return table.concat(w), #o > 0 and table.concat(o) or false
end
local function settledText(account)
local parts = {}
for place, window in ipairs(account.windows) do
parts[place] = string.format('%.0f %s %s %s - -;', window.base, window.fired, tripleText(window.settled),
window.stored or '-')
end
return table.concat(parts)
end
local function format(account)
if account.formatted then return account.formatted end
local w, o, s = account.stored.w, account.stored.o, account.stored.s
if not account.keepsList then w, o = listText(account) end
if not account.keepsSettled then s = settledText(account) end
local c = string.format('%d %.0f %.0f %d;', LAYOUT, account.last, account.swept, account.flags)
for _, window in ipairs(account.windows) do c = c .. tripleText(window.committed) .. ';' end
account.formatted = { w = w, o = o, c = c, s = s, pr = account.reason }
if account.idle then account.formatted.idle = account.idle .. ' ' .. text(account.born) end
return account.formatted
end
`;

const ADMINISTER = `local action, detail, id = ARGV[5], ARGV[6], ARGV[7]
local MAX_LOG_ENTRIES = 1000
local function storeLimits(account, at)
for _, window in ipairs(account.windows) do window.stored = false end
local list = parseList(detail, 'ARGV', 'limits')
for _, entry in ipairs(list) do
local window = named(account.windows, entry.name)
if not window then
window = newWindow(entry, at)
window.limits, window.omitted, window.unsent = '-,-,-', true, true
account.windows[#account.windows + 1] = window
end
window.stored = entry.limits
end
local hadStored = math.floor(account.flags / HAS_STORED_LIMITS) % 2 == 1
if hadStored and #list == 0 then account.flags = account.flags - HAS_STORED_LIMITS end
if not hadStored and #list > 0 then account.flags = account.flags + HAS_STORED_LIMITS end
end
local function unmark(account)
local name, letter, millionths, base = string.match(detail, '^([^:]+):([^:]+):([^:]+):([^:]+)$')
local window = name and named(account.windows, name)
if not window or text(window.base) ~= base then return end
local kept = {}
for _, mark in ipairs(split(window.fired, ',')) do
if mark ~= letter .. millionths then kept[#kept + 1] = mark end
end
window.fired = #kept > 0 and table.concat(kept, ',') or '-'
end
local function apply(account, at)
if action == 'reset' then
for _, window in ipairs(account.windows) do clear(window, at) end
elseif action == 'pause' then
if not isPaused(account) then account.flags = account.flags + PAUSED end
account.reason = detail ~= '' and detail or false
elseif action == 'resume' then
if isPaused(account) then account.flags = account.flags - PAUSED end
account.reason = false
elseif action == 'limits' then
storeLimits(account, at)
elseif action == 'unmark' then
unmark(account)
end
end
return run(function()
local at = told(readTime())
local known = openRecord(redis.pcall('GET', recordKey))
local accounts = openAccounts(readAccounts({}), {})
if known then
local isSame = known.kind == 'admin' and known.hash == argumentsHash
refuse(isSame and 'REPLAY' or 'CONFLICT', timeOf(accounts, at), {}, accounts)
end
local logKey, indexKey = KEYS[3], KEYS[4]
at = prepare(accounts, at, { firstList = 8, indexKey = indexKey, recreateLost = action == 'reset' })
apply(accounts[1], at)
local isLogged = action ~= 'unmark'
local trimmed = isLogged and redis.pcall('LTRIM', logKey, 0, MAX_LOG_ENTRIES - 1)
if trimmed and trimmed.err then refuseUnread(trimmed, logKey) end
writeAccounts(accounts, { indexKey = indexKey })
writeRecord('admin ' .. argumentsHash .. ' ' .. text(at), retentionMs)
if isLogged then
redis.call('LPUSH', logKey, table.concat({ text(at), action, scopes[1], id, detail }, ' '))
redis.call('LTRIM', logKey, 0, MAX_LOG_ENTRIES - 1)
end
deleteDropped(accounts)
return applied('OK', at, {}, accounts)
end)
`;

const ANSWER = `local function hset(key, fieldsAndValues, isSpent)
local result = redis.pcall('HSET', key, unpack(fieldsAndValues))
if type(result) ~= 'table' or not result.err then return end
if not isSpent or not string.find(result.err, 'OOM', 1, true) then error(result) end
redis.call('HDEL', key, '-')
redis.call('HSET', key, unpack(fieldsAndValues))
end
local function writeAccounts(accounts, options)
for _, account in ipairs(accounts) do
local set, dropped = {}, {}
for field, value in pairs(format(account)) do
if value and value ~= account.stored[field] then set[#set + 1], set[#set + 2] = field, value end
if not value and account.stored[field] then dropped[#dropped + 1] = field end
end
for field in pairs(account.changed) do
local value = account.fields[field]
if value then set[#set + 1], set[#set + 2] = field, value else dropped[#dropped + 1] = field end
end
if #set > 0 then hset(account.key, set, options.isSpent) end
account.dropped = dropped
if account.idle and account.isUsed and account.flags > 0 then
redis.call('PERSIST', account.key)
elseif account.idle and account.isUsed then
redis.call('PEXPIRE', account.key, text(tonumber(account.idle) * 1000))
end
if account.isNew and not account.idle then redis.call('HSETNX', options.indexKey, scopes[account.place], text(account.last)) end
end
end
local function deleteDropped(accounts)
for _, account in ipairs(accounts) do
for first = 1, #account.dropped, 1000 do
redis.call('HDEL', account.key, unpack(account.dropped, first, math.min(first + 999, #account.dropped)))
end
end
end
local function writeRecord(line, milliseconds) redis.call('SET', recordKey, line, 'PX', text(milliseconds)) end
local function applied(code, at, details, accounts)
return { code = code, at = at, details = details or {}, accounts = accounts }
end
local function flatten(answer)
local values = { 'agl1', '=' .. answer.code, '=' .. text(answer.at), '=' .. #answer.details }
for _, detail in ipairs(answer.details) do values[#values + 1] = '=' .. detail end
for place = 1, answer.accounts[1] == nil and 0 or #scopes do
local account = answer.accounts[place]
local isAbsent = not account or (account.isNew and #account.windows == 0)
local fields = isAbsent and {} or format(account)
for _, field in ipairs({ 'w', 'o', 'c', 's', 'pr' }) do values[#values + 1] = '=' .. (fields[field] or '') end
local due = account and account.due or {}
values[#values + 1] = '=' .. #due / 2
for _, value in ipairs(due) do values[#values + 1] = '=' .. value end
end
values[#values + 1] = 'end'
return values
end
local function run(operation)
local isDone, result = pcall(operation)
if isDone then return flatten(result) end
if type(result) == 'table' and result.answer then return flatten(result.answer) end
error(result)
end
`;

const CALL = `local MINUTE, HOUR, DAY, SECOND = 60000000, 3600000000, 86400000000, 1000000
local MAX_AMOUNT = 9000000000000000
local MAX_HOLD_MINUTES = 1560
local clock, chainText, argumentsHash, retentionMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local scopes = {}
for scope in string.gmatch(chainText, '[^,]+') do scopes[#scopes + 1] = scope end
local recordKey = KEYS[#scopes + 1]
local function text(number) return string.format('%.0f', number) end
local function readTime()
if clock ~= '' then return tonumber(clock) end
local time = redis.pcall('TIME')
return not time.err and tonumber(time[1]) * SECOND + tonumber(time[2])
end
local function timeToLive(minute, nowMs)
local untilExpiryMs = (minute + 1) * 60000 - nowMs
return math.min((MAX_HOLD_MINUTES + 1) * 60000, math.max(0, untilExpiryMs)) + retentionMs
end
local function limitOf(part)
if part == '-' then return math.huge end
local limit = not string.find(part, '%D') and tonumber(part)
return limit and limit <= MAX_AMOUNT and limit or nil
end
local function readAccounts(further)
local reads = {}
for place = 1, #scopes do
reads[place] = redis.pcall('HMGET', KEYS[place], 'w', 'o', 'c', 's', 'pr', 'idle', unpack(further))
end
return reads
end
`;

const CLOSE = `local TOMBSTONE_MS, MAX_GIVEN_UP = 1500000, 16
local function withGivenUp(attempts)
if lists(attempts, attempt) then return attempts end
local all = split(attempts .. ',' .. attempt, ',')
return table.concat(all, ',', math.max(1, #all - MAX_GIVEN_UP + 1))
end
local function bury(line, ...)
redis.call('HDEL', KEYS[1], '-')
redis.call('SET', recordKey, line, ...)
end
local function replace(account, known, committedBefore, settledBefore, actual)
for _, window in ipairs(account.windows) do
if known.start >= window.base then
add(window.committed, actual, 1)
add(window.committed, committedBefore, -1)
add(window.settled, actual, 1)
add(window.settled, settledBefore, -1)
end
end
end
local function book(account, known, actual)
account.keepsList = true
local first = known.closed
if first then
replace(account, known, first.actual, first.actual, actual)
if first.source ~= '-' then
changeHistory(account, known.start, takeRow, historyRow(first.row, first.source, first.actual, first.kinds))
end
elseif known.minute < account.swept then
replace(account, known, known.held, known.held, actual)
changeHistory(account, known.minute * MINUTE, takeRow, historyRow('~', 'e', known.held, '-'))
else
replace(account, known, known.held, { 0, 0, 0 }, actual)
takeHold(account, known.minute, known.start, known.held)
end
if source ~= '-' then changeHistory(account, known.start, addRow, historyRow(row, source, actual, kinds)) end
end
local function actualOf(known)
if source == '-' then return { 0, 0, 0 } end
local closed = known.closed
local counted = closed and closed.source ~= '-' and closed.actual or known.held
local amounts = actualText == '-' and known.held or triple(actualText, 'ARGV', 'actual')
return { amounts[1], amounts[2], counted[3] }
end
local function closing(actual)
return { actual = actual, source = source, hash = argumentsHash, verdict = '0', crossings = '-', row = '-', kinds = '-' }
end
local function refuseClosed(known, accounts, at)
local isForeign = attempt ~= '-' and (known.shared or known.attempt ~= attempt)
local closed = known.closed
if not closed then
if not isForeign then return end
known.givenUp = withGivenUp(known.givenUp)
bury(recordText(known), 'KEEPTTL')
refuse('DONE', at, closingDetails(known, closing({ 0, 0, 0 })), accounts)
end
local details = closingDetails(known, closed)
if closed.source == source and closed.hash == argumentsHash then refuse('REPLAY', at, details, accounts) end
local isCorrection = source == 'r' and closed.source ~= 'r'
if not isCorrection or isForeign then refuse('DONE', at, details, accounts) end
end
return run(function()
local at = nowMs * 1000
local known = openRecord(recordLine)
local opened = openAccounts(reads, further)
if not known or known.kind == 'gone' then
local attempts = known and known.attempts or ''
if attempt ~= '-' then bury('gone ' .. withGivenUp(attempts), 'PX', text(TOMBSTONE_MS)) end
return applied('UNKNOWN', at, {}, opened)
end
local isSameChain = known.kind == 'hold' and string.gsub(known.chain, '~', '') == chainText
if not isSameChain then refuse('CONFLICT', at, {}, opened) end
refuseClosed(known, opened, at)
local accounts, marked = {}, split(known.chain, ',')
for place, account in ipairs(opened) do
local isForgettable = string.sub(marked[place], -1) == '~'
if not account and not isForgettable then refuse('LOST', at, { text(place - 1) }, opened) end
local isSame = account and known.start >= account.born and (account.idle or not isForgettable)
if isSame then accounts[#accounts + 1] = account end
end
local actual = actualOf(known)
refuseFull(accounts, actual, at)
local verdict = '0'
for _, account in ipairs(accounts) do
book(account, known, actual)
if isOverrun(account, known.start) then verdict = '1' end
end
local closed = closing(actual)
closed.verdict, closed.crossings = verdict, markCrossings(accounts, known.start, at, thresholds)
if source == 'e' then closed.row, closed.kinds = row, kinds end
known.closed = closed
writeAccounts(accounts, { isSpent = true })
writeRecord(recordText(known), timeToLive(known.minute, nowMs))
deleteDropped(accounts)
return applied('OK', at, closingDetails(known, closed), opened)
end)
`;

const HISTORY = `local function parseKinds(line)
local kinds = {}
if line ~= '-' then
for count in string.gmatch(line, '%-?%d+') do kinds[#kinds + 1] = tonumber(count) end
end
return kinds
end
local function kindsText(kinds)
local last = #kinds
while last > 0 and kinds[last] == 0 do last = last - 1 end
if last == 0 then return '-' end
local parts = {}
for place = 1, last do parts[place] = text(kinds[place]) end
return table.concat(parts, ',')
end
local function historyField(at, last)
local day = math.floor(at / DAY)
if day >= math.floor(last / DAY) - HOURLY_DAYS then return 'H:' .. text(math.floor(at / HOUR)) end
return 'D:' .. text(day)
end
local function parseHistory(line, key, field)
local rows, position = {}, 1
if not line then return rows end
for first, name, source, calls, usd, tokens, kinds, after in
string.gmatch(line, '()(%S+) ([re]) (%-?%d+) (%-?%d+) (%-?%d+) (%S+);()')
do
if first ~= position or not isKinds(kinds) then malformed(key, field) end
position = after
rows[#rows + 1] = {
name = name,
source = source,
counts = { tonumber(usd), tonumber(tokens), tonumber(calls) },
kinds = parseKinds(kinds),
}
end
if position == 1 or position ~= #line + 1 then malformed(key, field) end
return rows
end
local function historyText(rows)
local parts = {}
for place, row in ipairs(rows) do
local counts = row.counts
parts[place] = row.name .. ' ' .. row.source .. ' ' .. text(counts[3]) .. ' ' .. text(counts[1]) .. ' '
.. text(counts[2]) .. ' ' .. kindsText(row.kinds) .. ';'
end
return table.concat(parts)
end
local function accumulate(row, change, factor)
add(row.counts, change.counts, factor)
for place, count in ipairs(change.kinds) do row.kinds[place] = (row.kinds[place] or 0) + factor * count end
end
local function findRow(rows, name, source)
for _, row in ipairs(rows) do
if row.name == name and row.source == source then return row end
end
end
local function nameInUse(rows, name)
if name == '~' or name == '*' then return name end
local seen, models = {}, 0
for _, row in ipairs(rows) do
if row.name ~= '~' and row.name ~= '*' and not seen[row.name] then
seen[row.name] = true
models = models + 1
end
end
return (seen[name] or models < MAX_MODELS) and name or '*'
end
local function addRow(rows, added)
local name = nameInUse(rows, added.name)
local row = findRow(rows, name, added.source)
if row then
accumulate(row, added, 1)
else
rows[#rows + 1] = { name = name, source = added.source, counts = added.counts, kinds = added.kinds }
end
end
local function takeRow(rows, taken)
local row = findRow(rows, taken.name, taken.source) or findRow(rows, '*', taken.source)
if row then accumulate(row, taken, -1) end
end
local function historyRow(name, source, amounts, kinds)
return { name = name, source = source, counts = { amounts[1], amounts[2], amounts[3] }, kinds = parseKinds(kinds) }
end
local function changeHistory(account, at, change, row)
local field = historyField(at, account.last)
local rows = parseHistory(getField(account, field), account.key, field)
change(rows, row)
if #rows > 0 then setField(account, field, historyText(rows)) end
end
local function readFields(account, fields)
for first = 1, #fields, 1000 do
local chunk = {}
for place = first, math.min(first + 999, #fields) do chunk[#chunk + 1] = fields[place] end
local values = redis.call('HMGET', account.key, unpack(chunk))
for place, field in ipairs(chunk) do
if account.fields[field] == nil then account.fields[field] = values[place] end
end
end
end
local function foldHistory(account, at)
local lastDay, day = math.floor(account.last / DAY), math.floor(at / DAY)
if lastDay == day then return end
for folded = lastDay - HOURLY_DAYS, math.min(day - HOURLY_DAYS - 1, lastDay + EXPIRY_DAYS) do
local hours = {}
for hour = folded * 24, folded * 24 + 23 do hours[#hours + 1] = 'H:' .. text(hour) end
readFields(account, hours)
local rows, isFound = nil, false
local dayField = 'D:' .. text(folded)
for _, field in ipairs(hours) do
if account.fields[field] then
rows = rows or parseHistory(getField(account, dayField), account.key, dayField)
for _, row in ipairs(parseHistory(account.fields[field], account.key, field)) do addRow(rows, row) end
setField(account, field, false)
isFound = true
end
end
if isFound then setField(account, dayField, historyText(rows)) end
end
local forgotten = {}
for old = lastDay - DAILY_DAYS, math.min(day - DAILY_DAYS - 1, lastDay + EXPIRY_DAYS) do
forgotten[#forgotten + 1] = 'D:' .. text(old)
end
if #forgotten > 0 then readFields(account, forgotten) end
for _, field in ipairs(forgotten) do setField(account, field, false) end
end
`;

const JUDGE = `local function limitInForce(window, place)
local stored = window.stored and limits(window.stored)[place]
return stored or limits(window.limits)[place]
end
local function refuses(account, requested)
for _, window in ipairs(account.windows) do
for metric = 1, 3 do
local limit = limitInForce(window, metric)
if limit and window.committed[metric] + (requested[metric] or 1) > limit then return true end
end
end
return false
end
local function isAnyLimited(accounts)
for _, account in ipairs(accounts) do
for _, window in ipairs(account.windows) do
for metric = 1, 3 do
if limitInForce(window, metric) then return true end
end
end
end
return false
end
local function isOverrun(account, start)
for _, window in ipairs(account.windows) do
for metric = 1, 3 do
local limit = start >= window.base and limitInForce(window, metric)
if limit and window.settled[metric] > limit then return true end
end
end
return false
end
local function refuseFull(accounts, added, at)
for _, account in ipairs(accounts) do
for _, window in ipairs(account.windows) do
for metric = 1, 3 do
if window.committed[metric] + added[metric] > MAX_AMOUNT then refuse('FULL', at, { text(account.place - 1) }) end
end
end
end
end
local function markCrossings(accounts, start, at, thresholds)
local crossings = {}
if thresholds == '-' then return '-' end
local millionths = split(thresholds, ',')
for _, account in ipairs(accounts) do
for _, window in ipairs(account.windows) do
for limitPlace = 1, 6 do
local metric = (limitPlace - 1) % 3 + 1
local counts = start >= window.base and not hasEnded(window, at)
local limit = counts and limitInForce(window, limitPlace)
local letter = limitPlace <= 3 and METRICS[metric] or string.upper(METRICS[metric])
for _, threshold in ipairs(limit and millionths or {}) do
local mark = letter .. threshold
local isReached = window.settled[metric] * 1000000 >= limit * tonumber(threshold)
if isReached and not lists(window.fired, mark) then
window.fired = window.fired == '-' and mark or window.fired .. ',' .. mark
crossings[#crossings + 1] = table.concat(
{ text(account.place - 1), window.name, letter, threshold, text(window.base) }, ':')
end
end
end
end
end
return #crossings > 0 and table.concat(crossings, ',') or '-'
end
`;

const PREPARE = `local function isInside(window, at) return window.start * SECOND <= at and at < window.stop * SECOND end
local function named(windows, name)
for _, window in ipairs(windows) do
if window.name == name then return window end
end
end
local function isDropped(window, list)
return window.omitted and window.unsent and not window.stored and not (list and named(list, window.name))
end
local function clear(window, at)
window.committed, window.settled, window.fired, window.base = { 0, 0, 0 }, { 0, 0, 0 }, '-', at
end
local function newWindow(entry, at)
local window = newEntry(entry.name, entry.start, entry.stop, entry.limits)
clear(window, at)
return window
end
local function copyWith(window, changes)
local copy = {}
for name, value in pairs(window) do copy[name] = value end
for name, value in pairs(changes) do copy[name] = value end
return copy
end
local function takeOver(account, list, rolled, at)
local windows = {}
for place, entry in ipairs(list) do
local window = named(account.windows, entry.name) or newWindow(entry, at)
windows[place] = copyWith(window, { limits = entry.limits, omitted = false, unsent = false })
end
local omittedNow = {}
for _, window in ipairs(account.windows) do
if not named(list, window.name) then
if window.omitted then
windows[#windows + 1] = window
else
omittedNow[#omittedNow + 1] =
copyWith(window, { limits = '-,-,-', omitted = true, unsent = rolled[window.name] or false })
end
end
end
for _, window in ipairs(omittedNow) do windows[#windows + 1] = window end
account.windows = windows
end
local function isSteady(account, sent, at)
if account.isNew or account.swept < math.floor(at / MINUTE) then return false end
if sent.list and sent.listText ~= account.stored.w then return false end
for _, window in ipairs(account.windows) do
if hasEnded(window, at) then return false end
end
return math.floor(account.last / DAY) == math.floor(at / DAY)
end
local function bringUpToDate(account, sent, at)
if isSteady(account, sent, at) then
account.isSteady, account.last = true, at
return
end
sweep(account, math.floor(at / MINUTE))
foldHistory(account, at)
local windows, rolled = {}, {}
for _, window in ipairs(account.windows) do
if not hasEnded(window, at) then
windows[#windows + 1] = window
elseif not isDropped(window, sent.list) then
local bounds = named(sent.all, window.name)
window.start, window.stop, window.unsent = bounds.start, bounds.stop, true
clear(window, at)
rolled[window.name] = true
windows[#windows + 1] = window
end
end
account.windows = windows
if sent.list then
takeOver(account, sent.list, rolled, at)
elseif account.isNew then
local month = named(sent.all, 'month')
if month then account.windows = { newWindow(month, at) } end
end
account.last = at
end
local function sentWindows(accounts, first)
local sent = {}
for place = 1, #scopes do
local list, bounds = ARGV[first + 3 * place - 3], ARGV[first + 3 * place - 2]
local entry = { listText = list, all = {} }
if list ~= '-' then
entry.list = list == accounts[place].stored.w and accounts[place].listed or parseList(list, 'ARGV', 'list')
end
for _, window in ipairs(entry.list or {}) do entry.all[#entry.all + 1] = window end
if bounds ~= '-' then
for _, window in ipairs(parseList(bounds, 'ARGV', 'bounds')) do entry.all[#entry.all + 1] = window end
end
sent[place] = entry
end
return sent
end
local function isPaused(account) return account.flags % 2 == PAUSED end
local LOST_REASON = 'this account was lost with its stored limits: check them, then resume'
local function prepare(accounts, at, options)
at = timeOf(accounts, at)
for place = 1, #scopes do
local idle = ARGV[options.firstList + 3 * place - 1]
if not accounts[place] then
local isIndexed = idle == '-'
if isIndexed and not options.indexKey then refuse('INIT', at) end
local isLost = isIndexed and standsInIndex(options.indexKey, scopes[place])
if isLost and not options.recreateLost then refuse('LOST', at, { text(place - 1) }) end
accounts[place] = {
key = KEYS[place],
place = place,
isNew = true,
stored = {},
fields = {},
changed = {},
windows = {},
last = at,
swept = math.floor(at / MINUTE),
flags = isLost and PAUSED or 0,
reason = isLost and LOST_REASON,
idle = not isIndexed and idle,
born = isIndexed and 0 or at,
}
end
end
for place, account in ipairs(accounts) do
if options.refusePaused and isPaused(account) then refuse('PAUSED', at, { text(place - 1) }, accounts) end
end
local sent = sentWindows(accounts, options.firstList)
for place = 1, #scopes do
for _, window in ipairs(sent[place].all) do
if not isInside(window, at) then refuse('TIME', at, {}, accounts) end
end
end
for place, account in ipairs(accounts) do
for _, window in ipairs(account.windows) do
local isNeeded = hasEnded(window, at) and not isDropped(window, sent[place].list)
if isNeeded and not named(sent[place].all, window.name) then refuse('WINDOWS', at, {}, accounts) end
end
end
for place, account in ipairs(accounts) do
bringUpToDate(account, sent[place], at)
local idle = ARGV[options.firstList + 3 * place - 1]
account.isUsed = true
if account.idle and idle ~= '-' then account.idle = idle end
end
return at
end
`;

const READ = `local firstHour, lastHour = tonumber(ARGV[5]), tonumber(ARGV[6])
local function historyOf(account)
local lastDay = math.floor(account.last / DAY)
local fields, details = {}, {}
local lastKeptHour = (lastDay + EXPIRY_DAYS + 1) * 24 - 1
for hour = math.max(firstHour, (lastDay - HOURLY_DAYS) * 24), math.min(lastHour, lastKeptHour) do
fields[#fields + 1] = 'H:' .. text(hour)
end
local lastFoldedDay = math.min(math.floor(lastHour / 24), lastDay - HOURLY_DAYS - 1)
for day = math.max(math.floor(firstHour / 24), lastDay - DAILY_DAYS), lastFoldedDay do
fields[#fields + 1] = 'D:' .. text(day)
end
if #fields > 0 then readFields(account, fields) end
for _, field in ipairs(fields) do
if account.fields[field] then details[#details + 1], details[#details + 2] = field, account.fields[field] end
end
return details
end
return run(function()
local at = told(readTime())
local accounts = openAccounts(readAccounts({}), {})
local indexKey = KEYS[#scopes + 1]
for place = 1, #scopes do
local account = accounts[place]
if not account and ARGV[6 + place] == '-' then
if not indexKey then refuse('INIT', at) end
if standsInIndex(indexKey, scopes[place]) then refuse('LOST', at, { text(place - 1) }) end
elseif account then
local stop = math.min(math.floor(at / MINUTE), math.floor(account.last / MINUTE) + MAX_HOLD_MINUTES + 2)
local fields = {}
for minute = account.swept, stop - 1 do fields[#fields + 1] = 'x:' .. text(minute) end
if #fields > 0 then readFields(account, fields) end
account.due = {}
for index, field in ipairs(fields) do
if account.fields[field] then
account.due[#account.due + 1] = text(account.swept + index - 1)
account.due[#account.due + 1] = account.fields[field]
end
end
end
end
local details = firstHour and accounts[1] and historyOf(accounts[1])
return applied('OK', at, details or {}, accounts)
end)
`;

const RECORD = `local kind, source, closeHash, row, kinds, thresholds = ARGV[5], ARGV[6], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local actual = triple(ARGV[7], 'ARGV', 'actual')
local function answerAgain(known, accounts, at)
at = timeOf(accounts, at)
local isSame = known.kind == 'record' and known.hash == argumentsHash and kind == 'record'
if not isSame or not known.closed then refuse('CONFLICT', at, {}, accounts) end
refuse('REPLAY', at, closingDetails(known, known.closed), accounts)
end
local function verdictOf(accounts, at)
for place, account in ipairs(accounts) do
if isPaused(account) then return 'p' .. place - 1 end
end
for _, account in ipairs(accounts) do
if isOverrun(account, at) then return '1' end
end
return '0'
end
return run(function()
local at = told(readTime())
local known = openRecord(redis.pcall('GET', recordKey))
local further = { 'H:' .. text(math.floor(at / HOUR)) }
local accounts = openAccounts(readAccounts(further), further)
if known and not (kind == 'hold' and known.kind == 'gone') then answerAgain(known, accounts, at) end
local indexKey = KEYS[#scopes + 2]
at = prepare(accounts, at, { firstList = 12, indexKey = indexKey })
refuseFull(accounts, actual, at)
for _, account in ipairs(accounts) do
account.keepsList = account.isSteady
for _, window in ipairs(account.windows) do
add(window.committed, actual, 1)
add(window.settled, actual, 1)
end
changeHistory(account, at, addRow, historyRow(row, source, actual, kinds))
end
local closed = {
actual = actual, source = source, hash = closeHash, verdict = verdictOf(accounts, at),
crossings = markCrossings(accounts, at, at, thresholds),
row = source == 'e' and row or '-', kinds = source == 'e' and kinds or '-',
}
local record = {
kind = kind, hash = argumentsHash, attempt = '-', givenUp = '', shared = false, start = at,
minute = math.floor(at / MINUTE), held = { 0, 0, 0 }, chain = markedChain(accounts), closed = closed,
}
writeAccounts(accounts, { indexKey = indexKey, isSpent = true })
writeRecord(recordText(record), retentionMs)
deleteDropped(accounts)
return applied('OK', at, closingDetails(record, closed), accounts)
end)
`;

const RESERVE = `local requested = { tonumber(ARGV[6]) or false, tonumber(ARGV[7]) or false, tonumber(ARGV[8]) }
local held = { requested[1] or 0, requested[2] or 0, requested[3] }
local function givenUpOf(known) return known and (known.attempts or known.givenUp) or '' end
local function answerAgain(known, accounts, at)
at = timeOf(accounts, at)
if lists(givenUpOf(known), attempt) then refuse('GONE', at, {}, accounts) end
if known.kind ~= 'hold' or known.hash ~= argumentsHash then refuse('CONFLICT', at, {}, accounts) end
if known.closed then refuse('CLOSED', at, closingDetails(known, known.closed), accounts) end
if math.floor(at / MINUTE) > known.minute then refuse('EXPIRED', at, holdDetails(known), accounts) end
if not known.shared and known.attempt ~= attempt then
known.shared = true
writeRecord(recordText(known), timeToLive(known.minute, math.floor(at / 1000)))
end
return applied('REPLAY', at, holdDetails(known), accounts)
end
return run(function()
local at = told(time)
local known = openRecord(recordLine)
local accounts = openAccounts(reads, { wheelField })
local isOthersTombstone = known and known.kind == 'gone' and not lists(known.attempts, attempt)
if known and not isOthersTombstone then return answerAgain(known, accounts, at) end
local indexKey = KEYS[#scopes + 2]
at = prepare(accounts, at, { firstList = 11, indexKey = indexKey, refusePaused = true })
if requiresLimit and not isAnyLimited(accounts) then refuse('UNLIMITED', at, {}, accounts) end
for _, account in ipairs(accounts) do
if refuses(account, requested) then refuse('DENIED', at, {}, accounts) end
end
refuseFull(accounts, held, at)
local minute = math.floor((at + expiresIn) / MINUTE)
for _, account in ipairs(accounts) do
account.keepsList, account.keepsSettled = account.isSteady, account.isSteady
for _, window in ipairs(account.windows) do add(window.committed, held, 1) end
addHold(account, minute, at, { held[1], held[2], held[3] })
end
local record = {
kind = 'hold', hash = argumentsHash, attempt = attempt, givenUp = givenUpOf(known), shared = false,
start = at, minute = minute, held = held, chain = markedChain(accounts),
}
writeAccounts(accounts, { indexKey = indexKey })
writeRecord(recordText(record), timeToLive(minute, math.floor(at / 1000)))
deleteDropped(accounts)
return applied('OK', at, holdDetails(record), accounts)
end)
`;

const STEADY_BOOKING = `local function addKinds(kinds, added)
if added == '-' then return kinds end
if kinds == '-' then return added end
local sums, place, last = {}, 0, 0
for count in string.gmatch(kinds, '%-?%d+') do sums[#sums + 1] = tonumber(count) end
for count in string.gmatch(added, '%-?%d+') do
place = place + 1
sums[place] = (sums[place] or 0) + count
end
for index, sum in ipairs(sums) do
if sum ~= 0 then last = index end
sums[index] = text(sum)
end
return last == 0 and '-' or table.concat(sums, ',', 1, last)
end
local function addToHistory(line, row, source, actual, kinds)
local name = row .. ' ' .. source .. ' '
if not line then return name .. string.format('%.0f %.0f %.0f %s;', actual[3], actual[1], actual[2], kinds) end
local rows = string.gsub(line, '%S+ [re] %-?%d+ %-?%d+ %-?%d+ [%d,-]+;', '')
if rows ~= '' then return end
local first, last = 1, #name
if string.sub(line, 1, last) ~= name then
first, last = string.find(line, ';' .. name, 1, true)
if not first then return end
end
local calls, usd, tokens, before, rest = string.match(line, '^(%d+) (%d+) (%d+) ([%d,-]+);()', last + 1)
if not rest then return end
calls, usd, tokens = calls + actual[3], usd + actual[1], tokens + actual[2]
if calls > MAX_AMOUNT or usd > MAX_AMOUNT or tokens > MAX_AMOUNT then return end
local sums = string.format('%.0f %.0f %.0f %s;', calls, usd, tokens, addKinds(before, kinds))
return string.sub(line, 1, last) .. sums .. string.sub(line, rest)
end
local function leastThreshold(thresholds)
local least
for threshold in string.gmatch(thresholds, '%d+') do
if not least or tonumber(threshold) < least then least = tonumber(threshold) end
end
return least
end
local function bookSteadily(read, after, call)
local w, c, s = read[1], read[3], read[4]
local actual, held, least = call.actual, call.held, call.leastThreshold
local committed, settled, place, base, isOver = {}, {}, 1, 1, false
while place <= #w do
local opens, stop, partU, partT, partR, nextPlace =
string.match(w, '^%S+ (%d+) (%d+) ([%d-]+),([%d-]+),([%d-]+);()', place)
local u, t, r, nextAfter = string.match(c, '^(%d+),(%d+),(%d+);()', after)
local began, fired, su, st, sr, nextBase =
string.match(s, '^(%d+) (%S+) (%d+),(%d+),(%d+) %- %- %-;()', base)
if not nextPlace or not nextAfter or not nextBase then return end
local limitU, limitT, limitR = limitOf(partU), limitOf(partT), limitOf(partR)
if not limitU or not limitT or not limitR then return end
u, t, r, su, st, sr = tonumber(u), tonumber(t), tonumber(r), tonumber(su), tonumber(st), tonumber(sr)
if su > u or st > t or sr > r then return end
if u + actual[1] > MAX_AMOUNT or t + actual[2] > MAX_AMOUNT or r + actual[3] > MAX_AMOUNT then return end
if tonumber(began) > MAX_AMOUNT or tonumber(opens) > MAX_AMOUNT or tonumber(stop) > MAX_AMOUNT then return end
if call.start >= tonumber(began) then
u, t, r = u + actual[1] - held[1], t + actual[2] - held[2], r + actual[3] - held[3]
su, st, sr = su + actual[1], st + actual[2], sr + actual[3]
if least then
if su * 1000000 >= limitU * least or st * 1000000 >= limitT * least then return end
if sr * 1000000 >= limitR * least then return end
end
if su > limitU or st > limitT or sr > limitR then isOver = true end
end
committed[#committed + 1] = string.format('%.0f,%.0f,%.0f;', u, t, r)
settled[#settled + 1] = string.format('%s %s %.0f,%.0f,%.0f - - -;', began, fired, su, st, sr)
place, after, base = nextPlace, nextAfter, nextBase
end
if after <= #c or base <= #s then return end
return table.concat(committed), table.concat(settled), isOver
end
`;

const STEADY_CLOSE = `local nowMs, source, actualText, row, kinds, thresholds, attempt =
tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local recordLine = redis.pcall('GET', recordKey)
local holdStart, holdMinute
if type(recordLine) == 'string' then
holdStart, holdMinute = string.match(recordLine, '^hold %S+ %S+ [01] (%d+) (%d+) ')
end
local further = holdStart and { 'x:' .. holdMinute, 'H:' .. text(math.floor(holdStart / HOUR)) } or {}
local reads = readAccounts(further)
local function takeSteadily(wheel, start, held)
local began, u, t, r = string.match(wheel or '', '^(%d+) (%d+),(%d+),(%d+);$')
if not began or tonumber(began) > start then return end
return string.format('%s %.0f,%.0f,%.0f;', began, u - held[1], t - held[2], r - held[3])
end
local function amountsOf(line)
local u, t, r = string.match(line, '^(%d+),(%d+),(%d+)$')
return u and { tonumber(u), tonumber(t), tonumber(r) }
end
local function closeSteadily(read, call)
local c = read[3]
if not read[1] or read[2] or not c or not read[4] or read[6] then return end
local last, swept, after = string.match(c, '^1 (%d+) (%d+) 0;()')
if not last or call.minute < tonumber(swept) or last - call.start > 10 * DAY then return end
local committed, settled, isOver = bookSteadily(read, after, call)
local wheel = takeSteadily(read[7], call.start, call.held)
if not committed or not wheel then return end
local fields = { 'c', string.sub(c, 1, after - 1) .. committed, further[1], wheel }
if source == '-' then return fields, settled, isOver end
local history = addToHistory(read[8], row, source, call.actual, kinds)
if not history then return end
fields[5], fields[6], fields[7], fields[8] = 's', settled, further[2], history
return fields, settled, isOver
end
local function closeAllSteadily()
if not holdStart or attempt ~= '-' then return end
local heldText, chain = string.match(recordLine, '^hold %S+ %S+ [01] %d+ %d+ (%S+) (%S+)$')
local held = heldText and amountsOf(heldText)
if not held or chain ~= chainText then return end
local actual = actualText == '-' and held or amountsOf(actualText)
if not actual then return end
actual = source == '-' and { 0, 0, 0 } or { actual[1], actual[2], held[3] }
local call = {
start = tonumber(holdStart), minute = tonumber(holdMinute), held = held, actual = actual,
leastThreshold = leastThreshold(thresholds),
}
local fields, settled, verdict = {}, {}, '0'
for place, read in ipairs(reads) do
local isOver
fields[place], settled[place], isOver = closeSteadily(read, call)
if not fields[place] then return end
if isOver then verdict = '1' end
end
local actualLine = string.format('%.0f,%.0f,%.0f', actual[1], actual[2], actual[3])
local answer = {
'agl1', '=OK', '=' .. text(nowMs * 1000), '=6', '=' .. holdStart, '=' .. holdMinute, '=' .. actualLine,
'=' .. source, '=' .. verdict, '=-',
}
for place, read in ipairs(reads) do
local result = redis.pcall('HSET', KEYS[place], unpack(fields[place]))
if type(result) == 'table' and result.err then return end
local size = #answer
answer[size + 1], answer[size + 2], answer[size + 3] = '=' .. read[1], '=', '=' .. fields[place][2]
answer[size + 4], answer[size + 5], answer[size + 6] = '=' .. settled[place], '=' .. (read[5] or ''), '=0'
end
answer[#answer + 1] = 'end'
local closing = source == 'e' and row .. ' ' .. kinds or '- -'
local record = table.concat({ recordLine, actualLine, source, argumentsHash, verdict, '-', closing }, ' ')
redis.call('SET', recordKey, record, 'PX', text(timeToLive(call.minute, nowMs)))
return answer
end
local steadyAnswer = closeAllSteadily()
if steadyAnswer then return steadyAnswer end
`;

const STEADY_RESERVE = `local attempt, expiresIn, requiresLimit = ARGV[5], tonumber(ARGV[9]), ARGV[10] == '1'
local time, recordLine = readTime(), redis.pcall('GET', recordKey)
local wheelField = 'x:' .. text(math.floor(((time or 0) + expiresIn) / MINUTE))
local reads = readAccounts({ wheelField })
local function isInsideAll(bounds, at)
for start, stop in string.gmatch(bounds, ' (%d+) (%d+) ') do
if at < start * SECOND or at >= stop * SECOND then return false end
end
return true
end
local function holdSteadily(read, at, call)
local asked, held, isSent = call.asked, call.held, call.isSent
local w, c, s = read[1], read[3], read[4]
local last, swept, after = string.match(c, '^1 (%d+) (%d+) 0;()')
if math.floor(last / DAY) ~= math.floor(at / DAY) or tonumber(swept) < math.floor(at / MINUTE) then return end
local committed = { '1 ' .. text(at) .. ' ' .. swept .. ' 0' }
local place, base, newestBase, isLimited = 1, 1, 0, false
while place <= #w do
local start, stop, partU, partT, partR, soft, nextPlace =
string.match(w, '^%S+ (%d+) (%d+) ([%d-]+),([%d-]+),([%d-]+)([^;]*);()', place)
local u, t, r, nextAfter = string.match(c, '^(%d+),(%d+),(%d+);()', after)
local began, settledU, settledT, settledR, nextBase =
string.match(s, '^(%d+) %S+ (%d+),(%d+),(%d+) %- %- %-;()', base)
if not nextPlace or not nextAfter or not nextBase or (soft ~= '' and not isSent) then return end
local limitU, limitT, limitR = limitOf(partU), limitOf(partT), limitOf(partR)
if not limitU or not limitT or not limitR then return end
u, t, r, began = tonumber(u), tonumber(t), tonumber(r), tonumber(began)
local isCovered = tonumber(settledU) <= u and tonumber(settledT) <= t and tonumber(settledR) <= r
local isOpen = at >= start * SECOND and at < stop * SECOND
if not isOpen or not isCovered or began > at then return end
if u + asked[1] > limitU or t + asked[2] > limitT or r + asked[3] > limitR then return end
u, t, r = u + held[1], t + held[2], r + held[3]
if u > MAX_AMOUNT or t > MAX_AMOUNT or r > MAX_AMOUNT then return end
isLimited = isLimited or math.min(limitU, limitT, limitR) < math.huge
if began > newestBase then newestBase = began end
committed[#committed + 1] = string.format('%.0f,%.0f,%.0f', u, t, r)
place, after, base = nextPlace, nextAfter, nextBase
end
if after <= #c or base <= #s then return end
committed[#committed + 1] = ''
local start, u, t, r = text(at), 0, 0, 0
if read[7] then
start, u, t, r = string.match(read[7], '^(%d+) (%d+),(%d+),(%d+);$')
if not start or tonumber(start) < newestBase then return end
end
local wheel = string.format('%s %.0f,%.0f,%.0f;', start, u + held[1], t + held[2], r + held[3])
return table.concat(committed, ';'), wheel, isLimited
end
local function reserveSteadily()
if not time or recordLine then return end
local at, isLimited, written = time, not requiresLimit, {}
for place, read in ipairs(reads) do
local w, c, list = read[1], read[3], ARGV[8 + 3 * place]
if not w or read[2] or not c or not read[4] or read[6] or ARGV[10 + 3 * place] ~= '-' then return end
local last = string.match(c, '^1 (%d+) %d+ 0;')
if not last or (list ~= '-' and list ~= w) then return end
if tonumber(last) >= at then at = last + 1 end
end
local minute = math.floor((at + expiresIn) / MINUTE)
if wheelField ~= 'x:' .. text(minute) then return end
local held = { tonumber(ARGV[6]) or 0, tonumber(ARGV[7]) or 0, tonumber(ARGV[8]) }
local asked = { tonumber(ARGV[6]) or 1, tonumber(ARGV[7]) or 1, held[3] }
for place, read in ipairs(reads) do
if not isInsideAll(ARGV[9 + 3 * place], at) then return end
local isSent = ARGV[8 + 3 * place] ~= '-'
local c, wheel, hasLimit = holdSteadily(read, at, { asked = asked, held = held, isSent = isSent })
if not c then return end
isLimited = isLimited or hasLimit
written[place] = { c, wheel }
end
if not isLimited then return end
local start, heldText = text(at), string.format('%.0f,%.0f,%.0f', held[1], held[2], held[3])
local answer = { 'agl1', '=OK', '=' .. start, '=3', '=' .. start, '=' .. text(minute), '=' .. heldText }
for place, read in ipairs(reads) do
local c, wheel = written[place][1], written[place][2]
redis.call('HSET', KEYS[place], 'c', c, wheelField, wheel)
local size = #answer
answer[size + 1], answer[size + 2], answer[size + 3] = '=' .. read[1], '=', '=' .. c
answer[size + 4], answer[size + 5], answer[size + 6] = '=' .. read[4], '=' .. (read[5] or ''), '=0'
end
answer[#answer + 1] = 'end'
local record = table.concat({ 'hold', argumentsHash, attempt, '0', start, text(minute), heldText, chainText }, ' ')
redis.call('SET', recordKey, record, 'PX', text(timeToLive(minute, math.floor(at / 1000))))
return answer
end
local steadyAnswer = reserveSteadily()
if steadyAnswer then return steadyAnswer end
`;

const WHEEL = `local function parseSegments(line, key, field)
local segments, position = {}, 1
if not line then return segments end
for first, start, amounts, after in string.gmatch(line, '()(%d+) ([%d,]+);()') do
if first ~= position then malformed(key, field) end
position = after
segments[#segments + 1] = { start = integer(start, key, field), sum = triple(amounts, key, field) }
end
if position == 1 or position ~= #line + 1 then malformed(key, field) end
return segments
end
local function segmentsText(segments)
local parts = {}
for place, segment in ipairs(segments) do parts[place] = text(segment.start) .. ' ' .. tripleText(segment.sum) .. ';' end
return table.concat(parts)
end
local function addHold(account, minute, start, held)
local newestBase = 0
for _, window in ipairs(account.windows) do
if window.name ~= 'minute' and window.base > newestBase then newestBase = window.base end
end
local field = 'x:' .. text(minute)
local segments = parseSegments(getField(account, field), account.key, field)
local last = segments[#segments]
if last and last.start >= newestBase then
add(last.sum, held, 1)
else
segments[#segments + 1] = { start = start, sum = held }
end
setField(account, field, segmentsText(segments))
end
local function takeHold(account, minute, start, held)
local field = 'x:' .. text(minute)
local segments = parseSegments(getField(account, field), account.key, field)
for place = #segments, 1, -1 do
if segments[place].start <= start then
add(segments[place].sum, held, -1)
break
end
end
setField(account, field, #segments > 0 and segmentsText(segments) or false)
end
local function sweep(account, nowMinute)
local stop = math.min(nowMinute, math.floor(account.last / MINUTE) + MAX_HOLD_MINUTES + 2)
local due = {}
for minute = account.swept, stop - 1 do due[#due + 1] = 'x:' .. text(minute) end
if #due > 0 then readFields(account, due) end
local hours, charged = {}, {}
for place, field in ipairs(due) do
if account.fields[field] then
local hour = math.floor((account.swept + place - 1) / 60)
for _, segment in ipairs(parseSegments(account.fields[field], account.key, field)) do
for _, window in ipairs(account.windows) do
if segment.start >= window.base then add(window.settled, segment.sum, 1) end
end
local sum = segment.sum
if sum[1] + sum[2] + sum[3] > 0 then
if not charged[hour] then hours[#hours + 1], charged[hour] = hour, { 0, 0, 0 } end
add(charged[hour], sum, 1)
end
end
setField(account, field, false)
end
end
for _, hour in ipairs(hours) do
changeHistory(account, hour * HOUR, addRow, historyRow('~', 'e', charged[hour], '-'))
end
if nowMinute > account.swept then account.swept = nowMinute end
end
`;

export const SCRIPTS = {
  administer: script("administer", CALL + ACCOUNT + HISTORY + WHEEL + PREPARE + ANSWER + ADMINISTER, "c4c66284134b462ce51671199d380123f8b63d2a", "0021adfe2994973a315474a361796e73c0e28863"),
  close: script("close", CALL + STEADY_BOOKING + STEADY_CLOSE + ACCOUNT + HISTORY + WHEEL + JUDGE + ANSWER + CLOSE, "b0e3d7a1c9fa21729ab5a3742581db7acaa9100f", "6428e4c36fd6e2ef919f336cd51a04ff390148a0"),
  read: script("read", CALL + ACCOUNT + HISTORY + ANSWER + READ, "ea3604643aebc6e17e1d0343a5e02b7e9737f65c", "90805e84cc8e421b2aba3fbe528afdb44bb9990d"),
  record: script("record", CALL + ACCOUNT + HISTORY + WHEEL + PREPARE + JUDGE + ANSWER + RECORD, "3d647e319df4689ef78bf6da31dd1f33a0263c20", "18d9f424392c811611fcdc3e0710c9c61ca8520e"),
  reserve: script("reserve", CALL + STEADY_RESERVE + ACCOUNT + HISTORY + WHEEL + PREPARE + JUDGE + ANSWER + RESERVE, "10921cc3ee65b67dcc51902fad6ea3942985f323", "f4e9823e32e225692978317ce118062c5cc87985"),
} satisfies Record<string, RedisScript>;

function script(name: string, source: string, sha1: string, upstashSha1: string): RedisScript {
  return { name, source, sha1, upstashSource: "#!lua flags=allow-key-locking\n" + source, upstashSha1 };
}
