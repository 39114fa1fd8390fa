#!/usr/bin/env bats
# redis2ws --stdout and --dry-run in pipelines, and the password of a Redis.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# shellcheck disable=SC2016 # an inner shell expands it, or it is Redis's

bats_require_minimum_version 1.5.0

load helper
load redis

setup() {
	PATH=$BIN:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
}

# filter [OPTION...]: a redis2ws --stdout in the background, once it has
# subscribed; it is $filter, hear() reads its lines, said() what it says.
filter() {
	filter_with --stdout "$@"
}

filter_with() {
	local out=$T/filter.out

	rm -f "$out"
	mkfifo "$out"
	exec 8<>"$out"
	filter_to "$out" "$@"
	exec 8<"$out" # so that its end is seen
}

# filter_to FILE OPTION...: the same with the lines in FILE.
filter_to() {
	local out=$1 ready=$T/ready errors=$T/errors
	shift

	rm -f "$ready" "$errors"
	mkfifo "$ready" "$errors"
	exec 4<>"$ready" 6<>"$errors"
	start env --default-signal=INT redis2ws --ready-fd 4 "$@" \
		>"$out" 2>"$errors" 3>&- 6<&- 8<&-
	filter=$PID
	exec 9<"$errors" 6<&-
	read -r -t 20 _ <&4
	exec 4<&-
}

# said PATTERN: reads what it says up to a line that matches, which is `told`.
said() {
	while IFS= read -r -t 20 told <&9; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $told != $1 ]] || return 0
		echo "it said: $told"
	done
	echo "it did not say: $1"
	return 1
}

# filter_ends STATUS: waits for its end; what it has still said is `rest`.
filter_ends() {
	local status=0

	wait "$filter" || status=$?
	rest=$(cat <&9)
	((status == $1)) && return
	echo "redis2ws ended with status $status: $rest"
	return 1
}

# counters: asks for them; sets `told`.
counters() {
	kill -USR1 "$filter"
	said 'redis2ws: received *'
}

