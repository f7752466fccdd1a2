// SPDX-License-Identifier: Apache-2.0
/*
 * Whatever bytes come as a blob of a catalog, or as pages of its file: they are decoded or refused, and what
 * was decoded encodes to what decodes alike. Input: u8 number of the decoder, u8 for it to choose by, the
 * blob.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/clip.h"
#include "index/catalog/cells/patch_index.h"
#include "index/catalog/cells/state.h"
#include "index/catalog/column.h"
#include "index/catalog/event.h"
#include "index/catalog/groups/ident.h"
#include "index/catalog/groups/json_growth.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/groups/newest.h"
#include "index/catalog/groups/sizes.h"
#include "index/catalog/groups/streams.h"
#include "index/catalog/pieces.h"
#include "index/catalog/record.h"
#include "index/catalog/shard/block.h"
#include "index/catalog/shard/dict.h"
#include "index/catalog/source_files.h"
#include "index/pages/btree.h"
#include "index/pages/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPAN = 1 << 16, TYPES = 8 };

static void must(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* ---- what decoders need around them ---- */

struct world {
    struct overlay *file;
    struct db *db;
    struct attributes attributes; /* one of each type; every second may have several values */
    struct packer *packer;
    struct framer *framer;
};

static const struct world *the_world(void)
{
    static struct world world;
    if (world.db)
        return &world;
    struct error err;
    must(!overlay_new(NULL, SCHEMA_PAGE_BYTES, &world.file, &err) &&
         !db_open_write(world.file, &world.db, &err));
    world.packer = packer_new();
    world.framer = framer_new();
    world.attributes.list = calloc(TYPES, sizeof *world.attributes.list);
    for (uint32_t id = 0; id + 1 < TYPES; id++) {
        struct catalog_attribute *info = &world.attributes.list[world.attributes.count++].info;
        *info = (struct catalog_attribute){
            .id = id, .name = {(char)('a' + id)}, .type = (enum value_type)(id + 1)};
        info->multi = id % 2 && info->type != VALUE_LIST;
    }
    attributes_sort(&world.attributes);
    return &world;
}

/* ---- groups of rows ---- */

static void decode_names(uint8_t choice, const uint8_t *data, size_t size)
{
    static struct names names;
    struct names_template template;
    if (!names_decode(data, size, &names))
        for (uint32_t i = names.rows; i--;)
            names_key(&names, i);
    if (!names_template_decode(data, size, &template))
        names_template_done(&template);
}

static void decode_sizes(uint8_t choice, const uint8_t *data, size_t size)
{
    static struct catalog_file files[CLIP_STREAMS_MAX];
    uint32_t changed[SIZES_ROWS], rows;
    struct ident_row ident;
    for (uint32_t i = 0; i < SIZES_ROWS; i += 15) {
        struct sizes_row row = {.files = files};
        sizes_decode(data, size, i, &row);
        ident_decode(data, size, i, &ident);
    }
    sizes_changed(data, size, false, changed, &rows);
}

static void decode_streams(uint8_t choice, const uint8_t *data, size_t size)
{
    struct streams_row rows[STREAMS_ROWS];
    struct streams_entry entry;
    for (uint32_t i = 0; i < STREAMS_ROWS; i += 7)
        for (uint32_t number = 0; number < 3; number++)
            if (!streams_decode(data, size, i, number, &entry)) {
                struct catalog_stream stream = {.size = 906, .object = entry.object};
                streams_give_pieces(&entry, &stream);
                streams_reads(&entry);
                catalog_stream_done(&stream);
            }
    if (!streams_decode_all(data, size, rows))
        streams_rows_done(rows);
}

static void decode_growth(uint8_t choice, const uint8_t *data, size_t size)
{
    static uint32_t versions[NEWEST_GROUPS];
    struct json_growth growth = {0};
    struct json_growth_head head;
    struct json_growth_entry entry;
    struct grown grown;
    uint32_t groups;
    json_growth_decode(data, size, 30, &head, &growth);
    json_growth_settle(&growth);
    json_growth_done(&growth);
    if (!grown_decode(data, size, &grown))
        for (uint32_t i = 0; i < GROWN_ROWS; i++)
            grown_find(&grown, i, &entry);
    newest_decode(data, size, versions, &groups);
}

/* ---- cells ---- */

static void decode_state(uint8_t choice, const uint8_t *data, size_t size)
{
    struct state state = {0}, again = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (state_decode(data, size, &state))
        return;
    state_encode(&state, &bytes);
    must(!state_decode(bytes.data, bytes.len, &again));
    must(again.clips == state.clips && again.tails.count == state.tails.count &&
         again.patches.count == state.patches.count);
    state_done(&state);
    state_done(&again);
}

