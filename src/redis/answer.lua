-- Writing, and the answer that every script gives.

-- "Out of memory" refuses the first write and with it the whole. What is spent must be booked all the same: any write
-- that does not grow lets the rest pass, so such a one, of a field that does not exist, goes before the second try.
local function hset(key, fieldsAndValues, isSpent)
  local result = redis.pcall('HSET', key, unpack(fieldsAndValues))
  if type(result) ~= 'table' or not result.err then return end
  if not isSpent or not string.find(result.err, 'OOM', 1, true) then error(result) end
  redis.call('HDEL', key, '-')
  redis.call('HSET', key, unpack(fieldsAndValues))
end

-- Sets what has changed, one HSET an account, and notes what is to be deleted.
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
    -- A pause and stored limits must not lapse: such an account stays until they are taken back.
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

-- agl1, code, time, number of details, details, then w o c s pr and the due wheel minutes of each account, end.
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
