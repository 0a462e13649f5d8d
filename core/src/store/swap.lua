-- Sets KEYS[1] to ARGV[2] until ARGV[3] (Unix ms) if it still holds ARGV[1], '' standing for nothing; and in KEYS[2] the
-- wake-up of ARGV[4] to ARGV[5] (Unix ms), '' standing for none, kept for ARGV[6] ms. Otherwise answers what it holds. Decides nothing.
local held = redis.call('GET', KEYS[1]) or ''
if held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
elseif held ~= '' then redis.call('ZREM', KEYS[2], ARGV[4]) end
return false
