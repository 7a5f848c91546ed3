-- The expiry wheel. The twin of src/ledger/wheel.ts: `x:<minute>` holds segments `start U,T,N;…`.
local function parseSegments(line, key, field)
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

-- Moves what has expired into settled and books it under `~`; what is committed stays as it is.
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
  -- An hour's history is rewritten once, not for each of its minutes.
  for _, hour in ipairs(hours) do
    changeHistory(account, hour * HOUR, addRow, historyRow('~', 'e', charged[hour], '-'))
  end
  if nowMinute > account.swept then account.swept = nowMinute end
end
