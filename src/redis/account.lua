-- One scope's account: opened, brought up to date, judged and written back. The twin of src/ledger/rules.
-- @include call.lua
local LAYOUT = 1
local HOURLY_DAYS, DAILY_DAYS, EXPIRY_DAYS, MAX_MODELS = 14, 400, 2, 16
local PAUSED, HAS_STORED_LIMITS = 1, 2
local METRICS = { 'u', 't', 'r' }

-- Ends the script from any depth with an answer; nothing has been written by then.
local function refuse(code, at, details, accounts)
  error({ answer = { code = code, at = at, details = details or {}, accounts = accounts or {} } })
end

local function malformed(key, field) refuse('MALFORMED', 0, { key, field }) end

-- A key of another type is malformed; whatever else the server says of a read is its own to tell.
local function refuseUnread(read, key)
  if string.find(read.err, 'WRONGTYPE', 1, true) then malformed(key, '(type)') end
  error(read)
end

-- Of digits alone: patterns see to that, since Lua would also read '0x10' and '1e3'.
local function integer(digits, key, field)
  local number = tonumber(digits)
  if number > MAX_AMOUNT then malformed(key, field) end
  return number
end

-- The time of an operation whose server tells it; else its caller has to.
local function told(time) return time or refuse('CLOCK', 0) end

local function split(line, separator)
  local parts = {}
  for part in string.gmatch(line, '[^' .. separator .. ']+') do parts[#parts + 1] = part end
  return parts
end

-- Whether an entry stands in a list that is parted by ','.
local function lists(line, entry) return string.find(',' .. line .. ',', ',' .. entry .. ',', 1, true) ~= nil end

-- Amounts are triples { nano-USD, tokens, requests }.
local function triple(line, key, field)
  local usd, tokens, requests = string.match(line, '^(%d+),(%d+),(%d+)$')
  if not usd then malformed(key, field) end
  return { integer(usd, key, field), integer(tokens, key, field), integer(requests, key, field) }
end

local function tripleText(amounts) return string.format('%.0f,%.0f,%.0f', amounts[1], amounts[2], amounts[3]) end

local function add(amounts, added, factor)
  for metric = 1, 3 do amounts[metric] = amounts[metric] + factor * added[metric] end
end

-- Limits `a,b,c` or `a,b,c/d,e,f`: places 1 to 3 deny, 4 to 6 only alert; false is no limit.
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

-- A window before its counters are known. All fields at once: a table that grows later is built again.
local function newEntry(name, start, stop, pair)
  return {
    name = name, start = start, stop = stop, limits = pair, omitted = false, unsent = false,
    base = 0, fired = '-', stored = false, settled = false, committed = false,
  }
end

-- Whether a window is over: its end belongs to the next one.
local function hasEnded(window, at) return at >= window.stop * SECOND end

-- A list `name start end limits;…` as callers send it and `w` records it.
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

-- Reads `c` into the account and its windows: the clock, what is swept, flags, and what is committed.
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

-- Reads `s` into the windows: base, thresholds that fired, what is settled, stored limits.
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

-- Opens the account at a place of the chain from what was read of it. Nil when it does not exist.
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

-- A wheel minute or a history field: read once, changed in memory, written at the end.
local function getField(account, field)
  if account.fields[field] == nil then account.fields[field] = redis.call('HGET', account.key, field) end
  return account.fields[field]
end

local function setField(account, field, value)
  if account.fields[field] == value then return end
  account.fields[field] = value
  account.changed[field] = true
end

-- Token kinds: '-', or whole numbers parted by ','.
local function isKinds(line) return line == '-' or string.gsub(line .. ',', '%-?%d+,', '') == '' end

-- Whether the index lists a scope.
local function standsInIndex(indexKey, scope)
  local found = redis.pcall('HEXISTS', indexKey, scope)
  if type(found) == 'table' then refuseUnread(found, indexKey) end
  return found == 1
end

-- line: what stands under the operation's id.
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

-- The time of an operation: never behind an account's own clock.
local function timeOf(accounts, at)
  for place = 1, #scopes do
    local account = accounts[place]
    if account and account.last + 1 > at then at = account.last + 1 end
  end
  return at
end

-- The chain as a record keeps it: with a `~` after scopes whose accounts go when they are idle.
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

-- The fields `w`, `o`, `c`, `s`, `pr`, `idle` as the account stands. An operation that leaves the windows alone says so by
-- `keepsList`, one that leaves what is settled alone by `keepsSettled`: those texts are then the stored ones.
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
