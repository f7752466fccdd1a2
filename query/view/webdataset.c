// SPDX-License-Identifier: Apache-2.0
/*
 * The plan is where each tar begins and how long it is: what members it has is read again when it is opened,
 * by the same function, so that both say the same.
 */
#include "query/view/webdataset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/view/tar.h"
#include "query/view/walk.h"

static const char whole_name[] = "webdataset", sized_prefix[] = "webdataset-";
static const char count_name[] = "SHARDS", index_name[] = "index.json";
#define SIZE_DEFAULT   (UINT64_C(1) << 30)
#define SIZE_MAX_BYTES (UINT64_C(1) << 50)

enum { ID_COUNT = 1, ID_INDEX = 2, ID_SHARDS = 16 };

struct shard {
    uint64_t first;   /* position of its first clip in the set */
    uint64_t bytes;   /* of the tar */
    uint64_t samples; /* clips that have files */
};

struct tars {
    struct shard *shards; /* the last one, behind `count`, has no bytes: where the others end */
    size_t count, cap;
    uint64_t index_bytes; /* of index.json */
};

/* ---- the name ---- */

/* "256M": digits without a leading zero, then K, M, G, T or nothing. 0: no size. */
static uint64_t read_size(const char *text)
{
    static const char units[] = "KMGT";
    uint64_t size = 0;
    if (*text < '1' || *text > '9')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        size = size * 10 + (uint64_t)(*text - '0');
        if (size > SIZE_MAX_BYTES)
            return 0;
    }
    const char *unit = *text ? strchr(units, *text) : NULL;
    if (*text && (!unit || text[1]))
        return 0;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    return size <= SIZE_MAX_BYTES >> shift ? size << shift : 0;
}

static bool is_sized(const char *name)
{
    return !strncmp(name, sized_prefix, strlen(sized_prefix)) && read_size(name + strlen(sized_prefix));
}

static uint64_t shard_limit(const char *name)
{
    return is_sized(name) ? read_size(name + strlen(sized_prefix)) : SIZE_DEFAULT;
}

/* ---- one clip ---- */

/* What a clip puts into a tar. */
struct sample {
    uint64_t bytes, inline_bytes; /* headers and padding included */
    uint64_t files;
};

static int add_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct sample *sample = ctx;
    struct tar_member member = {.name = entry->name, .size = entry->size};
    if (entry->size > INT64_MAX)
        return error_set(err, EUCLEAN, "'%s' of %llu bytes is larger than any file can be", entry->name,
                         (unsigned long long)entry->size);
    uint64_t header = tar_header_bytes(&member);
    sample->files++;
    sample->inline_bytes += header + (entry->stream == FILES_STREAM_JSON ? entry->size : 0);
    if (__builtin_add_overflow(sample->bytes, header + entry->size + tar_padding(&member), &sample->bytes))
        sample->bytes = UINT64_MAX;
    return 0;
}

/* ---- planning ---- */

struct planning {
    const struct view_plan *plan;
    const struct view_ask *ask;
    struct tars *tars;
    uint64_t limit;
    struct shard shard; /* that is being filled, without its end */
    uint64_t files, inline_bytes;
    uint64_t position;
};

static int add_shard(struct planning *planning, const struct shard *shard, struct error *err)
{
    struct tars *tars = planning->tars;
    if (tars->count == WEBDATASET_SHARDS_MAX)
        return error_set(err, EFBIG, "%s: more than %d tars; give a larger size, or narrow the path",
                         planning->plan->name, WEBDATASET_SHARDS_MAX);
    mem_grow(&tars->shards, &tars->cap, tars->count + 2, sizeof *tars->shards);
    tars->shards[tars->count++] = *shard;
    return 0;
}

static int end_shard(struct planning *planning, struct error *err)
{
    struct shard shard = planning->shard;
    planning->shard = (struct shard){.first = planning->position};
    planning->files = planning->inline_bytes = 0;
    if (!shard.samples)
        return 0;
    shard.bytes += TAR_END_BYTES;
    return add_shard(planning, &shard, err);
}

