#!/usr/bin/env bats
# What is easily got wrong on libwebsockets, and where its test is. What the
# library leaves open is in man/wsd.8 ("What libwebsockets lets in").
#
# What it lets in
#   127.0.0.1 listens everywhere              here
#   Upgrade: h2c                              gate.bats
#   Sec-WebSocket-Version 99, a POST          gate.bats; HTTP/1.0, a key that is
#                                             none, a body: here
#   CONNECT holds a socket                    gate.bats
#   a frame header of 2^62 bytes              badinput.bats, rfc6455.bats (5.2)
#   frames without a mask                     open: rfc6455.bats (5.1)
#   lengths not in shortest form              open: rfc6455.bats (5.2)
#   two Origin headers arrive joined          gate.bats
#   a long list of subprotocols               here
#   headers of more than 4 KiB                here
#   negative or doubled Content-Length        here, gate.bats
#   `in` is gone at HTTP_CONFIRM_UPGRADE      gate.c never touches it; every
#                                             handshake under the sanitizers
#   long Sec-WebSocket-Extensions, or twice   here
#   of several pings one is answered          open: rfc6455.bats (5.5.3)
#   after a protocol error TCP stays open     gate.bats: for 5 s
#   the client's Host without its port        wssub.bats
#   %00 in a path                             here
#   a header named as the beginning of one    here
#   that it knows swallows the next
#   slow headers                              gate.bats
#   payload in its log                        here
#   UTF-8 is checked on request only          rfc6455.bats (8.1)
#   messages behind a close frame             rfc6455.bats (5.5.1)
#   half a close code, its reason             rfc6455.bats (5.5.1)
#   deflate                                   here: never agreed to
# HTTP
#   a POST behind another request spins       gate.bats; behind a handshake: here
#   every answer closes                       gate.bats
#   frames in one segment with the handshake  here
# Reading
#   it reads once for an event, little        here: on only where that was full
# Writing
#   batches that end within a frame           stall.bats
#   close frames behind what is buffered      badinput.bats, wsd.bats
#   1012 to 1014 become 1002                  open: rfc6455.bats (5.5.1)
#   its ping overwrites a pong                loop.c turns them off; stall.bats
# Timers and descriptors
#   the soft limit of descriptors             here
#   accept() at EMFILE spins and logs         here; wsd.bats before that
#   poll() does not scale                     here: it is epoll
#   its timers wait for an event              gate.bats: nothing else happens
#   a context that is not freed               each test: its end is status 0, and
#                                             clean under the sanitizers
# libuv
#   to watch what is watched asks the kernel  here
# shellcheck disable=SC2154 # what start_wsd and build_hostile set

load helper
load hostile

setup_file() {
	build_hostile
}

