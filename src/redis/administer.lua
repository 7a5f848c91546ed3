-- An administrator's operations on one scope: reset, pause, resume, stored limits, and taking an alert's mark off.
-- @include account.lua
-- @include history.lua
-- @include wheel.lua
-- @include prepare.lua
-- @include answer.lua
--   KEYS[3]        the log
--   KEYS[4]        the index, only on the cold path
--   ARGV[5]        reset, pause, resume, limits or unmark
--   ARGV[6]        the reason of a pause, a list of limits, or a crossing
--   ARGV[7]        the operation's id, for the log
--   ARGV[8..]      list, further bounds and idle seconds of the scope
local action, detail, id = ARGV[5], ARGV[6], ARGV[7]
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
  -- A log of another type is found before anything is written.
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