static bool has_room(const struct planning *planning, const struct sample *sample)
{
    return !planning->shard.samples ||
           (sample->bytes <= planning->limit &&
            planning->shard.bytes + sample->bytes + TAR_END_BYTES <= planning->limit &&
            planning->files + sample->files <= WEBDATASET_FILES &&
            planning->inline_bytes + sample->inline_bytes <= WEBDATASET_INLINE_BYTES);
}

static int check_sample(const struct planning *planning, uint32_t row, const struct sample *sample,
                        struct error *err)
{
    if (sample->bytes > INT64_MAX - TAR_END_BYTES)
        return error_set(err, EUCLEAN, "%s: the files of row %u of v%u are larger than any tar can be",
                         planning->plan->name, row, planning->plan->version);
    if (sample->inline_bytes > VIEW_INLINE_BYTES_MAX)
        return error_set(err, EFBIG, "%s: row %u of v%u has %llu bytes of labels", planning->plan->name, row,
                         planning->plan->version, (unsigned long long)sample->inline_bytes);
    return 0;
}

static int plan_clip(void *ctx, uint32_t row, struct error *err)
{
    struct planning *planning = ctx;
    struct sample sample = {0};
    int rc = files_of_clip(planning->ask->reader, planning->plan->query, row, add_file, &sample, err);
    if (!rc)
        rc = check_sample(planning, row, &sample, err);
    if (!rc && !has_room(planning, &sample))
        rc = end_shard(planning, err);
    if (rc && rc != -ENOENT)
        return rc;
    planning->position++;
    planning->shard.bytes += sample.bytes;
    planning->shard.samples += sample.files > 0;
    planning->files += sample.files;
    planning->inline_bytes += sample.inline_bytes;
    return 0;
}

static void print_index(const struct tars *tars, struct buf *buf)
{
    buf_text_append(buf, "{\"__kind__\":\"wids-shard-index-v1\",\"wids_version\":1,\"shardlist\":[");
    for (size_t i = 0; i < tars->count; i++)
        buf_printf(buf, "%s{\"url\":\"%06zu.tar\",\"nsamples\":%llu,\"filesize\":%llu}", i ? ",\n" : "\n", i,
                   (unsigned long long)tars->shards[i].samples, (unsigned long long)tars->shards[i].bytes);
    buf_text_append(buf, "]}\n");
}

static void print_count(const struct tars *tars, struct buf *buf)
{
    buf_printf(buf, "%zu\n", tars->count);
}

static void free_tars(struct tars *tars)
{
    free(tars->shards);
    free(tars);
}

static int plan_tars(const struct view_ask *ask, struct view_plan *plan, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct tars *tars = MEM_NEW(struct tars);
    struct planning planning = {.plan = plan, .ask = ask, .tars = tars, .limit = shard_limit(plan->name)};
    mem_grow(&tars->shards, &tars->cap, 1, sizeof *tars->shards);
    int rc = view_walk(plan, ask, 0, set_count(plan->set), plan_clip, &planning, err);
    if (!rc)
        rc = end_shard(&planning, err);
    if (rc) {
        free_tars(tars);
        return rc;
    }
    tars->shards[tars->count] = (struct shard){.first = planning.position};
    print_index(tars, &text);
    tars->index_bytes = text.len;
    plan->own = tars;
    plan->own_bytes = sizeof *tars + tars->cap * sizeof *tars->shards;
    return 0;
}

static void free_plan(struct view_plan *plan)
{
    free_tars(plan->own);
}

/* ---- names ---- */

/* The number of "000012.tar", or -1. */
static int64_t shard_of_name(const char *name)
{
    char same[32];
    uint64_t number = 0;
    size_t digits = strspn(name, "0123456789");
    if (!digits || digits > 7)
        return -1;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)(name[i] - '0');
    snprintf(same, sizeof same, "%06llu.tar", (unsigned long long)number);
    return strcmp(same, name) ? -1 : (int64_t)number;
}

