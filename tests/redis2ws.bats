#!/usr/bin/env bats
# redis2ws between a real redis-server and a real wsd.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis
load bridge

setup() {
	PATH=$BIN:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
}

@test "the job of the sketch: tenantId is taken out, the rest is published" {
	both
	watch t-1
	bridge --channel job_updates
	cli publish job_updates '{"tenantId":"t-1","job": 7, "x":[1.0,"\u00e4"] }'
	hear '{"job": 7, "x":\[1.0,"\\u00e4"\] }'
	cli publish job_updates '{"job":8,"tenantId":"t-1"}'
	hear '{"job":8}'
	cli publish job_updates '{"job":9,"tenantId":"other"}'
	cli publish elsewhere '{"job":10,"tenantId":"t-1"}'
	cli publish job_updates '{"job":11,"tenantId":"t-1"}'
	hear '{"job":1[01]}'
	[ "$heard" = '{"job":11}' ]
	kill "$bridge"
	bridge_ends 143
}

@test "a tenant that is an integer, in a member of a member, and first of all" {
	both
	watch 42
	bridge --channel jobs --tenant-field meta.id
	cli publish jobs '{"meta":{"id":42,"a":1},"b":2}'
	hear '{"meta":{"a":1},"b":2}'
	cli publish jobs '{"b":3,"meta":{"id":"42"}}'
	hear '{"b":3,"meta":{}}'
}

@test "several channels and patterns; the tenant is in the channel" {
	both
	watch -e a b
	bridge --channel x:a --pattern 'jobs:*' --pattern 'x:[b]' \
		--tenant-from-channel 'x:{}'
	said "redis2ws: rejected from 'jobs:a': the channel does not match the template: 1" &
	saying=$!
	cli publish jobs:a 1
	wait "$saying"
	cli publish x:a '{"tenantId":"b"}'
	hear '*"tenantId":"a"*"data":{"tenantId":"b"}}'
	cli publish x:b ' [1, 2]'
	hear '*"tenantId":"b"*"data":\[1, 2\]}'
}

@test "the webhook payloads come through byte for byte" {
	both
	watch t
	bridge --channel hooks
	for payload in '{"a":1e400,"b":-0.0,"tenantId":"t"}' \
		'{"tenantId":"t","text":"\ud83d\ude00 \/ 日本"}' \
		'{"n":12345678901234567890123,"tenantId":"t","n2":{"tenantId":"u"}}'; do
		cli publish hooks "$payload"
	done
	hear '*'
	[ "$heard" = '{"a":1e400,"b":-0.0}' ]
	hear '*'
	[ "$heard" = '{"text":"\ud83d\ude00 \/ 日本"}' ]
	hear '*'
	[ "$heard" = '{"n":12345678901234567890123,"n2":{"tenantId":"u"}}' ]
}

# --- What is refused ---

@test "bad messages are refused one by one, and kept" {
	both --max-message 1k
	watch t
	bridge --channel jobs --rejects "$T/rejects" -J
	cli publish jobs 'no JSON'
	said "redis2ws: rejected from 'jobs': column 2: *: no JSON"
	cli publish jobs '[1]'
	said "redis2ws: rejected from 'jobs': not a JSON object: \[1\]"
	cli publish jobs '{"x":1}'
	said "redis2ws: rejected from 'jobs': 'tenantId' is missing: {\"x\":1}"
	cli publish jobs '{"tenantId":1.5}'
	said "*: 'tenantId' is neither a string nor an integer: *"
	cli publish jobs '{"tenantId":"a b"}'
	said "*: 'tenantId' is not a tenant id (*"
	cli publish jobs '{"tenantId":"t","tenantId":"u"}'
	said "*: 'tenantId' is there twice: *"
	cli publish jobs ''
	said "redis2ws: rejected from 'jobs': *: "
	printf '\x00\x01\xff\n' | cli -x publish jobs
	said "redis2ws: rejected from 'jobs': *: \\\\x00\\\\x01\\\\xff*"
	cli publish jobs "{\"tenantId\":\"t\",\"x\":\"$(printf '%2000s' x)\"}"
	said "*: too large: 2*, the server takes 1 KiB: *..."
	cli publish jobs '{"tenantId":"t","ok":true}'
	hear '{"ok":true}'
	kill "$bridge"
	bridge_ends 143
	[ "$(figure received)" -eq 10 ]
	[ "$(figure rejected)" -eq 9 ]
	[ "$(figure published)" -eq 1 ]
	[ "$(jq -s length "$T/rejects")" -eq 9 ]
	[ "$(jq -rs '.[2] | .channel, .reason, .message' "$T/rejects")" = \
		$'jobs\n\'tenantId\' is missing\n{"x":1}' ]
	[ "$(jq -rs '.[8].message | length' "$T/rejects")" -gt 2000 ]
}

