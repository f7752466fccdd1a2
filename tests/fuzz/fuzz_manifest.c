// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error that names a field, or a manifest that reads the same after it was printed.
 */
#include <errno.h>
#include <string.h>

#include "index/base/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    CLEANUP_MANIFEST struct manifest *first = NULL, *second = NULL;
    if (manifest_parse("input", data, size, &first, &err)) {
        check(err.code == EUCLEAN && *err.text);
        return 0;
    }
    CLEANUP_BUF struct buf once = BUF_INIT, twice = BUF_INIT;
    manifest_print(&once, first);
    if (first->unsupported || first->outdated)
        return 0; /* what it says of its catalog was not read */
    check(!manifest_parse("printed", once.data, once.len, &second, &err));
    manifest_print(&twice, second);
    check(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
    return 0;
}
