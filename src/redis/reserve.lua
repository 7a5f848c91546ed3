-- reserve: check and hold in one step, over the whole chain or not at all.
-- @include steady_reserve.lua
-- @include account.lua
-- @include history.lua
-- @include wheel.lua
-- @include prepare.lua
-- @include judge.lua
-- @include answer.lua
--   KEYS[n+2]      the index, only on the cold path
local requested = { tonumber(ARGV[6]) or false, tonumber(ARGV[7]) or false, tonumber(ARGV[8]) }
local held = { requested[1] or 0, requested[2] or 0, requested[3] }

-- Attempts of this id that nobody waits for any more, parted by ','.
local function givenUpOf(known) return known and (known.attempts or known.givenUp) or '' end

local function answerAgain(known, accounts, at)
  at = timeOf(accounts, at)
  if lists(givenUpOf(known), attempt) then refuse('GONE', at, {}, accounts) end
  if known.kind ~= 'hold' or known.hash ~= argumentsHash then refuse('CONFLICT', at, {}, accounts) end
  if known.closed then refuse('CLOSED', at, closingDetails(known, known.closed), accounts) end
  if math.floor(at / MINUTE) > known.minute then refuse('EXPIRED', at, holdDetails(known), accounts) end
  if not known.shared and known.attempt ~= attempt then
    known.shared = true
    writeRecord(recordText(known), timeToLive(known.minute, math.floor(at / 1000)))
  end
  return applied('REPLAY', at, holdDetails(known), accounts)
end

return run(function()
  local at = told(time)
  local known = openRecord(recordLine)
  local accounts = openAccounts(reads, { wheelField })
  local isOthersTombstone = known and known.kind == 'gone' and not lists(known.attempts, attempt)
  if known and not isOthersTombstone then return answerAgain(known, accounts, at) end

  local indexKey = KEYS[#scopes + 2]
  at = prepare(accounts, at, { firstList = 11, indexKey = indexKey, refusePaused = true })
  if requiresLimit and not isAnyLimited(accounts) then refuse('UNLIMITED', at, {}, accounts) end
  for _, account in ipairs(accounts) do
    if refuses(account, requested) then refuse('DENIED', at, {}, accounts) end
  end
  refuseFull(accounts, held, at)

  local minute = math.floor((at + expiresIn) / MINUTE)
  for _, account in ipairs(accounts) do
    account.keepsList, account.keepsSettled = account.isSteady, account.isSteady
    for _, window in ipairs(account.windows) do add(window.committed, held, 1) end
    addHold(account, minute, at, { held[1], held[2], held[3] })
  end
  local record = {
    kind = 'hold', hash = argumentsHash, attempt = attempt, givenUp = givenUpOf(known), shared = false,
    start = at, minute = minute, held = held, chain = markedChain(accounts),
  }
  writeAccounts(accounts, { indexKey = indexKey })
  writeRecord(recordText(record), timeToLive(minute, math.floor(at / 1000)))
  deleteDropped(accounts)
  return applied('OK', at, holdDetails(record), accounts)
end)
