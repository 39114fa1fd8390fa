// SPDX-License-Identifier: MIT
//
// jsonbench - the strict scanner of lib/json beside simdjson's full parse and
// yajl's, on the same documents in the same run.
//
// Each FILE holds one document a line, or is one document with -s. The parsers
// take turns, and the best of the rounds counts. A document that one of them
// refuses ends the run: figures of a parser that stops early are worthless.
extern "C" {
#include "json.h"
}

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <yajl/yajl_parse.h>

namespace
{

struct corpus {
	std::string text; // all files, and the padding that simdjson reads
	std::vector<std::string_view> documents;
	size_t bytes = 0;
};

struct entry {
	const char *name;
	bool (*accepts)(std::string_view document);
	double best; // seconds for a round
};

bool check(std::string_view document)
{
	return json_check(document.data(), document.size(), nullptr) == JSON_OK;
}

// As the server reads a PUBLISH: top-level members one by one.
bool members(std::string_view document)
{
	json_scan scan;
	json_member member;
	json_result result =
		json_members(&scan, document.data(), document.size());

	if (result == JSON_NOT_OBJECT)
		return true;
	while (result == JSON_OK)
		result = json_next(&scan, &member);
	return result == JSON_END;
}

bool simdjson_parse(std::string_view document)
{
	static simdjson::dom::parser parser;
	simdjson::dom::element element;

	return !parser.parse(document.data(), document.size(), false)
			.get(element);
}

bool yajl(std::string_view document)
{
	yajl_handle handle = yajl_alloc(nullptr, nullptr, nullptr);
	bool whole = yajl_parse(handle,
				reinterpret_cast<const unsigned char *>(
					document.data()),
				document.size()) == yajl_status_ok &&
		     yajl_complete_parse(handle) == yajl_status_ok;

	yajl_free(handle);
	return whole;
}

void split(corpus &c, const std::vector<size_t> &ends, bool whole)
{
	size_t at = 0;

	for (size_t end : ends)
		while (at < end) {
			size_t stop = whole ? end : c.text.find('\n', at);

			stop = stop < end ? stop : end;
			if (stop > at) {
				c.documents.emplace_back(c.text.data() + at,
							 stop - at);
				c.bytes += stop - at;
			}
			at = whole ? end : stop + 1;
		}
}

bool load(corpus &c, char **files, bool whole)
{
	std::vector<size_t> ends;

	for (; *files; files++) {
		std::ifstream in(*files, std::ios::binary);

		if (!in) {
			fprintf(stderr, "jsonbench: cannot read '%s'\n",
				*files);
			return false;
		}
		c.text.append(std::istreambuf_iterator<char>(in), {});
		ends.push_back(c.text.size());
	}
	c.text.append(simdjson::SIMDJSON_PADDING, ' ');
	split(c, ends, whole);
	return true;
}

bool round(const corpus &c, entry &e, int passes)
{
	auto start = std::chrono::steady_clock::now();

	for (int i = 0; i < passes; i++)
		for (size_t n = 0; n < c.documents.size(); n++)
			if (!e.accepts(c.documents[n])) {
				fprintf(stderr,
					"jsonbench: %s refuses document %zu\n",
					e.name, n + 1);
				return false;
			}
	std::chrono::duration<double> took =
		std::chrono::steady_clock::now() - start;
	if (!e.best || took.count() / passes < e.best)
		e.best = took.count() / passes;
	return true;
}

double speed(const corpus &c, const entry &e)
{
	return static_cast<double>(c.bytes) / e.best / 1e6;
}

void print_text(const corpus &c, const std::vector<entry> &entries)
{
	printf("%zu documents, %zu bytes\n", c.documents.size(), c.bytes);
	for (const entry &e : entries)
		printf("%-13s %8.0f MB/s   %5.2f\n", e.name, speed(c, e),
		       speed(c, entries[0]) / speed(c, e));
}

void print_json(const corpus &c, const std::vector<entry> &entries)
{
	printf("{\"documents\":%zu,\"bytes\":%zu", c.documents.size(), c.bytes);
	for (const entry &e : entries)
		printf(",\"%s\":%.0f", e.name, speed(c, e));
	for (size_t i = 1; i < entries.size(); i++)
		printf(",\"ratio_%s\":%.3f", entries[i].name,
		       speed(c, entries[0]) / speed(c, entries[i]));
	printf("}\n");
}

} // namespace

int main(int argc, char **argv)
{
	bool json = false, whole = false;
	int rounds = 15;
	corpus c;
	std::vector<entry> entries = {{"json_check", check, 0},
				      {"json_members", members, 0},
				      {"simdjson", simdjson_parse, 0},
				      {"yajl", yajl, 0}};

	for (int o; (o = getopt(argc, argv, "Jsr:")) != -1;) {
		json |= o == 'J';
		whole |= o == 's';
		if (o == 'r')
			rounds = atoi(optarg);
		if (o == '?')
			return 2;
	}
	if (optind == argc || rounds < 1) {
		fputs("usage: jsonbench [-Js] [-r ROUNDS] FILE ...\n", stderr);
		return 2;
	}
	if (!load(c, argv + optind, whole) || !c.bytes)
		return 2;
	// Long enough for the clock, short enough to find a quiet moment.
	int passes = static_cast<int>(2000000 / c.bytes) + 1;
	for (int r = 0; r < rounds; r++)
		for (entry &e : entries)
			if (!round(c, e, passes))
				return 1;
	(json ? print_json : print_text)(c, entries);
	return 0;
}
