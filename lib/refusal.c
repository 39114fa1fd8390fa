/* SPDX-License-Identifier: MIT */
#include "refusal.h"

#include <stddef.h>

static const char *const texts[] = {
	[REFUSAL_NONE] = "it is good",
	[REFUSAL_EMPTY] = "it is empty",
	[REFUSAL_TOO_LONG] = "it is above 16 KiB",
	[REFUSAL_UNKNOWN] = "there is neither such a token nor a key for it",
	[REFUSAL_FORM] = "it is not three parts in base64url",
	[REFUSAL_HEADER] = "its header is no JSON object with unique members "
			   "of the right types",
	[REFUSAL_ALGORITHM] = "its algorithm is none of HS256, RS256, ES256, "
			      "EdDSA",
	[REFUSAL_CRITICAL] = "its header has 'crit' or 'b64'",
	[REFUSAL_OWN_KEY] = "its header chooses a key: 'jku', 'jwk', 'x5u' or "
			    "'x5c'",
	[REFUSAL_KEY_NAME] = "no key has its 'kid'",
	[REFUSAL_NO_KEY] = "it has no 'kid', and there is no key of its "
			   "algorithm that needs none",
	[REFUSAL_PINNED] = "its algorithm is not that of its key",
	[REFUSAL_SIGNATURE] = "its signature is wrong",
	[REFUSAL_CLAIMS] = "its claims are no JSON object with unique members",
	[REFUSAL_NO_EXPIRY] = "it has no 'exp'",
	[REFUSAL_TIME] = "its 'exp' or 'nbf' is no time",
	[REFUSAL_EXPIRED] = "it has expired",
	[REFUSAL_EARLY] = "it is not valid yet ('nbf')",
	[REFUSAL_AUDIENCE] = "it is for another audience ('aud')",
	[REFUSAL_ISSUER] = "it is by another issuer ('iss')",
	[REFUSAL_SUBJECT] = "its 'sub' is no string of at most 1024 bytes",
	[REFUSAL_PATTERN] = "its 'subscribe' or 'publish' is no list of at "
			    "most 256 tenant patterns",
	[REFUSAL_ADMIN] = "its 'admin' is neither true nor false",
	[REFUSAL_TENANT] = "the claim that names its tenant names none",
	[REFUSAL_NO_MEMORY] = "out of memory",
};

const char *refusal_strerror(enum refusal refusal)
{
	size_t index = (size_t)refusal;

	return index < sizeof(texts) / sizeof(*texts) ? texts[index]
						      : "unknown error";
}
