/** What a read-only token may send. A list instead of a question to Redis: what is new or unknown stays refused. */

/**
 * Commands that change nothing and need the name of what they read. Those that list keys (`SCAN`, `KEYS`,
 * `RANDOMKEY`) are left out, as at Upstash; a script of a caller's own can still list them where `allow` lets it run.
 */
export const READ_COMMANDS: ReadonlySet<string> = new Set([
  ...["PING", "ECHO", "TIME", "DBSIZE"],
  ...["EVAL_RO", "EVALSHA_RO", "FCALL_RO"],
  // keys
  ...["EXISTS", "TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "DUMP", "OBJECT", "TOUCH", "SORT_RO"],
  // strings and bits
  ...["GET", "MGET", "GETRANGE", "SUBSTR", "STRLEN", "LCS", "GETBIT", "BITCOUNT", "BITPOS", "BITFIELD_RO"],
  // hashes
  ...["HGET", "HMGET", "HGETALL", "HKEYS", "HVALS", "HLEN", "HEXISTS", "HSTRLEN", "HRANDFIELD", "HSCAN"],
  ...["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"],
  // lists and sets
  ...["LRANGE", "LLEN", "LINDEX", "LPOS"],
  ...["SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SRANDMEMBER", "SSCAN"],
  ...["SINTER", "SINTERCARD", "SUNION", "SDIFF"],
  // sorted sets
  ...["ZRANGE", "ZRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGE", "ZREVRANGEBYSCORE", "ZREVRANGEBYLEX"],
  ...["ZRANK", "ZREVRANK", "ZSCORE", "ZMSCORE", "ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANDMEMBER", "ZSCAN"],
  ...["ZINTER", "ZINTERCARD", "ZUNION", "ZDIFF"],
  // the rest
  ...["GEOPOS", "GEODIST", "GEOHASH", "GEOSEARCH", "GEORADIUS_RO", "GEORADIUSBYMEMBER_RO"],
  ...["XRANGE", "XREVRANGE", "XLEN", "XREAD", "XPENDING", "XINFO", "PFCOUNT"],
  ...["JSON.GET", "JSON.MGET", "JSON.TYPE", "JSON.STRLEN", "JSON.OBJKEYS", "JSON.OBJLEN"],
  ...["JSON.ARRLEN", "JSON.ARRINDEX", "JSON.RESP"],
]);
