-- read: accounts as they stand, with the wheel minutes that are due and not swept. Writes nothing.
-- A scope that nobody has used reads as absent; one that the index lists and that has vanished is lost.
-- @include account.lua
-- @include history.lua
-- @include answer.lua
--   KEYS[n+1]      the index, only on the cold path
--   ARGV[5..]      idle seconds of each scope: such an account is not in the index
return run(function()
  local at = now()
  local accounts = openAccounts({})
  local indexKey = KEYS[#scopes + 1]
  for place = 1, #scopes do
    local account = accounts[place]
    if not account and ARGV[4 + place] == '-' then
      if not indexKey then refuse('INIT', at) end
      if redis.call('HEXISTS', indexKey, scopes[place]) == 1 then refuse('LOST', at, { text(place - 1) }) end
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
  return applied('OK', at, {}, accounts)
end)
