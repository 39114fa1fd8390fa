#!/usr/bin/env bats
# Who is let in by Host and Origin, and what HTTP requests are answered.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

# answer CODE [CURL ARGUMENT...]: what curl gets.
answer() {
	local want=$1 got
	shift
	got=$(curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' \
		--max-time 10 "$@")
	echo "$* got $got"
	# shellcheck disable=SC2053 # a pattern
	[[ $got == $want ]]
}

logged() {
	cat "$wsd_log"
	grep -qF -e "$1" "$wsd_log"
}

# handshakes: of each line "STATUS HEADER [| HEADER]..." the answer to a
# handshake with these headers.
handshakes() {
	awk '{
		name = "c" NR
		headers = substr($0, length($1) + 2)
		n = split(headers, header, / \| /)
		for (i = 1; i <= n; i++)
			print name " header " header[i]
		print name " try"
		print name " status " $1
		print name " drop"
	}' | raw
}

@test "healthz answers GET and HEAD, and nothing else" {
	start_wsd
	answer 200 "$http/healthz"
	[[ $(<"$BATS_TEST_TMPDIR/body") == ok ]]
	answer 200 --head "$http/healthz"
	answer 200 "$http/healthz?verbose"
	for method in POST PUT DELETE PATCH TRACE; do
		answer 405 -X "$method" "$http/healthz"
	done
}

@test "405 names what is allowed, 426 what to upgrade to" {
	start_wsd
	raw <<-END
		a request POST /healthz
		a without Upgrade
		a without Connection
		a header Content-Length: 0
		a try
		a status 405
		a head Allow: GET, HEAD, OPTIONS
		a head Connection: close
		a end
		b without Upgrade
		b without Connection
		b try
		b status 426
		b head Connection: Upgrade
		b head Upgrade: websocket
		b head Sec-WebSocket-Version: 13
		b end
	END
}

@test "any other path is 404, with and without an upgrade" {
	start_wsd
	raw <<-END
		a request GET /
		a try
		a status 404
		a end
	END
	for path in // /ws/ /wsx /WS /healthz/ /favicon.ico; do
		answer 404 "$http$path"
		raw <<-END
			a request GET $path
			a try
			a status 404
			a end
		END
	done
}

@test "a WebSocket begins with GET, HTTP/1.1 and version 13" {
	start_wsd
	raw <<-END
		a request POST /ws
		a header Content-Length: 0
		a try
		a status 405
		a end
		b header Sec-WebSocket-Version: 99
		b try
		b status 426
		b head Upgrade: websocket
		b head Sec-WebSocket-Version: 13
		b end
		c without Sec-WebSocket-Version
		c try
		c status 426
		c end
		d request GET /ws?token=x
		d open
		d idle
	END
}

@test "no upgrade but websocket: others are not agreed to, and do no harm" {
	start_wsd
	raw <<-END
		a header Upgrade: h2c
		a header HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA
		a header Connection: Upgrade, HTTP2-Settings
		a try
		a status 426
		a end
		b header Upgrade: h2c, websocket
		b open
		b idle
	END
	answer 200 -H 'Upgrade: h2c' -H 'Connection: Upgrade' -d 1 \
		"$http/v1/tenants/t/updates"
}

@test "a connection that tries CONNECT, TLS or HTTP/2 is told so, and ends" {
	start_wsd
	raw <<-'END'
		a connect
		a raw "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		a status 400
		a end
		b connect
		b hex 16 03 01 00 05 01 00 00 01 00
		b status 400
		b end
		c connect
		c raw "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
		c status 505
		c end
		d open
		d idle
	END
}

@test "unknown subprotocols are refused, ours are found in a list" {
	start_wsd
	raw <<-END
		a try mqtt
		a status 400
		a body wsd.v1
		b try wsd.v2, wsd.v11, sd.v1
		b status 400
		c try mqtt, wsd.v1
		c status 101
		c recv {"type":"WELCOME"}
		d open wsd.v1.bulk
		d recv {"type":"WELCOME"}
		e open wsd.v1, wsd.v1.bulk
		f try plain dialect
		f status 400
		g open
		g idle
	END
}

