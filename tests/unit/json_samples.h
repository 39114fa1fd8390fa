/* SPDX-License-Identifier: MIT */
/*
 * json_samples - texts that are JSON, and texts that are not, with what is
 * wrong with them and where.
 */
#ifndef JSON_SAMPLES_H
#define JSON_SAMPLES_H

#include "json.h"

struct sample {
	enum json_result result;
	size_t where; /* not looked at for JSON_OK and JSON_SHORT */
	const char *text;
	size_t len;
};

#define TEXT(literal) (literal), sizeof(literal) - 1
#define Y(literal)                                                             \
	{                                                                      \
		JSON_OK, 0, TEXT(literal)                                      \
	}
#define SHORT(literal)                                                         \
	{                                                                      \
		JSON_SHORT, sizeof(literal) - 1, TEXT(literal)                 \
	}
#define N(result, where, literal)                                              \
	{                                                                      \
		result, where, TEXT(literal)                                   \
	}

static const struct sample samples[] = {
	Y("null"),
	Y("true"),
	Y("false"),
	Y(" \t\r\n[ \t\r\n] \t\r\n"),
	Y("{}"),
	Y("{\"\":0}"),
	Y("{\"a\":1,\"a\":2}"),
	Y("{ \"a\" : 1 , \"b\" : \"c\" }"),
	Y("{\"a\":\n\"b\"}"),
	Y("{\"a\": \n\"b\",\"c\":\t\"d\"}"),
	Y("{\"a\"\n:\"b\"}"),
	Y("{\"a\"\n:\n\"b\"\n,\n\"c\":\"d\"\n}\n"),
	Y("{\"\\\"a\":\"b\"}"),
	Y("{\"\xc3\xa4\":\"b\"}"),
	Y("{\"a\":\"\\\"\"}"),
	Y("[[],{},\"\",0,null,true,false,[{\"a\":[]}]]"),
	Y("[ 1 , 2 ]"),
	Y("0"),
	Y("-0"),
	Y("[0]"),
	Y("-1"),
	Y("1234567890123456789012345678901234567890"),
	Y("0.5"),
	Y("-0.0"),
	Y("10.01"),
	Y("1e1"),
	Y("1E+10"),
	Y("1e-10"),
	Y("0e0"),
	Y("0E+007"),
	Y("-123.456e-789"),
	Y("1e999999999"),
	Y("\"\""),
	Y("\" \""),
	Y("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	Y("\"\\u0000\\uabcd\\uABCD\\u0020\""),
	Y("\"\\ud83d\\ude00\""),
	Y("\"\\ud800\""),
	Y("\"\\udc00\\ud800\""),
	Y("\"/\x7f\""),
	Y("\"\xc2\x80\xdf\xbf\""),
	Y("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
	Y("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	Y("\"\xef\xbb\xbf\""),
	Y("\"\xe2\x80\xa8\""),

	N(JSON_EMPTY, 0, ""),
	N(JSON_EMPTY, 1, " "),
	N(JSON_EMPTY, 4, "\r\n\t "),

	SHORT("["),
	SHORT("[1"),
	SHORT("[1,"),
	SHORT("[1, "),
	SHORT("{"),
	SHORT("{ "),
	SHORT("{\"a\""),
	SHORT("{\"a\" "),
	SHORT("{\"a\":"),
	SHORT("{\"a\": "),
	SHORT("{\"a\":\""),
	SHORT("{\"a\":\"b"),
	SHORT("{\"a\":\"b\""),
	SHORT("{\"a\":\"b\","),
	SHORT("\""),
	SHORT("\"a"),
	SHORT("\"\\"),
	SHORT("\"\\u"),
	SHORT("\"\\u123"),
	SHORT("\"\\u1234"),
	SHORT("\"\\\""),
	SHORT("-"),
	SHORT("1."),
	SHORT("1.5e"),
	SHORT("1e+"),
	SHORT("t"),
	SHORT("fals"),
	SHORT("nul"),
	SHORT("\"\xc3"),
	SHORT("\"\xe0"),
	SHORT("\"\xe0\xa0"),
	SHORT("\"\xed"),
	SHORT("\"\xed\x9f"),
	SHORT("\"\xf0"),
	SHORT("\"\xf4\x8f\xbf"),

	N(JSON_UNEXPECTED, 0, "]"),
	N(JSON_UNEXPECTED, 0, "}"),
	N(JSON_UNEXPECTED, 0, ","),
	N(JSON_UNEXPECTED, 0, ":"),
	N(JSON_UNEXPECTED, 0, "'a'"),
	N(JSON_UNEXPECTED, 0, "a"),
	N(JSON_UNEXPECTED, 0, "True"),
	N(JSON_UNEXPECTED, 0, "NaN"),
	N(JSON_UNEXPECTED, 0, "Infinity"),
	N(JSON_UNEXPECTED, 0, "+1"),
	N(JSON_UNEXPECTED, 0, ".5"),
	N(JSON_UNEXPECTED, 0, "\0"),
	N(JSON_UNEXPECTED, 0, "\x0b"),
	N(JSON_UNEXPECTED, 1, " \f1"),
	N(JSON_UNEXPECTED, 0, "\xc2\xa0"),
	N(JSON_UNEXPECTED, 0, "\xef\xbb"),
	N(JSON_UNEXPECTED, 0, "\xff\xfe[\0]\0"),
	N(JSON_UNEXPECTED, 0, "/**/1"),
	N(JSON_UNEXPECTED, 0, "\\u0031"),
	N(JSON_UNEXPECTED, 1, "[,1]"),
	N(JSON_UNEXPECTED, 3, "[1,]"),
	N(JSON_UNEXPECTED, 3, "[1,,2]"),
	N(JSON_UNEXPECTED, 3, "[1 2]"),
	N(JSON_UNEXPECTED, 2, "[1:2]"),
	N(JSON_UNEXPECTED, 2, "[1}"),
	N(JSON_UNEXPECTED, 3, "[\"\"\"\"]"),
	N(JSON_UNEXPECTED, 4, "[1, \x01]"),
	N(JSON_UNEXPECTED, 2, "[1\x1f]"),
	N(JSON_UNEXPECTED, 5, "[1\n  \x0b  ]"),
	N(JSON_UNEXPECTED, 1, "{1:2}"),
	N(JSON_UNEXPECTED, 1, "{a:2}"),
	N(JSON_UNEXPECTED, 1, "{,}"),
	N(JSON_UNEXPECTED, 1, "{]"),
	N(JSON_UNEXPECTED, 1, "{:1}"),
	N(JSON_UNEXPECTED, 1, "{[]:1}"),
	N(JSON_UNEXPECTED, 4, "{\"a\"}"),
	N(JSON_UNEXPECTED, 4, "{\"a\",1}"),
	N(JSON_UNEXPECTED, 5, "{\"a\":}"),
	N(JSON_UNEXPECTED, 5, "{\"a\"::1}"),
	N(JSON_UNEXPECTED, 7, "{\"a\":1,}"),
	N(JSON_UNEXPECTED, 8, "{\"a\":\"b\"\"c\":1}"),
	N(JSON_UNEXPECTED, 8, "{\"a\":\"b\":1}"),
	N(JSON_UNEXPECTED, 6, "{\"a\":1]"),
	N(JSON_UNEXPECTED, 6, "{\"a\":[}"),
	N(JSON_UNEXPECTED, 5, "{\"a\":\x1f\"b\"}"),
	N(JSON_UNEXPECTED, 2, "[1\xc2\xa0]"),

	N(JSON_BAD_LITERAL, 1, "tRUE"),
	N(JSON_BAD_LITERAL, 3, "trux"),
	N(JSON_BAD_LITERAL, 4, "[nul]"),
	N(JSON_BAD_LITERAL, 5, "[fals\xc3\xa9]"),

	N(JSON_BAD_NUMBER, 1, "01"),
	N(JSON_BAD_NUMBER, 1, "00"),
	N(JSON_BAD_NUMBER, 2, "-01"),
	N(JSON_BAD_NUMBER, 1, "--1"),
	N(JSON_BAD_NUMBER, 1, "-a"),
	N(JSON_BAD_NUMBER, 1, "-Infinity"),
	N(JSON_BAD_NUMBER, 2, "[-]"),
	N(JSON_BAD_NUMBER, 3, "[1.]"),
	N(JSON_BAD_NUMBER, 2, "1.e5"),
	N(JSON_BAD_NUMBER, 2, "1.-5"),
	N(JSON_BAD_NUMBER, 2, "1ex"),
	N(JSON_BAD_NUMBER, 3, "1e+-1"),
	N(JSON_BAD_NUMBER, 4, "[1e+]"),
	N(JSON_TRAILING, 1, "0x10"),
	N(JSON_TRAILING, 3, "1.5.5"),
	N(JSON_TRAILING, 3, "1e5.5"),
	N(JSON_UNEXPECTED, 2, "[1f]"),

	N(JSON_BAD_ESCAPE, 2, "\"\\a\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\'\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\x41\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\U0041\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\\0\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\\xc3\xa4\""),
	N(JSON_BAD_ESCAPE, 2, "\"\\\n\""),
	N(JSON_BAD_ESCAPE, 3, "\"\\u\""),
	N(JSON_BAD_ESCAPE, 6, "\"\\u123\""),
	N(JSON_BAD_ESCAPE, 5, "\"\\u12G4\""),
	N(JSON_BAD_ESCAPE, 3, "\"\\u+123\""),

	N(JSON_BAD_CONTROL, 1, "\"\0\""),
	N(JSON_BAD_CONTROL, 1, "\"\n\""),
	N(JSON_BAD_CONTROL, 2, "\"a\tb\""),
	N(JSON_BAD_CONTROL, 2, "\"a\x1f\""),
	N(JSON_BAD_CONTROL, 2, "{\"\r\":1}"),
	N(JSON_BAD_CONTROL, 7, "{\"a\":\"b\n\"}"),

	N(JSON_BAD_UTF8, 1, "\"\x80\""),
	N(JSON_BAD_UTF8, 1, "\"\xbf\""),
	N(JSON_BAD_UTF8, 1, "\"\xc0\x80\""),
	N(JSON_BAD_UTF8, 1, "\"\xc1\xbf\""),
	N(JSON_BAD_UTF8, 1, "\"\xc3\""),
	N(JSON_BAD_UTF8, 3, "\"\xc3\xa4\xa4\""),
	N(JSON_BAD_UTF8, 1, "\"\xe0\x9f\xbf\""),
	N(JSON_BAD_UTF8, 1, "\"\xe2\x82\""),
	N(JSON_BAD_UTF8, 1, "\"\xe2\x28\xa1\""),
	N(JSON_BAD_UTF8, 1, "\"\xed\xa0\x80\""),
	N(JSON_BAD_UTF8, 1, "\"\xed\xbf\xbf\""),
	N(JSON_BAD_UTF8, 1, "\"\xf0\x8f\xbf\xbf\""),
	N(JSON_BAD_UTF8, 1, "\"\xf0\x9f\x98\""),
	N(JSON_BAD_UTF8, 1, "\"\xf4\x90\x80\x80\""),
	N(JSON_BAD_UTF8, 1, "\"\xf5\x80\x80\x80\""),
	N(JSON_BAD_UTF8, 1, "\"\xff\""),
	N(JSON_BAD_UTF8, 1, "\"\xed\xa0"),
	N(JSON_BAD_UTF8, 1, "\"\xe0\x9f"),
	N(JSON_BAD_UTF8, 2, "{\"\xe9\":1}"),

	N(JSON_TRAILING, 2, "[]]"),
	N(JSON_TRAILING, 3, "{} {}"),
	N(JSON_TRAILING, 4, "null,"),
	N(JSON_TRAILING, 4, "truetrue"),
	N(JSON_TRAILING, 2, "\"\"\""),
	N(JSON_TRAILING, 2, "1 \0"),
	N(JSON_TRAILING, 2, "1\n\xef\xbb\xbf"),

	N(JSON_BOM, 0, "\xef\xbb\xbf{}"),
	N(JSON_BOM, 0, "\xef\xbb\xbf"),
	N(JSON_UNEXPECTED, 1, " \xef\xbb\xbf{}"),
};

#undef Y
#undef SHORT
#undef N

#endif
