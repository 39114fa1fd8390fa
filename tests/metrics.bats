#!/usr/bin/env bats
# What wsd tells of itself over HTTP: tenants, connections, metrics.
# shellcheck disable=SC2154,SC2178 # what start_wsd sets; $lines is no array

load helper
load http

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
	next=$(jq -r '.next' "$BATS_TEST_TMPDIR/one")
	get 200 "$http/v1/tenants?limit=3&after=$next"
	says 'has("next") | not'
	jq -es '(.[0].tenants | length) == 3
		and .[0].next == .[0].tenants[2].tenantId
		and ([.[].tenants[]] | sort_by(.tenantId)
		| map(.tenantId) == ["t1", "t2", "t3", "t4", "t5"]
		and map(.seq) == [1, 1, 1, 1, 1]
		and .[0].first == 1 and .[0].retained == 1 and .[0].bytes > 0)' \
		"$BATS_TEST_TMPDIR/one" "$body"
	jq -e '[.tenants[] | select((.tenantId == "t3") != (.subscribers == 1))]
		== []' "$BATS_TEST_TMPDIR/one"
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
	export body ndjson_type="${ndjson[1]}" lines=$BATS_TEST_TMPDIR/lines
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
		! curl -sf -H "$ndjson_type" --data-binary "@$lines" "$http/v1/tenants/t/updates"
		! curl -s "$http/metrics" >"$BATS_TEST_TMPDIR/one"
		left drop
		! for i in {1..20}; do curl -sf -H "$ndjson_type" --data-binary "@$lines" "$http/v1/tenants/t/updates"; done
		! curl -sf -d 1 "$http/v1/tenants/u/updates"
		good exact 1
		! until curl -s "$http/metrics" >"$BATS_TEST_TMPDIR/two" && grep -q '^wsd_subscriptions 1$' "$BATS_TEST_TMPDIR/two"; do again; done
		good idle
	END
	balanced "$BATS_TEST_TMPDIR/one"
	balanced "$BATS_TEST_TMPDIR/two"
	grep -q '^wsd_deliveries_dropped_total{reason="slow"} [1-9]' \
		"$BATS_TEST_TMPDIR/two"
	grep -q '^wsd_deliveries_pending [1-9]' "$BATS_TEST_TMPDIR/one"
}
