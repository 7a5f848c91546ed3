-- record: usage reported after the fact, with no hold; always booked. Also books a hold that the store has lost.
-- @include account.lua
-- @include history.lua
-- @include wheel.lua
-- @include prepare.lua
-- @include judge.lua
-- @include answer.lua
--   KEYS[n+2]      the index, only on the cold path
--   ARGV[5]        'hold': book under the id of a hold that the store has lost; 'record'
--   ARGV[6]        source: r reported, e estimated
--   ARGV[7]        actual amounts
--   ARGV[8]        hash of the closing arguments
--   ARGV[9]        history row
--   ARGV[10]       token kinds
--   ARGV[11]       alert thresholds in millionths, '-' for none
--   ARGV[12..]     list, further bounds and idle seconds of each scope
local kind, source, closeHash, row, kinds, thresholds = ARGV[5], ARGV[6], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local actual = triple(ARGV[7], 'ARGV', 'actual')

local function answerAgain(known, accounts, at)
  at = timeOf(accounts, at)
  local isSame = known.kind == 'record' and known.hash == argumentsHash and kind == 'record'
  if not isSame or not known.closed then refuse('CONFLICT', at, {}, accounts) end
  refuse('REPLAY', at, closingDetails(known, known.closed), accounts)
end

local function verdictOf(accounts, at)
  for place, account in ipairs(accounts) do
    if isPaused(account) then return 'p' .. place - 1 end
  end
  for _, account in ipairs(accounts) do
    if isOverrun(account, at) then return '1' end
  end
  return '0'
end

return run(function()
  local at = told(readTime())
  local known = openRecord(redis.pcall('GET', recordKey))
  local further = { 'H:' .. text(math.floor(at / HOUR)) }
  local accounts = openAccounts(readAccounts(further), further)
  if known and not (kind == 'hold' and known.kind == 'gone') then answerAgain(known, accounts, at) end

  local indexKey = KEYS[#scopes + 2]
  at = prepare(accounts, at, { firstList = 12, indexKey = indexKey })
  refuseFull(accounts, actual, at)
  for _, account in ipairs(accounts) do
    account.keepsList = account.isSteady
    for _, window in ipairs(account.windows) do
      add(window.committed, actual, 1)
      add(window.settled, actual, 1)
    end
    changeHistory(account, at, addRow, historyRow(row, source, actual, kinds))
  end
  local closed = {
    actual = actual, source = source, hash = closeHash, verdict = verdictOf(accounts, at),
    crossings = markCrossings(accounts, at, at, thresholds),
    row = source == 'e' and row or '-', kinds = source == 'e' and kinds or '-',
  }
  local record = {
    kind = kind, hash = argumentsHash, attempt = '-', givenUp = '', shared = false, start = at,
    minute = math.floor(at / MINUTE), held = { 0, 0, 0 }, chain = markedChain(accounts), closed = closed,
  }
  writeAccounts(accounts, { indexKey = indexKey, isSpent = true })
  writeRecord(recordText(record), retentionMs)
  deleteDropped(accounts)
  return applied('OK', at, closingDetails(record, closed), accounts)
end)
