// SPDX-License-Identifier: Apache-2.0
/* One walk over the clips. The first one's source says what the set is like; each other one must be alike. */
#include "query/view/lerobot/set.h"

#include <errno.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "query/show.h"
#include "query/view/walk.h"

static const char info_name[] = "meta/info.json";

struct making {
    const struct view_ask *ask;
    const struct view_plan *plan;
    struct lerobot_set *set;
    struct buf extra;
    uint64_t file_bytes; /* of the rows of the file of data/ that is being filled */
    uint32_t last_source;
};

bool lerobot_set_hides(void *ctx, const char *feature)
{
    const struct lerobot_set *set = ctx;
    bool hidden = lerobot_features_is_video(&set->sources[0].features, feature);
    for (size_t i = 0; hidden && i < set->camera_count; i++)
        hidden = strcmp(set->cameras[i], feature) != 0;
    return hidden;
}

enum lerobot_numbers lerobot_set_numbers(void *ctx, const char *feature)
{
    const struct lerobot_set *set = ctx;
    return lerobot_set_hides(ctx, feature) ? LEROBOT_NUMBERS_NONE
                                           : lerobot_features_numbers(&set->sources[0].features, feature);
}

/* ---- sources ---- */

/* The condition that leaves clips like the first one: "; narrow the path by fps=30". */
static int refuse_mixed(const struct making *m, const char *attribute, const char *why, struct error *err)
{
    CLEANUP_BUF struct buf mend = BUF_INIT;
    struct catalog_attribute found;
    buf_printf(&mend, "%s", why);
    if (!catalog_attribute_find(m->ask->reader, attribute, strlen(attribute), &found, NULL))
        buf_printf(&mend, "; narrow the path by one value of '%s'", attribute);
    return error_set(err, ENOENT, "%s", buf_text(&mend));
}

static int refuse_fps(const struct making *m, double other, struct error *err)
{
    double fps = m->set->sources[0].features.fps;
    return error_set(
        err, ENOENT,
        "the clips have %.15g and %.15g frames a second, and a LeRobot data set has one rate: narrow "
        "the path by fps=%.15g",
        fps, other, fps);
}

static int refuse_robot(const char *robot, const char *other, struct error *err)
{
    return error_set(
        err, ENOENT,
        "the clips are of two robots, '%s' and '%s', and a LeRobot data set is of one: narrow the path "
        "by robot_type=%s",
        robot, other, robot);
}

static int check_alike(const struct making *m, const struct lerobot_features *features, struct error *err)
{
    const struct lerobot_features *first = &m->set->sources[0].features;
    const struct lerobot_hiding hiding = {lerobot_set_hides, m->set};
    const char *feature = NULL;
    if (features->fps != first->fps)
        return refuse_fps(m, features->fps, err);
    if (features->robot_type && first->robot_type && strcmp(features->robot_type, first->robot_type) != 0)
        return refuse_robot(first->robot_type, features->robot_type, err);
    if (lerobot_features_equal(first, features, &hiding, &feature))
        return 0;
    CLEANUP_FREE char *why = mem_printf(
        "the clips are of data sets that differ in '%.200s', and a LeRobot data set has one set of features",
        feature);
    return refuse_mixed(m, "source", why, err);
}

enum {
    TASK_BYTES = 200, /* of a task besides its text */
    JSON_TIMES = 20   /* memory of a tree by its text */
};

static int take_extra_file(void *ctx, const char *name, uint64_t size, struct error *err)
{
    struct lerobot_set *set = ctx;
    const char *slash = strchr(name, '/');
    bool below_meta = slash && !strncmp(name, "meta/", 5) && !strchr(slash + 1, '/');
    static const char *const own[] = {
        info_name, "meta/tasks.parquet", "meta/stats.json", "meta/episodes", "meta", "data", "videos"};
    bool other = !slash || below_meta;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        other = other && strcmp(name, own[i]) != 0;
    if (!other)
        return 0;
    mem_grow(&set->extras, &set->extra_cap, set->extra_count + 1, sizeof *set->extras);
    set->extras[set->extra_count++] = (struct lerobot_extra){mem_text(name), size};
    set->text_bytes += sizeof *set->extras + strlen(name) + 1;
    return 0;
}

