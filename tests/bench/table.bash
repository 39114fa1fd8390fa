# shellcheck shell=bash
# shellcheck disable=SC2154 # samples, tmp: what run.sh has
# What run.sh makes of its samples: medians, ratios, the rows of its table.

# Keeps a member of the last result as a sample of KEY.
keep() { # keep KEY MEMBER
	add "$1" "$(jq -r ".$2" "$tmp/result")"
}

add() { # add KEY VALUE
	samples[$1]="${samples[$1]:-} $2"
}

median() { # of the words given
	printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1}
		END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'
}

middle() { # middle KEY: the median of its samples
	# shellcheck disable=SC2086 # one word each
	median ${samples[$1]}
}

ratio() { # ratio KEY KEY: the median of the ratios of the rounds
	local -a a b each=()
	local i
	read -ra a <<<"${samples[$1]}"
	read -ra b <<<"${samples[$2]}"
	for i in "${!a[@]}"; do
		each+=("$(awk -v a="${a[i]}" -v b="${b[i]}" \
			'BEGIN {print (b > 0 ? a / b : 0)}')")
	done
	median "${each[@]}"
}

difference() { # difference KEY KEY: the median of those of the rounds
	local -a a b each=()
	local i
	read -ra a <<<"${samples[$1]}"
	read -ra b <<<"${samples[$2]}"
	for i in "${!a[@]}"; do
		each+=("$(awk -v a="${a[i]}" -v b="${b[i]}" \
			'BEGIN {print a - b}')")
	done
	median "${each[@]}"
}

# --- The table ---------------------------------------------------------------

passed=0 missed=0

show() { # show VALUE UNIT: 25134000 /s is "25.1 M/s", 1150 ns is "1.15 us"
	awk -v v="$1" -v unit="$2" 'BEGIN {
		n = split(unit == "ns" ? "ns us ms s" : "_ k M G", p, " ")
		for (i = 1; v >= 1000 && i < n && unit ~ /ns|\/s/; i++)
			v /= 1000
		d = v < 10 ? 2 : v < 100 ? 1 : 0
		if (unit == "ns")
			printf "%.*f %s", d, v, p[i]
		else if (unit == "/s")
			printf "%.*f %s/s", d, v, (i > 1 ? p[i] : "")
		else
			printf "%.0f %s", v, unit
	}'
}

# Whether VALUE reaches BAR (">= 6" or "<= 1.3"), as a word.
verdict() {
	awk -v v="$1" -v op="${2% *}" -v bar="${2#* }" 'BEGIN {
		print ((op == ">=" ? v >= bar : v <= bar) ? "pass" : "miss")}'
}

judge() { # judge VALUE BAR: sets `word`, and counts
	word=$(verdict "$1" "$2")
	case $word in
	pass) passed=$((passed + 1)) ;;
	*) missed=$((missed + 1)) ;;
	esac
}

row() { # row WHAT MEASURED BESIDE RATIO [BAR]
	local word=''
	[ -z "$5" ] || judge "$4" "$5"
	printf '| %s | %s | %s | %.2fx | %s | %s |\n' "$1" "$2" "$3" "$4" \
		"${5:+${5}x}" "$word"
}

note() { # note WHAT MEASURED BESIDE: nothing to divide or to judge
	printf '| %s | %s | %s | | | |\n' "$1" "$2" "$3"
}

# Compares samples KEY.wsd with those of another target; '' is no bar.
compare() { # compare WHAT KEY OTHER UNIT BAR [OTHER-KEY]
	local key=$2.wsd other=${6:-$2}.$3
	[ -n "${samples[$other]:-}" ] || return 0
	row "$1" "$(show "$(middle "$key")" "$4")" \
		"$3 $(show "$(middle "$other")" "$4")" \
		"$(ratio "$key" "$other")" "$5"
}

absolute() { # absolute WHAT KEY UNIT BAR: a bar that nobody else sets
	local value word
	value=$(middle "$2.wsd")
	judge "$value" "$4"
	printf '| %s | %s | | | %s %s | %s |\n' "$1" "$(show "$value" "$3")" \
		"${4% *}" "$(show "${4#* }" "$3")" "$word"
}
