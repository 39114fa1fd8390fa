# shellcheck shell=bash
# A real Redis for tests, and lib/redis.c as a program; after `load helper`.
# shellcheck disable=SC2034 # what it sets is for tests

# start_redis [OPTION...]: a redis-server on the Unix socket $redis_socket, with
# its files in the test's directory. Sets `redis` (its pid) when it is ready; 2
# when its port is taken.
#
# The server comes with the package redis-tools, under the name of its checker:
# that of the server would also start one as a service. Which of them it is, it
# sees by its name.
redis_socket=$BATS_TEST_TMPDIR/redis.sock
start_redis() {
	local fifo=$BATS_TEST_TMPDIR/redis.out line lines=() program

	program=$(command -v redis-server || command -v redis-check-rdb)
	rm -f "$fifo"
	mkfifo "$fifo"
	exec 6<>"$fifo" # or opening it would wait for the other end
	start exec_as redis-server "$program" --port 0 --save '' \
		--dir "$BATS_TEST_TMPDIR" --unixsocket "$redis_socket" "$@" \
		>"$fifo" 2>&1 6<&-
	redis=$PID
	exec 5<"$fifo" 6<&- # so that its end is seen
	while IFS= read -r -t 20 line <&5; do
		[[ $line != *'eady to accept connections'* ]] || return 0
		lines+=("$line")
	done
	printf '%s\n' "${lines[@]}"
	[[ ${lines[*]} != *'already in use'* ]] || return 2
	return 1
}

exec_as() {
	exec -a "$@"
}

# start_redis_tcp [OPTION...]: the same on a free port of 127.0.0.1 too, which
# is $redis_port. Redis itself does not pick one.
start_redis_tcp() {
	local status=2

	while ((status == 2)); do
		status=0
		redis_port=$((20000 + RANDOM % 12000))
		start_redis --port "$redis_port" --bind 127.0.0.1 "$@" ||
			status=$?
	done
	return $status
}

# Ends it at once, as a crash would.
kill_redis() {
	kill -KILL "$redis"
	wait "$redis" || true
}

cli() {
	redis-cli -s "$redis_socket" "$@"
}

# drive [OPTION...] URL: starts tests/tools/redisdrive.c; `say` gives it a
# command, `hear` waits for a line.
drive() {
	local in=$BATS_TEST_TMPDIR/drive.in out=$BATS_TEST_TMPDIR/drive.out

	rm -f "$in" "$out"
	mkfifo "$in" "$out"
	exec 7<>"$in" 8<>"$out"
	"$BUILD/tools/redisdrive" "$@" <"$in" >"$out" 3>&- 7>&- 8<&- &
	drive=$!
	started+=("$drive")
}

say() {
	printf '%s\n' "$*" >&7
}

# hear PATTERN: reads lines up to one that matches, which is `heard`. Shows
# what it read when none comes.
hear() {
	while IFS= read -r -t "${hear_s:-20}" heard <&8; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $heard != $1 ]] || return 0
		echo "heard: $heard"
	done
	echo "did not hear: $1"
	return 1
}

# silent SECONDS: fails when a line comes.
silent() {
	! IFS= read -r -t "$1" heard <&8 || {
		echo "heard: $heard"
		return 1
	}
}

# drive_ends STATUS: waits for its end.
drive_ends() {
	local status=0

	wait "$drive" || status=$?
	echo "redisdrive ended with status $status"
	((status == $1))
}

# Has it close its connection and end; a leak fails the test in which it is.
quits() {
	say quit
	drive_ends 0
}

# fake STEP...: a server that answers PING, and then does these steps of
# tests/tools/fakeserver; another connection is answered PING and no more. Sets
# `url`.
fake() {
	local IFS=, hello='{"wait":"PING\r\n"},{"raw":"+PONG\r\n","keep":true}'

	listening "$BATS_TEST_DIRNAME/tools/fakeserver" --bytes \
		"[[$hello,$*],[$hello]]"
	url=redis://127.0.0.1:$PORT
}

# fake_greeting STEP...: one that does these steps at once.
fake_greeting() {
	local IFS=,

	listening "$BATS_TEST_DIRNAME/tools/fakeserver" --bytes "[[$*]]"
	url=redis://127.0.0.1:$PORT
}

# said PATTERN: reads what redis2ws says, at descriptor 9, up to a line that
# matches.
said() {
	local line

	while IFS= read -r -t 20 line <&9; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $line != $1 ]] || return 0
		echo "it said: $line"
	done
	echo "it did not say: $1"
	return 1
}
