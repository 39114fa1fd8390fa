#!/usr/bin/env bats
# Other people's clients against wsd; what each must stand is in clients.bash.
# needs: bun python3:websockets python3:websocket
# shellcheck disable=SC2154 # what start_wsd sets

load helper
load redis
load clients

setup() {
	T=$BATS_TEST_TMPDIR
	unset http_proxy https_proxy
}

@test "ws receives every update byte for byte, also of 1 MiB" {
	receives ws
}

@test "wscat -x receives every update byte for byte, also of 1 MiB" {
	receives wscat
}

@test "Python's websockets receives every update byte for byte, also of 1 MiB" {
	receives websockets
}

@test "Python's websocket-client receives every update byte for byte, also of 1 MiB" {
	receives websocket-client
}

@test "Bun's WebSocket receives every update byte for byte, also of 1 MiB" {
	receives bun
}

@test "ws publishes, also 1 MiB, and hears what was wrong" {
	publishes ws
}

@test "wscat on a terminal publishes, and hears what was wrong" {
	publishes wscat no-large
}

@test "Python's websockets publishes, also 1 MiB, and hears what was wrong" {
	publishes websockets
}

@test "Python's websocket-client publishes, also 1 MiB, and hears what was wrong" {
	publishes websocket-client
}

@test "Bun's WebSocket publishes, also 1 MiB, and hears what was wrong" {
	publishes bun
}

@test "ws closes with 1000, and hears 1001" {
	closes ws
}

@test "wscat ends at ^C, and hears 1001" {
	closes wscat
}

@test "Python's websockets closes with 1000, and hears 1001" {
	closes websockets
}

@test "Python's websocket-client closes with 1000, and hears 1001" {
	closes websocket-client
}

@test "Bun's WebSocket closes with 1000, and hears 1001" {
	closes bun
}

@test "ws is let in, or not, by Origin and Host" {
	shows_names ws
}

@test "wscat is let in, or not, by Origin and Host" {
	shows_names wscat
}

@test "Python's websockets is let in, or not, by Origin and Host" {
	shows_names websockets
}

@test "Python's websocket-client is let in, or not, by Origin and Host" {
	shows_names websocket-client
}

@test "Bun's WebSocket is let in, or not, by Origin and Host" {
	shows_names bun
}

@test "ws shows a token in a header and in SUBSCRIBE" {
	shows_token ws
}

@test "wscat shows a token in a header and in SUBSCRIBE" {
	shows_token wscat
}

@test "Python's websockets shows a token in a header and in SUBSCRIBE" {
	shows_token websockets
}

@test "Python's websocket-client shows a token in a header and in SUBSCRIBE" {
	shows_token websocket-client
}

@test "Bun's WebSocket shows a token in a header and in SUBSCRIBE" {
	shows_token bun
}

# youngest: the age in ms of the connection that came last, of so many as there
# are clients; nothing while there are not so many.
youngest() {
	curl -sf "$http/v1/connections" | jq "[.connections[].ageMs] |
		select(length == ${#all[@]}) | min"
}

@test "on pings alone all of them stay, who does not answer does not" {
	local all=(ws wscat websockets websocket-client bun) age client

	start_wsd --ping 200ms --dead-after 800ms
	for client in "${all[@]}"; do
		launch "$client" "$T/$client" -x "$subscribe"
		# shellcheck disable=SC2034 # or its input would end
		exec {input}>&7
	done
	joined ${#all[@]}
	until age=$(youngest) && ((age >= 3000)); do
		again
	done
	raw <<-'END'
		a open
		a deaf
		a end
	END
	"$BIN/wspub" -u "$url" tenant-1 '"still here"'
	for client in "${all[@]}"; do
		timeout 20 tail -n +1 -f "$T/$client" | grep -qxm1 '"still here"'
	done
	(($(curl -sf "$http/metrics" |
		sed -n 's/^wsd_pings_sent_total //p') >= 10 * ${#all[@]}))
}

@test "curl publishes, also 1 MiB, with a token; the rest is in http.bats" {
	local to

	tokens
	start_wsd --jwt-key "$T/key" --history-size 8M
	to=$http/v1/tenants/tenant-1/updates
	updates >"$T/updates"
	join ws "${as_good[@]}" -x "$subscribe"
	joined 1 "${as_good[@]}"
	while IFS= read -r update; do
		printf '%s' "$update" >"$T/update"
		curl -sSf "${as_good[@]}" --json "@$T/update" "$to"
	done <"$T/updates"
	curl -sSf --oauth2-bearer "$good" --data-binary "@$T/updates" \
		-H 'Content-Type: application/x-ndjson' "$to"
	timeout 20 head -n $((2 * $(wc -l <"$T/updates"))) <&8 >"$T/got"
	cmp "$T/got" <(cat "$T/updates" "$T/updates")
}
