# shellcheck shell=bash
# What the tests of redis2ws --stream share; after `load bridge`.
# shellcheck disable=SC2016 # the $ of Lua
# shellcheck disable=SC2034,SC2154 # T is for tests; what start_redis sets

setup() {
	PATH=$BIN:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
}

# large: a wsd that keeps all that is published, and a redis-server.
large() {
	both --history-count 100000 --history-size 1G --max-lag 1G "$@"
}

# jobs [OPTION...]: the bridge of most tests.
jobs() {
	bridge --stream jobs --group g --field data -J "$@"
}

# add FROM TO [TENANT]: entries with these numbers, for tenant t.
add() {
	seq -f '%.0f' "$1" "$2" |
		sed "s/.*/XADD jobs * data '{\"tenantId\":\"${3-t}\",\"n\":&}'/" |
		cli --pipe >/dev/null
}

# add_big FROM TO BYTES: the same, each so large.
add_big() {
	cli eval 'for n = ARGV[1], ARGV[2] do
			redis.call("XADD", "jobs", "*", "data",
				string.format("{\"tenantId\":\"t\",\"n\":%d,\"x\":\"", n)
				.. string.rep("x", ARGV[3]) .. "\"}")
		end' 0 "$@"
}

# arrived LAST [TENANT]: whether 1 to LAST, and nothing else, were published
# up to it, in this order.
arrived() {
	wssub --since all -c "$1" -W 30 "${2-t}" | jq .n | cmp - <(seq "$1")
}

# What the group was given and Redis was not told of.
pending() {
	cli --raw xpending jobs g | head -n 1
}

# until_pending N: waits until it is so many.
until_pending() {
	local until=$((SECONDS + 20))

	until [[ $(pending) == "$1" ]]; do
		((SECONDS < until)) || {
			echo "pending: $(pending)"
			return 1
		}
		again
	done
}

# left_to CONSUMER COUNT: so many entries are given to it, which is dead.
left_to() {
	cli xreadgroup group g "$1" count "$2" streams jobs '>' >/dev/null
}

# idle_for MS: waits until the first entry that is pending was for so long.
idle_for() {
	until (($(cli --raw xpending jobs g - + 1 | sed -n 3p) >= $1)); do again; done
}
