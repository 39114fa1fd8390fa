#!/usr/bin/env bats
# redis2ws --stream between a real redis-server and a real wsd: every entry is
# published once, and Redis hears of it only then.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# shellcheck disable=SC2016 # the $ of Redis and of Lua

bats_require_minimum_version 1.5.0

load helper
load redis
load bridge
load streams

# --- What is published ---

@test "the value of a field is the message; Redis is told when it is published" {
	both
	watch t-1
	jobs
	cli xadd jobs '*' data '{"tenantId":"t-1","job": 7, "x":[1.0,"\u00e4"] }'
	hear '{"job": 7, "x":\[1.0,"\\u00e4"\] }'
	cli xadd jobs '*' other x data ' {"job":8,"tenantId":"t-1"} ' more y
	hear '{"job":8}*'
	until_pending 0
	[ "$(cli --raw xlen jobs)" -eq 2 ] # it is not deleted
	kill "$bridge"
	bridge_ends 143
	[ "$(jq -c . "$T/bridge.out" | tail -n 1)" = \
		'{"received":2,"published":2,"rejected":0,"lost":0,"held":0,"gaps":0,"breaks":0,"reconnects":0}' ]
}

@test "all fields together are an object of strings" {
	both
	watch t-1 7
	bridge --stream jobs --group g
	cli xadd jobs '*' tenantId t-1 progress 42 text $'a "b"\n\\ ä'
	hear '*'
	[ "$heard" = '{"progress":"42","text":"a \"b\"\n\\ ä"}' ]
	cli xadd jobs '*' a 1 tenantId 7
	hear '{"a":"1"}'
	until_pending 0
}

@test "several streams; the tenant is in the name of the stream" {
	both
	watch -e a b
	bridge --stream job:a --stream job:b --stream other --group g \
		--field data --tenant-from-channel 'job:{}'
	cli xadd other '*' data 0
	said "redis2ws: rejected from 'other': the channel does not match the template: 0"
	cli xadd job:a '*' data '{"tenantId":"b"}'
	hear '*"tenantId":"a"*"data":{"tenantId":"b"}}'
	cli xadd job:b '*' data ' [1, 2]'
	hear '*"tenantId":"b"*"data":\[1, 2\]}'
}

@test "the tenant is in a member of a member" {
	both
	watch t
	jobs --tenant-field meta.id
	cli xadd jobs '*' data '{"meta":{"id":"t","a":1},"b":2}'
	hear '{"meta":{"a":1},"b":2}'
}

@test "the webhook payloads come through byte for byte" {
	count=$(node "$BATS_TEST_DIRNAME/tools/payloads.mjs" "$T")
	((count > 700))
	large
	jobs --window 100
	LC_ALL=C awk '{
		printf "*5\r\n$4\r\nXADD\r\n$4\r\njobs\r\n$1\r\n*\r\n"
		printf "$4\r\ndata\r\n$%d\r\n%s\r\n", length($0), $0
	}' "$T/tenants" | cli --pipe >/dev/null
	wssub --since all -c "$count" -W 30 t | cmp - "$T/lines"
	until_pending 0
}

@test "many entries, in order, and once" {
	large
	add 1 20000
	jobs
	add 20001 50000
	arrived 50000
	until_pending 0
	until_figure published 50000
	[ "$(figure received)" -eq 50000 ]
	[ "$(figure held)" -eq 0 ]
}

@test "big entries: fewer are read at a time" {
	large --max-memory 1G
	add_big 1 200 1
	add_big 201 400 500000
	jobs
	arrived 400
	until_pending 0
	until_figure published 400
	(($(figure breaks) <= 3))
}

# --- Groups and consumers ---

@test "a group that is missing is made: where it begins" {
	both
	for n in 1 2 3; do
		cli xadd jobs "$n-0" data "{\"tenantId\":\"t\",\"n\":$n}"
	done
	bridge --stream jobs --field data --group all -c 3
	bridge_ends 0
	bridge --stream jobs --field data --group from --group-start 2-0 \
		--source other -c 1
	bridge_ends 0
	bridge --stream jobs --field data --group new --group-start '$' -c 1
	cli xadd jobs 4-0 data '{"tenantId":"t","n":4}'
	bridge_ends 0
	run -0 --separate-stderr wssub --since all -c 5 -W 20 t
	[ "$(jq .n <<<"$output" | xargs)" = '1 2 3 3 4' ]
}

