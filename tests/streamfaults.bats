#!/usr/bin/env bats
# redis2ws --stream when entries are deleted, or refused by whomever, and when
# Redis refuses or makes no sense.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# shellcheck disable=SC2016 # the $ of Redis

bats_require_minimum_version 1.5.0

load helper
load redis
load bridge
load streams

# --- What is lost ---

@test "entries that were deleted before they were published" {
	both
	watch -e a b
	jobs --consumer me
	add 1 1 a
	add 1 1 b
	hear '*"data":{"n":1}}'
	hear '*"data":{"n":1}}'
	until_figure published 2
	kill "$bridge"
	bridge_ends 143
	add 2 4 a
	left_to me 3
	cli xtrim jobs maxlen 0
	add 5 5 a
	jobs --consumer me
	said 'redis2ws: deleted before they were published: *, the first is entry *-* of '"'jobs'"
	until_figure published 1
	[ "$(figure lost)" -eq 3 ]
	[ "$(figure received)" -eq 4 ]
	until_pending 0
}

@test "of deleted entries the tenants that were seen are told once" {
	large
	watch -e a b
	jobs --consumer me
	add 1 1 a
	add 1 1 b
	hear '*"data":{"n":1}}'
	hear '*"data":{"n":1}}'
	until_figure published 2
	# They are given to this consumer, and it does not hear of them.
	kill -STOP "$bridge"
	add 2 200 a
	cli client kill type normal skipme yes
	left_to me 199 # but for what its last command gets
	cli xtrim jobs maxlen 0
	add 201 201 a
	kill -CONT "$bridge"
	hear '*"type":"GAP"*"reason":"source"*'
	hear '*"type":"GAP"*"reason":"source"*'
	hear '*"data":{"n":201}}'
	until_pending 0
	until_figure lost 198
	until_figure published 3
	[ "$(figure received)" -eq 202 ]
	(($(figure gaps) <= 20)) # two for each time that it reads
}

@test "entries that a dead consumer held and that were deleted" {
	both
	watch -e a
	jobs --claim-after 100ms --consumer me
	add 1 1 a
	hear '*"data":{"n":1}}'
	kill -STOP "$bridge"
	cli client kill type normal skipme yes
	add 2 4 a
	left_to dead 3
	cli xdel jobs "$(cli --raw xpending jobs g - + 2 | sed -n 5p)"
	kill -CONT "$bridge"
	until_figure published 3
	until_figure lost 1
	said 'redis2ws: deleted before they were published: *, the first is entry *-* of '"'jobs'"
	hear '*"type":"GAP"*"reason":"source"*'
	until_pending 0
}

# looked: waits until the counters of the streams were looked at once more.
looked() {
	local until=$((SECONDS + 20)) before

	before=$(looks)
	until (($(looks) >= before + 2)); do
		((SECONDS < until)) || return 1
		again
	done
}

looks() {
	cli --raw info commandstats |
		sed -n 's/^cmdstat_xinfo|groups:calls=\([0-9]*\),.*/\1/p'
}

@test "what is cut off a stream before it was read is lost, and told" {
	large
	watch -e t
	jobs --window 10
	add 1 1
	hear '*"data":{"n":1}}'
	looked
	kill -STOP "$wsd"
	add 2 1000
	until_figure held 10
	cli xtrim jobs maxlen 5
	said "redis2ws: 'jobs' was cut before its end was read (MAXLEN, XTRIM): 9* lost"
	kill -CONT "$wsd"
	hear '*"type":"GAP"*"reason":"source"*'
	hear '*"data":{"n":996}}'
	hear '*"data":{"n":1000}}'
	until_figure received 1000
	until_pending 0
	looked
	until_figure published 16
	[ "$(figure received)" -eq 1000 ]
	[ "$(figure gaps)" -eq 1 ]
}

@test "what is cut off or deleted when it was read is not lost" {
	large
	jobs
	add 1 100
	until_pending 0
	looked
	cli xtrim jobs maxlen 50
	add 101 150
	until_pending 0
	cli xdel jobs "$(cli --raw xrevrange jobs + - count 1 | head -n 1)"
	looked
	cli xtrim jobs maxlen 0
	looked
	add 151 160
	until_pending 0
	looked
	until_figure published 160
	[ "$(figure received)" -eq 160 ]
	[ "$(figure gaps)" -eq 0 ]
}

