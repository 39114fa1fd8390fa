#!/usr/bin/env bats
# What is checked in, installed and shown is what the programs are.

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	BIN=${BIN:-bin}
	BUILD=${BUILD:-build}
	# Not those of the make that runs the tests.
	unset MAKEFLAGS MAKELEVEL MFLAGS
}

programs() {
	basename -s .c cmd/*.c
}

# Run by a make of the same BUILD and BIN, so that it has nothing to build; of
# the same spelling too, as what depends on which header is kept by name.
make_same() {
	make -s BUILD="$(realpath --relative-to=. "$BUILD")" \
		BIN="$(realpath --relative-to=. "$BIN")" "$@"
}

# demo_read_by COMMAND...: a demo whose reader leaves ends quietly.
demo_read_by() {
	# shellcheck disable=SC2016 # for the inner shell
	run env TMPDIR="$BATS_TEST_TMPDIR" DEMO_SECONDS=60 BUILD="$BUILD" \
		BIN="$BIN" bash -c 'set -o pipefail
			examples/demo.sh 2>"$TMPDIR/said" | "$@"' . "$@"
	echo "$output"
	cat "$BATS_TEST_TMPDIR/said"
	[ "$status" -eq 0 ]
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	run find "$BATS_TEST_TMPDIR" -name 'tmp.*'
	[ "$output" = "" ]
}

@test "the completions are those that the programs print (make completions)" {
	for p in $(programs); do
		"$BIN/$p" --completion bash | diff - "completions/bash/$p"
		"$BIN/$p" --completion zsh | diff - "completions/zsh/_$p"
		"$BIN/$p" --completion fish | diff - "completions/fish/$p.fish"
	done
}

@test "every program has --help and --version, on stdout" {
	for p in $(programs); do
		"$BIN/$p" --help 2>&1 >/dev/null | diff - /dev/null
		[[ $("$BIN/$p" --help) == "Usage: $p "* ]]
		[[ $("$BIN/$p" --version) =~ ^$p\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
}

@test "bash completes options, choices and files" {
	# shellcheck disable=SC1090 # one for each program
	for p in $(programs); do
		source "completions/bash/$p"
		COMP_WORDS=("$p" --vers)
		COMP_CWORD=1
		"_$p"
		[[ ${COMPREPLY[*]} == --version ]]
		COMP_WORDS=("$p" --completion "=" z)
		COMP_CWORD=3
		"_$p"
		[[ ${COMPREPLY[*]} == zsh ]]
	done
}

@test "install puts programs, pages and completions; uninstall leaves nothing" {
	make_same install DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/usr
	for p in $(programs); do
		[ -x "$BATS_TEST_TMPDIR/usr/bin/$p" ]
		[ -e "$BATS_TEST_TMPDIR/usr/share/fish/vendor_completions.d/$p.fish" ]
	done
	[ -e "$BATS_TEST_TMPDIR/usr/share/doc/wsd/examples/systemd/wsd.service" ]
	[ -e "$BATS_TEST_TMPDIR/usr/share/doc/wsd/examples/nginx/wsd.conf" ]
	[ -e "$BATS_TEST_TMPDIR/usr/share/doc/wsd/examples/browser/index.html" ]
	[ -e "$BATS_TEST_TMPDIR/usr/share/doc/wsd/examples/react/main.jsx" ]
	make_same uninstall DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/usr
	run find "$BATS_TEST_TMPDIR/usr" -type f
	[ "$output" = "" ]
}

@test "the demo shows both tenants and leaves nothing behind" {
	mark=DEMO_MARK=$BATS_TEST_TMPDIR
	run env "$mark" TMPDIR="$BATS_TEST_TMPDIR" DEMO_SECONDS=3 \
		BUILD="$BUILD" BIN="$BIN" examples/demo.sh
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'wsd listens at '* ]]
	[[ $output == *'{"time":'* ]]
	[[ $output == *'"CC   lib/'* ]]
	run find "$BATS_TEST_TMPDIR" -name 'tmp.*'
	[ "$output" = "" ]
	run grep -lsF "$mark" /proc/[0-9]*/environ
	[ "$output" = "" ]
}

@test "a demo of which only the first lines are read ends quietly" {
	demo_read_by head -3
}

@test "a demo whose reader leaves when the first updates have come ends quietly" {
	demo_read_by sed -n '/^{"time"/q'
	demo_read_by sed -n '/^"CC/q'
}
