// SPDX-License-Identifier: Apache-2.0
/* Sizes of derived files are found out when they are asked for first, and kept: some take a look at each
 * episode. */
#include "query/view/lerobot/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "query/view/lerobot/data.h"

static void naming_done(struct lerobot_naming *n)
{
    buf_done(&n->name);
}

static const struct lerobot_layout *layout_of(const struct lerobot_naming *n)
{
    const struct lerobot_set *set = n->plan->own;
    return set->layout;
}

/* ---- derived files ---- */

static int print_file(const struct lerobot_naming *n, uint64_t id, struct buf *buf, struct error *err)
{
    const struct lerobot_set *set = n->plan->own;
    int rc = lerobot_place(id) == LEROBOT_EXTRA
                 ? catalog_source_file(n->ask->reader, set->sources[0].id,
                                       set->extras[lerobot_number(id)].name, buf, err)
                 : layout_of(n)->print(n->plan, n->ask, id, buf, err);
    if (!rc && buf->len > VIEW_INLINE_BYTES_MAX)
        rc = error_set(err, EFBIG, "it is larger than %llu bytes: narrow the path",
                       (unsigned long long)VIEW_INLINE_BYTES_MAX);
    return rc;
}

static int find_size(const struct lerobot_naming *n, uint64_t id, uint64_t *ret, struct error *err)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    uint32_t first, end;
    if (layout_of(n)->rows(n->plan->own, id, &first, &end))
        return lerobot_data_size(n->plan->own, n->ask, first, end, ret, err);
    int rc = print_file(n, id, &buf, err);
    if (!rc)
        *ret = buf.len;
    return rc;
}

static int file_size(const struct lerobot_naming *n, uint64_t id, uint64_t *ret, struct error *err)
{
    struct lerobot_set *set = n->plan->own;
    uint64_t slot;
    if (lerobot_place(id) == LEROBOT_EXTRA) {
        *ret = set->extras[lerobot_number(id)].size;
        return 0;
    }
    if (!layout_of(n)->slot(set, id, &slot))
        return -ESTALE;
    uint64_t size = atomic_load(&set->sizes[slot]);
    if (!size && catalog_reader_nowait(n->ask->reader))
        return -EAGAIN; /* who must not wait for the network must not work through all episodes, either */
    int rc = size ? 0 : find_size(n, id, &size, err);
    if (rc)
        return rc;
    atomic_store(&set->sizes[slot], size);
    *ret = size;
    return 0;
}

static int open_inline(const struct lerobot_naming *n, uint64_t id, struct extent_map **ret,
                       struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *map = extent_map_new();
    CLEANUP_BUF struct buf buf = BUF_INIT;
    int rc = print_file(n, id, &buf, err);
    if (!rc && buf.len)
        extent_map_append_inline(map, buf.data, buf.len);
    if (!rc)
        rc = extent_map_seal(map, err);
    if (!rc)
        *ret = STEAL(map);
    return rc;
}

int lerobot_open(const struct view_plan *plan, const struct view_ask *ask, uint64_t id,
                 struct extent_map **ret, struct error *err)
{
    const struct lerobot_set *set = plan->own;
    const struct lerobot_naming n = {.plan = plan, .ask = ask};
    uint32_t first, end;
    uint64_t slot;
    bool extra = lerobot_place(id) == LEROBOT_EXTRA;
    if (extra ? lerobot_number(id) >= set->extra_count : !set->layout->slot(set, id, &slot))
        return -ESTALE;
    if (!extra && set->layout->rows(set, id, &first, &end))
        return lerobot_data_map(set, ask, first, end, ret, err);
    return open_inline(&n, id, ret, err);
}

/* ---- entries ---- */

uint64_t lerobot_chunks(uint64_t files)
{
    return (files + LEROBOT_CHUNK_FILES - 1) / LEROBOT_CHUNK_FILES;
}

uint64_t lerobot_files_in(uint64_t files, uint64_t chunk)
{
    uint64_t before = chunk * LEROBOT_CHUNK_FILES, left = before < files ? files - before : 0;
    return left < LEROBOT_CHUNK_FILES ? left : LEROBOT_CHUNK_FILES;
}

