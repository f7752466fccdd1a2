// SPDX-License-Identifier: Apache-2.0
/* Base32 as RFC 4648 has it, and back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "query/alias.h"
#include "tests/test_leaks.h"

static void check(const char *path, const char *expected)
{
    CLEANUP_BUF struct buf letters = BUF_INIT, back = BUF_INIT;
    struct error err = {0};
    alias_append(path, strlen(path), &letters);
    cr_assert_str_eq(buf_text(&letters), expected);
    cr_assert_eq(alias_decode(expected, strlen(expected), &back, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&back), path);
}

Test(alias, test_vectors_of_the_standard_are_met)
{
    check("f", "my_");
    check("fo", "mzxq_");
    check("foo", "mzxw6_");
    check("foob", "mzxw6yq_");
    check("fooba", "mzxw6ytb_");
    check("foobar", "mzxw6ytboi_");
    check("v12/arm=left", "oyytel3bojwt23dfmz2a_");
}

Test(alias, long_paths_stand_in_pieces_and_come_back)
{
    char path[2000];
    for (size_t len = 1; len < sizeof path; len += len < 300 ? 1 : 97) {
        CLEANUP_BUF struct buf letters = BUF_INIT, back = BUF_INIT;
        bool last = false;
        for (size_t i = 0; i < len; i++)
            path[i] = (char)(1 + (i * 37 + len) % 255);
        alias_append(path, len, &letters);
        for (const char *piece = buf_text(&letters); *piece;) {
            size_t piece_len = strcspn(piece, "/");
            cr_assert_not(last);
            cr_assert(alias_is_piece(piece, piece_len, &last));
            piece += piece_len + (piece[piece_len] == '/');
            cr_assert_eq(last, !*piece, "the last piece says so");
        }
        cr_assert_eq(alias_decode(buf_text(&letters), letters.len, &back, NULL), 0);
        cr_assert_eq(back.len, len);
        cr_assert_eq(memcmp(back.data, path, len), 0);
    }
}

Test(alias, what_stands_for_no_path_is_refused)
{
    static const char *const refused[] = {"M_", "m1_", "m", "m_", "mzxw6y_", "mz_xq", "mzx=", "mzxr_", "aa_"};
    bool last;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CLEANUP_BUF struct buf back = BUF_INIT;
        struct error err = {0};
        buf_text_append(&back, "before");
        cr_assert_eq(alias_decode(refused[i], strlen(refused[i]), &back, &err), -ENOENT, "%s", refused[i]);
        cr_assert_str_eq(buf_text(&back), "before");
    }
    cr_assert_not(alias_is_piece("", 0, &last));
    cr_assert_not(alias_is_piece("_", 1, &last));
    cr_assert_not(alias_is_piece("a_b", 3, &last));
    cr_assert_not(alias_is_piece("abc8", 4, &last));
    CLEANUP_BUF struct buf letters = BUF_INIT;
    for (int i = 0; i <= ALIAS_PIECE_MAX; i++)
        buf_u8(&letters, 'a');
    cr_assert_not(alias_is_piece(buf_text(&letters), letters.len, &last));
    cr_assert(alias_is_piece(buf_text(&letters), letters.len - 1, &last));
}
