-- The usual settle and release, straight through: a live hold that nobody has swept, no limit stored, no threshold
-- reached. As in steady_reserve.lua, all else goes the long way.
-- @include steady_booking.lua
--   ARGV[5]        milliseconds of the caller's guess of the server's clock: for the record's time to live, nothing else
--   ARGV[6]        source: r reported, e estimated, - released
--   ARGV[7]        actual amounts, '-': those of the hold
--   ARGV[8]        history row
--   ARGV[9]        token kinds
--   ARGV[10]       alert thresholds in millionths, '-' for none
--   ARGV[11]       attempt that alone may be freed, '-' for any
local nowMs, source, actualText, row, kinds, thresholds, attempt =
  tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local recordLine = redis.pcall('GET', recordKey)
local holdStart, holdMinute
if type(recordLine) == 'string' then
  holdStart, holdMinute = string.match(recordLine, '^hold %S+ %S+ [01] (%d+) (%d+) ')
end
local further = holdStart and { 'x:' .. holdMinute, 'H:' .. text(math.floor(holdStart / HOUR)) } or {}
local reads = readAccounts(further)

-- The wheel minute without the hold; nil unless it has one segment, from before the hold.
local function takeSteadily(wheel, start, held)
  local began, u, t, r = string.match(wheel or '', '^(%d+) (%d+),(%d+),(%d+);$')
  if not began or tonumber(began) > start then return end
  return string.format('%s %.0f,%.0f,%.0f;', began, u - held[1], t - held[2], r - held[3])
end

local function amountsOf(line)
  local u, t, r = string.match(line, '^(%d+),(%d+),(%d+)$')
  return u and { tonumber(u), tonumber(t), tonumber(r) }
end

-- The texts to write into an account, and whether it is over a limit.
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
    -- Out of memory: the long way knows how to book all the same. Only a script's first write can meet it.
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
