#!/usr/bin/env bats
# lib/redis.c against a real redis-server, and against what none would say.
# shellcheck disable=SC2154 # what start_redis and drive set
# shellcheck disable=SC2030,SC2031 # said: each test has its own
# shellcheck disable=SC2016 # the lengths of Redis

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
		quits
	done
}

@test "the connection has its database and its name" {
	start_redis
	drive name=redis2ws "$url?db=3"
	hear ready
	say cmd CLIENT INFO
	hear '* name=redis2ws * db=3 *'
	quits
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
	quits
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
	quits
}

# --- Who may ---

@test "user and password: in the URL, from elsewhere, wrong, missing" {
	start_redis_tcp --requirepass s3cret --user bob on '>p@ss:w/rd' +@all '~*'
	local at=127.0.0.1:$redis_port shown="'redis://127.0.0.1:$redis_port'"

	for args in "redis://:s3cret@$at" "redis://default:s3cret@$at" \
		"redis://bob:p@ss:w%2Frd@$at" "password=s3cret redis://$at" \
		"user=default password=s3cret redis://bob:x@$at" \
		"password=p@ss:w/rd redis://bob@$at"; do
		read -ra words <<<"$args"
		drive "${words[@]}"
		hear ready
		quits
	done

	for wrong in ":wrong" "nobody:s3cret" "bob:s3cret"; do
		drive retry=1 patient=1 "redis://$wrong@$at"
		hear "lost final 4 cannot connect to $shown: Redis refused the password: WRONGPASS *"
		drive_ends 4
	done
	drive retry=1 patient=1 "redis://$at"
	hear "lost final 4 cannot connect to $shown: Redis wants a password: NOAUTH *"
	drive_ends 4
}

@test "a password where Redis has none is refused" {
	start_redis
	drive "unix://:pw@$redis_socket"
	hear "lost final 4 *: Redis refused the password: ERR AUTH *"
	drive_ends 4
}

@test "a user who may do too little is told so" {
	start_redis_tcp --user eve on nopass -@all +auth \
		--user amy on nopass -@all +ping +subscribe resetchannels '&jobs'
	drive "redis://eve:x@127.0.0.1:$redis_port"
	hear "lost final 4 *: Redis lets this user do too little: NOPERM *ping*"
	drive_ends 4
	drive name=x "redis://amy:x@127.0.0.1:$redis_port"
	hear ready
	say cmd GET k
	hear 'reply -NOPERM *'
	say sub secret
	hear 'reply -NOPERM *'
	say sub jobs
	hear 'reply \["subscribe" "jobs" 1\]'
	quits
}

@test "a database that is not there" {
	start_redis
	drive retry=1 patient=1 "$url?db=99"
	hear "lost final 2 *: Redis has no such database: ERR DB index is out of range"
	drive_ends 2
}

# --- Who is not there ---

@test "who cannot be connected to: nobody, no socket, no such name" {
	drive unix:/nowhere/redis.sock
	hear "lost final 3 cannot connect to 'unix:/nowhere/redis.sock': no such file or directory"
	drive_ends 3
	# Port 1 is not for users.
	drive redis://127.0.0.1:1
	hear "lost final 3 cannot connect to 'redis://127.0.0.1:1': connection refused"
	drive_ends 3
	drive redis://:secret@no-such-host.invalid
	hear "lost final 3 cannot connect to 'redis://no-such-host.invalid:6379': cannot resolve 'no-such-host.invalid': *"
	[[ $heard != *secret* ]]
	drive_ends 3
}

@test "TLS is refused with a clear text, a bad URL too" {
	run drive_now rediss://:secret@h
	[ "$status" -eq 2 ]
	[ "$output" = "redisdrive: this build has no TLS for Redis (rediss://)" ]
	run drive_now redis://me:secret@h:x
	[ "$status" -eq 2 ]
	[ "$output" = "redisdrive: the port is not a number from 1 to 65535" ]
	run drive_now redis://me@h
	[ "$status" -eq 2 ]
	[ "$output" = "redisdrive: a user without a password" ]
}

drive_now() {
	"$BUILD/tools/redisdrive" "$@" </dev/null
}

@test "who accepts and does not answer" {
	fake_greeting '{"hang":true}'
	drive connect=300 "$url"
	hear "lost final 3 cannot connect to '$url': connected, but no answer within 300 ms"
	drive_ends 3
}

@test "what answers is no Redis" {
	fake_greeting '{"raw":"HTTP/1.1 400 Bad Request\r\n\r\n"}'
	drive retry=1 patient=1 "$url"
	hear "lost final 3 cannot connect to '$url': what answers is no Redis: *"
	drive_ends 3
	fake_greeting '{"raw":"+OK\r\n","keep":true}'
	drive "$url"
	hear "lost final 3 *: what answers is no Redis: an answer to another question"
	drive_ends 3
	fake_greeting '{"wait":"PING"},{"end":true}'
	drive "$url"
	hear "lost final 3 cannot connect to '$url': it ended without an answer"
	drive_ends 3
}

