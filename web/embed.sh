#!/bin/sh
# Writes C that has the console's files in it: the tables of lib/pages.h.
#
#   embed.sh PATH=FILE... >pages.c
#
# PATH is where a server has the file. Of a file only the bytes count, so the
# same files always give the same C.
set -eu

type_of() {
	case $1 in
	*.html) echo 'text/html; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.js) echo 'text/javascript; charset=utf-8' ;;
	*)
		echo "embed.sh: of which type is '$1'?" >&2
		return 1
		;;
	esac
}

echo '/* Made by web/embed.sh. */'
echo '#include "pages.h"'
number=0
for pair; do
	number=$((number + 1))
	printf '\nstatic const char file%d[] = {\n' "$number"
	od -An -v -tx1 "${pair#*=}" | sed "s/ \(..\)/'\\\\x\1',/g"
	echo '};'
done
printf '\nconst struct page pages_all[] = {\n'
number=0
for pair; do
	number=$((number + 1))
	file=${pair#*=}
	type=$(type_of "$file")
	sum=$(cksum <"$file")
	printf '\t{"%s", "%s", "\\"%s\\"",\n\t file%d, sizeof(file%d)},\n' \
		"${pair%%=*}" "$type" "$(echo "$sum" | tr ' ' -)" \
		"$number" "$number"
done
echo '};'
echo
echo 'const size_t pages_count = sizeof(pages_all) / sizeof(*pages_all);'
