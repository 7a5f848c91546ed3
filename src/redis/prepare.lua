-- What every operation with a clock does first. The twin of src/ledger/rules/prepare.ts.
local function isInside(window, at) return window.start * SECOND <= at and at < window.stop * SECOND end

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

-- Makes a caller's list the recorded one; windows that it leaves out go on counting but judge nobody.
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

-- Nothing has ended, expired or changed its list since the last operation: the usual case.
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

-- ARGV from `first`: a list, further bounds, and idle seconds for each scope, '-' where there are none.
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

-- Stored limits and a pause are lost with an account: nobody passes until an administrator has looked.
local LOST_REASON = 'this account was lost with its stored limits: check them, then resume'

-- options: firstList (place in ARGV), indexKey (nil: not allowed), refusePaused, recreateLost.
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