@test "a group that is there goes on where it was" {
	both
	add 1 3
	cli xgroup create jobs g "$(cli --raw xrange jobs - + count 1 | head -n 1)"
	jobs --group-start '$' -c 2
	bridge_ends 0
	run -0 --separate-stderr wssub --since all -c 2 -W 20 t
	[ "$(jq .n <<<"$output" | xargs)" = '2 3' ]
	add 4 4
	jobs -c 1 # again
	bridge_ends 0
	run -0 --separate-stderr wssub --since all -c 3 -W 20 t
	[ "$(jq .n <<<"$output" | xargs)" = '2 3 4' ]
}

@test "the consumer is named after the host, unless it is named" {
	both
	add 1 1
	jobs -c 1
	bridge_ends 0
	[ "$(cli --raw xinfo consumers jobs g | sed -n 2p)" = "$(hostname)" ]
	add 2 2
	jobs -c 1 --consumer me
	bridge_ends 0
	cli --raw xinfo consumers jobs g | grep -qx me
}

@test "the same source publishes an entry once, another one once more" {
	both
	cli xadd jobs 1-1 data '{"tenantId":"t","n":1}'
	cli xadd other 1-1 data '{"tenantId":"t","n":2}'
	for group in a b; do
		bridge --stream jobs --stream other --group $group \
			--field data -c 2
		bridge_ends 0
	done
	bridge --stream jobs --group c --field data -c 1 --source "unix:$redis_socket"
	bridge_ends 0
	for group in d e; do
		bridge --stream jobs --group $group --field data -c 1 \
			--source 'another "Redis" ä'
		bridge_ends 0
	done
	wspub t '{"n":9}'
	run -0 --separate-stderr wssub --since all -c 4 -W 20 t
	[ "$(jq .n <<<"$output" | xargs)" = '1 2 1 9' ]
}

@test "a group that is destroyed while it runs is made again" {
	large
	jobs
	add 1 100
	until_figure published 100
	cli xgroup destroy jobs g
	add 101 200
	said "redis2ws: '$REDIS_URL' has no group 'g' any more: it is made again"
	until_figure published 200
	cli del jobs
	add 201 300
	until_figure published 300
	cli flushall
	add 301 400
	until_figure published 400
	arrived 400
	until_pending 0
	[ "$(figure received)" -eq 400 ]
}

@test "one that is destroyed in a flood too" {
	large
	add 1 20000
	jobs
	for n in 1 2 3 4 5; do
		until_figure published $((n * 1500))
		cli xgroup destroy jobs g
	done
	add 20001 20100
	arrived 20100
	until_pending 0
}

@test "a group that began behind the newest entry, and is destroyed" {
	both
	add 1 3
	jobs --group-start '$'
	cli xgroup destroy jobs g
	cli xadd jobs '*' data '{"tenantId":"t","n":4}'
	said '*: it is made again'
	cli xadd jobs '*' data '{"tenantId":"t","n":5}'
	run -0 --separate-stderr wssub --since all -c 2 -W 20 t
	[ "$(jq .n <<<"$output" | xargs)" = '4 5' ]
}

# --- What Redis is told, and when ---

@test "Redis is told only of what the wsd has acknowledged" {
	large
	jobs
	add 1 10
	until_pending 0
	kill -STOP "$wsd"
	add 11 40
	until_figure held 30
	[ "$(pending)" -eq 30 ]
	[ "$(figure published)" -eq 10 ]
	kill -CONT "$wsd"
	until_pending 0
	until_figure published 40
	add 41 41
	arrived 41
}

@test "what this consumer was given before comes first" {
	large
	cli xgroup create jobs g 0 mkstream
	add 1 250
	left_to me 120
	left_to me 130
	add 251 260
	jobs --consumer me
	until_figure published 260
	arrived 260
	until_pending 0
}