@test "of a flood of bad messages the number is told" {
	both
	bridge --channel jobs -c 1
	{
		for ((i = 0; i < 5000; i++)); do
			echo "PUBLISH jobs bad$i"
		done
		echo "PUBLISH jobs '{\"tenantId\":\"t\"}'"
	} | cli --pipe
	bridge_ends 0
	[[ $rest == *'redis2ws: rejected '*' more'* ]]
	(($(wc -l <<<"$rest") < 2500))
}

@test "a file of rejects that cannot be written does not end it" {
	both
	bridge --channel jobs --rejects /dev/full -c 1
	cli publish jobs bad
	said "redis2ws: cannot write '/dev/full', no more are kept: No space left on device"
	cli publish jobs bad
	said "redis2ws: rejected from 'jobs': *: bad"
	cli publish jobs '{"tenantId":"t"}'
	bridge_ends 0
}

# --- Losses ---

@test "redis-server is killed and started: a GAP, then it goes on" {
	both
	watch -e a b
	bridge --channel jobs
	cli publish jobs '{"tenantId":"a","n":1}'
	hear '*"tenantId":"a"*"data":{"n":1}}'
	kill_redis
	said "redis2ws: lost the connection to '$REDIS_URL': *; trying again in *"
	hear '{"type":"GAP","tenantId":"a"*"reason":"source"}'
	start_redis
	mended jobs
	cli publish jobs '{"tenantId":"b","n":2}'
	hear '*"data":{"n":2}}'
	[[ $heard == *'"seq":1,'* ]] # b has not been seen before
	cli publish jobs '{"tenantId":"a","n":3}'
	hear '*"data":{"n":3}}'
	[[ $heard == *'"seq":3,'* ]]
}