@test "what is refused is kept with its id, and Redis is told" {
	both --max-message 1k
	watch t
	jobs --rejects "$T/rejects"
	cli xadd jobs 1-1 data 'no JSON'
	said "redis2ws: rejected from 'jobs': column 2: *: no JSON"
	cli xadd jobs 1-2 data '{"x":1}'
	said "redis2ws: rejected from 'jobs': 'tenantId' is missing: {\"x\":1}"
	cli xadd jobs 1-3 other $'a\xff'
	said "redis2ws: rejected from 'jobs': the entry does not have the field: {\"other\":\"a*\"}"
	cli xadd jobs 1-4 data 1 data 2
	said "redis2ws: rejected from 'jobs': the entry has the field twice: {\"data\":\"1\",\"data\":\"2\"}"
	cli xadd jobs 1-5 data $'\xff'
	said "redis2ws: rejected from 'jobs': *"
	cli xadd jobs 1-6 data "{\"tenantId\":\"t\",\"x\":\"$(printf '%2000s' x)\"}"
	said "*: too large: 2*, the server takes 1 KiB: *..."
	cli xadd jobs 1-7 data '{"tenantId":"t","ok":true}'
	hear '{"ok":true}'
	until_pending 0
	kill "$bridge"
	bridge_ends 143
	[ "$(figure rejected)" -eq 6 ]
	[ "$(figure published)" -eq 1 ]
	[ "$(jq -r .entry "$T/rejects" | xargs)" = '1-1 1-2 1-3 1-4 1-5 1-6' ]
	[ "$(jq -rs '.[1] | .channel, .reason, .message' "$T/rejects")" = \
		$'jobs\n\'tenantId\' is missing\n{"x":1}' ]
}

@test "an entry that is not UTF-8 is refused" {
	both
	bridge --stream jobs --group g -J
	cli xadd jobs 1-1 tenantId t x $'\xff'
	said "redis2ws: rejected from 'jobs': the entry is not UTF-8: {\"tenantId\":\"t\",\"x\":\"*\"}"
	until_pending 0
}

# --- What the wsd refuses for now ---

@test "a tenant's rate: nothing is lost, and no other tenant waits" {
	both --tenant-rate 20
	watch other
	jobs
	add 1 100
	add 1 1 other
	said '*; it is tried again until it is taken'
	hear '{"n":1}'
	(($(pending) > 0))
	until_figure published 101
	until_pending 0
	[ "$(figure lost)" -eq 0 ]
	[ "$(figure gaps)" -eq 0 ]
	wssub --since all -c 100 -W 20 t | jq .n | sort -n | cmp - <(seq 100)
}

@test "what waits for a rate keeps its order, what comes later waits behind it" {
	both --tenant-rate 5
	jobs
	for ((n = 1; n <= 30; n++)); do
		add "$n" "$n" # one by one, so that the wsd would take some
	done
	arrived 30
	until_pending 0
}

# --- What Redis refuses ---

@test "a Redis that takes no writes for a while: nothing is lost" {
	large
	jobs
	add 1 10
	until_figure published 10
	kill -STOP "$wsd"
	add 11 20
	until_figure held 10
	cli replicaof 127.0.0.1 1
	kill -CONT "$wsd"
	said "*: READONLY *"
	until_figure published 20
	cli replicaof no one
	add 21 30
	until_figure published 30
	until_pending 0
	arrived 30
}

@test "one that cannot write its file: nothing is lost" {
	large
	mkdir "$T/dump.rdb"
	jobs
	add 1 10
	until_figure published 10
	until_pending 0
	kill -STOP "$wsd"
	add 11 20
	until_figure held 10
	cli config set save '3600 1'
	cli bgsave
	until [[ $(cli info persistence) == *rdb_last_bgsave_status:err* ]]; do again; done
	kill -CONT "$wsd"
	said "redis2ws: '$REDIS_URL' refuses: MISCONF *"
	until_figure published 20
	[ "$(pending)" -eq 10 ]
	# Nor does it end when it has to connect again meanwhile.
	cli client kill type normal skipme yes
	said "redis2ws: cannot connect to '$REDIS_URL': Redis cannot save its data: MISCONF *; trying again in *"
	cli config set stop-writes-on-bgsave-error no
	cli config set save '' # or it cannot end
	until_pending 0
	add 21 30
	until_figure published 30
	arrived 30
}

