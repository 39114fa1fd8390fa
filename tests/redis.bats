#!/usr/bin/env bats
# lib/redis.c against a real redis-server, and against what none would say.

bats_require_minimum_version 1.5.0

load helper
load redis

setup() {
	url=unix:$redis_socket
}

@test "connects by a Unix socket, by TCP, and by a name" {
	start_redis_tcp
	for url in "unix:$redis_socket" "redis://127.0.0.1:$redis_port" \
		"redis://localhost:$redis_port"; do
		drive "$url"
		hear ready
		say cmd ECHO "$url"
		hear "reply \"$url\""
		say quit
		drive_ends 0
	done
}

@test "the connection has its database and its name" {
	start_redis
	drive name=redis2ws "$url?db=3"
	hear ready
	say cmd CLIENT INFO
	hear '* name=redis2ws * db=3 *'
}

@test "replies of every kind, byte for byte" {
	start_redis
	drive "$url"
	hear ready
	say 'cmd SET k \x00\x0d\x0a\xff'
	hear 'reply +OK'
	say cmd GET k
	hear 'reply "\\x00\\x0d\\x0a\\xff"'
	say cmd GET none
	hear 'reply nil'
	say 'cmd SET e '
	hear 'reply +OK'
	say cmd GET e
	hear 'reply ""'
	say cmd STRLEN k
	hear 'reply 4'
	say cmd NOSUCH
	hear 'reply -ERR unknown command*'
	say cmd XADD s 1-1 f v
	hear 'reply "1-1"'
	say cmd XRANGE s - +
	hear 'reply \[\["1-1" \["f" "v"\]\]\]'
	say cmd BLPOP none 0.01
	hear 'reply nil'
	say cmd KEYS none
	hear 'reply \[\]'
}

@test "a consumer group: XREADGROUP, XACK, XAUTOCLAIM" {
	start_redis
	drive "$url"
	hear ready
	say cmd XGROUP CREATE s g 0 MKSTREAM
	hear 'reply +OK'
	say cmd XADD s 1-1 data 1
	hear 'reply "1-1"'
	say block 5000 XREADGROUP GROUP g c COUNT 10 BLOCK 5000 STREAMS s '>'
	hear 'reply \[\["s" \[\["1-1" \["data" "1"\]\]\]\]\]'
	say cmd XAUTOCLAIM s g d 0 0
	hear 'reply \["0-0" \[\["1-1" \["data" "1"\]\]\] \[\]\]'
	say cmd XACK s g 1-1
	hear 'reply 1'
	say cmd XREADGROUP GROUP nosuch c STREAMS s '>'
	hear 'reply -NOGROUP *'
}
