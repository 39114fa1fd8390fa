#!/usr/bin/env bats
# wstoken from its command line: keys, tokens of its own and of another tool
# (openssl), and what is refused.

load helper

setup() {
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
}

# refused REASON COMMAND...: with this on stderr, and exit status 4.
refused() {
	local want=$1 status=0

	shift
	"$@" >out 2>err || status=$?
	cat out err
	((status == 4))
	[[ ! -s out && $(<err) == "wstoken check: refused: $want" ]]
}

# fails STATUS MESSAGE COMMAND...: with this as the first line on stderr.
fails() {
	local want=$1 message=$2 status=0

	shift 2
	"$@" >out 2>err || status=$?
	cat out err
	((status == want))
	[[ ! -s out && $(head -n 1 err) == "$message" ]]
}

# By another tool: base64url, and tokens that are signed by openssl.
base64url() {
	basenc --base64url -w 0 | tr -d =
}

# token HEADER CLAIMS SIGN...: the input of the signature goes to SIGN, which
# prints the signature as it goes into a token.
token() {
	local input

	input=$(printf %s "$1" | base64url).$(printf %s "$2" | base64url)
	shift 2
	printf '%s.%s' "$input" "$(printf %s "$input" | "$@" | base64url)"
}

hmac() {
	openssl dgst -sha256 -mac HMAC -macopt "key:$(<"$1")" -binary
}

pkey() {
	openssl dgst -sha256 -sign "$1"
}