static void fill_entry(const struct view_plan *plan, uint64_t id, struct view_entry *ret)
{
    const struct tars *tars = plan->own;
    char count[24];
    *ret = (struct view_entry){.kind = VIEW_DERIVED, .id = id, .changed = plan->version};
    if (id == ID_COUNT) {
        ret->name = count_name;
        ret->size = (uint64_t)snprintf(count, sizeof count, "%zu\n", tars->count);
    } else if (id == ID_INDEX) {
        ret->name = index_name;
        ret->size = tars->index_bytes;
    } else {
        ret->size = tars->shards[id - ID_SHARDS].bytes;
    }
}

static int find(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
                struct view_entry *ret, struct error *err)
{
    const struct tars *tars = plan->own;
    int64_t shard = shard_of_name(name);
    uint64_t id = 0;
    if (!strcmp(name, count_name))
        id = ID_COUNT;
    else if (!strcmp(name, index_name))
        id = ID_INDEX;
    else if (shard >= 0 && (uint64_t)shard < tars->count)
        id = ID_SHARDS + (uint64_t)shard;
    else if (shard >= 0)
        return error_set(err, ENOENT, "no '%s': there are %zu tars", name, tars->count);
    if (dir || !id)
        return -ENOENT;
    fill_entry(plan, id, ret);
    return 0;
}

static int list(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
                view_entry_fn *each, void *ctx, struct error *err)
{
    const struct tars *tars = plan->own;
    int rc = dir ? -ENOENT : 0;
    for (uint64_t at = cursor; !rc && at < tars->count + 2; at++) {
        char name[32];
        struct view_entry entry;
        bool shard = at < tars->count;
        snprintf(name, sizeof name, "%06llu.tar", (unsigned long long)at);
        fill_entry(plan, shard ? ID_SHARDS + at : ID_COUNT + (at - tars->count), &entry);
        entry.name = shard ? name : entry.name;
        rc = each(ctx, &entry, at + 1, err);
    }
    return rc;
}

/* ---- a tar ---- */

struct packing {
    const struct view_plan *plan;
    const struct view_ask *ask;
    struct extent_map *map;
    bool json;        /* which members this pass is of */
    struct buf bytes; /* what is being made, kept to be used again */
    int64_t time_ns;  /* when the version `time_of` was committed; 0: none yet */
    uint32_t time_of;
};

/* Most files of a version were changed by one. */
static int member_time(struct packing *packing, uint32_t version, int64_t *ret_ns, struct error *err)
{
    uint32_t newest = packing->plan->version;
    int rc = 0;
    if (!version || version > newest)
        return error_set(err, EUCLEAN, "v%u is damaged: a file is said to be changed by v%u", newest,
                         version);
    if (version != packing->time_of)
        rc = catalog_commit_time(packing->ask->reader, version, &packing->time_ns, err);
    if (rc)
        return rc == -ENOENT ? error_recode(err, EUCLEAN) : rc;
    packing->time_of = version;
    *ret_ns = packing->time_ns;
    return 0;
}

static int check_size(const struct packing *packing, const struct files_entry *entry, uint64_t size,
                      struct error *err)
{
    return size == entry->size
               ? 0
               : error_set(err, EUCLEAN, "v%u is damaged: '%s' has %llu bytes where %llu were told",
                           packing->plan->version, entry->name, (unsigned long long)size,
                           (unsigned long long)entry->size);
}

static int pack_json(struct packing *packing, const struct files_entry *entry, struct error *err)
{
    buf_clear(&packing->bytes);
    int rc = catalog_json(packing->ask->reader, entry->row, &packing->bytes, err);
    if (!rc)
        rc = check_size(packing, entry, packing->bytes.len, err);
    if (!rc && entry->size)
        extent_map_append_inline(packing->map, packing->bytes.data, packing->bytes.len);
    return rc;
}