# mended CHANNEL: waits until it has a subscriber again; a message that nobody
# takes is not JSON.
mended() {
	local until=$((SECONDS + 20))

	until [[ $(cli publish "$1" probe) == 1 ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

@test "a flood, and Redis is killed in it: each loss is covered by a GAP" {
	both --history-count 100000 --history-size 64M
	bridge --channel jobs -J
	numbers 1 20000
	until_figure published 3000
	kill_redis
	start_redis
	cli publish jobs '{"tenantId":"t","n":20001}' # perhaps nobody is there
	mended jobs
	numbers 20002 30000
	wait "$!"
	cli publish jobs '{"tenantId":"end"}'
	run -0 wssub --since all -c 1 -W 20 end
	kill "$bridge"
	bridge_ends 143
	[ "$(figure breaks)" -eq 1 ]
	[ "$(figure gaps)" -eq 1 ]
	[ "$(figure lost)" -eq 0 ]
	[ "$(figure held)" -eq 0 ]
	wssub -e --since all -c $(($(figure published) - 1)) -W 20 t |
		covered 30000
}

# numbers FROM TO: publishes them in the background.
numbers() {
	seq -f 'PUBLISH jobs {"tenantId":"t","n":%.0f}' "$1" "$2" |
		sed "s/jobs \\(.*\\)/jobs '\\1'/" |
		{ cli --pipe >/dev/null 2>&1 || true; } &
}

# covered LAST: reads envelopes; each is the number behind the one before, or
# else a GAP stands between.
covered() {
	jq -r 'if .type == "GAP" then "gap" else .data.n end' |
		awk -v last="$1" '
			$1 == "gap" { gap = 1; next }
			$1 <= n || ($1 != n + 1 && !gap) {
				print $1 " after " n; bad = 1
			}
			{ n = $1; gap = 0 }
			END {
				if (n != last) print "ends with " n
				exit bad || n != last
			}'
}

@test "a Redis that hangs is a break too" {
	both
	watch -e t
	bridge --channel jobs
	cli publish jobs '{"tenantId":"t","n":1}'
	hear '*"data":{"n":1}}'
	kill -STOP "$redis"
	said '*: lost the connection to *: no answer within 5 s; *'
	hear '{"type":"GAP","tenantId":"t"*"reason":"source"}'
	kill -CONT "$redis"
	mended jobs
	cli publish jobs '{"tenantId":"t","n":2}'
	hear '*"data":{"n":2}}'
}

@test "wsd is killed and started: what came meanwhile is held" {
	at_socket
	start_redis
	bridge --channel jobs -J
	cli publish jobs '{"tenantId":"t","n":1}'
	until_figure published 1
	kill_wsd
	said '*; trying again in *'
	cli publish jobs '{"tenantId":"t","n":2}'
	until_figure held 1
	at_socket
	cli publish jobs '{"tenantId":"t","n":3}'
	run -0 wssub --since all -c 2 -W 20 t
	[ "$output" = $'{"n":2}\n{"n":3}' ]
	until_figure published 3
	until_figure reconnects 1
}

@test "what finds no room while wsd is away is lost, and a GAP says where" {
	at_socket
	start_redis
	bridge --channel jobs -J --window 5
	kill_wsd
	said '*; trying again in *'
	for ((n = 1; n <= 8; n++)); do
		cli publish jobs "{\"tenantId\":\"t\",\"n\":$n}"
	done
	said '*: no room for more messages: they are lost until *'
	until_figure lost 3
	[ "$(figure held)" -eq 5 ]
	at_socket
	said '*: there is room again; lost: 3'
	cli publish jobs '{"tenantId":"t","n":9}'
	run -0 --separate-stderr wssub -e --since all -c 6 -W 20 t
	[ "$(jq -r '.data.n // .type' <<<"$output" | xargs)" = '1 2 3 4 5 GAP 9' ]
	until_figure published 6
	[ "$(figure gaps)" -eq 1 ]
	[ "$(figure received)" -eq 9 ]
}

@test "the room is bounded in bytes too" {
	at_socket
	start_redis
	bridge --channel jobs -J --max-buffer 1000
	kill_wsd
	said '*; trying again in *'
	for ((n = 1; n <= 8; n++)); do
		cli publish jobs "{\"tenantId\":\"t\",\"x\":\"$(printf '%300s' x)\"}"
	done
	until_figure received 8
	[ "$(figure held)" -eq 3 ]
	[ "$(figure lost)" -eq 5 ]
	at_socket
	until_figure gaps 1
	until_figure published 3
}

@test "a wsd that is slow is waited for: nothing is lost" {
	both --history-count 100000 --history-size 64M
	bridge --channel jobs -J --window 1
	kill -STOP "$wsd"
	numbers 1 50000
	until [[ $(cli client list type pubsub) != *' omem=0 '* ]]; do again; done
	kill -CONT "$wsd"
	until_figure published 50000
	[ "$(figure lost)" -eq 0 ]
	wssub -e --since all -c 50000 -W 20 t | covered 50000
}

@test "what a tenant's rate does not allow is lost, and a GAP follows" {
	both --tenant-rate 5
	watch -e t
	bridge --channel jobs -J
	numbers 1 100
	until_figure received 100
	hear '*"type":"GAP"*"reason":"source"}'
	until_figure gaps 1
	(($(figure lost) > 0))
	kill "$bridge"
	bridge_ends 143
	(($(figure lost) + $(figure published) == 100))
}

# --- Ending ---

@test "SIGTERM in a flood: all that was received is acknowledged" {
	both --history-count 100000 --history-size 64M
	bridge --channel jobs -J
	numbers 1 50000
	until_figure published 3000
	kill "$bridge"
	bridge_ends 143
	[ "$(figure lost)" -eq 0 ]
	[ "$(figure held)" -eq 0 ]
	published=$(figure published)
	[ "$(figure received)" -eq "$published" ]
	wssub --since all -c "$published" -W 20 t | jq .n |
		cmp - <(seq "$published")
}

@test "SIGINT ends it too; a second signal does not wait" {
	both
	bridge --channel jobs -J
	kill -STOP "$wsd"
	cli publish jobs '{"tenantId":"t"}'
	until_figure received 1
	kill -INT "$bridge"
	subscribers 0
	kill -INT "$bridge"
	bridge_ends 130
	[[ $rest == *'redis2ws: 1 message was not acknowledged' ]]
	[ "$(figure lost)" -eq 1 ]
	kill -CONT "$wsd"
}

# subscribers N: waits until the channel has so many subscribers.
subscribers() {
	local until=$((SECONDS + 20))

	until [[ $(cli pubsub numsub jobs | tail -n 1) == "$1" ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

@test "-c ends it with 0 after so many were published, -W with 124" {
	both
	bridge --channel jobs -c 2 -v
	cli publish jobs 'bad'
	cli publish jobs '{"tenantId":"t","n":1}'
	cli publish jobs '{"tenantId":"t","n":2}'
	cli publish jobs '{"tenantId":"t","n":3}'
	bridge_ends 0
	[[ $rest == *'redis2ws: received 3, published 2, rejected 1, lost 0, held 0; gaps 0, breaks of Redis 0, reconnects 0' ]]
	run -0 wssub --since all -c 2 --idle 100ms t
	[ "$output" = $'{"n":1}\n{"n":2}' ]
	run -124 redis2ws --channel jobs -W 200ms
	[ "$output" = 'redis2ws: time is up after 200 ms; published: 0' ]
}

@test "SIGUSR1 shows the counters, also with -q" {
	both
	bridge --channel jobs -q
	kill -USR1 "$bridge"
	said 'redis2ws: received 0, published 0, *'
}

# --- Beginning ---

@test "options from a file, and from the environment" {
	both
	watch t
	unset REDIS_URL
	jq -n --arg redis "unix:$redis_socket" \
		'{redis: $redis, channel: ["a", "b"], "tenant-field": "id"}' \
		>"$T/config"
	bridge --config "$T/config"
	cli publish b '{"id":"t","n":1}'
	hear '{"n":1}'
}

@test "who is not there, or does not let it in" {
	start_redis_tcp --user amy on nopass -@all +ping +subscribe \
		resetchannels '&jobs'
	run -3 redis2ws -u ws://127.0.0.1:1/ws --channel jobs
	[[ $output == "redis2ws: cannot connect to 'ws://127.0.0.1:1/ws': "* ]]
	start_wsd
	export WSD_URL=$url
	run -3 redis2ws --redis unix:/nowhere --channel jobs
	[ "$output" = "redis2ws: cannot connect to 'unix:/nowhere': no such file or directory" ]
	run -4 redis2ws --redis "redis://amy:x@127.0.0.1:$redis_port" \
		--channel jobs --channel secret
	[[ $output == "redis2ws: 'redis://127.0.0.1:$redis_port' refuses a subscription: NOPERM "* ]]
}

@test "a server that does not speak wsd.v1" {
	listening "$BATS_TEST_DIRNAME/tools/fakeserver" \
		'[[{"accept":""},{"hang":true}]]'
	run -2 redis2ws -u "ws://127.0.0.1:$PORT/ws" --channel jobs
	[ "$output" = "redis2ws: 'ws://127.0.0.1:$PORT/ws' does not speak wsd.v1, and so has no acknowledgements" ]
}

@test "usage" {
	run -2 redis2ws
	[[ $output == *'which channel? Name at least one, with --channel, --pattern or --stream'* ]]
	run -2 redis2ws jobs
	[[ $output == *"'jobs': no operand is expected; a channel is --channel 'jobs'"* ]]
	run -2 redis2ws --channel jobs --tenant-field a..b
	[[ $output == *'--tenant-field: a path is names with dots between'* ]]
	run -2 redis2ws --channel jobs --tenant-from-channel jobs
	[[ $output == *"'jobs' does not have {} exactly once"* ]]
	run -2 redis2ws --channel jobs --tenant-from-channel '{}' --tenant-field a
	[[ $output == *'--tenant-from-channel: not with --tenant-field'* ]]
	run -2 redis2ws --channel jobs --redis redis://me:secret@h:x
	[[ $output == *'--redis: the port is not a number from 1 to 65535'* ]]
	[[ $output != *secret* ]]
	run -2 redis2ws --channel jobs --redis rediss://h
	[[ $output == *'--redis: there is no TLS for Redis'* ]]
	run -2 redis2ws --channel jobs --redis redis://me@h
	[[ $output == *'--redis: a user without a password'* ]]
	run -2 redis2ws --channel jobs --ready-fd 77
	[[ $output == *'--ready-fd: descriptor 77 is not open'* ]]
	run -2 redis2ws --channel jobs --ready-fd 1
	[[ $output == *'--ready-fd: 1 is stdout'* ]]
	both
	run -1 bash -c 'redis2ws --channel jobs --ready-fd 5 5>/dev/full'
	[ "$output" = 'redis2ws: cannot write to --ready-fd 5: No space left on device' ]
	run -2 redis2ws -u "$url" --channel jobs --rejects "$T/none/x"
	[ "$output" = "redis2ws: cannot open '$T/none/x': No such file or directory" ]
}
