-- Booking what a call used, straight through, on the texts of an account. Nil where the long way must decide.
-- @include call.lua

-- Token kinds, added up place by place; '-' for none.
local function addKinds(kinds, added)
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

-- An hour's history with a call added to the row of its model, or with that row alone in a new hour.
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

-- The least of the thresholds that may fire, in millionths; nil for none.
local function leastThreshold(thresholds)
  local least
  for threshold in string.gmatch(thresholds, '%d+') do
    if not least or tonumber(threshold) < least then least = tonumber(threshold) end
  end
  return least
end

-- `c` (from `after` on) and `s` with `actual` settled in place of `held`, in the windows that count what began at
-- `start`, and whether settled spend is above a hard limit there. No threshold may be reached: the long way marks it.
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