static void check_cells(const struct patch *patch)
{
    size_t count;
    for (size_t i = 0; i < patch->count; i++) {
        const struct patch_cell *cell = &patch->cells[i];
        must(!i || patch->cells[i - 1].row < cell->row);
        must(patch_find(patch, cell->row) == cell);
        for (uint32_t code = patch_code_of(cell); code; code = 0)
            must(patch_values(patch, code, &count) && count);
    }
}

static void decode_patch(uint8_t choice, const uint8_t *data, size_t size)
{
    const struct world *world = the_world();
    const struct attribute *attribute = &world->attributes.list[choice % world->attributes.count];
    struct patch patch = {0}, again = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT, packed = BUF_INIT;
    buf_u8(&packed, 0);
    buf_append(&packed, data, size);
    if (!patch_read(world->db, attribute, "it", packed.data, packed.len, &patch, NULL)) {
        patch_settle(&patch);
        check_cells(&patch);
        buf_u8(&bytes, 0);
        patch_encode(&patch, attribute->info.type, 0, patch.count, &bytes);
        if (patch.count) {
            must(!patch_read(world->db, attribute, "it", bytes.data, bytes.len, &again, NULL));
            must(again.count == patch.count);
        }
        struct patch_index *all = patch_index_new(&patch);
        for (size_t i = 0; i < all->term_count; i++)
            patch_index_clips(all, &all->terms[i].value);
        patch_index_unref(all);
    }
    patch_done(&patch);
    patch_done(&again);
}

static void decode_record(uint8_t choice, const uint8_t *data, size_t size)
{
    const struct world *world = the_world();
    struct record_values values = {0}, again = {0};
    struct events events = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!record_decode(world->db, &world->attributes, NULL, 7, cursor_of(data, size), &values, NULL)) {
        record_encode(&values, &bytes);
        must(!record_decode(world->db, &world->attributes, NULL, 7, cursor_of(bytes.data, bytes.len), &again,
                            NULL));
        must(again.count == values.count);
    }
    buf_clear(&bytes);
    if (!events_decode(world->db, 7, cursor_of(data, size), &events, NULL)) {
        size_t count = events.count;
        events_encode(&events, &bytes);
        must(!events_decode(world->db, 7, cursor_of(bytes.data, bytes.len), &events, NULL));
        must(events.count == count);
    }
    record_values_done(&values);
    record_values_done(&again);
    events_done(&events);
}

/* ---- shards ---- */

static void check_rows(const struct block_entry *entry)
{
    static uint32_t rows[SPAN];
    if (entry->form == BLOCK_POSTING || block_entry_list(entry, SPAN, rows))
        return;
    for (uint32_t i = 0; i < entry->count; i++)
        must(rows[i] < SPAN && (!i || rows[i - 1] < rows[i]));
}

static void decode_block(uint8_t choice, const uint8_t *data, size_t size)
{
    static struct block_entry entries[BLOCK_VALUES_MAX];
    struct arena arena = {0};
    struct block block;
    struct block_heads heads;
    CLEANUP_ROWSET struct rowset *set = rowset_new();
    struct shard_rows rows;
    uint32_t below;
    bool equal;
    struct cursor c = cursor_of(data, size);
    size_t len = cursor_le16(&c); /* of the block; behind it are its members */
    if (c.failed || len > cursor_left(&c) || block_open(data + c.at, len, choice & 1, SPAN, &block))
        return;
    block.rows = cursor_of(data + c.at + len, cursor_left(&c) - len);
    shard_rows_init(&rows, set, 0, SPAN, choice & 2 ? SPAN : 1);
    block_heads_init(&heads, &block, choice & 4);
    heads.into = choice & 8 ? &rows : NULL;
    while (block_heads_next(&heads))
        must(heads.entry.count <= SPAN);
    shard_rows_done(&rows);
    if (!block_entries(&block, &arena, entries))
        for (uint32_t i = 0; i < block.values; i++) {
            must(!i || shard_key_compare(&entries[i - 1].key, &entries[i].key) < 0);
            must(block_find(&block, &entries[i].key, false, &below, &equal) || (below == i && equal));
            check_rows(&entries[i]);
        }
    arena_done(&arena);
}

static void decode_dict(uint8_t choice, const uint8_t *data, size_t size)
{
    struct dict dict = {0}, again = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (dict_decode(data, size, choice & 1, SPAN, &dict))
        return;
    for (size_t i = 0; i < dict.block_count; i++)
        must(dict_block_of(&dict, &dict.blocks[i].key) <= i + 1);
    for (size_t i = 0; i < dict.large_count; i++)
        must(dict_large_find(&dict, &dict.large[i].key) == &dict.large[i]);
    dict_encode(&dict, &bytes);
    must(!dict_decode(bytes.data, bytes.len, choice & 1, SPAN, &again));
    must(again.block_count == dict.block_count && again.large_count == dict.large_count);
    dict_done(&dict);
    dict_done(&again);
}

