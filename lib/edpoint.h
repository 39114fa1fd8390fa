/* SPDX-License-Identifier: MIT */
/*
 * edpoint - public keys of Ed25519 for which no signature proves anything.
 *
 * A public key A is a point of a curve that has, besides the large group that
 * keys are in, eight points of small order: [8]A is the neutral element. For
 * those anybody can make a signature, as what the message has to do with it
 * vanishes: with A neutral, R = [S]B is one for each message (RFC 8032 section
 * 5.1.7). A verifier that follows the RFC takes them, as libcrypto does;
 * RFC 7748 section 7 has the same points for X25519. libsodium refuses them in
 * crypto_sign_verify_detached(), and encodings that are not the shortest, for
 * which RFC 8032 section 5.1.3 says that decoding fails.
 */
#ifndef EDPOINT_H
#define EDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#define EDPOINT_SIZE 32 /* bytes of a public key */

/* Whether it is neither of small order nor encoded in another way. */
bool edpoint_valid(const uint8_t key[EDPOINT_SIZE]);

#endif
