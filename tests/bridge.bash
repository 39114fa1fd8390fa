# shellcheck shell=bash
# A redis2ws between a redis-server and a wsd; after `load helper` and
# `load redis`. Its tests set T, a directory, and REDIS_URL.
# shellcheck disable=SC2154 # what start_wsd and start_redis set
# shellcheck disable=SC2034 # what it sets is for tests

# both [OPTION...]: a wsd and a redis-server that the programs find.
both() {
	start_wsd "$@"
	export WSD_URL=$url
	start_redis
}

# bridge OPTION...: a redis2ws in the background, once it has subscribed; it is
# $bridge, writes to $T/bridge.out, and said() reads what it says.
bridge() {
	local ready=$T/bridged errors=$T/errors

	rm -f "$ready" "$errors"
	mkfifo "$ready" "$errors"
	exec 4<>"$ready" 6<>"$errors"
	start env --default-signal=INT redis2ws --ready-fd 4 "$@" \
		>"$T/bridge.out" 2>"$errors" 3>&- 6<&- 8<&-
	bridge=$PID
	exec 9<"$errors" 6<&- # so that its end is seen
	read -r -t 20 _ <&4
	exec 4<&-
}

# bridge_ends STATUS: waits for its end; what it has still said is `rest`.
bridge_ends() {
	local status=0

	wait "$bridge" || status=$?
	rest=$(cat <&9)
	((status == $1)) && return
	echo "redis2ws ended with status $status: $rest"
	return 1
}

# figure NAME: of the counters that the bridge has printed last.
figure() {
	tail -n 1 "$T/bridge.out" | jq -r ".$1"
}

# watch OPTION...: a wssub that has subscribed; hear() reads what it writes.
watch() {
	local fifo=$T/watched out=$T/watch.out

	mkfifo "$fifo" "$out"
	exec 5<>"$fifo" 8<>"$out"
	start wssub --ready-fd 5 "$@" >"$out" 2>"$T/watch.err" 8<&-
	read -r -t 20 _ <&5
	exec 5<&-
	rm "$fifo" "$out"
}

# at_socket: a wsd that can be started again where it was.
at_socket() {
	start_wsd --listen "unix:$T/wsd.sock"
	export WSD_URL=$url
}

kill_wsd() {
	local pid=$wsd

	wsd=
	kill -KILL "$pid"
	wait "$pid" || true
}

# until_figure NAME N: waits until that is at least N, of a bridge with -J.
until_figure() {
	local until=$((SECONDS + 20)) value

	until value=$(figure "$1") && ((${value:-0} >= $2)); do
		((SECONDS < until)) || return 1
		again
		kill -USR1 "$bridge"
	done
}