@test "one that has no memory at the beginning" {
	both
	cli config set maxmemory 1
	start redis2ws --stream jobs --group g --field data -c 1 2>"$T/errors"
	until grep -q 'refuses: OOM ' "$T/errors"; do again; done
	cli config set maxmemory 0
	add 1 1
	wait "$PID"
	arrived 1
}

@test "one that stands still for writes" {
	large
	jobs
	add 1 10
	until_figure published 10
	cli client pause 100000 write
	said "*: lost the connection to *: no answer within 5 s; *"
	cli client unpause
	add 11 20
	until_figure published 20
	arrived 20
	until_pending 0
}

# A wsd has acknowledged some of 2 to 20, of which Redis cannot be told; then it
# is killed and another one is there, to which the bridge has come back.
started_again() {
	start_wsd --listen "unix:$T/wsd.sock" --tenant-rate 2
	export WSD_URL=$url
	start_redis
	jobs -v
	add 1 1
	until_figure published 1
	until_pending 0
	kill -STOP "$wsd"
	add 2 20
	until_figure held 19
	cli client pause 100000 write
	kill -CONT "$wsd"
	until_figure published 3
	kill_wsd
	start_wsd --listen "unix:$T/wsd.sock"
	said 'redis2ws: Redis is told what was acknowledged, before more is sent'
}

@test "what one wsd has acknowledged is told to Redis before another gets more" {
	started_again
	cli client unpause
	until_pending 0
	[ "$(figure lost)" -eq 0 ]
	# The first it has is the next, and the others follow.
	first=$(wssub --since all -c 1 -W 5 t | jq .n)
	((first > 2))
	wssub --since all -c $((21 - first)) -W 20 t | jq .n |
		cmp - <(seq "$first" 20)
}

@test "if it is killed before, all of it comes again, in order" {
	started_again
	kill -KILL "$bridge"
	wait "$bridge" || true
	cli client unpause
	jobs
	until_pending 0
	wssub --since all -c 19 -W 20 t | jq .n | cmp - <(seq 2 20)
}

@test "entries with very many fields: fewer are read at a time" {
	large
	cli eval 'for n = 1, 2000 do
		local f = {}
		for i = 1, 200 do f[2 * i - 1] = "f" .. i; f[2 * i] = "x" end
		redis.call("XADD", "jobs", "*", "tenantId", "t", "n", n, unpack(f))
	end' 0
	bridge --stream jobs --group g -J
	until_figure published 2000
	until_pending 0
	[ "$(figure breaks)" -eq 0 ]
}

@test "an entry too large for a reply is refused, and those around it are not" {
	large
	cli xgroup create jobs g 0 mkstream
	add 1 30
	head -c 70000000 /dev/zero | tr '\0' x | cli -x xadd jobs '*' data
	add 31 60
	jobs --rejects "$T/rejects"
	until_figure published 60
	until_pending 0
	arrived 60
	[ "$(figure rejected)" -eq 1 ]
	[ "$(jq -r .reason "$T/rejects")" = 'the entry is larger than a reply may be' ]
	[[ $(jq -r .entry "$T/rejects") == +([0-9])-+([0-9]) ]]
}

@test "one tenant that waits does not hold up others after a reconnect" {
	large --tenant-rate 5
	add 1 100
	jobs
	until_figure held 50
	cli client kill type normal skipme yes
	add 1 10 u
	add 101 101
	wssub u --since all -c 10 -W 10 >"$T/u"
	[ "$(wc -l <"$T/u")" -eq 10 ]
}