@test "a Redis that cannot serve yet is tried again" {
	fake_greeting '{"raw":"-LOADING Redis is loading the dataset in memory\r\n"}'
	drive patient=1 backoff=10 backoff_max=10 "$url"
	for _ in 1 2 3; do
		hear "lost again 3 *: Redis is still loading: LOADING *"
	done
	fake_greeting '{"raw":"-ERR max number of clients reached\r\n"}'
	quits
	drive patient=1 backoff=10 backoff_max=10 "$url"
	hear "lost again 3 *: Redis has too many clients: ERR *"
	quits
}

# --- Subscriptions ---

@test "messages of channels and patterns, byte for byte" {
	start_redis
	drive "$url"
	hear ready
	say sub jobs
	hear 'reply \["subscribe" "jobs" 1\]'
	say 'psub jobs:*'
	hear 'reply \["psubscribe" "jobs:\*" 2\]'
	cli publish jobs '{"tenantId":"a"}'
	hear 'message "jobs" "{"tenantId":"a"}"'
	cli publish jobs:7 x
	hear 'message "jobs:\*" "jobs:7" "x"'
	printf '\x00\x0d\x0a\xff$-1\r\n' | cli -x publish jobs
	hear 'message "jobs" "\\x00\\x0d\\x0a\\xff$-1\\x0d*"'
	cli publish jobs ''
	hear 'message "jobs" ""'
	head -c 3000000 /dev/zero | tr '\0' y | cli -x publish jobs
	hear 'message "jobs" "3000000 times y"'
	say unsub jobs
	hear 'reply \["unsubscribe" "jobs" 1\]'
	say 'punsub jobs:*'
	hear 'reply \["punsubscribe" "jobs:\*" 0\]'
	say cmd ECHO back
	hear 'reply "back"'
	quits
}

@test "100 000 pipelined messages come all and in order" {
	start_redis
	drive "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	say count 100000
	printf 'PUBLISH jobs %d\r\n' {1..100000} | cli --pipe
	hear 'counted 100000'
	quits
}

@test "100 000 commands within the limits of what may wait" {
	start_redis
	drive commands=100 pending=10000 "$url"
	hear ready
	say flood jobs 100000
	hear 'flooded 100000'
	quits
}

@test "back-pressure: nothing is read while paused, and nothing is lost" {
	start_redis
	drive heartbeat=50 timeout=100 "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	say pause
	say count 20000
	printf 'PUBLISH jobs %d\r\n' {1..20000} | cli --pipe
	# Redis holds what is not read; a PING would be behind it.
	run -0 cli client list type pubsub
	[[ $output != *'omem=0 '* ]]
	silent 0.5
	say resume
	hear 'counted 20000'
	cli publish jobs 20001
	hear 'message "jobs" "20001"'
	quits
}

@test "closing within a callback, and with commands under way" {
	start_redis
	drive "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	say leave
	printf 'PUBLISH jobs %d\r\n' {1..1000} | cli --pipe
	hear left
	drive_ends 0
	drive "$url"
	hear ready
	say block 60000 BLPOP none 60
	say cmd ECHO x
	quits
}

# --- Losses ---

@test "Redis goes and comes back: lost, ready, the owner subscribes again" {
	start_redis
	drive retry=1 backoff=20 backoff_max=50 "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	kill_redis
	hear "lost again 3 lost the connection to '$url': *"
	hear "lost again 3 cannot connect to '$url': connection refused"
	start_redis
	hear ready
	cli publish jobs unheard
	say sub jobs
	hear 'reply \["subscribe" "jobs" 1\]'
	cli publish jobs again
	hear 'message *'
	[ "$heard" = 'message "jobs" "again"' ]
	quits
}

@test "without retry a loss is final; commands under way are told" {
	start_redis
	drive "$url"
	hear ready
	say block 60000 BLPOP none 60
	say cmd ECHO x
	say cmd SET
	cli client no-evict off
	kill_redis
	hear 'reply lost'
	hear 'reply lost'
	hear 'reply lost'
	hear 'lost final 3 *'
	drive_ends 3
}

@test "Redis closes the connection" {
	start_redis
	drive retry=1 backoff=10 "$url"
	hear ready
	cli client kill type normal skipme yes
	hear "lost again 3 lost the connection to '$url': Redis closed it"
	hear ready
	say cmd ECHO x
	hear 'reply "x"'
	quits
}

@test "a Redis that hangs is noticed, and is back when it goes on" {
	start_redis
	drive retry=1 heartbeat=200 timeout=300 connect=400 backoff=50 \
		backoff_max=50 "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	kill -STOP "$redis"
	hear "lost again 3 lost the connection to '$url': no answer within 300 ms"
	hear "lost again 3 *: connected, but no answer within 400 ms"
	kill -CONT "$redis"
	hear ready
	say sub jobs
	hear 'reply *'
	cli publish jobs x
	hear 'message "jobs" "x"'
	quits
}