/* LeRobot gives each set these, and reads none without them. */
static int check_features(const struct lerobot_features *features, struct error *err)
{
    static const char *const names[] = {"timestamp", "frame_index", "episode_index", "index", "task_index"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!json_get(features->features, names[i]))
            return error_set(err, ENOENT,
                             "the data set that the clips are of has no feature '%s', which LeRobot needs",
                             names[i]);
    return 0;
}

static int add_source(struct making *m, uint32_t id, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct lerobot_set *set = m->set;
    struct lerobot_features features;
    int rc = catalog_source_file(m->ask->reader, id, info_name, &text, err);
    if (rc == -ENOENT)
        return error_set(err, ENOENT,
                         "the data set that the clips are of has no %s kept; an import of it says why",
                         info_name);
    if (!rc)
        rc = lerobot_features_read(info_name, &text, &features, err);
    if (rc)
        return rc;
    set->text_bytes += JSON_TIMES * text.len;
    rc = check_features(&features, err);
    if (!rc && set->source_count == LEROBOT_SOURCES_MAX)
        rc = error_set(err, EFBIG, "the clips are of more than %d data sets", LEROBOT_SOURCES_MAX);
    if (!rc)
        rc = set->source_count ? check_alike(m, &features, err)
                               : catalog_source_files(m->ask->reader, id, take_extra_file, set, err);
    if (rc) {
        lerobot_features_done(&features);
        return rc;
    }
    mem_grow(&set->sources, &set->source_cap, set->source_count + 1, sizeof *set->sources);
    set->sources[set->source_count++] = (struct lerobot_source){id, features};
    return 0;
}

static int take_source(struct making *m, uint32_t row, struct error *err)
{
    uint32_t id;
    struct catalog_clip clip;
    int rc = catalog_clip_source(m->ask->reader, row, &id, err);
    if (rc == -ENOENT) {
        rc = catalog_clip(m->ask->reader, row, &clip, err);
        return rc ? rc
                  : error_set(
                        err, ENOENT,
                        "clip '%s' is not an episode of a LeRobot data set, or was imported before such were "
                        "kept: narrow the path, or import the data set again",
                        clip.key);
    }
    if (rc || (m->set->source_count && id == m->last_source))
        return rc;
    m->last_source = id;
    for (size_t i = 0; i < m->set->source_count; i++)
        if (m->set->sources[i].id == id)
            return 0;
    return add_source(m, id, err);
}

/* ---- an episode ---- */

int lerobot_set_extra(const struct view_ask *ask, uint32_t row, struct buf *extra, struct error *err)
{
    buf_clear(extra);
    int rc = catalog_extra(ask->reader, row, extra, err);
    if (!rc && extra->len > LEROBOT_EXTRA_BYTES)
        rc = error_set(err, EFBIG, "%zu bytes are kept of the episode in row %u: that is more than any has",
                       extra->len, row);
    return rc;
}

static int no_stream(const struct catalog_clip *clip, const char *what, struct error *err)
{
    return error_set(err, ENOENT, "clip '%s' has no %s, which a LeRobot data set needs: leave it out",
                     clip->key, what);
}

/* The streams of cameras are the clip's first, in the order in which its data set has them. */
static int find_camera(const struct catalog_clip *clip, const struct lerobot_said *said, const char *camera,
                       uint32_t *ret, struct error *err)
{
    for (uint32_t i = 0; i < said->video_count && i < clip->file_count; i++)
        if (!strcmp(said->videos[i], camera)) {
            *ret = i;
            return 0;
        }
    CLEANUP_FREE char *what = mem_printf("video '%.200s'", camera);
    return no_stream(clip, what, err);
}

static int find_rows(const struct catalog_clip *clip, uint32_t *ret, uint64_t *ret_bytes, struct error *err)
{
    for (uint32_t i = 0; i < clip->file_count; i++)
        if (!strcmp(clip->files[i].name, "state") && !strcmp(clip->files[i].ext, "parquet")) {
            *ret = i;
            *ret_bytes = clip->files[i].size;
            return 0;
        }
    return no_stream(clip, "rows", err);
}