# until_counters PATTERN: asks until they match.
until_counters() {
	local until=$((SECONDS + 20))

	# shellcheck disable=SC2053 # it is a pattern
	until counters && [[ $told == $1 ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

# numbers FROM TO: publishes them, through one connection.
numbers() {
	seq -f '{"tenantId":"t","n":%.0f}' "$1" "$2" |
		sed "s/.*/PUBLISH jobs '&'/" | cli --pipe >/dev/null
}

# numbered FROM TO: these lines, as they are printed.
numbered() {
	seq -f '{"tenantId":"t","n":%.0f}' "$1" "$2"
}

# until_subscribers N: waits until the channel has so many.
until_subscribers() {
	local until=$((SECONDS + 20))

	until [[ $(cli pubsub numsub jobs | tail -n 1) == "$1" ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

# until_backlog: waits until Redis holds something back for a subscriber.
until_backlog() {
	local until=$((SECONDS + 20))

	until [[ $(cli client list type pubsub) == *' omem='[1-9]* ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

# --- Lines ---

@test "a line names the tenant first, and the rest is as it came" {
	start_redis
	filter --channel jobs
	cli publish jobs '{"status":"done","tenantId":"t"}'
	hear '*'
	[ "$heard" = '{"tenantId":"t","status":"done"}' ]
	cli publish jobs '{"tenantId":42,"n":1.10, "x":["\u00e4",1e400] }'
	hear '*'
	[ "$heard" = '{"tenantId":"42","n":1.10, "x":["\u00e4",1e400] }' ]
	cli publish jobs $'{"tenantId":"t",\n"a":\n1}'
	hear '*'
	[ "$heard" = '{"tenantId":"t", "a": 1}' ]
	cli publish jobs '{"tenantId":"t"}'
	hear '*'
	[ "$heard" = '{"tenantId":"t"}' ]
}

@test "whatever member or channel named the tenant" {
	start_redis
	filter --channel jobs --tenant-field meta.id
	cli publish jobs '{"meta":{"id":"a","x":1},"n":2}'
	hear '*'
	[ "$heard" = '{"tenantId":"a","meta":{"x":1},"n":2}' ]
	kill "$filter"
	filter_ends 143
	filter --pattern 'jobs:*' --tenant-from-channel 'jobs:{}'
	cli publish jobs:b ' {"n":3} '
	hear '*'
	[ "$heard" = '{"tenantId":"b","n":3}' ]
}

@test "what can't be such a line is refused" {
	start_redis
	filter --pattern '*' --tenant-from-channel 'jobs:{}' \
		--rejects "$T/rejects"
	cli publish jobs:t '[1]'
	said "redis2ws: rejected from 'jobs:t': not a JSON object: no line can name its tenant: \[1\]"
	cli publish jobs:t '{"a":1,"tenant\u0049d":"u"}'
	said "redis2ws: rejected from 'jobs:t': has a member 'tenantId' of its own, where a line names the tenant: *"
	cli publish other 1
	said "redis2ws: rejected from 'other': the channel does not match the template: 1"
	cli publish jobs:t '{"ok":{"tenantId":1}}'
	hear '{"tenantId":"t","ok":{"tenantId":1}}'
	counters
	[[ $told == *'received 4, published 1, rejected 3, lost 0, held 0;'* ]]
	[ "$(jq -rs 'map(.reason[:10]) | join("|")' "$T/rejects")" = \
		'not a JSON|has a memb|the channe' ]
	kill "$filter"
	filter_ends 143
}

@test "no wsd is asked, whatever WSD_URL says" {
	start_redis
	WSD_URL=nonsense filter --channel jobs -c 1
	cli publish jobs '{"tenantId":"t"}'
	hear '{"tenantId":"t"}'
	filter_ends 0
	[ -z "$rest" ]
}

@test "redis2ws | jq | wspub: what a filter lets through arrives" {
	start_wsd
	start_redis
	mkfifo "$T/watched" "$T/watch" "$T/begun"
	exec 4<>"$T/begun" 5<>"$T/watched" 8<>"$T/watch"
	start wssub -u "$url" --ready-fd 5 -e a b >"$T/watch" 8<&-
	read -r -t 20 _ <&5
	start bash -o pipefail -c 'redis2ws --stdout --channel jobs -c 3 \
		--ready-fd 4 |
		jq -c --unbuffered "select(.status==\"done\")" |
		wspub -u "$url" --tenant-field tenantId' 5<&- 8<&-
	pipeline=$PID
	read -r -t 20 _ <&4
	cli publish jobs '{"status":"begun","tenantId":"a"}'
	cli publish jobs '{"tenantId":"a","status":"done","n":1}'
	hear '*'
	[[ $heard == *'"tenantId":"a"'*'"seq":1,'*'"data":{"status":"done","n":1}}' ]]
	cli publish jobs '{"status":"done","n":2,"tenantId":"b"}'
	hear '*'
	[[ $heard == *'"tenantId":"b"'*'"seq":1,'*'"data":{"status":"done","n":2}}' ]]
	wait "$pipeline"
}

# --- Who reads ---

@test "head leaves: it ends by SIGPIPE and says nothing" {
	start_redis
	mkfifo "$T/ready"
	for messages in 1 3000; do
		exec 4<>"$T/ready"
			start bash -c 'redis2ws --stdout --channel jobs --ready-fd 4 \
			2>"$0" | head -n 1; echo "${PIPESTATUS[0]}"' \
			"$T/said" >"$T/head"
		read -r -t 20 _ <&4
		exec 4<&-
		numbers 1 "$messages"
		wait "$PID"
		[ "$(<"$T/head")" = "$(numbered 1 1)"$'\n141' ]
		[ ! -s "$T/said" ]
	done
}

@test "a reader that leaves is noticed while nothing comes" {
	start_redis
	filter --channel jobs
	exec 8<&-
	filter_ends 141
	[ -z "$rest" ]
}

@test "-c 1 prints one line and exits 0" {
	start_redis
	filter --channel jobs -c 1 -v
	numbers 1 3
	filter_ends 0
	[ "$(cat <&8)" = "$(numbered 1 1)" ]
	[[ $rest == *'redis2ws: received 1, published 1, rejected 0, lost 0, held 0;'* ]]
}

@test "-W ends it with 124" {
	start_redis
	run -124 redis2ws --stdout --channel jobs -W 100ms
	[ "$output" = 'redis2ws: time is up after 100 ms; published: 0' ]
}

@test "a slow reader is waited for, in Redis, and nothing is lost" {
	start_redis
	filter --channel jobs
	numbers 1 60000
	until_backlog
	counters
	[[ $told != *'received 60000, '* && $told != *', held 0;'* ]]
	head -n 60000 <&8 | cmp - <(numbered 1 60000)
	until_counters '*received 60000, published 60000, rejected 0, lost 0, held 0; *, breaks of Redis 0, *'
}

# --- Ends ---

@test "SIGTERM: what it had taken is still written" {
	start_redis
	filter --channel jobs -v
	numbers 1 60000
	until_backlog
	kill "$filter"
	until_subscribers 0
	cat <&8 >"$T/lines"
	filter_ends 143
	n=$(wc -l <"$T/lines")
	((n > 1000 && n < 60000))
	numbered 1 "$n" | cmp - "$T/lines"
	[[ $rest == *"redis2ws: received $n, published $n, rejected 0, lost 0, held 0; "* ]]
}

@test "a second signal does not wait, and the rest is counted" {
	start_redis
	filter --channel jobs -v
	numbers 1 60000
	until_backlog
	kill "$filter"
	until_subscribers 0
	kill "$filter"
	filter_ends 143
	[[ $rest =~ redis2ws:\ ([0-9]+)\ messages\ were\ not\ written ]]
	[[ $rest == *", lost ${BASH_REMATCH[1]}, held 0; "* ]]
}

@test "a disk that is full: exit 1" {
	start_redis
	filter_to /dev/full --stdout --channel jobs
	cli publish jobs '{"tenantId":"t"}'
	filter_ends 1
	[ "$rest" = 'redis2ws: cannot write to stdout: No space left on device
redis2ws: 1 message was not written' ]
}

@test "stdout that is closed, with stdin or not" {
	start_redis
	run -1 bash -c 'redis2ws --stdout --channel jobs -W 20 >&-'
	[ "$output" = 'redis2ws: cannot write to stdout: Bad file descriptor' ]
	run -1 bash -c 'redis2ws --dry-run --channel jobs -W 20 <&- >&-'
	[ "$output" = 'redis2ws: cannot write to stdout: Bad file descriptor' ]
}

@test "lines in a file are written as they come" {
	start_redis
	filter_to "$T/lines" --stdout --channel jobs
	numbers 1 20000
	until_counters '*, published 20000, *'
	numbered 1 20000 | cmp - "$T/lines"
	kill "$filter"
	filter_ends 143
}

# --- What is missing ---

@test "a break of the connection is told once, and it goes on" {
	start_redis
	filter --channel jobs
	numbers 1 1
	hear "$(numbered 1 1)"
	kill_redis
	said "redis2ws: lost the connection to '$REDIS_URL': *"
	said 'redis2ws: messages may be missing'
	start_redis
	until_subscribers 1
	numbers 2 2
	hear "$(numbered 2 2)"
	kill "$filter"
	filter_ends 143
	[[ $rest != *missing* ]]
}

@test "it is told once too when messages come before all is subscribed again" {
	local greeting='{"wait":"PING\r\n"},{"raw":"+OK\r\n+PONG\r\n","keep":true}'
	local asked='{"wait":"$1\r\nb\r\n"}'
	local a='*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n'
	local b='*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n'
	local early='*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$16\r\n{\"tenantId\":\"t\"}\r\n'

	listening "$BATS_TEST_DIRNAME/tools/fakeserver" --bytes \
		"[[$greeting,$asked,{\"raw\":\"$a$b\",\"keep\":true},{\"end\":true}],
		[$greeting,$asked,{\"raw\":\"$a$early$b\",\"keep\":true}]]"
	filter --redis "redis://127.0.0.1:$PORT" --channel a --channel b
	hear '{"tenantId":"t"}'
	kill "$filter"
	filter_ends 143
	(($(grep -c 'redis2ws: messages may be missing' <<<"$rest") == 1))
}

# --- Streams ---

# entries FROM TO: adds them, through one connection.
entries() {
	seq -f '{"tenantId":"t","n":%.0f}' "$1" "$2" |
		sed "s/.*/XADD s * data '&'/" | cli --pipe >/dev/null
}

# pending: how many entries the group was given and has not acknowledged.
pending() {
	cli xpending s g | head -n 1
}

until_acknowledged() {
	local until=$((SECONDS + 20))

	until [[ $(pending) == 0 ]]; do
		((SECONDS < until)) || return 1
		again
	done
}

@test "an entry of a stream is acknowledged once its line is written" {
	start_redis
	filter --stream s --group g --field data
	entries 1 3
	hear "$(numbered 3 3)"
	until_acknowledged
	kill "$filter"
	filter_ends 143
}

@test "what was not written when the reader left comes again" {
	start_redis
	filter --stream s --group g --field data -v
	entries 1 60000
	until_backed_up
	exec 8<&-
	filter_ends 141
	[[ $rest =~ published\ ([0-9]+),\ rejected\ 0,\ lost\ ([0-9]+),\ held\ 0 ]]
	((BASH_REMATCH[1] > 0 && BASH_REMATCH[2] > 0))
	[[ $rest != *'not written'* ]]
	filter --stream s --group g --field data
	head -n "$((60000 - BASH_REMATCH[1]))" <&8 | cmp - \
		<(numbered "$((BASH_REMATCH[1] + 1))" 60000)
	until_acknowledged
}

# until_backed_up: waits until it takes no more.
until_backed_up() {
	local before=

	until [[ $told == *', held '[1-9]* && $told == "$before" ]]; do
		before=$told
		again
		counters
	done
}

@test "a dry run of a stream consumes nothing" {
	start_redis
	entries 1 3
	filter_with --dry-run --stream s --group g --field data -c 3
	hear "$(numbered 3 3)"
	filter_ends 0
	[[ -z $(cli xinfo groups s) ]]
}

# --- A dry run ---

@test "--dry-run prints the same and leaves everything as it was" {
	start_redis
	filter_with --dry-run -u ws://127.0.0.1:1/ws --channel jobs \
		--rejects "$T/rejects"
	cli publish jobs '{"status":"done","tenantId":"t"}'
	hear '*'
	[ "$heard" = '{"tenantId":"t","status":"done"}' ]
	cli publish jobs 'bad'
	said "redis2ws: rejected from 'jobs': *: bad"
	kill "$filter"
	filter_ends 143
	[ ! -e "$T/rejects" ]
	filter --dry-run --channel jobs -c 1 # both are the same
	cli publish jobs '{"status":"done","tenantId":"t"}'
	hear '{"tenantId":"t","status":"done"}'
	filter_ends 0
}

@test "what does not go with lines on stdout" {
	run -2 redis2ws --stdout --channel jobs -u ws://h/ws
	[[ $output == *'--stdout: not with -u, as nothing is published'* ]]
	run -2 redis2ws --stdout --channel jobs -J
	[[ $output == *'-J: not with --stdout, which has stdout for its lines'* ]]
	run -2 redis2ws --dry-run --channel jobs -J
	[[ $output == *'-J: not with --dry-run, which has'* ]]
	run -2 redis2ws --stdout --channel jobs --ready-fd 1
	[[ $output == *'--ready-fd: 1 is stdout, which carries only messages'* ]]
}

# --- The password ---

# secret TEXT [MODE]: a file with that, as --redis-password-file wants it.
secret() {
	rm -f "$T/secret"
	(umask 077 && printf '%s' "$1" >"$T/secret")
	chmod "${2:-400}" "$T/secret"
}

# lets_in [OPTION...]: whether Redis lets it in.
lets_in() {
	filter --channel jobs "$@"
	kill "$filter"
	filter_ends 143
}

@test "a password in a file, in the environment, in the URL" {
	start_redis --requirepass right --user bob on '>own' +@all '&*'
	run -4 redis2ws --stdout --channel jobs
	[[ $output == *'Redis wants a password: NOAUTH '* ]]
	secret $'right\n'
	lets_in --redis-password-file "$T/secret"
	secret 'right' 440
	lets_in --redis-password-file "$T/secret"
	REDIS_PASSWORD=right lets_in
	REDIS_URL=unix://:right@$redis_socket lets_in
	REDIS_PASSWORD=own REDIS_URL=unix://bob@$redis_socket lets_in
}

@test "the file counts before the environment, and that before the URL" {
	start_redis --requirepass right
	export REDIS_URL=unix://:wrong@$redis_socket
	run -4 redis2ws --stdout --channel jobs
	REDIS_PASSWORD=right lets_in
	export REDIS_PASSWORD=wrong
	run -4 redis2ws --stdout --channel jobs
	[[ $output != *wrong* ]]
	secret right
	lets_in --redis-password-file "$T/secret"
	jq -n --arg file "$T/secret" '{"redis-password-file": $file}' \
		>"$T/config"
	lets_in --config "$T/config"
}

@test "publishing to a wsd takes the password too, and after a break" {
	start_wsd
	start_redis --requirepass right
	secret right
	filter_with -u "$url" --channel jobs --redis-password-file "$T/secret"
	kill_redis
	said '*lost the connection to *'
	start_redis --requirepass right
	export REDISCLI_AUTH=right
	until_subscribers 1
	cli publish jobs '{"tenantId":"t"}'
	run -0 wssub -u "$url" --since all -c 1 -W 20 t
	[ "$output" = '{}' ]
}

@test "a password file that is refused" {
	for case in '644:secret:others can read it: its mode is 0644' \
		'600::it is empty' $'600:\n:it is empty'; do
		IFS=: read -r -d '' mode text why <<<"$case" || true
		secret "$text" "$mode"
		refuses_file "$T/secret" "${why%$'\n'}"
	done
	printf 'a\0b' >"$T/nul"
	head -c 65537 /dev/zero | tr '\0' x >"$T/large"
	chmod 600 "$T/nul" "$T/large"
	refuses_file "$T/nul" 'it has a NUL'
	refuses_file "$T/large" 'it is above 64 KiB'
	refuses_file "$T/none" 'No such file or directory'
	head -c 5000 "$T/large" >"$T/secret"
	run -2 redis2ws --channel jobs --redis-password-file "$T/secret"
	[[ $output == *'--redis: the password is longer than 4095 bytes'* ]]
}

# refuses_file FILE WHY: and says nothing of what is in it.
refuses_file() {
	run -2 redis2ws --channel jobs --redis-password-file "$1"
	[[ $output == "redis2ws: --redis-password-file: '$1': $2"$'\n'* ]]
	[[ $output != *': secret'* ]]
}

@test "a URL with TLS: it says what to do" {
	run -2 redis2ws --channel jobs --redis rediss://:secret@h
	[[ $output == *'--redis: there is no TLS for Redis (rediss://); have a proxy here speak it, such as stunnel, and name that: redis://127.0.0.1:PORT or unix:PATH'* ]]
	[[ $output != *secret* ]]
}
