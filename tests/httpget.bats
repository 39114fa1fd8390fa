#!/usr/bin/env bats
# What can be read over HTTP: how the server stands, what it has, what it has
# counted; and who reads slowly.
# shellcheck disable=SC2154 # what start_wsd and load set

load helper
load http

@test "405 says what is allowed, on every path that there is" {
	start_wsd
	for path in healthz readyz metrics v1/tenants v1/connections; do
		for method in POST PUT DELETE PATCH OPTIONS; do
			refused 405 METHOD_NOT_ALLOWED -X $method \
				-D "$BATS_TEST_TMPDIR/head" "$http/$path"
			grep -q '^Allow: GET, HEAD.$' "$BATS_TEST_TMPDIR/head"
		done
	done
	for method in GET PUT DELETE PATCH OPTIONS; do
		refused 405 METHOD_NOT_ALLOWED -X $method \
			-D "$BATS_TEST_TMPDIR/head" "$http/v1/tenants/t/updates"
		grep -q '^Allow: POST.$' "$BATS_TEST_TMPDIR/head"
	done
	for path in v1 v1/tenants/ v1/tenants/t v1/tenants/t/updates/ v2/tenants; do
		refused 404 NOT_FOUND "$http/$path"
		refused 404 NOT_FOUND -d 1 "$http/$path"
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

@test "pages of tenants" {
	start_wsd
	for i in {1..5}; do
		get 200 -d 1 "$http/v1/tenants/t$i/updates"
	done
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t3"}
		a idle
		! curl -s "$http/v1/tenants?limit=3" >"$BATS_TEST_TMPDIR/one"
	END
	jq -e '[.tenants[].tenantId] == ["t1", "t2", "t3"] and .next == "t3"
		and .tenants[2].subscribers == 1 and .tenants[0].subscribers == 0
		and .tenants[0].seq == 1 and .tenants[0].first == 1
		and .tenants[0].retained == 1 and .tenants[0].bytes > 0' \
		"$BATS_TEST_TMPDIR/one"
	get 200 "$http/v1/tenants?limit=3&after=t3"
	says '[.tenants[].tenantId] == ["t4", "t5"] and (has("next") | not)'
	get 200 "$http/v1/tenants?after="
	says '.tenants | length == 5'
	for query in limit=0 limit=1001 limit=x after=a%20b Limit=1 x=y \
		'limit=1&limit=2'; do
		refused 400 BAD_REQUEST "$http/v1/tenants?$query"
	done
	refused 400 BAD_REQUEST -d 1 "$http/v1/tenants/t/updates?key=x"
}

@test "pages of connections" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		b open
		b idle
		c open wsd.v1.bulk
		c recv {"type":"WELCOME","connection":"3"}
		! curl -s "$http/v1/connections" >"$BATS_TEST_TMPDIR/all"
		! curl -s "$http/v1/connections?limit=1&after=1" >"$BATS_TEST_TMPDIR/one"
	END
	jq -e '[.connections[].connection] == ["1", "2", "3"]
		and [.connections[].dialect] == ["wsd.v1", "plain", "wsd.v1"]
		and (.connections[0] | .subscriptionCount == 1
			and .subscriptions == [{"tenantId":"t","lag":0,"lagBytes":0}]
			and (.address | startswith("127.0.0.1:")) and .ageMs >= 0)
		and (has("next") | not)' "$BATS_TEST_TMPDIR/all"
	jq -e '[.connections[].connection] == ["2"] and .next == "2"' \
		"$BATS_TEST_TMPDIR/one"
	get 200 "$http/v1/connections?after=99"
	says '. == {"connections": []}'
	refused 400 BAD_REQUEST "$http/v1/connections?after=x"
}