/* Which cameras there are is said by the first episode, and by what the path shows of it. */
static void choose_cameras(struct making *m, const struct catalog_clip *clip, const struct lerobot_said *said)
{
    struct lerobot_set *set = m->set;
    for (uint32_t i = 0; i < said->video_count && i < clip->file_count; i++) {
        if (!lerobot_features_is_video(&set->sources[0].features, said->videos[i]) ||
            !query_shows(m->plan->query, clip->files[i].name, clip->files[i].ext))
            continue;
        mem_grow(&set->cameras, &set->camera_cap, set->camera_count + 1, sizeof *set->cameras);
        set->cameras[set->camera_count++] = mem_text(said->videos[i]);
    }
}

static void take_tasks(struct lerobot_set *set, const struct lerobot_said *said,
                       struct lerobot_episode *episode)
{
    episode->first_task = (uint32_t)set->task_ref_count;
    episode->task_count = (uint32_t)said->task_count;
    mem_grow(&set->task_refs, &set->task_ref_cap, set->task_ref_count + said->task_count,
             sizeof *set->task_refs);
    for (size_t i = 0; i < said->task_count; i++) {
        bool is_new;
        size_t before = strmap_count(set->tasks);
        struct strmap_entry *entry = strmap_put(set->tasks, said->tasks[i].text, said->tasks[i].len, &is_new);
        if (is_new) {
            entry->value = before;
            set->text_bytes += TASK_BYTES + said->tasks[i].len;
        }
        set->task_refs[set->task_ref_count++] =
            (struct lerobot_task_ref){said->tasks[i].number, (uint32_t)entry->value};
    }
}

static void begin_file(struct making *m)
{
    struct lerobot_set *set = m->set;
    mem_grow(&set->files, &set->file_cap, set->file_count + 2, sizeof *set->files);
    set->files[set->file_count++] = (uint32_t)set->count;
    m->file_bytes = 0;
}

static void take_rows(struct making *m, uint64_t bytes)
{
    struct lerobot_set *set = m->set;
    if (!set->file_count || m->file_bytes + bytes > LEROBOT_DATA_BYTES ||
        set->count - set->files[set->file_count - 1] >= LEROBOT_DATA_EPISODES)
        begin_file(m);
    m->file_bytes += bytes > LEROBOT_DATA_BYTES ? LEROBOT_DATA_BYTES : bytes;
}

static int take_streams(struct making *m, const struct lerobot_said *said, struct lerobot_episode *episode,
                        struct error *err)
{
    struct lerobot_set *set = m->set;
    struct catalog_clip clip;
    uint64_t bytes = 0;
    int rc = catalog_clip(m->ask->reader, episode->row, &clip, err);
    if (!rc)
        rc = find_rows(&clip, &episode->rows_stream, &bytes, err);
    if (rc)
        return rc;
    if (!set->count)
        choose_cameras(m, &clip, said);
    size_t at = set->count * set->camera_count;
    mem_grow(&set->camera_streams, &set->camera_streams_cap, at + set->camera_count,
             sizeof *set->camera_streams);
    for (size_t i = 0; !rc && i < set->camera_count; i++)
        rc = find_camera(&clip, said, set->cameras[i], &set->camera_streams[at + i], err);
    if (!rc)
        take_rows(m, bytes);
    return rc;
}

static int add_episode(struct making *m, uint32_t row, const struct lerobot_said *said, struct error *err)
{
    struct lerobot_set *set = m->set;
    struct lerobot_episode episode = {
        .row = row, .length = (uint32_t)said->length, .first_frame = set->frames};
    int rc = take_streams(m, said, &episode, err);
    if (rc)
        return rc;
    take_tasks(set, said, &episode);
    set->frames += episode.length;
    mem_grow(&set->episodes, &set->cap, set->count + 1, sizeof *set->episodes);
    set->episodes[set->count++] = episode;
    return lerobot_set_bytes(set) > VIEW_PLAN_BYTES_MAX
               ? error_set(err, EFBIG, "%s: more than %zu episodes take too much memory: narrow the path",
                           m->plan->name, set->count)
               : 0;
}

