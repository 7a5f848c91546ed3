-- Which limits an account has passed, and which thresholds it has reached. The twin of src/ledger/rules/judge.ts.

-- The limit in force at a place of a pair (1 to 3 deny, 4 to 6 alert): an administrator's before the code's.
local function limitInForce(window, place)
  local stored = window.stored and limits(window.stored)[place]
  return stored or limits(window.limits)[place]
end

-- requested: a triple; false asks for at least one unit.
local function refuses(account, requested)
  for _, window in ipairs(account.windows) do
    for metric = 1, 3 do
      local limit = limitInForce(window, metric)
      if limit and window.committed[metric] + (requested[metric] or 1) > limit then return true end
    end
  end
  return false
end

local function isAnyLimited(accounts)
  for _, account in ipairs(accounts) do
    for _, window in ipairs(account.windows) do
      for metric = 1, 3 do
        if limitInForce(window, metric) then return true end
      end
    end
  end
  return false
end

local function isOverrun(account, start)
  for _, window in ipairs(account.windows) do
    for metric = 1, 3 do
      local limit = start >= window.base and limitInForce(window, metric)
      if limit and window.settled[metric] > limit then return true end
    end
  end
  return false
end

local function refuseFull(accounts, added, at)
  for _, account in ipairs(accounts) do
    for _, window in ipairs(account.windows) do
      for metric = 1, 3 do
        if window.committed[metric] + added[metric] > MAX_AMOUNT then refuse('FULL', at, { text(account.place - 1) }) end
      end
    end
  end
end

-- Marks what a call reached that began at `start` and is booked now, in windows that are open. thresholds: millionths,
-- parted by ','; '-' for none.
local function markCrossings(accounts, start, at, thresholds)
  local crossings = {}
  if thresholds == '-' then return '-' end
  local millionths = split(thresholds, ',')
  for _, account in ipairs(accounts) do
    for _, window in ipairs(account.windows) do
      for limitPlace = 1, 6 do
        local metric = (limitPlace - 1) % 3 + 1
        local counts = start >= window.base and not hasEnded(window, at)
        local limit = counts and limitInForce(window, limitPlace)
        local letter = limitPlace <= 3 and METRICS[metric] or string.upper(METRICS[metric])
        for _, threshold in ipairs(limit and millionths or {}) do
          local mark = letter .. threshold
          local isReached = window.settled[metric] * 1000000 >= limit * tonumber(threshold)
          if isReached and not lists(window.fired, mark) then
            window.fired = window.fired == '-' and mark or window.fired .. ',' .. mark
            crossings[#crossings + 1] = table.concat(
              { text(account.place - 1), window.name, letter, threshold, text(window.base) }, ':')
          end
        end
      end
    end
  end
  return #crossings > 0 and table.concat(crossings, ',') or '-'
end
