-- History by provider and model. The twin of src/ledger/history.ts.
local function parseKinds(line)
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

-- Applies addRow or takeRow to the rows of a time.
local function changeHistory(account, at, change, row)
  local field = historyField(at, account.last)
  local rows = parseHistory(getField(account, field), account.key, field)
  change(rows, row)
  if #rows > 0 then setField(account, field, historyText(rows)) end
end

-- Reads many fields at once, in chunks that unpack can carry.
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

-- Hours older than two weeks become days, days older than 400 go.
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