# Of a DER signature r and s, 32 bytes each.
ecdsa() {
	openssl dgst -sha256 -sign "$1" >der
	openssl asn1parse -inform DER -in der |
		sed -n 's/.*INTEGER *://p' |
		while read -r number; do
			printf '%064d' 0 | tail -c $((64 - ${#number})) || true
			printf %s "$number"
		done | basenc --base16 -d
}

eddsa() {
	cat >input
	openssl pkeyutl -sign -inkey "$1" -rawin -in input
}

later() {
	echo $(($(date +%s) + 600))
}

@test "keygen makes files that only their owner can read, and never overwrites" {
	umask 0
	"$BIN/wstoken" keygen k
	"$BIN/wstoken" keygen --type ec e
	[[ $(stat -c %a k e e.pub) == $'600\n600\n600' ]]
	[[ ! -e k.pub && $(wc -c <k) == 44 ]]
	before=$(cat k e e.pub)
	fails 1 "wstoken keygen: cannot make 'k': File exists" \
		"$BIN/wstoken" keygen --type rsa k
	[[ ! -e k.pub ]]
	rm e
	fails 1 "wstoken keygen: cannot make 'e.pub': File exists" \
		"$BIN/wstoken" keygen --type ec e
	[[ ! -e e ]]
	[[ $(cat k e.pub) != "$before" && -s e.pub ]]
	ln -s nowhere link
	fails 1 "wstoken keygen: cannot make 'link': File exists" \
		"$BIN/wstoken" keygen link
}

@test "a token of each type is good by its key, and by no other" {
	for type in hmac rsa ec ed25519; do
		"$BIN/wstoken" keygen --type $type $type
		"$BIN/wstoken" keygen --type $type other
		"$BIN/wstoken" make --key $type --subscribe 'acme-*' \
			--subscribe beta --publish '*' --sub ci --for 10m >token
		for key in "$type"*; do
			"$BIN/wstoken" check --jwt-key "$key" <token >good
			jq -ce 'del(.expires)' good
			[[ $(jq -c 'del(.expires)' good) == '{"name":"ci","subscribe":["acme-*","beta"],"publish":["*"],"admin":false}' ]]
			[[ $(jq -r .expires good) == *T*:*.000Z ]]
		done
		refused 'its signature is wrong' \
			"$BIN/wstoken" check --jwt-key other <token
		rm other*
	done
}

@test "openssl reads these keys, and verifies these tokens" {
	"$BIN/wstoken" keygen --type rsa rsa
	openssl pkey -in rsa -noout -text | grep -q 3072
	openssl pkey -pubin -in rsa.pub -noout
	"$BIN/wstoken" make --key rsa >token
	IFS=. read -r header claims signature <token
	printf '%s==' "$signature" | basenc --base64url -d >sig 2>/dev/null ||
		true
	printf '%s.%s' "$header" "$claims" |
		openssl dgst -sha256 -verify rsa.pub -signature sig
	"$BIN/wstoken" keygen --type ed25519 ed
	openssl pkey -in ed -noout -text | grep -qi ed25519
}

@test "tokens that openssl has signed are good" {
	claims="{\"exp\":$(later),\"subscribe\":\"acme\"}"
	head -c 30 /dev/urandom | base64 -w 0 >hmac
	openssl genpkey -quiet -algorithm rsa -pkeyopt rsa_keygen_bits:2048 \
		-out rsa 2>/dev/null ||
		openssl genpkey -algorithm rsa -out rsa 2>/dev/null
	openssl ecparam -genkey -name prime256v1 -out ec 2>/dev/null
	openssl genpkey -algorithm ed25519 -out ed
	for key in rsa ec ed; do
		openssl pkey -in $key -pubout -out $key.pub
	done
	token '{"alg":"HS256"}' "$claims" hmac hmac |
		"$BIN/wstoken" check --jwt-key hmac
	token '{"alg":"RS256"}' "$claims" pkey rsa |
		"$BIN/wstoken" check --jwt-key rsa.pub
	for _ in 1 2 3 4 5; do # numbers of any length
		token '{"alg":"ES256","typ":"JWT"}' "$claims" ecdsa ec |
			"$BIN/wstoken" check --jwt-key ec.pub
	done
	token '{"alg":"EdDSA"}' "$claims" eddsa ed |
		"$BIN/wstoken" check --jwt-key ed.pub
	# openssl ecparam puts the parameters in front of the key.
	grep -q 'EC PARAMETERS' ec
	"$BIN/wstoken" make --key ec | "$BIN/wstoken" check --jwt-key ec.pub
}

@test "DER in place of r and s is no signature" {
	openssl ecparam -genkey -name prime256v1 -out ec 2>/dev/null
	token '{"alg":"ES256"}' "{\"exp\":$(later)}" pkey ec >t
	refused 'its signature is wrong' \
		"$BIN/wstoken" check --jwt-key ec <t
}

@test "what an attacker sends is refused, each with its reason" {
	claims="{\"exp\":$(later),\"publish\":\"*\"}"
	check=("$BIN/wstoken" check --jwt-key rsa.pub)
	"$BIN/wstoken" keygen --type rsa rsa
	token '{"alg":"none"}' "$claims" true >t
	refused 'its algorithm is none of HS256, RS256, ES256, EdDSA' \
		"${check[@]}" <t
	# The public key as the secret of an HMAC.
	key=$(od -An -v -tx1 rsa.pub | tr -d ' \n')
	token '{"alg":"HS256"}' "$claims" openssl dgst -sha256 -mac HMAC \
		-macopt "hexkey:$key" -binary >t
	refused "it has no 'kid', and there is no key of its algorithm that needs none" \
		"${check[@]}" <t
	token '{"alg":"RS256","jku":"https://evil/"}' "$claims" pkey rsa >t
	refused "its header chooses a key: 'jku', 'jwk', 'x5u' or 'x5c'" \
		"${check[@]}" <t
	token '{"alg":"RS256","crit":["exp"]}' "$claims" pkey rsa >t
	refused "its header has 'crit' or 'b64'" "${check[@]}" <t
	token '{"alg":"RS256","kid":"../../dev/null"}' "$claims" pkey rsa >t
	refused "no key has its 'kid'" "${check[@]}" <t
	token '{"alg":"RS256"}' '{"exp":1,"exp":9999999999}' pkey rsa >t
	refused 'its claims are no JSON object with unique members' \
		"${check[@]}" <t
	token '{"alg":"RS256"}' '{"publish":"*"}' pkey rsa >t
	refused "it has no 'exp'" "${check[@]}" <t
	token '{"alg":"RS256"}' '{"exp":1e400}' pkey rsa >t
	refused "its 'exp' or 'nbf' is no time" "${check[@]}" <t
	token '{"alg":"RS256"}' '{"exp":1000000000}' pkey rsa >t
	refused 'it has expired' "${check[@]}" <t
	token '{"alg":"RS256"}' '{"exp":9999999999,"nbf":9999999998}' \
		pkey rsa >t
	refused "it is not valid yet ('nbf')" "${check[@]}" <t
	echo "$(<t)=" >padded
	refused 'it is not three parts in base64url' "${check[@]}" <padded
	head -c -20 t >part
	refused 'its signature is wrong' "${check[@]}" <part
}

@test "audience, issuer and the claim that names the tenant" {
	"$BIN/wstoken" keygen k
	"$BIN/wstoken" make --key k --aud web --iss me >t
	check=("$BIN/wstoken" check --jwt-key k)
	"${check[@]}" <t
	"${check[@]}" --jwt-aud web --jwt-iss me <t
	refused "it is for another audience ('aud')" \
		"${check[@]}" --jwt-aud other <t
	refused "it is by another issuer ('iss')" \
		"${check[@]}" --jwt-iss other <t
	token '{"alg":"HS256"}' "{\"exp\":$(later),\"org_id\":\"acme\"}" \
		hmac k >t
	[[ $("${check[@]}" <t | jq -c .subscribe) == '[]' ]]
	[[ $("${check[@]}" --tenant-claim org_id <t | jq -c .subscribe) == \
		'["acme"]' ]]
	token '{"alg":"HS256"}' "{\"exp\":$(later),\"org_id\":\"*\"}" hmac k >t
	refused 'the claim that names its tenant names none' \
		"${check[@]}" --tenant-claim org_id <t
}

@test "keys by their names: of files, and of a JWK Set" {
	"$BIN/wstoken" keygen a
	"$BIN/wstoken" keygen b
	"$BIN/wstoken" make --key b --kid two >t
	"$BIN/wstoken" check --jwt-key one=a --jwt-key two=b <t
	refused "no key has its 'kid'" "$BIN/wstoken" check --jwt-key b <t
	refused 'its signature is wrong' \
		"$BIN/wstoken" check --jwt-key two=a --jwt-key one=b <t
	"$BIN/wstoken" keygen --type ed25519 ed
	x=$(openssl pkey -pubin -in ed.pub -outform DER | tail -c 32 | base64url)
	echo "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\"},
		{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"$x\"}]}" >jwks
	"$BIN/wstoken" make --key ed --kid k | "$BIN/wstoken" check --jwt-key jwks
	"$BIN/wstoken" make --key ed --kid l >t
	refused "no key has its 'kid'" "$BIN/wstoken" check --jwt-key jwks <t
	fails 2 "wstoken check: cannot use: 'b': there are two keys of the same kid" \
		"$BIN/wstoken" check --jwt-key k=a --jwt-key k=b
}

@test "files that others can read or write are refused" {
	"$BIN/wstoken" keygen k
	"$BIN/wstoken" keygen --type ec e
	chmod 644 k e
	fails 2 "wstoken make: cannot use 'k': others can read it: its mode is 0644" \
		"$BIN/wstoken" make --key k
	fails 2 "wstoken make: cannot use 'e': others can read it: its mode is 0644" \
		"$BIN/wstoken" make --key e
	fails 2 "wstoken check: cannot use: 'k': others can read it: its mode is 0644" \
		"$BIN/wstoken" check --jwt-key k
	chmod 666 e.pub
	fails 2 "wstoken check: cannot use: 'e.pub': others can write it: its mode is 0666" \
		"$BIN/wstoken" check --jwt-key e.pub
	fails 2 "wstoken make: cannot use 'e.pub': others can write it: its mode is 0666" \
		"$BIN/wstoken" make --key e.pub
	chmod 644 e.pub
	fails 2 "wstoken make: cannot use 'e.pub': it is a public key, which cannot sign" \
		"$BIN/wstoken" make --key e.pub
	echo token >t
	chmod 604 t
	chmod 600 k
	fails 2 "wstoken check: cannot read the token from 't': others can read it: its mode is 0604" \
		"$BIN/wstoken" check --jwt-key k --token-file t
}

@test "a FIFO is refused without waiting for it, a pipe of the shell is not" {
	"$BIN/wstoken" keygen k
	"$BIN/wstoken" make --key k >t
	mkfifo fifo
	fails 2 "wstoken check: cannot use: 'fifo': it is no regular file" \
		"$BIN/wstoken" check --jwt-key fifo <t
	fails 2 "wstoken check: cannot read the token from 'fifo': it is no regular file" \
		"$BIN/wstoken" check --jwt-key k --token-file fifo
	"$BIN/wstoken" check --jwt-key <(cat k) --token-file <(cat t)
	"$BIN/wstoken" check --jwt-key k --token-file /dev/stdin <t
	# shellcheck disable=SC2002 # a pipe
	cat t | "$BIN/wstoken" check --jwt-key k --token-file /dev/stdin
}

@test "a file of another user is refused" {
	((EUID == 0)) || skip "only root can make one"
	"$BIN/wstoken" keygen k
	chown 12345 k
	fails 2 "wstoken make: cannot use 'k': it belongs to another user, of uid 12345" \
		"$BIN/wstoken" make --key k
}

@test "a static token: hash makes its line" {
	"$BIN/wstoken" keygen machine
	"$BIN/wstoken" hash --name ci --subscribe 'acme-*' --subscribe beta \
		--publish '*' --admin <machine >tokens
	# As another tool hashes it, without its newline.
	sum=$(printf %s "$(<machine)" | sha256sum)
	[[ $(<tokens) == "${sum%% *} ci subscribe=acme-*,beta publish=* admin" ]]
	"$BIN/wstoken" check --tokens tokens <machine >out
	[[ $(<out) == '{"name":"ci","subscribe":["acme-*","beta"],"publish":["*"],"admin":true,"expires":null}' ]]
	echo other-token-that-nobody-knows >other
	refused 'there is neither such a token nor a key for it' \
		"$BIN/wstoken" check --tokens tokens <other
	echo "0$(<tokens)" >bad
	fails 2 "wstoken check: cannot use: 'bad': line 1: it does not begin with a SHA-256 of 64 digits of 0-9 a-f" \
		"$BIN/wstoken" check --tokens bad
}

@test "the token comes from a file, WSD_TOKEN or stdin, never from an argument" {
	"$BIN/wstoken" keygen k
	"$BIN/wstoken" make --key k --sub a >a.token
	"$BIN/wstoken" make --key k --sub b >b.token
	export WSD_TOKEN
	WSD_TOKEN=$(<a.token)
	who() {
		"$BIN/wstoken" check --jwt-key k "$@" | jq -r .name
	}
	[[ $(who <b.token) == a ]]
	[[ $(who --token-file b.token </dev/null) == b ]]
	[[ $(who --token-file - <b.token) == b ]]
	WSD_TOKEN=
	[[ $(who <b.token) == b ]]
	for command in check show hash; do
		run -2 "$BIN/wstoken" $command "$(<a.token)" </dev/null
		[[ $output == *'a token is no argument'* ]]
		[[ $output != *"$(<a.token)"* ]]
	done
}

@test "show prints what a token says, and that it did not check it" {
	token '{"alg":"none", "kid":"a"}' $'{"exp":1,\n "a":"b c"}' true >t
	"$BIN/wstoken" show <t >out 2>err
	[[ $(<err) == 'wstoken show: not checked: anybody can have written it' ]]
	[[ $(<out) == '{"header":{"alg":"none", "kid":"a"},"claims":{"exp":1,  "a":"b c"}}' ]]
	echo a.b >t
	fails 1 'wstoken show: cannot show it: it is not three parts in base64url' \
		"$BIN/wstoken" show <t
	token x y true >t
	fails 1 'wstoken show: cannot show it: its parts are not JSON' \
		"$BIN/wstoken" show <t
}

@test "no message has a token or a secret in it" {
	echo 'secret-that-is-much-too-short' >short
	run -2 "$BIN/wstoken" make --key short
	[[ $output == *'at least 32 bytes, not 29' && $output != *secret-that* ]]
	printf '{"kty":"oct","k":"c2VjcmV0!"}' >jwk
	run -2 "$BIN/wstoken" check --jwt-key jwk
	[[ $output == *"'k' is not base64url" && $output != *c2Vj* ]]
	echo 'hunter22 ci admin' >tokens
	run -2 "$BIN/wstoken" check --tokens tokens
	[[ $output != *hunter22* ]]
	echo 'my-own.token.text' >t
	"$BIN/wstoken" keygen k
	run -4 "$BIN/wstoken" check --jwt-key k <t
	[[ $output != *my-own* ]]
	printf 'ab\0cd' >t
	fails 2 "wstoken check: cannot read the token from 'standard input': it has a NUL" \
		"$BIN/wstoken" check --jwt-key k <t
}

@test "it dumps no core while it has secrets" {
	"$BIN/wstoken" keygen k
	mkfifo token
	ulimit -c hard 2>/dev/null || true
	"$BIN/wstoken" check --jwt-key k <token 3>&- &
	checker=$!
	started+=("$checker")
	exec 7>token
	until grep -q "^Max core file size *0 *0 " "/proc/$checker/limits"; do
		again
	done
	"$BIN/wstoken" make --key k >&7
	exec 7>&-
	wait "$checker"
}

@test "a token that stands where something else belongs is not shown" {
	"$BIN/wstoken" keygen k
	token=$("$BIN/wstoken" make --key k)
	unseen() {
		run -2 --separate-stderr "$BIN/wstoken" "$@" </dev/null
		# shellcheck disable=SC2154 # by run
		echo "$stderr"
		[[ $stderr == *'(not shown: a token or secret belongs in a file or stdin)'* ]]
		[[ $stderr != *"$word"* && $output == '' ]]
	}
	for word in "$token" "$(<k)"; do
		unseen "$word"
		unseen make --key k "$word"
		unseen make --key "$word"
		unseen make --for "$word"
		unseen make --subscribe "*$word"
		unseen check --jwt-key k --token-file "$word"
		unseen check --jwt-key "$word"
		unseen check --jwt-key "kid=$word"
		unseen check --tokens "$word"
		unseen show --token-file "$word"
		unseen show --config "$word"
		unseen keygen --type "$word"
		unseen hash --name "$word*"
	done
	fails 2 "wstoken check: cannot use: 'key.pem.pub': No such file or directory" \
		"$BIN/wstoken" check --jwt-key key.pem.pub
}

@test "usage" {
	fails 2 'wstoken: which command?' "$BIN/wstoken"
	fails 2 "wstoken: there is no command 'mak'" "$BIN/wstoken" mak
	fails 2 'wstoken make: --key: which FILE?' "$BIN/wstoken" make
	fails 2 "wstoken make: --subscribe: 'a*b': it is no tenant pattern (a tenant id, acme-* or *)" \
		"$BIN/wstoken" make --subscribe 'a*b'
	fails 2 "wstoken make: --for: '500ms' is below 1 s" \
		"$BIN/wstoken" make --for 500ms
	"$BIN/wstoken" keygen k
	sub=$(printf '%01024d' 0)
	"$BIN/wstoken" make --key k --sub "$sub" |
		"$BIN/wstoken" check --jwt-key k
	run -2 "$BIN/wstoken" make --key k --sub "x $sub"
	[[ $output == "wstoken make: --sub: 'x 000"*"000...': it has at most 1024 bytes"* ]]
	fails 2 "wstoken make: unknown option '--jwt-key'" \
		"$BIN/wstoken" make --jwt-key k
	fails 2 "wstoken make: unknown option '--completion'" \
		"$BIN/wstoken" make --completion bash
	fails 2 'wstoken check: with which --jwt-key or --tokens?' \
		"$BIN/wstoken" check
	fails 2 'wstoken hash: --name: whose token is it?' "$BIN/wstoken" hash
	fails 2 'wstoken keygen: which file? Name one' "$BIN/wstoken" keygen
	[[ $("$BIN/wstoken" make --version) == "$("$BIN/wstoken" --version)" ]]
}

@test "a token that nobody can write ends with status 1" {
	"$BIN/wstoken" keygen k
	# shellcheck disable=SC2016 # for the inner shell
	run -1 bash -c '"$1" make --key k >/dev/full' . "$BIN/wstoken"
	[[ $output == 'wstoken make: cannot write: No space left on device' ]]
}

@test "bash completes commands, and the options of each" {
	# shellcheck disable=SC1091 # made by the program
	source "$BATS_TEST_DIRNAME/../completions/bash/wstoken"
	COMP_WORDS=(wstoken ke)
	COMP_CWORD=1
	_wstoken
	[[ ${COMPREPLY[*]} == keygen ]]
	COMP_WORDS=(wstoken make --su)
	COMP_CWORD=2
	_wstoken
	[[ ${COMPREPLY[*]} == '--subscribe --sub' ]]
	COMP_WORDS=(wstoken keygen --type e)
	COMP_CWORD=3
	_wstoken
	[[ ${COMPREPLY[*]} == 'ec ed25519' ]]
	COMP_WORDS=(wstoken check --ke)
	COMP_CWORD=2
	_wstoken
	[[ ${COMPREPLY[*]} == '' ]]
}