static int pack_stream(struct packing *packing, const struct files_entry *entry, struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *stream = NULL;
    const struct view_ask *ask = packing->ask;
    int rc = dataset_stream_map(ask->dataset, ask->reader, entry->row, entry->stream, &stream, err);
    if (!rc)
        rc = check_size(packing, entry, extent_map_size(stream), err);
    if (!rc && entry->size)
        extent_map_append(packing->map, EXTENT_STREAM, extent_map_stream(packing->map, stream), 0,
                          entry->size);
    return rc;
}

static int pack_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct packing *packing = ctx;
    struct tar_member member = {.name = entry->name, .size = entry->size};
    if (packing->json != (entry->stream == FILES_STREAM_JSON))
        return 0;
    int rc = member_time(packing, entry->changed, &member.time_ns, err);
    if (rc)
        return rc;
    buf_clear(&packing->bytes);
    tar_header_append(&member, &packing->bytes);
    extent_map_append_inline(packing->map, packing->bytes.data, packing->bytes.len);
    rc = packing->json ? pack_json(packing, entry, err) : pack_stream(packing, entry, err);
    if (!rc && tar_padding(&member))
        extent_map_append(packing->map, EXTENT_ZERO, 0, 0, tar_padding(&member));
    return rc;
}

/* The json stands before the streams, which who reads a tar as it comes wants to know first. */
static int pack_clip(void *ctx, uint32_t row, struct error *err)
{
    struct packing *packing = ctx;
    int rc = 0;
    for (int pass = 0; !rc && pass < 2; pass++) {
        packing->json = pass == 0;
        rc = files_of_clip(packing->ask->reader, packing->plan->query, row, pack_file, packing, err);
    }
    return rc == -ENOENT ? 0 : rc;
}

/* All that pack_clip() reads; where something is missing it goes on to what else may be. */
static int touch_clip(void *ctx, struct catalog_reader *reader, uint32_t row, struct error *err)
{
    const struct packing *packing = ctx;
    CLEANUP_BUF struct buf json = BUF_INIT;
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, err);
    uint32_t count = rc ? 0 : clip.file_count;
    for (uint32_t i = 0; i < count && (!rc || rc == -EAGAIN); i++) {
        CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
        int other = dataset_stream_map(packing->ask->dataset, reader, row, i, &map, err);
        rc = rc ? rc : other;
    }
    int other = rc && rc != -EAGAIN ? rc : catalog_json(reader, row, &json, err);
    return rc ? rc : other;
}

static int pack(struct packing *packing, const struct shard *shard, struct error *err)
{
    const struct view_plan *plan = packing->plan;
    view_fetch(plan, packing->ask, shard->first, shard[1].first, touch_clip, packing);
    int rc = view_walk(plan, packing->ask, shard->first, shard[1].first, pack_clip, packing, err);
    if (!rc)
        extent_map_append(packing->map, EXTENT_ZERO, 0, 0, TAR_END_BYTES);
    return rc;
}

static int open_file(const struct view_plan *plan, const struct view_ask *ask, uint64_t id,
                     struct extent_map **ret, struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *map = extent_map_new();
    const struct tars *tars = plan->own;
    struct packing packing = {.plan = plan, .ask = ask, .map = map};
    bool shard = id >= ID_SHARDS;
    if (shard ? id - ID_SHARDS >= tars->count : id != ID_COUNT && id != ID_INDEX)
        return -ESTALE;
    if (id == ID_COUNT)
        print_count(tars, &packing.bytes);
    else if (id == ID_INDEX)
        print_index(tars, &packing.bytes);
    if (!shard)
        extent_map_append_inline(map, packing.bytes.data, packing.bytes.len);
    int rc = shard ? pack(&packing, &tars->shards[id - ID_SHARDS], err) : 0;
    if (!rc)
        rc = extent_map_seal(map, err);
    buf_done(&packing.bytes);
    if (!rc)
        *ret = STEAL(map);
    return rc;
}

const struct view_kind view_webdataset = {
    .name = whole_name,
    .help = "WebDataset: tars of at most 1 GiB (webdataset-256M: of 256 MiB), a sample a clip",
    .named = is_sized,
    .plan = plan_tars,
    .free = free_plan,
    .find = find,
    .list = list,
    .open = open_file,
};
