#!/usr/bin/env bats
# What the HTTP side answers, to curl as people use it and to what no client
# should send, and that nobody is harmed by it.
# shellcheck disable=SC2154,SC2178,SC2128 # what start_wsd sets; $post is no array

load helper
load http

@test "curl -d publishes one update" {
	start_wsd
	subscribed -c 3
	get 200 -d '{"n":1.10}' "$http/v1/tenants/t/updates"
	says '.tenantId == "t" and .first == 1 and .last == 1 and .count == 1
		and .subscribers == 1 and (.epoch | length > 0)
		and (has("duplicate") | not)'
	printf '[1,\n 2]\n' >"$BATS_TEST_TMPDIR/pretty"
	get 200 -d "@$BATS_TEST_TMPDIR/pretty" "$http/v1/tenants/t/updates"
	get 200 --data-binary "@$BATS_TEST_TMPDIR/pretty" \
		-H 'Content-Type: application/json; charset=utf-8' \
		"$http/v1/tenants/t/updates"
	wait "$PID"
	diff "$out" <(printf '%s\n' '{"n":1.10}' '[1, 2]' '[1,  2]')
}

@test "the tenant of a path is percent-decoded, once" {
	start_wsd
	get 200 -d 1 "$http/v1/tenants/a%3Ab%40c/updates"
	says '.tenantId == "a:b@c"'
	get 200 -d 1 "$http/v1/tenants/..x/updates"
	says '.tenantId == "..x"'
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/a%2541/updates"
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/a%20b/updates"
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/a;b/updates"
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/a&b/updates"
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/*/updates"
	long=$(printf 'a%.0s' {1..128})
	get 200 -d 1 "$http/v1/tenants/$long/updates"
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/a$long/updates"
	refused 414 URI_TOO_LONG -d 1 "$http/v1/tenants/$long$long$long$long"
}

@test "NDJSON of 10 000 lines reaches a subscriber byte for byte" {
	numbered 10000 >"$BATS_TEST_TMPDIR/lines"
	start_wsd
	subscribed -c 10000
	get 200 "${ndjson[@]}" --data-binary "@$BATS_TEST_TMPDIR/lines" \
		"$http/v1/tenants/t/updates"
	says '.first == 1 and .last == 10000 and .count == 10000'
	wait "$PID"
	cmp "$out" "$BATS_TEST_TMPDIR/lines"
}

@test "curl -X POST -T publishes a file" {
	numbered 20000 >"$BATS_TEST_TMPDIR/lines"
	start_wsd
	subscribed -c 20000
	get 200 "${ndjson[@]}" -X POST -T "$BATS_TEST_TMPDIR/lines" \
		"$http/v1/tenants/t/updates"
	wait "$PID"
	cmp "$out" "$BATS_TEST_TMPDIR/lines"
	refused 405 METHOD_NOT_ALLOWED -T "$BATS_TEST_TMPDIR/lines" \
		"$http/v1/tenants/t/updates"
	says '.error.message | contains("-X POST")'
}

@test "one bad line and nothing is published; it is told where" {
	start_wsd
	printf '1\r\n\n 2\n{"a":\tx}\n3\n' >"$BATS_TEST_TMPDIR/bad"
	refused 400 BAD_JSON "${ndjson[@]}" \
		--data-binary "@$BATS_TEST_TMPDIR/bad" \
		"$http/v1/tenants/t/updates"
	says '.error.line == 4 and .error.column == 7'
	{ numbered 20000 && echo '{"n"' && numbered 1; } \
		>"$BATS_TEST_TMPDIR/bad"
	refused 400 BAD_JSON "${ndjson[@]}" \
		--data-binary "@$BATS_TEST_TMPDIR/bad" \
		"$http/v1/tenants/t/updates"
	says '.error.line == 20001'
	refused 400 BAD_JSON -d '{"a":1}{"b":2}' "$http/v1/tenants/t/updates"
	says '.error.message | contains("x-ndjson")'
	refused 400 BAD_JSON -d '' "$http/v1/tenants/t/updates"
	refused 400 BAD_JSON "${ndjson[@]}" --data-binary $'\n \n' \
		"$http/v1/tenants/t/updates"
	get 200 "$http/v1/tenants"
	says '.tenants == []'
}

@test "what a body may be, by its Content-Type" {
	start_wsd
	for type in application/json text/json text/plain 'text/plain;charset=UTF-8' \
		application/problem+json 'application/json; charset="utf-8"' ''; do
		get 200 -H "Content-Type: $type" -d 1 "$http/v1/tenants/t/updates"
	done
	for type in application/x-ndjson application/ndjson application/jsonl \
		'application/x-ndjson; charset=utf-8'; do
		get 200 -H "Content-Type: $type" --data-binary $'1\n2' \
			"$http/v1/tenants/t/updates"
		says '.count == 2'
	done
	for type in application/xml 'multipart/form-data; boundary=x' json \
		'application/json; charset=latin1'; do
		refused 415 UNSUPPORTED_MEDIA_TYPE -H "Content-Type: $type" \
			-d 1 "$http/v1/tenants/t/updates"
	done
	refused 415 UNSUPPORTED_MEDIA_TYPE -H 'Content-Encoding: gzip' -d 1 \
		"$http/v1/tenants/t/updates"
	refused 415 UNSUPPORTED_MEDIA_TYPE -F a=b "$http/v1/tenants/t/updates"
}

@test "an Idempotency-Key publishes once and is answered as before" {
	start_wsd
	printf '1\n2\n3\n' >"$BATS_TEST_TMPDIR/lines"
	post=("${ndjson[@]}" -H 'Idempotency-Key: order-7'
		--data-binary "@$BATS_TEST_TMPDIR/lines"
		"$http/v1/tenants/t/updates")
	get 200 -d 0 "$http/v1/tenants/t/updates"
	get 200 "${post[@]}"
	cp "$body" "$BATS_TEST_TMPDIR/first"
	get 200 "${post[@]}"
	diff <(jq -S '. + {duplicate: true}' "$BATS_TEST_TMPDIR/first") \
		<(jq -S . "$body")
	get 200 -H 'Idempotency-Key: order-7' -d 1 "$http/v1/tenants/u/updates"
	says 'has("duplicate") | not'
	refused 422 KEY_REUSED -H 'Idempotency-Key: order-7' -d 4 \
		"$http/v1/tenants/t/updates"
	get 200 "$http/v1/tenants"
	says '.tenants[] | select(.tenantId == "t").seq == 4'
	refused 400 BAD_REQUEST -H 'Idempotency-Key;' -d 1 \
		"$http/v1/tenants/t/updates"
	long=$(printf 'k%.0s' {1..256})
	get 200 -H "Idempotency-Key: $long" -d 1 "$http/v1/tenants/t/updates"
	refused 400 BAD_REQUEST -H "Idempotency-Key: k$long" -d 1 \
		"$http/v1/tenants/t/updates"
	refused 400 BAD_REQUEST -H "Idempotency-Key: $long$long$long" -d 1 \
		"$http/v1/tenants/t/updates"
}

@test "405 says what is allowed, on every path that there is" {
	start_wsd
	for path in healthz readyz metrics v1/tenants v1/connections; do
		for method in POST PUT DELETE PATCH; do
			refused 405 METHOD_NOT_ALLOWED -X $method \
				-D "$BATS_TEST_TMPDIR/head" "$http/$path"
			grep -q '^Allow: GET, HEAD, OPTIONS.$' "$BATS_TEST_TMPDIR/head"
		done
	done
	for method in PUT DELETE PATCH; do
		refused 405 METHOD_NOT_ALLOWED -X $method \
			-D "$BATS_TEST_TMPDIR/head" "$http/v1/tenants/t/updates"
		grep -q '^Allow: GET, HEAD, POST, OPTIONS.$' "$BATS_TEST_TMPDIR/head"
	done
	for path in v1 v1/tenants/ v1/tenants/t/ v1/tenants/t/updates/ v2/tenants; do
		refused 404 NOT_FOUND "$http/$path"
		refused 404 NOT_FOUND -d 1 "$http/$path"
	done
}

@test "lengths that are none, and Transfer-Encoding" {
	start_wsd
	n=0
	while read -r answer code line; do
		cat <<-END
			a$n connect
			a$n raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\n$line\r\n\r\n123"
			a$n status $answer
			a$n head Connection: close
			a$n body "code":"$code"
			a$n end
		END
		((++n))
	done <<-'END' | raw
		400 BAD_REQUEST Content-Length: 3, 3
		400 BAD_REQUEST Content-Length: 3\r\nContent-Length: 3
		400 BAD_REQUEST Content-Length: 3\r\nContent-Length: 4
		400 BAD_REQUEST Content-Length: +3
		400 BAD_REQUEST Content-Length: 0x3
		400 BAD_REQUEST Content-Length: three
		413 TOO_LARGE Content-Length: 99999999999999999999999
		413 TOO_LARGE Content-Length: 16777217\r\nContent-Type: application/x-ndjson
		413 TOO_LARGE Content-Length: 1052673
		411 LENGTH_REQUIRED X-Nothing: here
		411 LENGTH_REQUIRED Transfer-Encoding: chunked
		411 LENGTH_REQUIRED Transfer-Encoding: chunked\r\nContent-Length: 3
		411 LENGTH_REQUIRED Transfer-Encoding: identity\r\nContent-Length: 3
		417 EXPECTATION_FAILED Content-Length: 3\r\nExpect: 200-ok
	END
	raw <<-'END' # lws 4.5 answers this one itself, without a reason
		a connect
		a raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n123"
		a status 400
		a end
	END
	refused 411 LENGTH_REQUIRED -T - -X POST "$http/v1/tenants/t/updates" \
		<<<1
	refused 411 LENGTH_REQUIRED -H 'Transfer-Encoding: chunked' \
		"$http/healthz"
}

@test "--max-body and --max-message bound what is taken" {
	start_wsd --max-body 10k --max-message 1k
	numbered 100 | head -c 10k >"$BATS_TEST_TMPDIR/body"
	refused 400 BAD_JSON "${ndjson[@]}" \
		--data-binary "@$BATS_TEST_TMPDIR/body" \
		"$http/v1/tenants/t/updates"
	echo >>"$BATS_TEST_TMPDIR/body"
	refused 413 TOO_LARGE "${ndjson[@]}" \
		--data-binary "@$BATS_TEST_TMPDIR/body" \
		"$http/v1/tenants/t/updates"
	printf '1\n"%01023d"\n' 0 >"$BATS_TEST_TMPDIR/body"
	refused 413 TOO_LARGE "${ndjson[@]}" \
		--data-binary "@$BATS_TEST_TMPDIR/body" \
		"$http/v1/tenants/t/updates"
	says '.error.line == 2'
	printf '"%01022d"\n' 0 >"$BATS_TEST_TMPDIR/body"
	get 200 -d "@$BATS_TEST_TMPDIR/body" "$http/v1/tenants/t/updates"
	printf '"%01023d"\n' 0 >"$BATS_TEST_TMPDIR/body"
	refused 413 TOO_LARGE -d "@$BATS_TEST_TMPDIR/body" \
		"$http/v1/tenants/t/updates"
}

@test "who sends a body that is refused gets the answer, not a reset" {
	start_wsd --max-body 1k
	head -c 8M /dev/zero >"$BATS_TEST_TMPDIR/body"
	for i in {1..5}; do
		refused 413 TOO_LARGE -H Expect: "${ndjson[@]}" \
			--data-binary "@$BATS_TEST_TMPDIR/body" \
			"$http/v1/tenants/t/updates"
		refused 403 FORBIDDEN -H Expect: -H 'Host: evil.example' \
			--data-binary "@$BATS_TEST_TMPDIR/body" "$http/"
		refused 405 METHOD_NOT_ALLOWED -H Expect: -X PUT \
			--data-binary "@$BATS_TEST_TMPDIR/body" "$http/metrics"
	done
}

@test "Expect: 100-continue is answered, or refused before a body is sent" {
	start_wsd --max-body 1k
	raw <<-'END'
		a connect
		a raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
		a status 100
		a raw "123"
		a status 200
		a body "count":1
		a end
		b connect
		b raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n"
		b status 413
		b end
		c connect
		c raw "POST /v1/tenants/!/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
		c status 400
		c end
		d connect
		d raw "POST /v1/tenants/t/updates HTTP/1.0\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n123"
		d status 200
		d end
		e connect
		e raw "GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n"
		e status 200
		e end
	END
}

@test "a body byte by byte, one that is too long, one that is too short" {
	start_wsd --message-timeout 500ms
	raw <<-'END'
		a connect
		a raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
		a raw "["
		a raw "1"
		a raw ","
		a raw "2"
		a raw "]"
		a status 200
		a end
		b connect
		b raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n[1,2]and what nobody asked for"
		b status 200
		b body "first":2,"last":2
		b end
		c connect
		c raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n[1,2]"
		d connect
		d raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n[1,2]"
		d fin
		d end
		c status 408
		c body REQUEST_TIMEOUT
		c end
	END
	get 200 "$http/metrics"
	grep -qxF 'wsd_refused_total{reason="message_time"} 1' "$body"
	grep -qxF 'wsd_updates_published_total 2' "$body"
}

@test "much behind a request does not cost its answer" {
	[[ -z ${WSD_TLS-} ]] || skip 'bash speaks no TLS'
	start_wsd
	head -c 200k /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/behind"
	for length in 1 100000; do
		padded=$(printf '%*s' "$length" 1)
		{
			printf 'POST /v1/tenants/t/updates HTTP/1.1\r\n'
			printf 'Host: localhost\r\nContent-Length: %d\r\n\r\n%s' \
				"$length" "$padded"
			cat "$BATS_TEST_TMPDIR/behind"
		} >"$BATS_TEST_TMPDIR/request"
		for i in {1..10}; do
			exec 5<>"/dev/tcp/127.0.0.1/${http##*:}"
			cat "$BATS_TEST_TMPDIR/request" >&5 || true
			read -r answer <&5
			[[ $answer == 'HTTP/1.1 200 OK'* ]]
			exec 5>&-
		done
	done
}

@test "an update that comes late has the time at which it came" {
	start_wsd
	raw <<-'END'
		a connect
		b connect
		b raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n"
		! node -e 'setTimeout(() => {}, 700)'
		! date +%s%3N >$wsd_log.before
		a raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1"
		a status 200
		b raw "2"
		b status 200
	END
	before=$(<"$wsd_log.before")
	for time in $("$BIN/wssub" -u "$url" -e --since all -c 2 t |
		jq -r .time); do
		(($(date -d "$time" +%s%3N) >= before))
	done
}

@test "HEAD is GET without its content" {
	start_wsd
	for path in healthz readyz metrics v1/tenants v1/connections nowhere; do
		status=$(curl -s -o "$BATS_TEST_TMPDIR/get" -w '%{http_code}' \
			-D "$BATS_TEST_TMPDIR/get.head" "$http/$path")
		get "$status" --head "$http/$path"
		sed -n 's/^Content-Length: \([0-9]*\).$/\1/p' "$body" \
			>"$BATS_TEST_TMPDIR/length"
		[[ $path == metrics ]] || # whose figures move
			diff <(grep -v ^Date: "$body") \
				<(grep -v ^Date: "$BATS_TEST_TMPDIR/get.head")
		(($(<"$BATS_TEST_TMPDIR/length") > 0))
	done
	raw <<-'END'
		a connect
		a raw "HEAD /v1/tenants HTTP/1.1\r\nHost: localhost\r\n\r\n"
		a status 200
		a end
	END
}

@test "two requests in one segment: the second one is lost, and nobody spins" {
	start_wsd
	subscribed
	get='GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
	post='POST /v1/tenants/x/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n123'
	huge='POST /v1/tenants/x/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n'
	none='POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n'
	before=$(cpu_ticks)
	raw <<-END
		a connect
		a raw "$get$post"
		a status 200
		a end
		b connect
		b raw "$post$post"
		b status 200
		b end
		c connect
		c raw "$post$get"
		c status 200
		c end
		d connect
		d raw "$get$get$get"
		d status 200
		d end
		e connect
		e raw "$none$post"
		e status 400 404
		e end
		f connect
		f raw "$huge$post"
		f status 413
		f end
		g connect
		g raw "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n123$post"
		g status 404
		g end
		good open
		good idle
	END
	get 200 -d 7 "$http/v1/tenants/t/updates"
	until [[ -s $out ]]; do again; done
	ticks=$(($(cpu_ticks) - before))
	echo "CPU ticks: $ticks"
	((ticks < 50))
	get 200 "$http/metrics"
	grep -qxF 'wsd_updates_published_total 3' "$body"
}

@test "large bodies at the same time: each whole and in its order" {
	start_wsd --max-lag 64M # however slow the subscriber is here
	subscribed -c 120000
	pids=()
	for i in 1 2 3; do
		numbered 40000 | sed "s/\$/ /; s/{/{\"from\":$i,/" \
			>"$BATS_TEST_TMPDIR/lines$i"
		curl -sf -o "$BATS_TEST_TMPDIR/answer$i" "${ndjson[@]}" \
			--data-binary "@$BATS_TEST_TMPDIR/lines$i" \
			"$http/v1/tenants/t/updates" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" "$PID"
	for i in 1 2 3; do
		cmp <(grep "\"from\":$i," "$out") \
			<(sed 's/ $//' "$BATS_TEST_TMPDIR/lines$i")
	done
}

@test "a publish that has begun goes on when its client has left" {
	[[ -z ${WSD_TLS-} ]] || skip 'bash speaks no TLS'
	numbered 40000 >"$BATS_TEST_TMPDIR/lines"
	start_wsd
	subscribed -c 40000
	{
		printf 'POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\n'
		printf 'Content-Type: application/x-ndjson\r\nContent-Length: %s\r\n\r\n' \
			"$(stat -c %s "$BATS_TEST_TMPDIR/lines")"
		cat "$BATS_TEST_TMPDIR/lines"
	} >"/dev/tcp/127.0.0.1/${http##*:}"
	wait "$PID"
	cmp "$out" "$BATS_TEST_TMPDIR/lines"
}

@test "who does not read a long answer harms nobody, and may read it later" {
	start_wsd --sndbuf 4096 --max-tenants 100000
	awk 'BEGIN { for (i = 0; i < 1000; i++)
		printf "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"%0120d\"}\n", i }' \
		>"$BATS_TEST_TMPDIR/subscribe"
	export subscribe=$BATS_TEST_TMPDIR/subscribe
	before=$(cpu_ticks)
	raw <<-END
		s open
		s lines $subscribe
		s idle
		a connect
		a pause
		a raw "GET /v1/tenants?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n\r\n"
		b connect
		b pause
		b raw "GET /v1/tenants?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		b raw "more, and more"
		good open
		good idle
		! for i in {1..50}; do curl -sf "\$http/healthz"; done
		a resume
		a status 200
		a body "$(printf '%0120d' 999)"
		a end
		b drop
		good idle
	END
	ticks=$(($(cpu_ticks) - before))
	echo "CPU ticks: $ticks"
	((ticks < 100))
}

@test "who never reads a long answer is cut off" {
	start_wsd --sndbuf 4096 --message-timeout 500ms
	awk 'BEGIN { for (i = 0; i < 1000; i++)
		printf "{\"type\":\"SUBSCRIBE\",\"tenantId\":\"%0120d\"}\n", i }' \
		>"$BATS_TEST_TMPDIR/subscribe"
	raw <<-END
		s open
		s lines $BATS_TEST_TMPDIR/subscribe
		s idle
		a connect
		a pause
		a raw "GET /v1/tenants?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		s idle
		! until curl -s "\$http/metrics" | grep -qxF 'wsd_connections{dialect="http"} 2'; do again; done
		! until curl -s "\$http/metrics" | grep -qxF 'wsd_connections{dialect="http"} 1'; do again; done
		s idle
	END
}

@test "readyz is 503 while draining, and publishes are refused" {
	start_wsd
	export wsd
	raw <<-'END'
		s open
		s rude
		a connect
		b connect
		c connect
		d connect
		s idle
		c raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n12"
		d raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nIdempotency-Key: k\r\n\r\n12"
		! curl -sf "$http/readyz"
		! kill -TERM "$wsd"
		s finally 1001
		a raw "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
		a status 503
		a head Retry-After: 1
		a body "code":"DRAINING"
		a end
		b raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1"
		b status 503
		b body "code":"DRAINING"
		b end
		c raw "3"
		c status 503
		c body "code":"DRAINING"
		c end
		d raw "3"
		d status 503
		d end
		s fin
	END
	wsd_ends 0
}

@test "a tenant's rate is 429, with the time to wait; too many tenants are 503" {
	start_wsd --tenant-rate 1 --max-tenants 1
	get 200 "${ndjson[@]}" --data-binary $'1\n2\n3' "$http/v1/tenants/t/updates"
	refused 429 RATE_LIMITED -d 1 -D "$BATS_TEST_TMPDIR/head" \
		"$http/v1/tenants/t/updates"
	grep -q '^Retry-After: [12].$' "$BATS_TEST_TMPDIR/head"
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		! curl -s -d 1 -D "$BATS_TEST_TMPDIR/head" "$http/v1/tenants/u/updates" >"$body"
	END
	says '.error.code == "OVER_CAPACITY"'
	grep -q '^HTTP/1.1 503 ' "$BATS_TEST_TMPDIR/head"
	grep -q '^Retry-After: ' "$BATS_TEST_TMPDIR/head"
}

@test "over a Unix socket, also byte by byte" {
	start_wsd --listen "unix:$BATS_TEST_TMPDIR/s"
	get 200 --unix-socket "$BATS_TEST_TMPDIR/s" -d 1 \
		http://localhost/v1/tenants/t/updates
	says '.first == 1'
	raw <<-'END'
		a open
		a idle
		! curl -s --unix-socket "$BATS_TEST_TMPDIR/s" http://localhost/v1/connections | jq -e '.connections[0].address == "unix"'
	END
	node -e '
		const request = "POST /v1/tenants/t/updates HTTP/1.1\r\n" +
			"Host: localhost\r\nContent-Length: 1\r\n" +
			"X-Long: " + "x".repeat(300) + "\r\n\r\n1";
		const socket = require("net").connect(process.argv[1]);
		const next = (at) => at < request.length &&
			socket.write(request[at], () => setImmediate(next, at + 1));
		socket.on("connect", () => next(0));
		socket.on("data", (data) => console.log(data.toString()));
	' "$BATS_TEST_TMPDIR/s" | grep -q 'HTTP/1.1 200 OK'
}

@test "a page of another origin can neither publish nor read" {
	start_wsd
	for path in readyz metrics v1/tenants v1/connections; do
		refused 403 FORBIDDEN -H 'Origin: http://evil.example' "$http/$path"
	done
	refused 403 FORBIDDEN -H 'Origin: http://evil.example' -d 1 \
		-H 'Content-Type: text/plain' "$http/v1/tenants/t/updates"
	refused 403 FORBIDDEN -H 'Host: evil.example' -d 1 \
		"$http/v1/tenants/t/updates"
	get 200 -H 'Origin: http://localhost:5173' -d 1 \
		"$http/v1/tenants/t/updates"
	get 200 "$http/metrics"
	grep -qxF 'wsd_refused_total{reason="origin"} 5' "$body"
	grep -qxF 'wsd_refused_total{reason="host"} 1' "$body"
	grep -qxF 'wsd_updates_published_total 1' "$body"
}
