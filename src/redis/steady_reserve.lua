-- The usual reserve, straight through: nothing has ended, expired or changed its list since the last operation, no limit
-- is stored, and nothing stands in the way. It answers and writes what the long way would. Whatever it does not know it
-- leaves to that, before anything is written. It comes first, since making the functions of the long way takes longer
-- than all of this.
-- @include call.lua
--   ARGV[5]        attempt
--   ARGV[6..8]     nano-USD, tokens ('-': not known beforehand) and requests that are asked for
--   ARGV[9]        microseconds until the hold expires
--   ARGV[10]       '1': refuse where no hard limit is in force anywhere in the chain
--   ARGV[11..]     list, further bounds and idle seconds of each scope
local attempt, expiresIn, requiresLimit = ARGV[5], tonumber(ARGV[9]), ARGV[10] == '1'
local time, recordLine = readTime(), redis.pcall('GET', recordKey)
local wheelField = 'x:' .. text(math.floor(((time or 0) + expiresIn) / MINUTE))
local reads = readAccounts({ wheelField })

-- Whether a time is inside all bounds `start end` of a text.
local function isInsideAll(bounds, at)
  for start, stop in string.gmatch(bounds, ' (%d+) (%d+) ') do
    if at < start * SECOND or at >= stop * SECOND then return false end
  end
  return true
end

-- An account's `c` and wheel minute with the hold in them, and whether it has a limit. Nil where the long way must decide.
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
    -- Only a list that its caller sent may hold what is not looked at here.
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
