-- read: accounts as they stand, with the wheel minutes that are due and not swept. Writes nothing.
-- A scope that nobody has used reads as absent; one that the index lists and that has vanished is lost.
-- @include account.lua
-- @include history.lua
-- @include answer.lua
--   KEYS[n+1]      the index, only on the cold path
--   ARGV[5..6]     hours since 1970, first and last, of the history of the one scope; '-' for none
--   ARGV[7..]      idle seconds of each scope: such an account is not in the index
local firstHour, lastHour = tonumber(ARGV[5]), tonumber(ARGV[6])

-- Fields of history and their texts, in turn.
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