# listens_at URL: the addresses at which somebody listens on its port, as the
# kernel writes them, a line each.
listens_at() {
	local port=${1##*:}

	printf -v port %04X "${port%/ws}"
	cat /proc/net/tcp /proc/net/tcp6 | awk -v port=":$port" '
		$4 == "0A" && substr($2, length($2) - 4) == port {
			print substr($2, 1, length($2) - 5)
		}'
}

cpu_ms() {
	local stat

	read -ra stat <"/proc/$wsd/stat"
	echo $(((stat[13] + stat[14]) * 1000 / $(getconf CLK_TCK)))
}

# Whether wsd takes less than a fifth of a second of CPU time in the next one.
# What spins takes all of it, or its share on a machine that has much to do.
does_not_spin() {
	local before used fifo=$BATS_TEST_TMPDIR/nothing

	[[ -p $fifo ]] || mkfifo "$fifo"
	before=$(cpu_ms)
	read -rt 1 _ <>"$fifo" || true # nothing comes
	used=$(($(cpu_ms) - before))
	echo "CPU time: $used ms"
	((used < 200))
}

@test "it listens where it was told, and nowhere else" {
	v6=00000000000000000000000001000000
	start_wsd --listen 127.0.0.1:0
	[[ $(listens_at "$url") == 0100007F ]]
	stop_wsd
	start_wsd --listen '[::1]:0'
	[[ $(listens_at "$url") == "$v6" ]]
	stop_wsd
	start_wsd --listen localhost:0
	[[ $(listens_at "$url") == "0100007F"$'\n'"$v6" ]]
}

@test "the soft limit of descriptors is raised, and the loop is epoll" {
	ulimit -Sn 200
	ulimit -Hn 4000
	start_wsd
	read -r _ _ _ soft hard _ < <(grep 'Max open files' "/proc/$wsd/limits")
	[[ $soft == 4000 && $hard == 4000 ]]
	find "/proc/$wsd/fd" -lname '*eventpoll*' | grep -q .
}

@test "without descriptors it neither spins nor fills the log, and goes on after" {
	export -f does_not_spin cpu_ms
	ulimit -n 76
	fillers=()
	for _ in {1..56}; do
		exec {fd}</dev/null
		fillers+=("$fd")
	done
	start_wsd
	for fd in "${fillers[@]}"; do
		exec {fd}<&-
	done
	{
		echo 'g open'
		for n in {1..14}; do
			echo "x$n connect"
		done
		echo "! until grep -q 'Too many open files' $wsd_log; do again; done"
		echo '! does_not_spin'
		echo 'g idle'
		for n in {1..14}; do
			echo "x$n drop"
		done
		echo 'y open'
		echo 'y idle'
		echo 'g idle'
	} | raw
	cat "$wsd_log"
	# told again when it could accept in between, but not ten times a second
	(($(grep -c 'cannot accept connections' "$wsd_log") < 5))
}

@test "a handshake that is none is answered with 400" {
	start_wsd
	long=$(printf 'a%.0s' {1..300})
	request='GET /ws HTTP/1.0\r\nHost: localhost\r\nUpgrade: websocket\r\n'
	request+='Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
	request+='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
	raw <<-END
		a connect
		a raw "$request"
		a status 400
		a body HTTP/1.1
		b without Connection
		b try
		b status 400
		b body Connection
		c header Connection: keep-alive, UPGRADE
		c open
		d header Connection: keep-alive, upgraded
		d try
		d status 400
		e without Sec-WebSocket-Key
		e try
		e status 400
		e body Sec-WebSocket-Key
		f header Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=
		f try
		f status 400
		g header Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==
		g try
		g status 400
		h header Sec-WebSocket-Key: $long
		h try
		h status 400
		c idle
	END
}

@test "lists that the library can't take, and cookies of kilobytes, do no harm" {
	start_wsd
	long=$(printf 'a%.0s' {1..300})
	raw <<-END
		a try wsd.v1, $long
		a status 101
		a head Sec-WebSocket-Protocol: wsd.v1
		b try ${long:0:60}, ${long:0:60}, wsd.v1.bulk, wsd.v1
		b status 101
		b head Sec-WebSocket-Protocol: wsd.v1.bulk
		c try $long$long, wsd.v1
		c status 400
		c body Sec-WebSocket-Protocol
		d header Sec-WebSocket-Extensions: $long
		d open
		e header Cookie: $(printf 'a%.0s' {1..7000})
		e open
		d idle
		e idle
	END
}

@test "no extension is agreed to, offered once or twice" {
	start_wsd
	raw <<-'END'
		a header Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
		a try
		a status 101
		a lacks Sec-WebSocket-Extensions
		b header Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate
		b header Sec-WebSocket-Extensions: permessage-deflate
		b try
		b status 101
		b lacks Sec-WebSocket-Extensions
		a idle
		b idle
	END
}

@test "a Content-Length that is negative or doubled, and a body before a WebSocket" {
	start_wsd
	raw <<-'END'
		a header Content-Length: 5
		a try
		a status 400
		b header Content-Length: -5
		b try
		b status 400
		c header Transfer-Encoding: chunked
		c try
		c status 400
		d header Content-Length: 0
		d open
		e connect
		e raw "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\nabc"
		e status 405
		e end
		f connect
		f raw "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -9\r\n\r\nabc"
		f status 405
		f end
		d idle
	END
}

@test "what comes in one segment with the handshake" {
	start_wsd
	request='GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'
	request+='Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
	request+='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
	post='POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc'
	export -f does_not_spin cpu_ms
	raw <<-END
		a connect
		a cork
		a raw "$request"
		a send {"type":"PING","id":1}
		a send {"type":"PING","id":2}
		a uncork
		a status 101
		a recv {"type":"PONG","id":1}
		a recv {"type":"PONG","id":2}
		b connect
		b raw "$request$post"
		b status 101
		b rude
		c connect
		c raw "${post/ \/ / \/healthz }$request"
		c status 405
		c end
		! does_not_spin
		a idle
	END
}

@test "NUL in a path, and more headers than fit, are told, and end that connection alone" {
	start_wsd
	raw <<-END
		w open
		a request GET /ws%00
		a try
		a status 404
		a end
		b connect
		b raw "GET /ws\\u0000 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
		b status 400
		b end
		c header X-Long: $(printf 'a%.0s' {1..9000})
		c try
		c status 431
		c end
		d request GET /ws?$(printf 'a%.0s' {1..9000})
		d try
		d status 431
		d end
		$(for n in {1..101}; do echo "e header X-$n: 1"; done)
		e try
		e status 431
		e end
		w idle
	END
}

@test "a header X-Auth does not lose the next one" {
	start_wsd
	raw <<-'END'
		a header X-Auth: me
		a header Origin: http://evil.example
		a try
		a status 403
		b header X-Auth: me
		b header Sec-WebSocket-Protocol: wsd.v1
		b header X-Auth: me
		b header Origin: http://localhost
		b try
		b status 101
		b head Sec-WebSocket-Protocol: wsd.v1
	END
}

@test "no payload is in the log, however much is asked for" {
	start_wsd -vv --max-message 100
	raw <<-'END'
		a open
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":"s3cret"}
		a recv {"type":"ACK"}
		a send {"type":"PUBLISH","data":"s3cret
		a recv {"type":"ERROR"}
		a send {"type":"s3cret"}
		a recv {"type":"ERROR"}
		a ping s3cret
		a ponged s3cret
		a pong s3cret
		a close 1000 s3cret
		a closed 1000
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b part s3cret
		b bits 80 ff
		b closed 1007
		c open
		c binary s3cret
		c closed 1003
		d open
		d send s3cret%x9000%
		d closed 1009
		e open
		e frame 83 s3cret
		e closed 1002
		f open
		f frame c1 s3cret
		f closed 1002
		g open
		g frame 89 s3cret%x120%
		g end
		h open
		h part s3cret
		h bits 88 03e87333637265 74ff
		h closed 1007
		i connect
		i raw "s3cret s3cret s3cret\r\n\r\n"
		i status 400
		j request POST /healthz
		j header Content-Length: 6
		j header Cookie: s3cret
		j header Authorization: Bearer s3cret
		j without Upgrade
		j try
		j status 405
		k request GET /ws?token=s3cret
		k open
	END
	cat "$wsd_log"
	[[ -s $wsd_log ]]
	run grep -ic -e s3cret -e '73 33 63' -e 733363 "$wsd_log"
	[[ $output == 0 ]]
}

# finds_all OPTION...: 300 frames come, of which each waits until what was in the
# one before has arrived, and wsd hardly ever reads in vain.
finds_all() {
	local all empty

	start_under calls CALLS
	"$BIN/wsbench" -q -u "$url" "$@"
	stop_wsd
	read -r all empty _ <"$BATS_TEST_TMPDIR/calls"
	rm "$BATS_TEST_TMPDIR/calls"
	echo "# $all reads, $empty in vain"
	((all >= 300 && empty < 10))
}

@test "who has sent less than is read at once is not read from again" {
	sanitized && skip 'nothing can be preloaded'
	finds_all --dialect plain --window 1 -c 300
	finds_all --dialect v1 --batch 1 --window 1 -c 300
	finds_all --dialect bulk --batch 20 --window 20 -c 6000
}

@test "what one waits for is told to the kernel when it changes" {
	sanitized && skip 'nothing can be preloaded'
	local watches

	start_wsd
	seq 1000000 1999999 >"$BATS_TEST_TMPDIR/numbers"
	LD_PRELOAD=$calls CALLS=$BATS_TEST_TMPDIR/calls \
		"$BIN/wspub" -u "$url" -f "$BATS_TEST_TMPDIR/numbers" t
	read -r _ _ watches <"$BATS_TEST_TMPDIR/calls"
	echo "# epoll_ctl() was called $watches times"
	((watches < 100))
}