@test "a key that is no stream" {
	both
	cli set jobs x
	run -2 redis2ws --stream jobs --group g
	[[ $output == "redis2ws: '$REDIS_URL' refuses: WRONGTYPE "* ]]
	cli del jobs
	jobs
	add 1 1
	until_figure published 1
	cli del jobs
	cli set jobs x
	said "redis2ws: '$REDIS_URL' refuses: WRONGTYPE *"
	cli del jobs
	add 2 2
	until_figure published 2
}

@test "a user who may not" {
	start_wsd
	export WSD_URL=$url
	start_redis_tcp --user amy on nopass '~*' -@all +ping +client +xgroup \
		--user bob on nopass '~*' +@all -xack \
		--user cat on nopass '~*' +@all -xpending -xinfo
	run -4 redis2ws --redis "redis://amy:x@127.0.0.1:$redis_port" \
		--stream jobs --group g
	[[ $output == "redis2ws: 'redis://127.0.0.1:$redis_port' refuses: NOPERM "* ]]
	add 1 1
	run -4 redis2ws --redis "redis://bob:x@127.0.0.1:$redis_port" \
		--stream jobs --group g --field data
	[[ $output == "redis2ws: 'redis://127.0.0.1:$redis_port' refuses: NOPERM "*xack* ]]
	[[ ${lines[1]} == 'redis2ws: Redis could not be told of 1 that were published: they come again, and are published once' ]]
	bridge --redis "redis://cat:x@127.0.0.1:$redis_port" --stream jobs \
		--group g --field data -J --claim-after 100ms
	said "redis2ws: cannot claim from other consumers: NOPERM *xpending*"
	add 2 2
	until_figure published 2
	arrived 2
}

@test "a Redis without streams" {
	start_wsd
	export WSD_URL=$url
	start_redis --rename-command XREADGROUP ''
	run -2 redis2ws --stream jobs --group g
	[[ $output == "redis2ws: '$REDIS_URL' refuses: ERR unknown command"*XREADGROUP* ]]
}

# answers REPLY: a server that answers this to XREADGROUP is left, and tried
# again.
answers() {
	local ok='{"raw":"+OK\r\n","keep":true}' ping

	ping='{"wait":"PING\r\n"},{"raw":"+OK\r\n+PONG\r\n","keep":true}'

	listening "$BATS_TEST_DIRNAME/tools/fakeserver" --bytes \
		"[[$ping,{\"wait\":\"MKSTREAM\"},$ok,{\"wait\":\"XREADGROUP\"},{\"raw\":\"$1\",\"keep\":true}]]"
	bridge --redis "redis://127.0.0.1:$PORT" --stream jobs --group g
	said "redis2ws: lost the connection to *: not an entry; trying again in *"
	kill "$bridge"
	bridge_ends 143
}

@test "a server that answers nonsense" {
	start_wsd
	export WSD_URL=$url
	answers '+OK\r\n'
	answers ':1\r\n'
	answers '$4\r\njobs\r\n'
	answers '*1\r\n:1\r\n'
	answers '*1\r\n*2\r\n$4\r\njobs\r\n*-1\r\n'
	answers '*1\r\n*2\r\n$4\r\nelse\r\n*0\r\n'
	answers '*1\r\n*2\r\n$4\r\njobs\r\n*1\r\n:1\r\n'
	answers '*1\r\n*2\r\n$4\r\njobs\r\n*1\r\n*2\r\n$1\r\nx\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n'
	answers '*1\r\n*2\r\n$4\r\njobs\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\na\r\n'
}

@test "a server that goes in the middle of an entry" {
	start_wsd
	export WSD_URL=$url
	local ok='{"raw":"+OK\r\n","keep":true}' ping

	ping='{"wait":"PING\r\n"},{"raw":"+OK\r\n+PONG\r\n","keep":true}'
	listening "$BATS_TEST_DIRNAME/tools/fakeserver" --bytes \
		"[[$ping,{\"wait\":\"MKSTREAM\"},$ok,{\"wait\":\"XREADGROUP\"},{\"raw\":\"*1\r\n*2\r\n$4\r\njo\"}]]"
	bridge --redis "redis://127.0.0.1:$PORT" --stream jobs --group g
	said "*: lost the connection to *: *; trying again in *"
	said "*: lost the connection to *: *; trying again in *"
	kill "$bridge"
	bridge_ends 143
}
