// SPDX-License-Identifier: Apache-2.0
/* Runs LLVMFuzzerTestOneInput over every file of a corpus folder, and over each file cut short at some
 * places. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error err;
    if (file_read(path, 64 << 20, &bytes, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (size_t part = 0; part <= 16; part++) {
        size_t len = bytes.len * part / 16;
        uint8_t *exact = malloc(len ? len : 1); /* exactly sized, so that a read past the end is seen */
        if (!exact)
            return 1;
        memcpy(exact, buf_text(&bytes), len);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **names;
        int count = scandir(argv[i], &names, NULL, alphasort);
        for (int k = 0; k < count; k++) {
            if (names[k]->d_name[0] != '.') {
                char path[4096];
                snprintf(path, sizeof path, "%s/%s", argv[i], names[k]->d_name);
                failed += replay(path);
                files++;
            }
            free(names[k]);
        }
        if (count >= 0)
            free(names);
    }
    printf("%d files replayed, %d unreadable\n", files, failed);
    return files == 0 || failed;
}