@test "another Host is refused on every path, and the log names the option" {
	start_wsd
	for path in / /ws /healthz /nowhere; do
		answer 403 --head -H 'Host: evil.example' "$http$path"
		for method in GET POST OPTIONS; do
			answer 403 -X "$method" -H 'Host: evil.example' \
				"$http$path"
		done
		raw <<-END
			a request GET $path
			a header Host: evil.example:80
			a try
			a status 403
			a end
		END
	done
	logged "--host 'evil.example'"
	logged "--host 'evil.example:80'"
}

@test "no Host, or what is none, is 400" {
	start_wsd
	raw <<-END
		a without Host
		a try
		a status 400
		b header Host: localhost:http
		b try
		b status 400
		c header Host: [::1
		c try
		c status 400
		d header Host: localhost, evil.example
		d try
		d status 403
	END
}

@test "a name that only looks like loopback is refused" {
	start_wsd
	for host in localhost.evil.example 127.0.0.1.nip.io 127.evil.example \
		127.1 0.0.0.0 '[::2]' localhost@evil.example notlocalhost; do
		answer '40[03]' -H "Host: $host" "$http/healthz"
	done
}

@test "loopback names are one host on any port" {
	start_wsd
	for host in localhost LOCALHOST:1 127.0.0.1:80 127.9.9.9 '[::1]' \
		'[::1]:443'; do
		answer 200 -H "Host: $host" "$http/healthz"
		for origin in http://localhost http://127.0.0.1:5173 \
			https://localhost:8443 'http://[::1]:3000'; do
			echo "101 Host: $host | Origin: $origin"
		done >>"$BATS_TEST_TMPDIR/all"
	done
	handshakes <"$BATS_TEST_TMPDIR/all"
}

@test "--host allows a name, on any port or on one" {
	start_wsd --host wsd.example --host only.example:8080
	answer 200 -H 'Host: wsd.example' "$http/healthz"
	answer 200 -H 'Host: WSD.example:1234' "$http/healthz"
	answer 200 -H 'Host: only.example:8080' "$http/healthz"
	answer 403 -H 'Host: only.example' "$http/healthz"
	answer 403 -H 'Host: only.example:80' "$http/healthz"
	answer 403 -H 'Host: xwsd.example' "$http/healthz"
	answer 403 -H 'Host: wsd.example.evil' "$http/healthz"
}

@test "another Origin is refused on every path, and the log names the option" {
	start_wsd
	for path in / /ws /healthz /nowhere; do
		answer 403 -H 'Origin: http://evil.example' "$http$path"
		raw <<-END
			a request GET $path
			a header Origin: https://evil.example
			a try
			a status 403
			a body not allowed
			a end
		END
	done
	logged "--origin 'http://evil.example'"
	logged "--origin 'https://evil.example'"
}

@test "origins that are no loopback page: null, file, extensions, look-alikes" {
	start_wsd
	for origin in null file:// chrome-extension://abcdef \
		http://localhost.evil.example http://127.0.0.1.evil.example \
		http://localhost@evil.example http://evil.example/localhost \
		localhost 'http://localhost http://localhost' http:// ws://localhost; do
		echo "403 Origin: $origin"
	done | handshakes
	logged "refused a web page of origin 'null', which frames and files of anybody have"
	logged "refused a web page of origin 'file://', which frames and files of anybody have"
}

@test "what anybody's pages can have for an origin is never allowed" {
	for origin in null NULL file://; do
		run "$BIN/wsd" --check-config --origin "$origin"
		[[ $status == 2 ]]
		[[ $output == "wsd: --origin: '$origin': frames and files of anybody have this origin, so it is never allowed"* ]]
	done
	"$BIN/wsd" --check-config --origin app://localhost
}

@test "two Origins are never one that is allowed" {
	start_wsd --origin https://app.example
	handshakes <<-END
		403 Origin: http://localhost | Origin: http://evil.example
		403 Origin: https://app.example | Origin: http://evil.example
		403 Origin: http://evil.example | Origin: https://app.example
		403 Origin: https://app | Origin: .example
	END
}

@test "--origin allows exactly that origin" {
	start_wsd --origin https://app.example
	handshakes <<-END
		101 Origin: https://app.example
		403 Origin: null
		403 Origin: http://app.example
		403 Origin: https://app.example:8443
		403 Origin: https://sub.app.example
		403 Origin: https://app.example.evil
	END
}

@test "a page of the server's own --host is let in, on the same port" {
	[[ -z ${WSD_TLS-} ]] || skip 'by TLS only https: pages are its own'
	start_wsd --host wsd.example
	handshakes <<-END
		101 Host: wsd.example | Origin: http://wsd.example
		101 Host: wsd.example | Origin: https://wsd.example
		101 Host: wsd.example:8080 | Origin: http://wsd.example:8080
		403 Host: wsd.example:8080 | Origin: http://wsd.example
		403 Host: localhost | Origin: http://wsd.example
		403 Host: wsd.example | Origin: http://localhost
	END
}

@test "headers that are too long for any host or origin are refused" {
	start_wsd
	long=$(printf 'a%.0s' {1..700})
	handshakes <<-END
		403 Origin: http://$long.example
		400 Host: $long.example
	END
	raw <<-END
		a open
		a idle
	END
}

@test "a Host or Origin that is too long is said to be" {
	start_wsd
	long=$(printf 'a%.0s' {1..700})
	answer 400 -H "Host: $long" "$http/"
	answer 403 -H "Origin: http://$long" "$http/"
	logged "refused a request for host of more than 511 bytes"
	logged "refused a web page of origin of more than 511 bytes"
}

@test "white space around a value is none of it" {
	start_wsd --origin https://app.example
	raw <<-'END'
		a connect
		a raw "GET /healthz HTTP/1.1\r\nHost:\tlocalhost \t\r\nOrigin:\t https://app.example\t\r\n\r\n"
		a status 200
		a end
	END
}

@test "what the log offers for pasting is no trap" {
	start_wsd
	answer 403 -H "Origin: http://a'; to allow it: --origin '\$(id)" "$http/"
	answer 403 -H "Host: a'\`id\`" "$http/"
	logged 'refused a web page of origin '"'"'http://a\x27; to allow it: --origin \x27\x24(id)'"'"', which is none'
	logged "refused a request for host 'a\x27\x60id\x60', which is none"
}

@test "who is refused again and again fills no log" {
	start_wsd
	for i in {1..200}; do
		echo "a$i header Origin: http://evil.example"
		echo "a$i try"
		echo "a$i status 403"
	done | raw >/dev/null
	shown=$(wc -l <"$wsd_log")
	echo "$shown lines"
	((shown < 100))
}

@test "what a stranger puts in a header cannot rewrite a terminal or the log" {
	start_wsd
	raw <<-'END'
		a connect
		a raw "GET / HTTP/1.1\r\nHost: evil\u001b[2J\u0007.example\r\n\r\n"
		a status 400
		b connect
		b raw "GET / HTTP/1.1\r\nHost: evil\u009b2J.example\r\n\r\n"
		b status 403
	END
	run grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$wsd_log"
	[[ $output == 0 ]]
	[[ $(wc -l <"$wsd_log") == 1 ]]
}

@test "a request behind another one ends with the first, and nobody spins" {
	start_wsd
	raw <<-'END'
		a connect
		a raw "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
		a status 200
		a end
		b connect
		b raw "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\nPOST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
		b status 400 404
		b end
		c open
		c idle
	END
	read -r -a stat <"/proc/$wsd/stat"
	sleepless=$((stat[13] + stat[14]))
	echo "CPU ticks: $sleepless"
	((sleepless < 50))
}

@test "who does not get on with a request, or does not close, is cut off; a WebSocket may be quiet" {
	start_wsd
	WSRAW_TIMEOUT=8 raw <<-'END'
		w open
		w idle
		a connect
		b connect
		b raw "GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
		c connect
		c raw "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
		c status 405
		c end
		d open
		d rude
		d frame c1 x
		d closed 1002
		e open
		e rude
		e binary x
		e closed 1003
		a end
		b end
		d end
		e end
		w idle
	END
}
