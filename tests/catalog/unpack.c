// SPDX-License-Identifier: Apache-2.0
/* unpack FILE: prints all that a catalog holds, in the open, to be searched for what it must not hold. */
#include "tests/catalog/unpacked.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    CLEANUP_BUF struct buf all = BUF_INIT;
    if (argc != 2)
        return 2;
    unpack_all(argv[1], &all);
    return fwrite(all.data, 1, all.len, stdout) != all.len || fflush(stdout);
}
