// SPDX-License-Identifier: Apache-2.0
/* Each function against the vectors of the document that defines it. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/hash.h"
#include "tests/test_leaks.h"

Test(hash, sha256_gives_the_vector_of_fips_180)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    sha256_of("abc", 3, digest);
    hex_print(digest, sizeof digest, hex);
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sha256 *sha = sha256_new();
    sha256_add(sha, "a", 1), sha256_add(sha, "bc", 2);
    uint8_t again[SHA256_BYTES];
    sha256_finish(sha, again);
    cr_assert_eq(memcmp(digest, again, sizeof digest), 0);
    check_leaks();
}

Test(hash, hmac_gives_the_second_vector_of_rfc_4231)
{
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    hex_print(mac, sizeof mac, hex);
    cr_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Test(hash, siphash_gives_the_vectors_of_its_paper)
{
    uint8_t key[16], in[15];
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (int i = 0; i < 15; i++)
        in[i] = (uint8_t)i;
    cr_assert_eq(siphash24(key, in, 15), 0xa129ca6149be45e5ULL);
    cr_assert_eq(siphash24(key, in, 0), 0x726fdb47dd0e0e31ULL);
}

Test(hash, crc32c_gives_the_vectors_of_rfc_3720)
{
    uint8_t zero[32] = {0};
    cr_assert_eq(crc32c(0, zero, 32), 0x8a9136aaU);
    cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283U);
    cr_assert_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283U);
}

Test(hash, hex_refuses_what_is_not_hex)
{
    uint8_t bytes[2];
    cr_assert_eq(hex_parse("0aFF", 4, bytes, 2), 0);
    cr_assert(bytes[0] == 0x0a && bytes[1] == 0xff);
    cr_assert_lt(hex_parse("0aF", 3, bytes, 2), 0);
    cr_assert_lt(hex_parse("0aFg", 4, bytes, 2), 0);
}
