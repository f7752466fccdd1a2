// SPDX-License-Identifier: Apache-2.0
/* The only file that sees libcrypto. Its failures here mean exhausted memory or a broken library: abort. */
#include "cache/base/hash.h"

#include <endian.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "cache/base/memory.h"

struct sha256 {
    EVP_MD_CTX *md;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

struct sha256 *sha256_new(void)
{
    struct sha256 *sha = MEM_NEW(struct sha256);
    sha->md = EVP_MD_CTX_new();
    require(sha->md && EVP_DigestInit_ex(sha->md, EVP_sha256(), NULL) == 1);
    return sha;
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len)
{
    require(EVP_DigestUpdate(sha->md, bytes, len) == 1);
}

void sha256_add_text(struct sha256 *sha, const char *text)
{
    uint64_t len = strlen(text);
    uint8_t le[8];
    for (int i = 0; i < 8; i++)
        le[i] = (uint8_t)(len >> (8 * i));
    sha256_add(sha, le, sizeof le);
    sha256_add(sha, text, (size_t)len);
}

void sha256_finish(struct sha256 *sha, uint8_t ret_digest[SHA256_BYTES])
{
    require(EVP_DigestFinal_ex(sha->md, ret_digest, NULL) == 1);
    EVP_MD_CTX_free(sha->md);
    free(sha);
}

struct md5 {
    EVP_MD_CTX *md;
};

struct md5 *md5_new(void)
{
    struct md5 *md5 = MEM_NEW(struct md5);
    md5->md = EVP_MD_CTX_new();
    require(md5->md && EVP_DigestInit_ex(md5->md, EVP_md5(), NULL) == 1);
    return md5;
}

void md5_add(struct md5 *md5, const void *bytes, size_t len)
{
    require(EVP_DigestUpdate(md5->md, bytes, len) == 1);
}

void md5_finish(struct md5 *md5, uint8_t ret_digest[MD5_BYTES])
{
    require(EVP_DigestFinal_ex(md5->md, ret_digest, NULL) == 1);
    EVP_MD_CTX_free(md5->md);
    free(md5);
}

void sha256_of(const void *bytes, size_t len, uint8_t ret_digest[SHA256_BYTES])
{
    require(EVP_Digest(bytes, len, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t ret_mac[SHA256_BYTES])
{
    require(HMAC(EVP_sha256(), key, (int)key_len, bytes, len, ret_mac, NULL) != NULL);
}

void hex_print(const void *bytes, size_t len, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[from[i] >> 4];
        ret_hex[2 * i + 1] = digits[from[i] & 15];
    }
    ret_hex[2 * len] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_parse(const char *hex, size_t hex_len, void *ret_bytes, size_t len)
{
    if (hex_len != 2 * len)
        return -EINVAL;
    for (size_t i = 0; i < hex_len; i++)
        if (hex_digit(hex[i]) < 0)
            return -EINVAL;
    uint8_t *to = ret_bytes;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return 0;
}

static uint64_t load_le64(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static uint64_t load_word(const uint8_t bytes[8])
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13), v[1] ^= v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17), v[1] ^= v[2], v[2] = rotate(v[2], 32);
}

uint64_t siphash24(const uint8_t key[16], const void *bytes, size_t len)
{
    uint64_t k0 = load_word(key), k1 = load_word(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
                     k1 ^ 0x7465646279746573ULL};
    const uint8_t *at = bytes;
    for (size_t left = len;; left -= 8, at += 8) {
        uint64_t word = left >= 8 ? load_word(at) : load_le64(at, left) | (uint64_t)len << 56;
        v[3] ^= word;
        sip_round(v), sip_round(v);
        v[0] ^= word;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t crc32c_bits(uint32_t crc, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78U & -(crc & 1));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *bytes, size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    for (crc = (uint32_t)wide; len; len--, bytes++)
        crc = _mm_crc32_u8(crc, *bytes);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse42(~crc, bytes, len);
#endif
    return ~crc32c_bits(~crc, bytes, len);
}

void random_bytes(void *ret_bytes, size_t len)
{
    uint8_t *to = ret_bytes;
    while (len) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        require(got > 0);
        to += got;
        len -= (size_t)got;
    }
}
