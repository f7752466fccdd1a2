// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error that names what is wrong, or a list of purges that reads the same after it
 * was printed. */
#include <errno.h>
#include <string.h>

#include "index/dataset/purge_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROWS_MAX = 1 << 20 }; /* what is printed takes as long as there are rows */
    struct error err = {0};
    CLEANUP_PURGE_LIST struct purge_list first = {0}, second = {0};
    CLEANUP_BUF struct buf once = BUF_INIT, twice = BUF_INIT;
    if (purge_list_parse("input", data, size, &first, &err)) {
        check(err.code == EUCLEAN && *err.text);
        return 0;
    }
    CLEANUP_ROWSET struct rowset *rows = purge_list_rows(&first);
    for (size_t i = 0; i < first.version_count; i++)
        check(purge_list_find(&first, first.versions[i].version) == &first.versions[i]);
    if (rowset_count(rows) > ROWS_MAX)
        return 0;
    purge_list_print(&once, &first);
    check(!purge_list_parse("printed", once.data, once.len, &second, &err));
    purge_list_print(&twice, &second);
    check(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
    return 0;
}
