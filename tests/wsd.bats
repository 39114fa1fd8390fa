#!/usr/bin/env bats
# Where wsd listens, how it starts, what bounds it, and how it ends.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

# refuses WANT ARGUMENT...: wsd does not start, with exit 2 and this message.
refuses() {
	local want=$1
	shift
	run "$BIN/wsd" "$@"
	echo "$output"
	[[ $status == 2 && $output == *"$want"* ]]
}

# Whether the server at each URL takes a WebSocket.
all_answer() {
	local one
	for one; do
		raw "$one" <<-END
			a open
			a idle
		END
	done
}

@test "port 0 picks a port, and --ready-fd tells the URL" {
	start_wsd
	[[ $url =~ ^ws://127\.0\.0\.1:[1-9][0-9]*/ws$ ]]
	all_answer "$url"
}

@test "--listen is repeatable, and each URL is told in a line" {
	start_wsd --listen 127.0.0.1:0 --listen '[::1]:0' --listen 127.0.0.2:0 \
		--listen "unix:$BATS_TEST_TMPDIR/s"
	[[ ${#urls[@]} == 4 ]]
	[[ ${urls[1]} =~ ^ws://\[::1\]:[0-9]+/ws$ ]]
	[[ ${urls[3]} == "ws+unix:$BATS_TEST_TMPDIR/s:/ws" ]]
	all_answer "${urls[@]}"
}

@test "localhost is both loopback addresses, on the same port" {
	start_wsd --listen localhost:0
	[[ ${#urls[@]} == 2 ]]
	[[ ${urls[0]##*:} == "${urls[1]##*:}" ]]
	all_answer "${urls[@]}"
}

@test "-v tells where it listens, on stderr; without it nothing is said" {
	start_wsd -v
	grep -qxF "wsd: listening on $url" "$wsd_log"
	stop_wsd
	rm "$wsd_log"
	start_wsd
	all_answer "$url"
	stop_wsd
	run cat "$wsd_log"
	[[ $output == "" ]]
}

@test "only loopback without --no-access-control, and the message says so" {
	for address in 0.0.0.0:0 '[::]:0' 192.0.2.1:0 126.255.255.255:0; do
		refuses "'$address': not a loopback address" --listen "$address"
		[[ $output == *"--no-access-control"* ]]
	done
	start_wsd --listen 0.0.0.0:0 --no-access-control
	[[ $url == ws://0.0.0.0:* ]]
	all_answer "ws://127.0.0.1:${url##*:}"
}

@test "what is no address is refused" {
	refuses "--listen: 'nowhere:3000': not ADDRESS:PORT" --listen nowhere:3000
	refuses "--listen: '127.0.0.1': :PORT" --listen 127.0.0.1
	refuses "'3777': :PORT is missing" --listen 3777
	refuses "'localhost': :PORT is missing" --listen localhost
	refuses "--history-age: '0' is below 1 ms" --history-age 0
	refuses "0 to 65535" --listen 127.0.0.1:65536
	refuses "0 to 65535" --listen 127.0.0.1:
	refuses "--listen: '127.0.0.1:-1': no port" --listen 127.0.0.1:-1
	refuses "no path" --listen unix:
	refuses "too long" --listen "unix:/$(printf 'x%.0s' {1..200})"
	refuses "unexpected operand 'x'" x
	refuses "ready-fd" --listen 127.0.0.1:0 --ready-fd 77
}

@test "what cannot work is refused before anything is opened" {
	refuses "descriptor 7 is not open" --ready-fd 7 7>&-
	refuses "--max-frame: 2 MiB" --max-message 4M --max-frame 2M
	refuses "--origin: 'https://x.com/': not" --origin https://x.com/
	refuses "--origin: '*': not" --origin '*'
	refuses "--host: 'http://x.com': not" --host http://x.com
	refuses "--host: '': not" --host ''
	refuses "--dead-after must be longer" --ping 5s --dead-after 5s
	ulimit -n 60
	refuses "60 descriptors" --listen 127.0.0.1:0
}

@test "a larger --max-message alone makes room in a frame too" {
	start_wsd --max-message 4M
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME","limits":{"message":4194304,"frame":8388608}}
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":"%x3000000%"}
		a recv {"type":"ACK","id":1}
	END
}

@test "a port in use is said, and the first server is untouched" {
	start_wsd
	port=${url##*:}
	refuses "cannot listen on '127.0.0.1:${port%/ws}': Address already in use" \
		--listen "127.0.0.1:${port%/ws}"
	refuses "cannot listen on 'localhost:${port%/ws}': 127.0.0.1: Address" \
		--listen "localhost:${port%/ws}"
	all_answer "$url"
}

@test "a port can be had again at once after connections on it" {
	start_wsd
	port=${url##*:}
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		! kill -TERM $wsd
		a closed 1001
		a end
	END
	wsd_ends 0
	start_wsd --listen "127.0.0.1:${port%/ws}"
	all_answer "$url"
}

@test "a Unix socket: stale is replaced, busy is refused, a file is kept" {
	socket=$BATS_TEST_TMPDIR/s
	start_wsd --listen "unix:$socket"
	refuses "Address already in use" --listen "unix:$socket"
	all_answer "$url"
	kill -KILL "$wsd"
	wsd_ends 137
	[ -S "$socket" ]
	start_wsd --listen "unix:$socket"
	all_answer "$url"
	stop_wsd
	[ ! -e "$socket" ]
	echo data >"$socket"
	refuses "cannot listen on 'unix:$socket'" --listen "unix:$socket"
	[[ $(<"$socket") == data ]]
}

@test "SIGTERM drains: DRAIN, then 4200 and 1001, exit 0" {
	start_wsd -v --drain-timeout 7s
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		b open wsd.v1
		b recv {"type":"WELCOME"}
		c open wsd.v1.bulk
		c recv {"type":"WELCOME"}
		! kill -TERM $wsd
		a closed 1001 shutting down
		a end
		b recv {"type":"DRAIN"}
		! ((%reconnectAfterMs% >= 0 && %reconnectAfterMs% < 7000))
		b closed 4200
		b end
		c recv {"type":"DRAIN"}
		c closed 4200
		c end
	END
	wsd_ends 0
	grep -q "shutting down: 3 connections" "$wsd_log"
}

@test "SIGINT drains as SIGTERM does; SIGHUP ends nobody" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		! kill -HUP $wsd
		a idle
		! kill -INT $wsd
		a recv {"type":"DRAIN"}
		a closed 4200
		a end
	END
	wsd_ends 0
}

@test "a drain delivers what a slow reader has not read yet" {
	start_wsd --sndbuf 4096 --history-size 1
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		b recv {"type":"SUBSCRIBED"}
		a pause
		b pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%n%-%x9000%"}
		p until {"type":"ACK","id":100}
		! kill -TERM $wsd
		p recv {"type":"DRAIN"}
		p closed 4200
		p end
		a resume
		repeat 100 a exact "%n%-%x9000%"
		a closed 1001
		a end
		b resume
		b until {"type":"DRAIN"}
		b until {"type":"UPDATE","seq":100}
		b closed 4200
		b end
	END
	wsd_ends 0
}

@test "while it drains publishes are refused with DRAINING, and nobody comes in" {
	start_wsd --sndbuf 4096
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! kill -TERM $wsd
		p recv {"type":"DRAIN"}
		p closed 4200
		p end
		n connect
		n end
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		a resume
		a until {"type":"ERROR","id":1,"code":"DRAINING"}
		a until {"type":"UPDATE","seq":100}
		a closed 4200
		a end
	END
	wsd_ends 0
}

@test "a second signal ends it at once, by that signal" {
	start_wsd --sndbuf 4096
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! kill -TERM $wsd
		p recv {"type":"DRAIN"}
		p closed 4200
		p end
		! kill -INT $wsd
	END
	wsd_ends 130
}

@test "who does not read is left behind when the drain's time is up" {
	start_wsd --sndbuf 4096 --drain-timeout 200ms
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! kill -TERM $wsd
		p recv {"type":"DRAIN"}
		p closed 4200
		p end
		! tail --pid=$wsd -f /dev/null
	END
	wsd_ends 0
	grep -q "1 connections did not take their leave" "$wsd_log"
}

@test "connections beyond what descriptors allow are refused, then taken again" {
	ulimit -n 64
	start_wsd
	for i in {1..32}; do
		echo "a$i open"
	done >"$BATS_TEST_TMPDIR/script"
	cat >>"$BATS_TEST_TMPDIR/script" <<-'END'
		a1 idle
		z try
		z status 503
		z head Retry-After: 10
		z body "code":"OVER_CAPACITY"
		z end
		a9 drop
		! until curl -sf "$http/healthz"; do again; done
		y open
		y idle
		a1 idle
	END
	raw <"$BATS_TEST_TMPDIR/script"
	grep -q "refused a connection from 127.0.0.1:" "$wsd_log"
}

@test "hundreds of connections that come and go leave no descriptor behind" {
	start_wsd
	before=$(find "/proc/$wsd/fd" | wc -l)
	for i in {1..300}; do
		echo "a$i open"
		echo "b$i connect"
		echo "b$i raw \"GET /ws HTTP/1.1\""
		echo "c$i open wsd.v1"
		echo "c$i send {\"type\":\"SUBSCRIBE\",\"tenantId\":\"t\"}"
		echo "a$i drop"
		echo "b$i drop"
		echo "c$i recv {\"type\":\"WELCOME\"}"
		echo "c$i drop"
	done | raw >/dev/null
	until [[ $(find "/proc/$wsd/fd" | wc -l) == "$before" ]]; do again; done
	all_answer "$url"
}