static int take_clip(void *ctx, uint32_t row, struct error *err)
{
    struct lerobot_said said CLEANUP_LEROBOT_SAID = {0};
    struct making *m = ctx;
    int rc = take_source(m, row, err);
    if (!rc)
        rc = lerobot_set_extra(m->ask, row, &m->extra, err);
    if (!rc)
        rc = lerobot_said_read(&m->extra, &said, err);
    return rc ? rc : add_episode(m, row, &said, err);
}

static int make(struct making *m, struct error *err)
{
    struct lerobot_set *set = m->set;
    int rc = view_walk(m->plan, m->ask, 0, set_count(m->plan->set), take_clip, m, err);
    if (!rc && !set->count)
        rc = error_set(err, ENOENT, "no clip is here, and a LeRobot data set has at least one episode");
    if (!rc && !strmap_count(set->tasks))
        rc = error_set(err, ENOENT, "no clip has a task, and a LeRobot data set has at least one");
    if (rc)
        return rc;
    set->files[set->file_count] = (uint32_t)set->count;
    return 0;
}

int lerobot_set_make(const struct view_ask *ask, struct view_plan *plan, enum lerobot_quantiles quantiles,
                     struct lerobot_set **ret, struct error *err)
{
    CLEANUP_LEROBOT_SET struct lerobot_set *set = MEM_NEW(struct lerobot_set);
    struct making m = {.ask = ask, .plan = plan, .set = set};
    set->quantiles = quantiles;
    set->tasks = strmap_new();
    pthread_mutex_init(&set->lock, NULL);
    int rc = make(&m, err);
    buf_done(&m.extra);
    if (!rc)
        *ret = STEAL(set);
    return rc;
}

static void known_free(struct lerobot_known *known)
{
    if (!known)
        return;
    for (size_t i = 0; i < known->column_count; i++) {
        free(known->columns[i].feature);
        free(known->columns[i].stat);
    }
    free(known->columns);
    strmap_free(known->by_name);
    buf_done(&known->stats);
    free(known);
}

