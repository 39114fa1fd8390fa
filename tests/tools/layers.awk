# Checks the rule of lib/LAYERS, given that file and then the modules' files:
# a module includes only modules that stand above it, and only those system
# headers that its layer may use.

BEGIN {
	# The library that a system header belongs to; any other is libc's.
	library["libwebsockets.h"] = "lws"
	library["uv.h"] = "libuv"
	library["jansson.h"] = "jansson"
	# poll(2) is not among them: diag asks whether stderr takes a line.
	n = split("netdb.h netinet/tcp.h sys/epoll.h sys/select.h " \
		"sys/socket.h", names, " ")
	for (i = 1; i <= n; i++)
		library[names[i]] = "sockets"
}

function complain(text) {
	print FILENAME ":" FNR ": " text
	bad = 1
}

function library_of(header) {
	if (header in library)
		return library[header]
	if (header ~ /^(hiredis|openssl)\//)
		return substr(header, 1, index(header, "/") - 1)
	return "libc"
}

# Who may use lws or libuv is on the network anyway.
function may_use(layer, lib) {
	if (lib == "libc" || uses[layer] ~ "(^| )" lib "( |$)")
		return 1
	return lib == "sockets" && uses[layer] ~ /lws|libuv/
}

FILENAME ~ /LAYERS$/ {
	if (/^#/ || !NF)
		next
	layer = $0; sub(/:.*/, "", layer)
	may = $0; sub(/^[^:]*: */, "", may); sub(/ *\|.*/, "", may)
	list = $0; sub(/.*\| */, "", list)
	uses[layer] = may
	n = split(list, names, " ")
	for (i = 1; i <= n; i++) {
		rank[names[i]] = ++ranks
		layer_of[names[i]] = layer
	}
	next
}

FNR == 1 {
	module = FILENAME
	sub(/.*\//, "", module)
	sub(/\.[ch]$/, "", module)
	there[module] = 1
	if (!(module in rank))
		complain("not in lib/LAYERS")
}

/^#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	other = part[2]
	sub(/\.h$/, "", other)
	if (!(other in rank))
		complain("includes " part[2] ", which is no module")
	else if ((module in rank) && rank[other] > rank[module])
		complain("includes " part[2] ", which stands below it")
}

/^#[ \t]*include[ \t]*</ {
	header = $0
	sub(/^[^<]*</, "", header)
	sub(/>.*/, "", header)
	if ((module in rank) && !may_use(layer_of[module], library_of(header)))
		complain("<" header "> is not for layer " layer_of[module] \
			" (" library_of(header) ")")
}

END {
	for (name in rank)
		if (!(name in there)) {
			print "lib/LAYERS: there is no module " name
			bad = 1
		}
	exit bad
}