static void decode_part(uint8_t choice, const uint8_t *data, size_t size)
{
    static struct column_values values;
    static uint64_t words[ROWSET_PART_WORDS];
    const struct world *world = the_world();
    const int64_t range[2] = {INT64_MIN + choice, INT64_MAX - choice};
    struct column_part part = {.low = -choice, .high = choice, .clips = 9, .different = choice / 16 + 1u};
    CLEANUP_BUF struct buf packed = BUF_INIT, buf = BUF_INIT;
    part.width = 1u << choice % 4;
    part.step = choice & 4;
    buf_u8(&packed, 0);
    buf_append(&packed, data, size);
    must(!pieces_put(world->db, &pieces_codes, part.id, packed.data, packed.len, NULL));
    if (column_part_expand(world->db, &part, &buf, NULL))
        return;
    column_part_match(&part, &buf, range, words);
    column_part_values(&part, &buf, &values);
}

/* ---- pages ---- */

struct file {
    const uint8_t *data;
    uint32_t pages_read;
};

enum { SMALL_PAGE_BYTES = 512 };

static int read_page(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct file *file = ctx;
    must(++file->pages_read < 1 << 20);
    memcpy(to, file->data + (size_t)page * SMALL_PAGE_BYTES, SMALL_PAGE_BYTES);
    return 0;
}

static int see_page(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    must(page < *(uint32_t *)ctx);
    return 0;
}

static int see_free(void *ctx, uint32_t page, struct error *err)
{
    return see_page(ctx, page, BTREE_LEAF, err);
}

static void decode_pages(uint8_t choice, const uint8_t *data, size_t size)
{
    struct file file = {.data = data};
    uint32_t pages = (uint32_t)(size / SMALL_PAGE_BYTES), leaf;
    struct btree_file tree = {SMALL_PAGE_BYTES, pages, read_page, &file};
    if (!pages)
        return;
    struct error err;
    int rc = btree_upper(&tree, choice % pages, see_page, &pages, &err);
    must(!rc || rc == -EUCLEAN);
    rc = btree_leaf(&tree, choice % pages, choice * 1000, &leaf, &err);
    must(rc == -EUCLEAN || (!rc && leaf < pages));
    rc = btree_free_pages(&tree, see_free, &pages, &err);
    must(!rc || rc == -EUCLEAN);
}

static void decode_frame(uint8_t choice, const uint8_t *data, size_t size)
{
    static uint8_t page[SCHEMA_PAGE_BYTES];
    struct error err = {0};
    int rc = framer_unpack(the_world()->framer, data, size, sizeof page, page, &err);
    must(!rc || (rc == -EUCLEAN && *err.text));
}

static void decode_packed(uint8_t choice, const uint8_t *data, size_t size)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    int rc = packer_unpack(the_world()->packer, data, size, 1 << 20, &buf);
    must(rc == -EUCLEAN || (!rc && buf.len <= 1 << 20));
}

/* A list of a source's files, or which clips of a group are of which source. */
static void decode_source(uint8_t choice, const uint8_t *data, size_t size)
{
    CLEANUP_SOURCE_FILES struct source_files files = {0}, again = {0};
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct numbers numbers;
    uint64_t sum = 0;
    buf_append(&buf, data, size);
    int rc = choice % 2 ? source_files_decode(&files, &buf) : sourced_decode(data, size, &numbers);
    must(!rc || rc == -EUCLEAN);
    for (size_t i = 0; !rc && choice % 2 == 0 && i < numbers.count; i++)
        must(numbers_at(&numbers, (uint32_t)i) <= SCHEMA_SOURCES_MAX);
    if (rc || choice % 2 == 0)
        return;
    for (size_t i = 0; i < files.count; i++) {
        must(source_files_find(&files, files.list[i].name) == i && source_file_name_is(files.list[i].name));
        sum += files.list[i].size;
    }
    must(files.count <= SOURCE_FILES_MAX && sum <= SOURCE_BYTES_MAX);
    buf_clear(&buf);
    source_files_encode(files.list, files.count, &buf);
    must(!source_files_decode(&again, &buf) && again.count == files.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(uint8_t choice, const uint8_t *data, size_t size) = {
        decode_names, decode_sizes, decode_streams, decode_growth, decode_state, decode_patch,  decode_record,
        decode_block, decode_dict,  decode_part,    decode_pages,  decode_frame, decode_packed, decode_source,
    };
    if (size >= 2)
        decoders[data[0] % (sizeof decoders / sizeof *decoders)](data[1], data + 2, size - 2);
    return 0;
}
