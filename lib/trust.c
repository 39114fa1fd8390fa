/* SPDX-License-Identifier: MIT */
/*
 * libwebsockets makes the connections, and does not ask which name it is that
 * it checks: it cuts the Host header at its first colon. So the name is set
 * here, for the whole context, and libwebsockets is told to check none.
 */
#include "trust.h"

#include "num.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Names of a certificate that are told. */
#define NAMES_MAX 3

__attribute__((format(printf, 2, 3))) static void blame(struct trust *t,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->fault, sizeof(t->fault), fmt, args);
	va_end(args);
}

/* The certificate */

/* Appends ", 'name'"; whose names they are is not known, so with their size. */
static size_t add_name(char *out, size_t room, size_t count,
		       const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *dns = name->d.dNSName;
	int n = snprintf(out, room, "%s'%.*s'", count ? ", " : "; it is for ",
			 ASN1_STRING_length(dns),
			 (const char *)ASN1_STRING_get0_data(dns));

	return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

/* "; it is for 'a', 'b'" or nothing */
static void list_names(char *out, size_t room, X509 *certificate)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	size_t at = 0, count = 0;

	*out = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		if (count == NAMES_MAX) {
			snprintf(out + at, room - at, ", …");
			break;
		}
		at += add_name(out + at, room - at, count++, name);
	}
	GENERAL_NAMES_free(names);
}

static void blame_name(struct trust *t, X509 *certificate)
{
	char names[TRUST_WHY_MAX / 2] = "";

	if (certificate)
		list_names(names, sizeof(names), certificate);
	blame(t, "the certificate is not for '%.150s'%s", t->host, names);
}

static void blame_time(struct trust *t, X509_STORE_CTX *store, bool ended)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	bool own = X509_STORE_CTX_get_error_depth(store) == 0;
	struct tm tm = {0};
	char when[40] = "?";

	if (certificate &&
	    ASN1_TIME_to_tm(ended ? X509_get0_notAfter(certificate)
				  : X509_get0_notBefore(certificate),
			    &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	blame(t,
	      ended ? "the certificate%s has expired, on %s"
		    : "the certificate%s is valid from %s on only (or the "
		      "clock of this machine is wrong)",
	      own ? "" : " of its authority", when);
}

static void blame_certificate(struct trust *t, X509_STORE_CTX *store, int error)
{
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		blame_name(t, X509_STORE_CTX_get0_cert(store));
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		blame_time(t, store, error == X509_V_ERR_CERT_HAS_EXPIRED);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		blame(t, "the certificate is not signed by an authority that "
			 "is known (--cacert)");
		break;
	default:
		blame(t, "the certificate is not good: %s",
		      X509_verify_cert_error_string(error));
	}
}

/* The first fault is kept; the others are OpenSSL's business. */
static int look(int good, X509_STORE_CTX *store)
{
	(void)store;
	return good;
}

