// SPDX-License-Identifier: Apache-2.0
/*
 * Hashes. SHA-256, HMAC and MD5 (which S3 calls a plain object's ETag, RFC 1321): libcrypto (FIPS 180-4, RFC
 * 2104). SipHash-2-4: Aumasson and Bernstein, 2012. CRC32C: Castagnoli polynomial, as in RFC 3720 appendix
 * B.4; hardware instruction where the CPU has it. Thread rule: any thread; a `struct sha256` belongs to one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 65 };

struct sha256; /* a running digest */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *sha, const void *bytes, size_t len);
void sha256_add_text(struct sha256 *sha, const char *text); /* length as u64 little endian, then the bytes */
void sha256_finish(struct sha256 *sha, uint8_t ret_digest[SHA256_BYTES]); /* also frees `sha` */

enum { MD5_BYTES = 16 };
struct md5; /* as struct sha256; proves equality of what nobody forges, nothing else */
struct md5 *md5_new(void);
void md5_add(struct md5 *md5, const void *bytes, size_t len);
void md5_finish(struct md5 *md5, uint8_t ret_digest[MD5_BYTES]); /* also frees `md5` */

void sha256_of(const void *bytes, size_t len, uint8_t ret_digest[SHA256_BYTES]);
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t ret_mac[SHA256_BYTES]);

/* Lower-case hex of `len` bytes and a NUL into `ret_hex` (2 * len + 1 bytes). */
void hex_print(const void *bytes, size_t len, char *ret_hex);
/* Exactly `len` bytes from 2 * len hex digits; -EINVAL otherwise. */
int hex_parse(const char *hex, size_t hex_len, void *ret_bytes, size_t len);

uint64_t siphash24(const uint8_t key[16], const void *bytes, size_t len);

/* CRC32C of `len` bytes continuing from `crc` (0 to start). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* `len` unpredictable bytes (getrandom(2)). */
void random_bytes(void *ret_bytes, size_t len);
