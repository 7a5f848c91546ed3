-- settle and release: replace a hold by what was used, or give it back; late and repeated ones correct or replay.
-- @include steady_close.lua
-- @include account.lua
-- @include history.lua
-- @include wheel.lua
-- @include judge.lua
-- @include answer.lua
local TOMBSTONE_MS, MAX_GIVEN_UP = 1500000, 16

-- Attempts that were given up, with this one: the last of them.
local function withGivenUp(attempts)
  if lists(attempts, attempt) then return attempts end
  local all = split(attempts .. ',' .. attempt, ',')
  return table.concat(all, ',', math.max(1, #all - MAX_GIVEN_UP + 1))
end

-- Remembers what was given up. Out of memory: any write that does not grow lets it pass.
local function bury(line, ...)
  redis.call('HDEL', KEYS[1], '-')
  redis.call('SET', recordKey, line, ...)
end

-- A hold counts in a window if and only if it began no earlier than the window's base.
local function replace(account, known, committedBefore, settledBefore, actual)
  for _, window in ipairs(account.windows) do
    if known.start >= window.base then
      add(window.committed, actual, 1)
      add(window.committed, committedBefore, -1)
      add(window.settled, actual, 1)
      add(window.settled, settledBefore, -1)
    end
  end
end

local function book(account, known, actual)
  account.keepsList = true
  local first = known.closed
  if first then
    replace(account, known, first.actual, first.actual, actual)
    if first.source ~= '-' then
      changeHistory(account, known.start, takeRow, historyRow(first.row, first.source, first.actual, first.kinds))
    end
  elseif known.minute < account.swept then
    replace(account, known, known.held, known.held, actual)
    changeHistory(account, known.minute * MINUTE, takeRow, historyRow('~', 'e', known.held, '-'))
  else
    replace(account, known, known.held, { 0, 0, 0 }, actual)
    takeHold(account, known.minute, known.start, known.held)
  end
  if source ~= '-' then changeHistory(account, known.start, addRow, historyRow(row, source, actual, kinds)) end
end

-- Usage says nothing of requests: those that the hold, or the first booking, counted were made.
local function actualOf(known)
  if source == '-' then return { 0, 0, 0 } end
  local closed = known.closed
  local counted = closed and closed.source ~= '-' and closed.actual or known.held
  local amounts = actualText == '-' and known.held or triple(actualText, 'ARGV', 'actual')
  return { amounts[1], amounts[2], counted[3] }
end

local function closing(actual)
  return { actual = actual, source = source, hash = argumentsHash, verdict = '0', crossings = '-', row = '-', kinds = '-' }
end

-- What is closed, or not this attempt's to free.
local function refuseClosed(known, accounts, at)
  local isForeign = attempt ~= '-' and (known.shared or known.attempt ~= attempt)
  local closed = known.closed
  if not closed then
    if not isForeign then return end
    known.givenUp = withGivenUp(known.givenUp)
    bury(recordText(known), 'KEEPTTL')
    refuse('DONE', at, closingDetails(known, closing({ 0, 0, 0 })), accounts)
  end
  local details = closingDetails(known, closed)
  if closed.source == source and closed.hash == argumentsHash then refuse('REPLAY', at, details, accounts) end
  local isCorrection = source == 'r' and closed.source ~= 'r'
  if not isCorrection or isForeign then refuse('DONE', at, details, accounts) end
end

return run(function()
  local at = nowMs * 1000
  local known = openRecord(recordLine)
  local opened = openAccounts(reads, further)
  if not known or known.kind == 'gone' then
    local attempts = known and known.attempts or ''
    if attempt ~= '-' then bury('gone ' .. withGivenUp(attempts), 'PX', text(TOMBSTONE_MS)) end
    return applied('UNKNOWN', at, {}, opened)
  end
  local isSameChain = known.kind == 'hold' and string.gsub(known.chain, '~', '') == chainText
  if not isSameChain then refuse('CONFLICT', at, {}, opened) end
  refuseClosed(known, opened, at)
  local accounts, marked = {}, split(known.chain, ',')
  for place, account in ipairs(opened) do
    local isForgettable = string.sub(marked[place], -1) == '~'
    if not account and not isForgettable then refuse('LOST', at, { text(place - 1) }, opened) end
    -- One that was made anew since, after it had gone, has no part in the call.
    local isSame = account and known.start >= account.born and (account.idle or not isForgettable)
    if isSame then accounts[#accounts + 1] = account end
  end

  local actual = actualOf(known)
  refuseFull(accounts, actual, at)
  local verdict = '0'
  for _, account in ipairs(accounts) do
    book(account, known, actual)
    if isOverrun(account, known.start) then verdict = '1' end
  end
  local closed = closing(actual)
  closed.verdict, closed.crossings = verdict, markCrossings(accounts, known.start, at, thresholds)
  if source == 'e' then closed.row, closed.kinds = row, kinds end
  known.closed = closed
  writeAccounts(accounts, { isSpent = true })
  writeRecord(recordText(known), timeToLive(known.minute, nowMs))
  deleteDropped(accounts)
  return applied('OK', at, closingDetails(known, closed), opened)
end)