/* In place of OpenSSL's own, and of the callback of libwebsockets in it. */
static int verify(X509_STORE_CTX *store, void *user)
{
	struct trust *t = user;
	int error;

	X509_STORE_CTX_set_verify_cb(store, look);
	if (!t->insecure && X509_verify_cert(store) == 1)
		return 1;
	error = X509_STORE_CTX_get_error(store);
	if (!t->insecure) {
		if (error == X509_V_OK)
			X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
		blame_certificate(t, store, error);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The handshake */

static struct trust *trust_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/*
 * The name that is asked for (RFC 6066 section 3: none where it is an address);
 * libwebsockets has set it to what it made of the Host header.
 */
static void set_name(struct trust *t, SSL *ssl)
{
	SSL_set_tlsext_host_name(ssl, t->numeric ? NULL : t->host);
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct trust *t = trust_of(ssl);

	if (where & SSL_CB_HANDSHAKE_START)
		set_name(t, (SSL *)(uintptr_t)ssl);
	else if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		t->alert = value & 0xff;
	else if (where == SSL_CB_CONNECT_EXIT && value <= 0)
		t->error = ERR_peek_error();
}

void trust_begin(struct trust *t)
{
	t->fault[0] = '\0';
	t->error = 0;
	t->alert = 0;
}

static const char no_tls[] = "the server does not speak TLS (then it is ws://)";
static const char ended[] = "the server ended the TLS handshake: perhaps it "
			    "does not speak TLS (then it is ws://)";

/* NULL: it is not one that people often meet. */
static const char *meaning(const struct trust *t)
{
	switch (ERR_GET_REASON(t->error)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_BAD_RECORD_TYPE:
	case SSL_R_RECORD_LENGTH_MISMATCH:
		return no_tls;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "the server does not speak TLS 1.2 or later";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return ended;
	}
	return NULL;
}

static void blame_alert(struct trust *t)
{
	if (t->alert == TLS13_AD_CERTIFICATE_REQUIRED)
		blame(t, "the server wants a certificate of the client, and "
			 "there is none to show");
	else
		blame(t, "the server refuses the TLS connection: %s",
		      SSL_alert_desc_string_long(t->alert));
}

const char *trust_why(struct trust *t, bool handshake)
{
	bool known = t->error && ERR_GET_LIB(t->error) == ERR_LIB_SSL;

	if (*t->fault)
		return t->fault;
	if (known && meaning(t))
		return meaning(t);
	if (t->alert)
		blame_alert(t);
	else if (known)
		blame(t, "the TLS handshake failed: %s",
		      ERR_reason_error_string(t->error));
	else if (handshake)
		blame(t, "%s", ended);
	return *t->fault ? t->fault : NULL;
}

/* Beginning and end */

static int refuse(char *why, const char *what)
{
	snprintf(why, TRUST_WHY_MAX, "%s", what);
	return -1;
}

static int set_host(struct trust *t, const struct url *url)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(t->tls);
	size_t len = strlen(url->host);

	if (len && url->host[len - 1] == '.')
		len--;
	snprintf(t->host, sizeof(t->host), "%.*s", (int)len, url->host);
	t->numeric = X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1;
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (t->numeric)
		return 0;
	return X509_VERIFY_PARAM_set1_host(param, t->host, 0) == 1 ? 0 : -1;
}

/* What is in a file of its user's is trusted, be it an authority or not. */
static int set_authorities(struct trust *t, const char *file, char *why)
{
	if (!file) {
		SSL_CTX_set_default_verify_paths(t->tls);
		return 0;
	}
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(t->tls),
				    X509_V_FLAG_PARTIAL_CHAIN);
	if (SSL_CTX_load_verify_locations(t->tls, file, NULL) == 1)
		return 0;
	if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS)
		refuse(why, strerror(ERR_GET_REASON(ERR_peek_error())));
	else
		refuse(why, "it has no certificate in PEM form");
	ERR_clear_error();
	return -1;
}

static void set_up(struct trust *t)
{
	SSL_CTX_set_app_data(t->tls, t);
	SSL_CTX_set_min_proto_version(t->tls, TLS1_2_VERSION);
	SSL_CTX_set_mode(t->tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(t->tls,
			    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_info_callback(t->tls, on_info);
	SSL_CTX_set_cert_verify_callback(t->tls, verify, t);
	SSL_CTX_set_verify(t->tls, SSL_VERIFY_PEER, NULL);
}

int trust_init(struct trust *t, const struct url *url,
	       const struct trust_config *config, char why[TRUST_WHY_MAX])
{
	memset(t, 0, sizeof(*t));
	t->insecure = config->insecure;
	t->tls = SSL_CTX_new(TLS_client_method());
	if (!t->tls)
		return refuse(why, "cannot begin with TLS");
	set_up(t);
	if (set_host(t, url) != 0)
		return refuse(why, "no certificate can be for this host");
	if (t->insecure)
		return 0;
	return set_authorities(t, config->cacert, why);
}

void trust_release(struct trust *t)
{
	SSL_CTX_free(t->tls);
	t->tls = NULL;
}