void lerobot_name(struct lerobot_naming *n, uint64_t id, const char *format, ...)
{
    char name[NAME_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    buf_clear(&n->name);
    buf_text_append(&n->name, name);
    n->entry = (struct view_entry){.kind = lerobot_place(id) < LEROBOT_FILES ? VIEW_DIR : VIEW_DERIVED,
                                   .id = id,
                                   .changed = n->plan->version};
}

int lerobot_name_video(struct lerobot_naming *n, uint64_t episode, uint64_t camera, struct error *err)
{
    const struct lerobot_set *set = n->plan->own;
    struct catalog_clip clip;
    struct files_place place = {set->episodes[episode].row,
                                set->camera_streams[episode * set->camera_count + camera]};
    int rc = catalog_clip(n->ask->reader, place.row, &clip, err);
    if (rc)
        return rc == -ENOENT ? error_recode(err, ESTALE) : rc;
    if (place.stream >= clip.file_count)
        return error_set(err, EUCLEAN, "clip '%s' has no stream %u", clip.key, place.stream);
    n->entry = (struct view_entry){.kind = VIEW_CLIP_FILE,
                                   .place = place,
                                   .size = clip.files[place.stream].size,
                                   .changed = clip.files[place.stream].changed};
    return 0;
}

static bool is_below_meta(const struct lerobot_extra *extra)
{
    return strchr(extra->name, '/') != NULL;
}

uint64_t lerobot_extras(const struct lerobot_set *set, bool below_meta)
{
    uint64_t count = 0;
    for (size_t i = 0; i < set->extra_count; i++)
        count += is_below_meta(&set->extras[i]) == below_meta;
    return count;
}

static void name_extra(struct lerobot_naming *n, bool below_meta, uint64_t i)
{
    const struct lerobot_set *set = n->plan->own;
    size_t at = 0;
    for (;; at++)
        if (is_below_meta(&set->extras[at]) == below_meta && !i--)
            break;
    const char *name = set->extras[at].name, *slash = strchr(name, '/');
    lerobot_name(n, lerobot_id(LEROBOT_EXTRA, at), "%s", slash ? slash + 1 : name);
}

void lerobot_name_fixed(struct lerobot_naming *n, const struct lerobot_fixed *fixed, size_t count,
                        bool below_meta, uint64_t i)
{
    if (i < count)
        lerobot_name(n, lerobot_id(fixed[i].place, 0), "%s", fixed[i].name);
    else
        name_extra(n, below_meta, i - count);
}

/* The i-th entry, whole. */
static int fill_entry(struct lerobot_naming *n, uint64_t dir, uint64_t i, struct error *err)
{
    int rc = layout_of(n)->entry(n, dir, i, err);
    if (!rc && n->entry.kind == VIEW_DERIVED)
        rc = file_size(n, n->entry.id, &n->entry.size, err);
    n->entry.name = buf_text(&n->name);
    return rc;
}

/* The digits behind "chunk-" or "episode_"; UINT64_MAX: none. */
static uint64_t number_in(const char *name)
{
    const char *at = strpbrk(name, "-_");
    uint64_t number = 0;
    if (!at || at[1] < '0' || at[1] > '9')
        return UINT64_MAX;
    while (*++at >= '0' && *at <= '9' && number < UINT32_MAX)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

int lerobot_find(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
                 struct view_entry *ret, struct error *err)
{
    struct lerobot_naming n CLEANUP(naming_done) = {.plan = plan, .ask = ask};
    const struct lerobot_layout *layout = layout_of(&n);
    uint64_t count = layout->count(plan->own, dir), first = 0, lowest;
    if (layout->numbered(dir, &lowest)) {
        uint64_t number = number_in(name);
        first = number >= lowest ? number - lowest : count;
        count = first < count ? first + 1 : 0;
    }
    for (uint64_t i = first; i < count; i++) {
        int rc = layout->entry(&n, dir, i, err);
        if (!rc && strcmp(buf_text(&n.name), name) != 0)
            continue;
        if (!rc)
            rc = fill_entry(&n, dir, i, err);
        if (!rc) {
            *ret = n.entry;
            ret->name = name;
        }
        return rc;
    }
    return error_set(err, ENOENT, "no '%.200s' in this view", name);
}

int lerobot_list(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
                 view_entry_fn *each, void *ctx, struct error *err)
{
    struct lerobot_naming n CLEANUP(naming_done) = {.plan = plan, .ask = ask};
    uint64_t count = layout_of(&n)->count(plan->own, dir);
    int rc = 0;
    for (uint64_t i = cursor; !rc && i < count; i++) {
        rc = fill_entry(&n, dir, i, err);
        if (!rc)
            rc = each(ctx, &n.entry, i + 1, err);
    }
    return rc;
}

/* ---- plans ---- */

static int stop_at_source(void *ctx, const struct catalog_source *source, struct error *err)
{
    return 1;
}

/* Where no data set of LeRobot was imported there is nothing to show. */
int lerobot_offered(const struct view_ask *ask, const struct query *query, bool *ret, struct error *err)
{
    int rc = catalog_sources(ask->reader, stop_at_source, NULL, err);
    if (rc < 0)
        return rc;
    *ret = rc == 1;
    return 0;
}

int lerobot_plan(const struct view_ask *ask, struct view_plan *plan, const struct lerobot_layout *layout,
                 enum lerobot_quantiles quantiles, struct error *err)
{
    struct lerobot_set *set;
    int rc = lerobot_set_make(ask, plan, quantiles, &set, err);
    if (rc)
        return rc;
    set->layout = layout;
    set->sizes = mem_zero(layout->slots(set) * sizeof *set->sizes);
    plan->own = set;
    plan->own_bytes = lerobot_set_bytes(set);
    return 0;
}

void lerobot_plan_free(struct view_plan *plan)
{
    lerobot_set_free(plan->own);
}
