-- What a call brings along, and what every script reads.
-- Every script has the same first keys and arguments:
--   KEYS[1..n]     the accounts, agentlimit:{ns}:s:<scope>, leaf first
--   KEYS[n+1]      the operation's record, agentlimit:{ns}:i:<id>; `read` has none
--   ARGV[1]        microseconds of the caller's corrected clock where the server refuses TIME, else ''
--   ARGV[2]        scopes of the chain, parted by ','
--   ARGV[3]        hash of the operation's arguments
--   ARGV[4]        milliseconds that the record is kept: after the hold's expiry, or after the operation
local MINUTE, HOUR, DAY, SECOND = 60000000, 3600000000, 86400000000, 1000000
local MAX_AMOUNT = 9000000000000000
local MAX_HOLD_MINUTES = 1560

local clock, chainText, argumentsHash, retentionMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local scopes = {}
for scope in string.gmatch(chainText, '[^,]+') do scopes[#scopes + 1] = scope end
local recordKey = KEYS[#scopes + 1]

local function text(number) return string.format('%.0f', number) end

-- Microseconds since 1970; false where the server refuses to say.
local function readTime()
  if clock ~= '' then return tonumber(clock) end
  local time = redis.pcall('TIME')
  return not time.err and tonumber(time[1]) * SECOND + tonumber(time[2])
end

-- Milliseconds that a hold's record is kept. No hold expires later than MAX_HOLD_MINUTES from now: a closing that comes by
-- a clock that is days behind keeps no id for days.
local function timeToLive(minute, nowMs)
  local untilExpiryMs = (minute + 1) * 60000 - nowMs
  return math.min((MAX_HOLD_MINUTES + 1) * 60000, math.max(0, untilExpiryMs)) + retentionMs
end

-- A limit as the short ways read it: math.huge for none; nil for what is no limit.
local function limitOf(part)
  if part == '-' then return math.huge end
  local limit = not string.find(part, '%D') and tonumber(part)
  return limit and limit <= MAX_AMOUNT and limit or nil
end

-- Of each account: the fields that every one has, then further ones.
local function readAccounts(further)
  local reads = {}
  for place = 1, #scopes do
    reads[place] = redis.pcall('HMGET', KEYS[place], 'w', 'o', 'c', 's', 'pr', 'idle', unpack(further))
  end
  return reads
end