@test "redis2ws is killed while the wsd is away, and comes back" {
	large
	jobs
	kill -STOP "$wsd"
	add 1 100
	until_figure held 100
	kill -KILL "$bridge"
	bridge_ends 137
	kill -CONT "$wsd" # it still finds what was sent
	jobs
	add 101 110
	until_pending 0
	arrived 110
}

@test "the connections to Redis are lost, in a flood" {
	large
	add 1 30000
	jobs
	for n in 1 2 3 4 5; do
		until_figure published $((n * 2000))
		until (($(cli client kill type normal skipme yes) > 0)); do
			again
		done
	done
	add 30001 30010
	arrived 30010
	until_pending 0
	until_figure published 30010
	until_figure breaks 1 # the one that tells may be lost alone
	[ "$(figure gaps)" -eq 0 ]
	[ "$(figure lost)" -eq 0 ]
}

@test "SIGTERM: what is in flight is acknowledged, and Redis is told" {
	large
	add 1 50000
	jobs
	until_figure published 3000
	kill "$bridge"
	bridge_ends 143
	[[ $rest != *'not acknowledged'* ]]
	published=$(figure published)
	[ "$(figure received)" -eq "$published" ]
	[ "$(figure held)" -eq 0 ]
	[ "$(figure lost)" -eq 0 ]
	jobs # what Redis had given and nobody has read comes first
	until_pending 0
	arrived 50000
}

@test "SIGTERM while the wsd does not answer; a second one does not wait" {
	both
	jobs
	kill -STOP "$wsd"
	add 1 5
	until_figure held 5
	kill "$bridge"
	until [[ $(cli client list) != *xreadgroup* ]]; do again; done
	kill "$bridge"
	bridge_ends 143
	[[ $rest == *'redis2ws: 5 messages were not acknowledged' ]]
	[ "$(figure lost)" -eq 5 ]
	[ "$(pending)" -eq 5 ]
	kill -CONT "$wsd"
	jobs
	add 6 6
	arrived 6
	until_pending 0
}

@test "-c takes so many, and leaves the others to Redis" {
	both
	add 1 1000
	jobs -c 7
	bridge_ends 0
	[ "$(figure published)" -eq 7 ]
	[ "$(figure held)" -eq 0 ]
	jobs -c 993
	bridge_ends 0
	arrived 1000
	until_pending 0
}

@test "-c takes as many as it can, when some are refused" {
	both
	cli xadd jobs '*' data bad
	cli xadd jobs '*' nodata x
	add 1 5
	jobs -c 5
	bridge_ends 0
	[ "$(figure rejected)" -eq 2 ]
	until_pending 0
}

@test "-W ends it with 124" {
	both
	run -124 redis2ws --stream jobs --group g -W 200ms
	[ "$output" = 'redis2ws: time is up after 200 ms; published: 0' ]
}

# --- Room ---

@test "no more is read than --window has room for" {
	large
	jobs --window 10
	kill -STOP "$wsd"
	add 1 1000
	until_figure held 10
	[ "$(cli --raw xinfo groups jobs | grep -A 1 '^lag$' | tail -n 1)" -ge 980 ]
	(($(pending) <= 20))
	[ "$(figure held)" -le 20 ]
	kill -CONT "$wsd"
	until_pending 0
	until_figure published 1000
	arrived 1000
}

@test "no more is read than --max-buffer has room for" {
	large
	jobs --max-buffer 1000
	kill -STOP "$wsd"
	add 1 2000
	until_figure held 16
	cli xadd other '*' a b # Redis has done what came before
	(($(pending) < 100))
	kill -CONT "$wsd"
	until_figure published 2000
	arrived 2000
	until_pending 0
}

@test "while the wsd is away entries wait in Redis" {
	at_socket
	start_redis
	jobs --window 100
	kill_wsd
	said '*; trying again in *'
	add 1 1000
	until_figure held 100
	[ "$(figure lost)" -eq 0 ]
	(($(pending) <= 200))
	at_socket
	until_figure published 1000
	arrived 1000
	until_pending 0
}

# --- Other consumers ---

@test "what a dead consumer was given is taken over, in several rounds" {
	large
	cli xgroup create jobs g 0 mkstream
	add 1 250
	left_to dead 125
	left_to deader 125
	idle_for 100
	jobs --claim-after 100ms
	until_figure published 250
	until_pending 0
	wssub --since all -c 250 -W 20 t | jq .n | sort -n | cmp - <(seq 250)
}