# metrics FILE: checks a page of metrics, strictly; prints "name value" lines.
metrics() {
	awk '
		function wrong(why) {
			print FILENAME ":" FNR ": " why ": " $0 >"/dev/stderr"
			bad = 1
		}
		/^# HELP / {
			if ($3 in type)
				wrong("a family twice")
			if (NF < 4)
				wrong("no help")
			helped = $3
			next
		}
		/^# TYPE / {
			if ($3 != helped || $4 !~ /^(counter|gauge|histogram)$/ || NF != 4)
				wrong("type")
			family = $3
			type[family] = $4
			next
		}
		!/^[a-z_]+(\{[a-z_]+="[^"\\{}]*"\})? [0-9]+(\.[0-9]+)?$/ {
			wrong("no sample")
			next
		}
		{
			name = $1
			sub(/\{.*/, "", name)
			base = name
			if (type[family] == "histogram")
				sub(/_(bucket|sum|count)$/, "", base)
			if (base != family)
				wrong("not of family " family)
			if (type[family] == "counter" && name !~ /_total$/)
				wrong("a counter that is not named so")
			if ($1 in seen)
				wrong("twice")
			seen[$1] = 1
			if (name ~ /_bucket$/) {
				bound = $1
				gsub(/.*le="|"\}/, "", bound)
				if (bound != "+Inf" && bound + 0 <= last_bound + 0)
					wrong("bounds do not rise")
				if ($2 < last_count)
					wrong("classes do not add up")
				last_bound = bound
				last_count = $2
			}
			if (name ~ /_count$/ && $2 != last_count)
				wrong("+Inf is not the count")
			print
		}
		END { exit bad || !FNR }' "$1"
}

# balanced FILE: whether the ledger of a page adds up.
balanced() {
	metrics "$1" | awk '
		/^wsd_deliveries_due_total / { due = $2 }
		/^wsd_deliveries_delivered_total / { sum += $2 }
		/^wsd_deliveries_dropped_total/ { sum += $2 }
		/^wsd_deliveries_pending / { sum += $2 }
		END { print due " due, " sum " accounted for"; exit !due || due != sum }'
}

@test "metrics can be parsed, and each is on the page of the manual" {
	start_wsd
	get 200 -d 1 "$http/v1/tenants/t/updates"
	get 404 "$http/nowhere"
	get 200 -D "$BATS_TEST_TMPDIR/head" "$http/metrics"
	grep -q '^Content-Type: text/plain; version=0.0.4' "$BATS_TEST_TMPDIR/head"
	metrics "$body" >"$BATS_TEST_TMPDIR/samples"
	for line in 'wsd_updates_published_total 1' \
		'wsd_http_answers_total{status="200"} 1' \
		'wsd_http_answers_total{status="404"} 1' \
		'wsd_tenants 1' 'wsd_draining 0'; do
		grep -qxF "$line" "$BATS_TEST_TMPDIR/samples"
	done
	diff <(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$body" | sort) \
		<(sed -n '/^\.Sh METRICS/,/^\.Sh EXIT/s/^\.It Li \([a-z_]*\).*/\1/p' \
			"$BATS_TEST_DIRNAME/../man/wsd.8" | sort)
}

@test "the ledger adds up, with subscribers that are slow and some that left" {
	numbered 5000 >"$BATS_TEST_TMPDIR/lines"
	export ndjson_type="${ndjson[1]}" many=$BATS_TEST_TMPDIR/lines
	start_wsd --sndbuf 4096 --max-lag 1M
	raw <<-'END'
		slow open
		slow send {"type":"SUBSCRIBE","tenantId":"t"}
		slow idle
		left open wsd.v1
		left recv {"type":"WELCOME"}
		left send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		left recv {"type":"SUBSCRIBED"}
		good open
		good send {"type":"SUBSCRIBE","tenantId":"u"}
		good idle
		slow pause
		left pause
		! curl -sf -H "$ndjson_type" --data-binary "@$many" "$http/v1/tenants/t/updates"
		! curl -s "$http/metrics" >"$BATS_TEST_TMPDIR/one"
		left drop
		! for i in {1..20}; do curl -sf -H "$ndjson_type" --data-binary "@$many" "$http/v1/tenants/t/updates"; done
		! curl -sf -d 1 "$http/v1/tenants/u/updates"
		good exact 1
		! until curl -s "$http/metrics" >"$BATS_TEST_TMPDIR/two" && grep -q '^wsd_subscriptions 1$' "$BATS_TEST_TMPDIR/two"; do :; done
		good idle
	END
	balanced "$BATS_TEST_TMPDIR/one"
	balanced "$BATS_TEST_TMPDIR/two"
	grep -q '^wsd_deliveries_dropped_total{reason="slow"} [1-9]' \
		"$BATS_TEST_TMPDIR/two"
	grep -q '^wsd_deliveries_pending [1-9]' "$BATS_TEST_TMPDIR/one"
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
		! until curl -s "\$http/metrics" | grep -qxF 'wsd_connections{dialect="http"} 2'; do :; done
		! until curl -s "\$http/metrics" | grep -qxF 'wsd_connections{dialect="http"} 1'; do :; done
		s idle
	END
}
