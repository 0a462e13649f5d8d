-- Sets KEYS[1] to ARGV[2] until ARGV[3] (Unix ms) if it still holds ARGV[1]; '' stands for nothing. Decides nothing.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) return 1
