// SPDX-License-Identifier: Apache-2.0
/* The table of files that are open or were lately. */
#include <criterion/criterion.h>

#include "cache/base/memory.h"
#include "fs/inode.h"
#include "tests/test_leaks.h"

static struct inode *made(uint64_t ino)
{
    struct inode *inode = MEM_NEW(struct inode);
    inode->ino = ino;
    buf_printf(&inode->bytes, "file %llu", (unsigned long long)ino);
    return inode;
}

static void use_once(struct inodes *inodes, uint64_t ino)
{
    struct inode *inode = inodes_get(inodes, ino);
    inodes_put(inodes, inode ? inode : inodes_enter(inodes, made(ino)));
}

static bool is_here(struct inodes *inodes, uint64_t ino)
{
    struct inode *inode = inodes_get(inodes, ino);
    if (inode)
        inodes_put(inodes, inode);
    return inode != NULL;
}

Test(inode, all_users_of_a_number_share_one)
{
    struct inodes *inodes = inodes_new(NULL);
    struct inode *first = inodes_enter(inodes, made(7)), *slower = inodes_enter(inodes, made(7));
    cr_assert_eq(first, slower);
    cr_assert_eq(inodes_get(inodes, 7), first);
    cr_assert_null(inodes_get(inodes, 8));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(inodes_idle(inodes), 0);
        inodes_put(inodes, first);
    }
    cr_assert_eq(inodes_idle(inodes), 1);
    inodes_free(inodes);
    check_leaks();
}

Test(inode, the_idle_ones_that_were_used_last_are_kept)
{
    struct inodes *inodes = inodes_new(NULL);
    struct inode *busy = inodes_enter(inodes, made(1000));
    for (uint64_t ino = 1; ino <= INODES_IDLE_MAX; ino++)
        use_once(inodes, ino);
    use_once(inodes, 1);
    use_once(inodes, 2000);
    cr_assert(!is_here(inodes, 2001), "and the one too many goes");
    cr_assert(is_here(inodes, 1) && !is_here(inodes, 2) && is_here(inodes, 3) && is_here(inodes, 2000));
    cr_assert_eq(inodes_idle(inodes), INODES_IDLE_MAX);
    cr_assert_str_eq(buf_text(&busy->bytes), "file 1000");
    inodes_put(inodes, busy);
    inodes_free(inodes);
    check_leaks();
}

static void use_large(struct inodes *inodes, uint64_t ino, size_t len)
{
    struct inode *inode = MEM_NEW(struct inode);
    inode->ino = ino;
    buf_room(&inode->bytes, len);
    inode->bytes.len = len;
    inodes_put(inodes, inodes_enter(inodes, inode));
}

Test(inode, generated_bytes_are_bounded_but_the_last_ones_stay)
{
    struct inodes *inodes = inodes_new(NULL);
    for (uint64_t ino = 1; ino <= 4; ino++)
        use_large(inodes, ino, INODES_IDLE_BYTES / 4);
    cr_assert(is_here(inodes, 2) && is_here(inodes, 3) && is_here(inodes, 4) && is_here(inodes, 1));
    use_large(inodes, 5, 1);
    cr_assert(!is_here(inodes, 2) && is_here(inodes, 3) && is_here(inodes, 1) && is_here(inodes, 5));
    use_large(inodes, 6, (size_t)INODES_IDLE_BYTES + 1);
    cr_assert(is_here(inodes, 6));
    cr_assert_eq(inodes_idle(inodes), 1);
    use_once(inodes, 7);
    cr_assert(is_here(inodes, 7) && !is_here(inodes, 6));
    inodes_free(inodes);
    check_leaks();
}

Test(inode, a_forgotten_one_goes_unless_it_is_used)
{
    struct inodes *inodes = inodes_new(NULL);
    struct inode *busy = inodes_enter(inodes, made(5));
    use_once(inodes, 6);
    inodes_forget(inodes, 5);
    inodes_forget(inodes, 6);
    inodes_forget(inodes, 7);
    cr_assert(is_here(inodes, 5) && !is_here(inodes, 6));
    inodes_put(inodes, busy);
    inodes_free(inodes);
    check_leaks();
}

Test(inode, what_is_still_in_use_at_the_end_is_freed)
{
    struct inodes *inodes = inodes_new(NULL);
    inodes_enter(inodes, made(5));
    use_once(inodes, 6);
    inodes_free(inodes);
    check_leaks();
}