void lerobot_set_free(struct lerobot_set *set)
{
    for (size_t i = 0; i < set->source_count; i++)
        lerobot_features_done(&set->sources[i].features);
    for (size_t i = 0; i < set->camera_count; i++)
        free(set->cameras[i]);
    for (size_t i = 0; i < set->extra_count; i++)
        free(set->extras[i].name);
    free(set->sources);
    free(set->cameras);
    free(set->extras);
    free(set->episodes);
    free(set->camera_streams);
    free(set->task_refs);
    free(set->files);
    free(set->sizes);
    strmap_free(set->tasks);
    known_free(set->known);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

size_t lerobot_set_bytes(const struct lerobot_set *set)
{
    return sizeof *set + set->cap * sizeof *set->episodes +
           set->camera_streams_cap * sizeof *set->camera_streams +
           set->task_ref_cap * sizeof *set->task_refs + set->text_bytes +
           set->file_count * sizeof *set->files + set->count * sizeof *set->sizes;
}

/* ---- what the statistics of all tell ---- */

struct survey {
    struct lerobot_set *set;
    const struct view_ask *ask;
    struct lerobot_known *known;
    struct lerobot_aggregate *all;
    struct strmap *seen; /* "FEATURE/STAT" -> its number in `columns` */
    uint64_t *counts;    /* episodes that have it */
    size_t counts_cap;
    uint64_t episodes;
    struct buf extra, copy, name;
};

static int take_column(void *ctx, const char *feature, const char *stat, const struct lerobot_tensor *tensor,
                       struct error *err)
{
    enum { COLUMNS_MAX = 20000 };
    struct survey *s = ctx;
    struct lerobot_known *known = s->known;
    bool is_new = false;
    if (!tensor)
        return 0;
    buf_clear(&s->name);
    buf_printf(&s->name, "%s/%s", feature, stat);
    struct strmap_entry *entry = s->episodes ? strmap_find(s->seen, buf_text(&s->name), s->name.len)
                                             : strmap_put(s->seen, buf_text(&s->name), s->name.len, &is_new);
    if (is_new) {
        if (known->column_count == COLUMNS_MAX)
            return error_set(err, EFBIG, "an episode has more than %d statistics", COLUMNS_MAX);
        entry->value = known->column_count;
        mem_grow(&known->columns, &known->column_cap, known->column_count + 1, sizeof *known->columns);
        mem_grow(&s->counts, &s->counts_cap, known->column_count + 1, sizeof *s->counts);
        s->counts[known->column_count] = 0;
        known->columns[known->column_count++] =
            (struct lerobot_stat_column){mem_text(feature), mem_text(stat), tensor->depth};
    }
    if (entry && known->columns[entry->value].depth == tensor->depth &&
        s->counts[entry->value] == s->episodes)
        s->counts[entry->value]++;
    return 0;
}

static int survey_clip(void *ctx, uint32_t row, struct error *err)
{
    struct survey *s = ctx;
    buf_clear(&s->copy);
    int rc = lerobot_set_extra(s->ask, row, &s->extra, err);
    if (rc)
        return rc;
    buf_append(&s->copy, s->extra.data, s->extra.len);
    rc = lerobot_said_stats(&s->copy, take_column, s, err);
    if (!rc)
        rc = lerobot_aggregate_add(s->all, &s->extra, err);
    s->episodes++;
    return rc;
}

static void name_columns(struct lerobot_known *known, struct buf *name)
{
    known->by_name = strmap_new();
    for (size_t i = 0; i < known->column_count; i++) {
        buf_clear(name);
        buf_printf(name, "%s/%s", known->columns[i].feature, known->columns[i].stat);
        strmap_put(known->by_name, buf_text(name), name->len, NULL)->value = i;
    }
}

/* Keeps the columns that all episodes have, of features that the view has. */
static void choose_columns(struct survey *s)
{
    struct lerobot_known *known = s->known;
    size_t kept = 0;
    for (size_t i = 0; i < known->column_count; i++) {
        struct lerobot_stat_column column = known->columns[i];
        if (s->counts[i] == s->episodes &&
            lerobot_set_numbers(s->set, column.feature) != LEROBOT_NUMBERS_NONE) {
            known->columns[kept++] = column;
            continue;
        }
        free(column.feature);
        free(column.stat);
    }
    known->column_count = kept;
    name_columns(known, &s->name);
}

static int survey(struct survey *s, const struct view_plan *plan, struct error *err)
{
    s->known = MEM_NEW(struct lerobot_known);
    s->all = lerobot_aggregate_new(s->set->quantiles);
    s->seen = strmap_new();
    int rc = view_walk(plan, s->ask, 0, s->set->count, survey_clip, s, err);
    if (!rc)
        choose_columns(s);
    if (!rc)
        lerobot_aggregate_print(s->all, lerobot_set_numbers, s->set, &s->known->stats);
    lerobot_aggregate_free(s->all);
    strmap_free(s->seen);
    free(s->counts);
    buf_done(&s->extra);
    buf_done(&s->copy);
    buf_done(&s->name);
    return rc;
}

static struct lerobot_known *known_of(struct lerobot_set *set)
{
    pthread_mutex_lock(&set->lock);
    struct lerobot_known *known = set->known;
    pthread_mutex_unlock(&set->lock);
    return known;
}

int lerobot_set_known(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                      const struct lerobot_known **ret, struct error *err)
{
    struct lerobot_known *known = known_of(set);
    if (!known) {
        struct survey s = {.set = set, .ask = ask};
        int rc = survey(&s, plan, err);
        if (rc) {
            known_free(s.known);
            return rc;
        }
        pthread_mutex_lock(&set->lock);
        known = set->known ? set->known : s.known;
        set->known = known;
        pthread_mutex_unlock(&set->lock);
        if (known != s.known)
            known_free(s.known);
    }
    *ret = known;
    return 0;
}

int lerobot_set_print_stats(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                            struct buf *buf, struct error *err)
{
    const struct lerobot_known *known;
    int rc = lerobot_set_known(set, plan, ask, &known, err);
    if (!rc)
        buf_append(buf, known->stats.data, known->stats.len);
    return rc;
}
