# shellcheck shell=bash disable=SC2154,SC2034 # what start_wsd and callers set
# What the tests of HTTP share; loaded by `load http`.

# get CODE [CURL ARGUMENT...]: what curl gets; `body` is its file.
get() {
	local want=$1 got
	shift
	export body=$BATS_TEST_TMPDIR/answer
	got=$(curl -s -o "$body" -w '%{http_code}' --max-time 10 "$@")
	echo "$* got $got $(head -c 300 "$body")"
	[[ $got == "$want" ]]
}

# says FILTER: whether the body is JSON of which that is true.
says() {
	jq -e "$1" "$body"
}

# refused CODE ERROR [CURL ARGUMENT...]
refused() {
	get "$1" "${@:3}"
	says ".error.code == \"$2\" and (.error.message | length > 0)"
}

# subscribed [OPTION...]: a wssub of tenant t in the background, with stdout in
# `out`; PID is its pid.
subscribed() {
	local fifo=$BATS_TEST_TMPDIR/subscribed

	out=$BATS_TEST_TMPDIR/out
	mkfifo "$fifo"
	exec 5<>"$fifo" # or opening it would wait for the other end
	start "$BIN/wssub" -u "$url" --ready-fd 5 "$@" t >"$out"
	read -r _ <&5
	exec 5<&-
	rm "$fifo"
}

# A body of COUNT updates, a line each, of about 100 bytes.
numbered() {
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++)
			printf "{\"n\":%d,\"text\":\"%090d\"}\n", i, i
	}'
}

ndjson=(-H 'Content-Type: application/x-ndjson')

cpu_ticks() {
	local stat
	read -r -a stat <"/proc/$wsd/stat"
	echo $((stat[13] + stat[14]))
}
