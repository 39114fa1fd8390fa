# shellcheck shell=bash
# shellcheck disable=SC2154 # tmp, rounds, duration: what run.sh has
# The section `console` of run.sh: whether the console keeps up, in Chromium. It
# has the machine for itself, but for a wsd of its own and who publishes.

console_seconds=30
[ -z "${BENCH_QUICK:-}" ] || console_seconds=2

console() {
	if ! BIN=$BIN LOAD_SECONDS=$console_seconds LOAD_BLOCK_MS=100000 \
		node tests/browser/console.mjs load >"$tmp/console"; then
		echo 'bench: no Chromium, or no playwright-core: nothing of' \
			'the console' >&2
		return
	fi
	# The browser tells of none that is shorter than 50 ms.
	local what='longest block of its page'
	if grep -q 'no block of' "$tmp/console"; then
		what='no block of its page was as long as'
	fi
	add console.wsd "$(sed -n 's/.* block.* \([0-9]*\) ms$/\1/p' \
		"$tmp/console")"
	absolute "console, $(sed 's/,.*//' "$tmp/console") for $console_seconds s:\
 $what" console ms '<= 100'
}
