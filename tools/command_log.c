// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs log`: the versions, newest first, with tags and with what each changed. One that cannot be read is
 * a line like the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "tools/commands.h"
#include "tools/readable.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"readable", 0, NULL, false,
     "ask for every recording, and tell how many clips of each version can still be read"},
    {"json", 0, NULL, false, "print each version as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

struct tag_search {
    uint32_t version;
    struct buf *buf;
};

static int add_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    struct tag_search *search = ctx;
    (void)err;
    if (version == search->version)
        buf_printf(search->buf, "%s%s", search->buf->len ? ", " : "", name);
    return 0;
}

/* A clip that was replaced and one that was labelled are both another clip than before; no commit does both.
 */
static unsigned long long changed(const struct manifest *manifest)
{
    return (unsigned long long)manifest->replaced + manifest->labelled;
}

/* `readable` is NULL where nobody asked. */
static void print_text(const struct manifest *manifest, const char *time, const char *tags,
                       const struct readable_counts *readable)
{
    printf("v%-5u %s  %-20s %14s (%llu added, %llu changed, %llu removed)%s%s%s", manifest->version, time,
           manifest->author, COUNT(manifest->clips, "clip"), (unsigned long long)manifest->added,
           changed(manifest), (unsigned long long)manifest->removed, *tags ? " [" : "", tags,
           *tags ? "]" : "");
    if (readable)
        printf(" %llu can be read", (unsigned long long)readable->readable);
    if (manifest->unsupported)
        printf(" (needs %s%s%s)", manifest->unsupported, manifest->program ? ": elidefs " : "",
               manifest->program ? manifest->program : "");
    printf(*manifest->message ? "  %s\n" : "%s\n", manifest->message);
}

static void print_json(const struct manifest *manifest, const char *time, const char *tags,
                       const struct readable_counts *readable)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    buf_printf(&line, "{\"version\":%u,\"time\":\"%s\",\"author\":", manifest->version, time);
    json_write_text(&line, manifest->author, strlen(manifest->author));
    buf_text_append(&line, ",\"message\":");
    json_write_text(&line, manifest->message, strlen(manifest->message));
    buf_printf(&line, ",\"clips\":%llu,\"added\":%llu,\"changed\":%llu,\"removed\":%llu,\"replaced\":%llu,",
               (unsigned long long)manifest->clips, (unsigned long long)manifest->added, changed(manifest),
               (unsigned long long)manifest->removed, (unsigned long long)manifest->replaced);
    buf_printf(&line, "\"labelled\":%llu,", (unsigned long long)manifest->labelled);
    if (readable)
        buf_printf(&line, "\"readable\":%llu,", (unsigned long long)readable->readable);
    if (manifest->unsupported)
        buf_printf(&line, "\"needs\":\"%s\",", manifest->unsupported);
    if (manifest->unsupported && manifest->program)
        buf_printf(&line, "\"program\":\"%s\",", manifest->program);
    buf_text_append(&line, "\"tags\":");
    json_write_text(&line, tags, strlen(tags));
    buf_text_append(&line, "}");
    puts(buf_text(&line));
}

/* Of a version whose catalog cannot be read, no clip can. */
static int count_readable(struct readable *readable, const struct manifest *manifest,
                          struct readable_counts *ret, struct error *err)
{
    struct error why = {0};
    int rc = readable_check_version(readable, manifest->version, ret, &why);
    if (rc == -EPERM || rc == -ECANCELED)
        return error_copy(err, &why);
    if (rc)
        fprintf(stderr, "note: v%u cannot be read: %s\n", manifest->version, why.text);
    return 0;
}

/* Of a version that is forgotten only that is told. */
static void print_forgotten(const struct arguments *arguments, uint32_t version, const struct error *why)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    const char *rest = strstr(why->text, " forgotten on ");
    if (!arguments_flag(arguments, "json")) {
        printf("v%-5u%s\n", version, rest ? rest : why->text);
        return;
    }
    buf_printf(&line, "{\"version\":%u,\"forgotten\":", version);
    json_write_text(&line, why->text, strlen(why->text));
    printf("%s}\n", buf_text(&line));
}

static int print_version(const struct arguments *arguments, struct session *session,
                         struct readable *readable, uint32_t version, struct error *err)
{
    const struct manifest *manifest;
    struct readable_counts counts CLEANUP(readable_counts_done) = {0};
    CLEANUP_BUF struct buf time = BUF_INIT, tags = BUF_INIT;
    int rc = dataset_manifest(session->dataset, version, &manifest, err);
    if (!rc && manifest->stub)
        rc = manifest_check_supported(manifest, err);
    if (!rc && readable)
        rc = count_readable(readable, manifest, &counts, err);
    if (!rc)
        rc = dataset_tags(session->dataset, add_tag, &(struct tag_search){version, &tags}, err);
    if (rc)
        return rc;
    instant_print(&time, manifest->time_ns - manifest->time_ns % 1000000000);
    if (arguments_flag(arguments, "json"))
        print_json(manifest, buf_text(&time), buf_text(&tags), readable ? &counts : NULL);
    else
        print_text(manifest, buf_text(&time), buf_text(&tags), readable ? &counts : NULL);
    return 0;
}

/* A version whose manifest is damaged or lost; the others are none the worse. */
static void print_damaged(const struct arguments *arguments, uint32_t version, const struct error *why)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    if (!arguments_flag(arguments, "json")) {
        printf("v%-5u cannot be read: %s\n", version, why->text);
        return;
    }
    buf_printf(&line, "{\"version\":%u,\"error\":", version);
    json_write_text(&line, why->text, strlen(why->text));
    printf("%s}\n", buf_text(&line));
}

static int print_versions(const struct arguments *arguments, struct session *session,
                          struct readable *readable, struct error *err)
{
    unsigned damaged = 0;
    int rc = 0;
    for (uint32_t version = dataset_head(session->dataset); !rc && version; version--) {
        struct error why = {0};
        if (dataset_check_forgotten(session->dataset, version, &why) < 0) {
            print_forgotten(arguments, version, &why);
            continue;
        }
        rc = print_version(arguments, session, readable, version, &why);
        if (rc == -EUCLEAN || rc == -ENOENT) {
            print_damaged(arguments, version, &why);
            damaged++;
            rc = 0;
        } else if (rc) {
            error_copy(err, &why);
        }
    }
    return rc || !damaged ? rc : error_set(err, EUCLEAN, "%s cannot be read", COUNT(damaged, "version"));
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    int rc = session_open_path(arguments, &session, err);
    if (rc)
        return rc;
    struct readable *readable =
        arguments_flag(arguments, "readable") ? readable_new(session.dataset, false) : NULL;
    rc = print_versions(arguments, &session, readable, err);
    readable_free(readable);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs log s3://lab-data/kitchen", "What was done to a data set, newest first"},
    {"elidefs log s3://lab-data/kitchen --readable", "And which versions can still be read in full"},
    {NULL, NULL},
};

const struct command command_log = {
    .name = "log",
    .synopsis = "DATASET [OPTION]...",
    .summary = "lists the versions of a data set, newest first",
    .description = "Prints a line for each version: when it was committed and by whom, how many clips it has "
                   "and how many it added, changed (replaced or labelled) and removed, its tags and message. "
                   "Of one that was forgotten (`elidefs forget`) it says when, by whom and why. "
                   "A version that is damaged is told, and the others are listed all the same; so is what "
                   "one of a newer elidefs needs. What they "
                   "are, `elidefs diff` tells.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 1,
    .examples = examples,
    .run = run,
};
