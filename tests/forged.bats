#!/usr/bin/env bats
# Tokens that another program has made, and what an attacker could send
# (tests/tools/forge.mjs): through wstoken, and through a wsd.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup_file() {
	umask 077
	cd "$BATS_FILE_TMPDIR" || return
	node "$BATS_TEST_DIRNAME/tools/forge.mjs" . >table
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
	keys=(--jwt-key r=rsa.pub --jwt-key e=ec.pub --jwt-key d=ed.pub
		--jwt-key h=hmac)
	few=(--jwt-key e=ec.pub --jwt-key h=hmac) # RSA takes its time
}

# check TOKEN WANT KEY...: what wstoken says of it.
check() {
	local status=0

	printf %b "$1" | "$BIN/wstoken" check "${@:3}" >out 2>err || status=$?
	case $2 in
	good) ((status == 0)) ;;
	bad) ((status == 4 || status == 2)) ;;
	*) ((status == 4)) && [[ $(<err) == "wstoken check: refused: $2" ]] ;;
	esac
}

# check_all: those whose names match PATTERN, with these keys.
check_all() {
	local name token want count=0 failed=0

	while IFS=$'\t' read -r name want token; do
		((++count))
		check "$token" "$want" "${@:2}" && continue
		((++failed))
		echo "$name: $(cat out err)"
		echo "  in place of: $want"
	done < <(grep -E "$1" table)
	echo "$count tokens"
	((failed == 0 && count > 200))
}

@test "wstoken: tokens of every kind" {
	check_all '^(good|[^cf]|c[^u]|f[^l])' "${keys[@]}"
}

@test "wstoken: a token that is cut, or has a bit turned" {
	check_all '^(cut|flip) ' "${few[@]}"
}

# Of one connection that has shown a good token, and of a handshake for each
# token that can stand in a header.
script() {
	local name token want answer status id=0

	echo a header "Authorization: Bearer $("$BIN/wstoken" make --key hmac \
		--kid h)"
	echo a open wsd.v1
	echo 'a recv {"type":"WELCOME"}'
	while IFS=$'\t' read -r name want token; do
		((++id))
		status=401 answer='ERROR","code":"AUTH_FAILED'
		# No token needs an escape.
		[[ $token != *\\* ]] || answer='ERROR","code":"BAD_REQUEST'
		((${#token} < 8000)) || status=431 # a head has at most 8 KiB
		[[ $want != good ]] || status=101 answer=AUTHENTICATED
		echo "a send {\"type\":\"AUTH\",\"id\":$id,\"token\":\"$token\"}"
		echo "a recv {\"type\":\"$answer\",\"id\":$id}"
		[[ -n $token && $token != *[!!-~]* ]] || continue
		printf '%s\n' "$id header Authorization: Bearer $token" \
			"$id try wsd.v1" "$id status $status" "$id drop"
	done <table
	echo 'a send {"type":"PING","id":0}'
	echo 'a recv {"type":"PONG","id":0}'
}

@test "wsd: all of them, in a handshake and in AUTH" {
	start_wsd "${keys[@]}" --auth-failures 0
	script >steps
	(($(grep -c ' status 401$' steps) > 700))
	(($(grep -c AUTH_FAILED steps) > 800))
	raw <steps
	# The log has reasons, and nothing of the tokens.
	grep -q 'refused a token from .*: ' "$wsd_log"
	cut -f 3 table | tr . '\n' | grep -E '.{12}' >parts
	run -1 grep -cF -f parts "$wsd_log"
}
