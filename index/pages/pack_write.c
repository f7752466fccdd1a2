// SPDX-License-Identifier: Apache-2.0
/* What fits one part is one PUT; more goes up in parts, and is taken back if the rest cannot. */
#include "index/pages/pack_write.h"

#include <errno.h>

#include "index/base/layout.h"

enum { PART_BYTES = 8 << 20, COPY_BYTES = 1 << 20 };

void pack_write_begin(struct pack_write *pack, struct store *store, const uint8_t id[MAP_ID_BYTES])
{
    char hex[LAYOUT_ID_BYTES], path[LAYOUT_PATH_BYTES];
    hex_print(id, MAP_ID_BYTES, hex);
    layout_pack_path(hex, path);
    *pack = (struct pack_write){.store = store, .path = mem_text(path)};
}

static int send_part(struct pack_write *pack, struct error *err)
{
    int rc = pack->upload ? 0 : store_upload_begin(pack->store, pack->path, &pack->upload, err);
    if (!rc)
        rc = store_upload_part(pack->upload, pack->part.data, pack->part.len, err);
    buf_clear(&pack->part);
    return rc;
}

int pack_write_add(struct pack_write *pack, const void *bytes, size_t len, struct error *err)
{
    buf_append(&pack->part, bytes, len);
    return pack->part.len >= PART_BYTES ? send_part(pack, err) : 0;
}

int pack_write_copy(struct pack_write *pack, int fd, uint64_t offset, uint64_t len, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(COPY_BYTES);
    int rc = 0;
    while (!rc && len) {
        ssize_t got = pread(fd, bytes, len < COPY_BYTES ? (size_t)len : COPY_BYTES, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, EIO, "a temporary file of packed pages: %s",
                             got ? strerror(errno) : "it ends early");
        offset += (uint64_t)got;
        len -= (uint64_t)got;
        rc = pack_write_add(pack, bytes, (size_t)got, err);
    }
    return rc;
}

int pack_write_end(struct pack_write *pack, struct error *err)
{
    if (!pack->upload)
        return store_put(pack->store, pack->path, pack->part.data, pack->part.len, STORE_PUT_REPLACE, NULL,
                         err);
    int rc = pack->part.len ? send_part(pack, err) : 0;
    return rc < 0 ? rc : store_upload_finish(STEAL(pack->upload), NULL, err);
}

void pack_write_done(struct pack_write *pack)
{
    if (pack->upload)
        store_upload_abort(pack->upload);
    buf_done(&pack->part);
    free(pack->path);
}