@test "a Redis that hangs with a command under way, a blocking one too" {
	start_redis
	drive retry=1 heartbeat=60000 timeout=300 backoff=50 backoff_max=50 "$url"
	hear ready
	say block 200 BLPOP none 0.2
	hear 'reply nil'
	kill -STOP "$redis"
	say block 200 BLPOP none 0.2
	hear 'reply lost'
	hear "lost again 3 *: no answer within 500 ms"
	kill -CONT "$redis"
	hear ready
	quits
}

@test "a blocking command may take its time, and so may one behind it" {
	start_redis
	drive heartbeat=50 timeout=100 "$url"
	hear ready
	say block 1000 BLPOP none 1
	say cmd ECHO x
	hear 'reply nil'
	hear 'reply "x"'
	quits
}

@test "an idle connection is kept by its heartbeat, subscribed or not" {
	start_redis
	drive heartbeat=20 timeout=2000 "$url"
	hear ready
	cli config resetstat
	silent 0.5
	run -0 cli info commandstats
	[[ $output == *cmdstat_ping:calls=[0-9][0-9],* ]]
	say sub jobs
	hear 'reply *'
	cli config resetstat
	silent 0.5
	run -0 cli info commandstats
	[[ $output == *cmdstat_ping:calls=[0-9][0-9],* ]]
	quits
}

@test "when this program did not run, Redis is not taken for dead" {
	start_redis
	drive heartbeat=100 timeout=200 "$url"
	hear ready
	say sub jobs
	hear 'reply *'
	kill -STOP "$drive"
	silent 2
	cli publish jobs x
	kill -CONT "$drive"
	hear 'message "jobs" "x"'
	silent 0.5
	quits
}

@test "commands before it is ready are refused" {
	fake_greeting '{"hang":true}'
	drive connect=5000 "$url"
	say cmd ECHO x
	hear 'sent ENOTCONN'
	quits
}

# --- Hostile replies: they end the connection, not the program ---

hostile() {
	fake "$@"
	drive retry=1 backoff=10 bytes=1000000 elements=1000 "$url"
	hear ready
}

# broken TEXT: lost for that reason, and connected again.
broken() {
	hear "lost again 3 lost the connection to '$url': $1"
	hear ready
	quits
}

@test "garbage, and what nobody asked for" {
	hostile '{"raw":"garbage","keep":true}'
	broken 'what came is no reply of a Redis: *'
	hostile '{"raw":"+OK\r\n","keep":true}'
	broken 'what came is no reply of a Redis: nobody asked for it'
	hostile '{"raw":"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n","keep":true}'
	broken 'what came is no reply of a Redis: nobody asked for it'
	hostile '{"raw":"\u0000\u0000\u0000\u0000","keep":true}'
	broken 'what came is no reply of a Redis: *'
	hostile '{"raw":"%1\r\n+a\r\n+b\r\n","keep":true}'
	broken 'what came is no reply of a Redis: *'
}

@test "lengths that lie" {
	hostile '{"raw":"$-2\r\n","keep":true}'
	broken 'what came is no reply of a Redis: *'
	hostile '{"raw":"$99999999999999999999\r\n","keep":true}'
	broken 'what came is no reply of a Redis: *'
	hostile '{"raw":"$3\r\nabcdef\r\n","keep":true}'
	broken '*: a string that is longer than it says'
	hostile '{"raw":"*1001\r\n","keep":true}'
	broken '*: a reply of more than 1000 elements'
	hostile '{"raw":"*2147483647\r\n","keep":true}'
	broken '*: a reply of more than 1000 elements'
}

@test "a huge string, a line without end, deep nesting" {
	hostile '{"raw":"$2000000000\r\n","keep":true}' \
		'{"raw":"xxxxxxxxxxxxxxxx","times":100000,"keep":true}'
	broken '*: a reply of more than 976.5 KiB'
	hostile '{"raw":"+","keep":true}' \
		'{"raw":"xxxxxxxxxxxxxxxx","times":10000,"keep":true}'
	broken '*: a line of more than 65536 bytes'
	hostile '{"raw":"*1\r\n","times":100000,"keep":true}'
	broken 'what came is no reply of a Redis: *'
	hostile '{"raw":"*100\r\n","times":100000,"keep":true}'
	broken 'what came is no reply of a Redis: *'
}

@test "half a reply, then the end, a RST, or nothing more" {
	hostile '{"raw":"*3\r\n$7\r\nmess","keep":true}' '{"end":true}'
	broken 'Redis closed it'
	hostile '{"raw":"*3\r\n$7\r\nmess","keep":true}' '{"wait":"ECHO"}' \
		'{"reset":true}'
	say cmd ECHO x
	hear 'reply lost'
	broken '@(connection reset by peer|Redis closed it)'
	fake '{"raw":"*3\r\n$7\r\nmess","keep":true}'
	drive retry=1 heartbeat=50 timeout=100 backoff=10 "$url"
	hear ready
	hear "lost again 3 *: no answer within 100 ms"
	hear ready
	quits
}
