#!/usr/bin/env bats
# The manual pages say what the programs do: each option is on its page and no
# other, and what a page or the README shows can be typed.

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return
	BIN=${BIN:-bin}
}

programs() {
	basename -s .c cmd/*.c
}

page_of() {
	echo man/"$1".[1-8]
}

# The left column of a --help: "-u, --url URL".
left_column() {
	sed -nE 's/^ +((-[A-Za-z], )?--[a-z-]+( [^ ]+)?).*/\1/p'
}

# The commands of a program, as --help lists them.
commands_of() {
	"$BIN/$1" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The options of a program: those of its commands, if any, in their order, and
# then what all have.
print_options() {
	local command

	for command in $(commands_of "$1"); do
		"$BIN/$1" "$command" --help | left_column |
			sed '/^--config/,$d'
	done
	[[ -z ${command-} ]] || echo '--config FILE'
	"$BIN/$1" --help | left_column
}

options_of() {
	local kept=$BATS_FILE_TMPDIR/options.$1

	[[ -s $kept ]] || print_options "$1" >"$kept"
	cat "$kept"
}

# The same from the list of options of a page: ".It Fl u , -url Ar URL".
options_on() {
	sed -nE -e 's/ Ar / /; s/^\.It Fl -/--/p' \
		-e 's/^\.It Fl ([A-Za-z]) , -/-\1, --/p' "$1"
}

# known PROGRAM OPTION: fails unless it has that, as "-u" or "--url".
known() {
	local kept=$BATS_FILE_TMPDIR/words.$1

	[[ -s $kept ]] || options_of "$1" | tr -d , | tr ' ' '\n' >"$kept"
	grep -qxFe "$2" "$kept" ||
		{ echo "$1 has no option $2" && return 1; }
}

# What a page names by Fl anywhere: "-u", "--url".
named_on() {
	awk '/^\./ {
		for (i = 1; i <= NF; i++) {
			if ($i !~ /^\.?Fl$/)
				continue
			print "-" $(i + 1)
			if ($(i + 2) == "," && $(i + 3) ~ /^-/)
				print "-" $(i + 3)
		}
	}' "$1" | sort -u
}

# commands <TEXT: for each of our programs in it, a line "PROGRAM OPTION" for
# each of its options, up to the end of the command. Quoted text is left out.
commands() {
	sed -E "s/'[^']*'//g; s/\"[^\"]*\"//g; s/[^A-Za-z0-9_]#.*//" |
		awk -v RS='[|;&()\n]' -v ours="$(programs | xargs)" '
		BEGIN { split(ours, list, " "); for (i in list) is[list[i]] = 1 }
		{
			program = ""
			for (i = 1; i <= NF; i++) {
				if ($i in is)
					program = $i
				else if (program && $i ~ /^--?[A-Za-z]/) {
					sub(/=.*/, "", $i)
					print program, $i
				}
			}
		}' | sort -u
}

# The examples of a page, with lines that go on joined.
examples_on() {
	mandoc -T ascii -O width=200 "$1" | col -b |
		sed -n '/^EXAMPLES/,/^SEE ALSO/p' |
		sed -e ':a; /\\$/ { N; s/\\\n//; ta }'
}

@test "every program has a page, and every option is on it, as in --help" {
	for p in $(programs); do
		diff <(options_of "$p") <(options_on "$(page_of "$p")")
	done
}

@test "the table is not empty: this test sees options" {
	for p in $(programs); do
		options_of "$p" | grep -qxF -- '-h, --help'
		options_of "$p" | grep -qxF -- '--completion SHELL'
		[[ $(named_on "$(page_of "$p")") == *--help* ]]
	done
}

@test "the text of a page names only options that there are" {
	for p in $(programs); do
		for option in $(named_on "$(page_of "$p")"); do
			known "$p" "$option"
		done
	done
	# The other pages speak of options that some program has.
	for page in man/*.7; do
		for option in $(named_on "$page"); do
			for p in $(programs); do
				known "$p" "$option" && continue 2
			done
			false
		done
	done
}

@test "what pages and README show as commands has only options that there are" {
	seen=0
	while read -r program option; do
		known "$program" "$option"
		((++seen))
	done < <({
		for page in man/*; do
			examples_on "$page"
		done
		cat README.md
		for p in $(programs); do
			for command in '' $(commands_of "$p"); do
				# shellcheck disable=SC2086 # none is no word
				"$BIN/$p" $command --help |
					sed '1,/^Examples:/d'
			done
		done
	} | commands)
	((seen > 20))
}

@test "the synopsis is the first line of --help" {
	for p in $(programs); do
		want=$("$BIN/$p" --help | sed -n '1s/^Usage: //p')
		got=$(mandoc -T ascii "$(page_of "$p")" | col -b |
			sed -n '/^SYNOPSIS/ { n; s/^ *//p }')
		diff <(echo "$want") <(echo "$got")
	done
}

@test "a page has a section for each command" {
	for p in $(programs); do
		for command in $(commands_of "$p"); do
			grep -qxF ".Ss $command" "$(page_of "$p")"
		done
	done
	[[ $(commands_of wstoken) == *make*check* ]]
}

@test "each program is what the front page and its own page say that it is" {
	for p in $(programs); do
		page=$(page_of "$p")
		grep -qxF ".Dt ${p^^} ${page##*.}" "$page"
		grep -qxF ".It Xr $p ${page##*.}" man/wstools.7
	done
}

@test "the exit statuses of a page mean what the front page says" {
	for p in $(programs); do
		comm -23 <(exit_statuses "$(page_of "$p")") \
			<(exit_statuses man/wstools.7) | diff - /dev/null
	done
}

exit_statuses() {
	sed -nE '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It ([0-9]+)$/\1/p' "$1" | sort
}

@test "mandoc finds nothing to complain of" {
	mandoc -T lint -W warning man/*
}

@test "a page refers only to pages that there are" {
	while read -r name section; do
		[[ -e man/$name.$section ]] || [[ $name.$section == jq.1 ]] ||
			{ echo "no page $name($section)" && return 1; }
	done < <(awk '/^\./ {
		for (i = 1; i <= NF; i++)
			if ($i ~ /^\.?Xr$/)
				print $(i + 1), $(i + 2)
	}' man/* | sort -u)
}