@test "also with less room, or for less, than can be claimed at a time" {
	large
	cli xgroup create jobs g 0 mkstream
	add 1 30
	left_to dead 30
	idle_for 100
	jobs --claim-after 100ms --window 7
	until_figure published 30
	until_pending 0
	kill "$bridge"
	bridge_ends 143
	add 31 40
	left_to dead 10
	idle_for 100
	jobs --claim-after 100ms -c 10
	bridge_ends 0
	arrived 40
	until_pending 0
}

@test "big ones of a dead consumer, more than fit in one reply" {
	large --max-memory 1G
	cli xgroup create jobs g 0 mkstream
	add_big 1 110 700000
	left_to dead 110
	idle_for 100
	jobs --claim-after 100ms
	until_figure published 110
	until_pending 0
	wssub --since all -c 110 -W 20 t | jq .n | sort -n | cmp - <(seq 110)
}

@test "what this very consumer holds is not claimed, however old it is" {
	both
	jobs --consumer me --claim-after 100ms
	kill -STOP "$wsd"
	add 1 1
	until_figure held 1
	idle_for 100
	add 2 2
	left_to dead 1 || true
	until_figure held 2
	# shellcheck disable=SC2207 # words
	given=($(cli --raw xpending jobs g - + 10 | awk 'NR % 4 == 0'))
	[ "${given[0]}" -eq 1 ]
	kill -CONT "$wsd"
	until_pending 0
	until_figure published 2
}

@test "what another one holds for a short time is left to it" {
	both
	cli xgroup create jobs g 0 mkstream
	add 1 3
	left_to alive 3
	jobs --claim-after 1h
	add 4 5
	until_figure published 2
	[ "$(pending)" -eq 3 ]
}

@test "two of one group share its entries" {
	large
	jobs --consumer a
	first=$bridge
	exec 10<&9
	mv "$T/bridge.out" "$T/first.out"
	jobs --consumer b
	add 1 5000
	until_pending 0
	wssub --since all -c 5000 -W 20 t | jq .n | sort -n | cmp - <(seq 5000)
	kill "$bridge" "$first"
	bridge_ends 143
	wait "$first" || true
	[ "$(cat "$T/first.out" "$T/bridge.out" | jq -s '[.[-1, 0].published] | add')" -gt 0 ]
	exec 10<&-
}

# --- Usage ---

@test "usage" {
	run -2 redis2ws --stream jobs
	[[ $output == *'--stream needs --group'* ]]
	run -2 redis2ws --stream jobs --group g --channel x
	[[ $output == *'--stream: not with --channel or --pattern'* ]]
	run -2 redis2ws --stream jobs --group g --pattern x
	[[ $output == *'--stream: not with --channel or --pattern'* ]]
	for option in --group --consumer --field --source; do
		run -2 redis2ws --channel jobs $option x
		[[ $output == *'need --stream'* ]]
	done
	run -2 redis2ws --stream jobs --group g \
		--source "$(printf '%300s' x)"
	[[ $output == *"are too long together for a key; name a shorter source"* ]]
	run -2 redis2ws --stream jobs --group g --stream jobs
	[[ $output == *"--stream: 'jobs' is named twice"* ]]
	run -2 redis2ws --stream $'jobs\xff' --group g
	[[ $output == *"UTF-8"* ]]
	run -2 redis2ws --stream jobs --group g --source $'\xff'
	[[ $output == *"UTF-8"* ]]
	run -2 redis2ws --stream jobs --group g --claim-after 0
	run -2 redis2ws --stream jobs --group g --claim-after x
	both
	run -2 redis2ws --stream jobs --group g --group-start x
	[[ $output == *'refuses: ERR Invalid stream ID'* ]]
}

@test "options from a file" {
	both
	watch t
	jq -n '{stream: ["a", "b"], group: "g", field: "data",
		"claim-after": "10s", "group-start": "$"}' >"$T/config"
	bridge --config "$T/config"
	cli xadd b '*' data '{"tenantId":"t","n":1}'
	hear '{"n":1}'
}
