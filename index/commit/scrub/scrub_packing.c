// SPDX-License-Identifier: Apache-2.0
/*
 * The dictionary was made of records, so it holds pieces of them. Where one of the rows may have been among
 * those, which the first version that has the dictionary tells, it is made again of the records of other
 * clips, and whatever was packed with it is packed again. Frames that are packed with it hold nothing else of
 * what is scrubbed: the records of the rows are empty by then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "index/commit/scrub/scrub_state.h"

enum { PACK_SHORT = 2, GROUP_BYTES_MAX = 256 << 20 };

struct dictionary {
    uint8_t hash[SHA256_BYTES];
    int64_t rows; /* of the first version that has it */
    bool known;   /* what it becomes is; nothing: it becomes none */
    struct buf becomes;
};
struct scrub_dictionaries {
    struct dictionary *list;
    size_t count, cap;
};

struct scrub_dictionaries *scrub_dictionaries_new(void)
{
    return MEM_NEW(struct scrub_dictionaries);
}

void scrub_dictionaries_free(struct scrub_dictionaries *dictionaries)
{
    if (!dictionaries)
        return;
    for (size_t i = 0; i < dictionaries->count; i++)
        buf_done(&dictionaries->list[i].becomes);
    free(dictionaries->list);
    free(dictionaries);
}

static struct dictionary *dictionary_of(struct scrub_dictionaries *all, const struct buf *bytes, int64_t rows)
{
    struct dictionary is = {.rows = rows};
    sha256_of(bytes->data, bytes->len, is.hash);
    for (size_t i = 0; i < all->count; i++)
        if (!memcmp(all->list[i].hash, is.hash, SHA256_BYTES))
            return &all->list[i];
    mem_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list);
    all->list[all->count] = is;
    return &all->list[all->count++];
}

int scrub_note_dictionary(struct overlay *file, struct scrub_dictionaries *dictionaries, struct error *err)
{
    CLEANUP_DB struct db *db = NULL;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int64_t rows;
    int rc = db_open_overlay(file, &db, err);
    if (!rc)
        rc = db_meta(db, "rows", &rows, err);
    if (!rc)
        rc = clips_bytes(db, QUERY_DICTIONARY, 0, &bytes, err);
    if (rc == 1)
        dictionary_of(dictionaries, &bytes, rows);
    return rc < 0 ? rc : 0;
}

/* ---- groups that were packed with it ---- */

/* 1: it was, and its bytes are in `raw`. */
static int read_short(struct scrub *scrub, int64_t part, struct buf *raw, struct error *err)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    buf_clear(raw);
    int rc = clips_bytes(scrub->db, QUERY_GROUP, part, &packed, err);
    if (rc < 1 || !packed.len || *packed.data != PACK_SHORT)
        return rc < 0 ? rc : 0;
    if (packer_unpack(db_packer(scrub->db), packed.data, packed.len, GROUP_BYTES_MAX, raw))
        return db_damaged(scrub->db, err, "the records of the group %lld cannot be expanded",
                          (long long)part);
    return 1;
}

static int64_t parts_of(const struct scrub *scrub)
{
    return (scrub->apply.output.rows + SCHEMA_FORWARD_ROWS - 1) / SCHEMA_FORWARD_ROWS;
}

static int learn(struct scrub *scrub, struct dictionary *dictionary, struct error *err)
{
    CLEANUP_BUF struct buf raw = BUF_INIT, samples = BUF_INIT;
    size_t sizes[APPLY_PACKING_SAMPLES], count = 0;
    int rc = 0;
    for (int64_t part = 0; rc >= 0 && part < parts_of(scrub) && count < APPLY_PACKING_SAMPLES; part++) {
        rc = read_short(scrub, part, &raw, err);
        if (rc < 1)
            continue;
        buf_append(&samples, raw.data, raw.len);
        sizes[count++] = raw.len;
    }
    if (rc < 0)
        return rc;
    dictionary->known = true;
    if (packer_learn(&samples, sizes, count, &dictionary->becomes))
        buf_clear(&dictionary->becomes);
    return 0;
}

static int pack_again(struct scrub *scrub, struct packer *packer, struct error *err)
{
    CLEANUP_BUF struct buf raw = BUF_INIT, packed = BUF_INIT;
    int rc = 0;
    for (int64_t part = 0; rc >= 0 && part < parts_of(scrub); part++) {
        rc = read_short(scrub, part, &raw, err);
        if (rc < 1)
            continue;
        buf_clear(&packed);
        packer_pack_short(packer, raw.data, raw.len, PACKER_SAVING_PERCENT, &packed);
        rc = db_put_bytes(scrub->db, QUERY_GROUP_PUT, part, &packed, err);
    }
    return rc < 0 ? rc : 0;
}

static int replace(struct scrub *scrub, struct dictionary *dictionary, struct error *err)
{
    CLEANUP_PACKER struct packer *packer = packer_new();
    const struct buf *becomes = &dictionary->becomes;
    int rc = dictionary->known ? 0 : learn(scrub, dictionary, err);
    if (!rc && becomes->len && packer_take_dictionary(packer, becomes->data, becomes->len))
        rc = db_damaged(scrub->db, err, "its dictionary cannot be made again");
    if (!rc)
        rc = pack_again(scrub, packer, err);
    if (rc)
        return rc;
    return becomes->len ? db_put_bytes(scrub->db, QUERY_DICTIONARY_PUT, 0, becomes, err)
                        : db_drop_rows(scrub->db, QUERY_DICTIONARY_DROP, 0, 0, err);
}

int scrub_packing(struct scrub *scrub, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint32_t row;
    int rc = clips_bytes(scrub->db, QUERY_DICTIONARY, 0, &bytes, err);
    if (rc < 1)
        return rc;
    struct dictionary *dictionary =
        dictionary_of(scrub->options->dictionaries, &bytes, scrub->apply.output.rows);
    if (!scrub_next(scrub, 0, &row) || row >= dictionary->rows)
        return 0;
    return replace(scrub, dictionary, err);
}
