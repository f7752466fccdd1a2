// SPDX-License-Identifier: Apache-2.0
/*
 * Opens the data set as commands do, under an alarm, and prints what may stand next; whatever fails prints
 * nothing.
 */
#include "tools/complete_dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "query/say/place.h"
#include "tools/session.h"

enum { PATIENCE_S = 5 };

/* A completion under way: the data set, and what stands in front of the part that is completed. */
struct run {
    const struct complete_dataset *what;
    struct session session;
    const char *part, *end; /* of what->text; put behind a version's name */
};

static bool begin(struct run *run, const struct complete_dataset *what)
{
    *run = (struct run){.what = what, .part = what->text, .end = ""};
    alarm(PATIENCE_S); /* a store that does not answer must not hold the shell */
    return !session_open(what->arguments, what->url, NULL, &run->session, NULL);
}

static void end(struct run *run)
{
    session_close(&run->session);
    alarm(0);
}

static int take(void *ctx, const char *text, const char *what, struct error *err)
{
    const struct run *run = ctx;
    int front_len = (int)(run->part - run->what->text);
    if (strncmp(text, run->part, strlen(run->part)) != 0)
        return 0;
    CLEANUP_FREE char *whole = mem_printf("%.*s%s", front_len, run->what->text, text);
    return run->what->each(run->what->ctx, whole, what, err);
}

/* ---- versions, tags, roots ---- */

static int take_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    const struct run *run = ctx;
    char what[24];
    snprintf(what, sizeof what, "v%" PRIu32, version);
    CLEANUP_FREE char *text = mem_printf("%s%s", name, run->end);
    return take(ctx, text, what, err);
}

static void take_versions(struct run *run)
{
    uint32_t head = dataset_head(run->session.dataset);
    if (head)
        take_tag(run, "latest", head, NULL);
    dataset_tags(run->session.dataset, take_tag, run, NULL);
    for (uint32_t version = head, told = 0; told < SUGGEST_MOST && version; version--) {
        CLEANUP_FREE char *text = mem_printf("v%" PRIu32 "%s", version, run->end);
        if (dataset_is_forgotten(run->session.dataset, version))
            continue;
        take(run, text, version < head ? "version" : "newest version", NULL);
        told++;
    }
}

void complete_version(const struct complete_dataset *what)
{
    struct run run;
    if (begin(&run, what))
        take_versions(&run);
    end(&run);
}

void complete_tag(const struct complete_dataset *what)
{
    struct run run;
    if (begin(&run, what))
        dataset_tags(run.session.dataset, take_tag, &run, NULL);
    end(&run);
}

static int take_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, id);
    return take(ctx, text, url, err);
}

void complete_root(const struct complete_dataset *what)
{
    struct run run;
    if (begin(&run, what))
        dataset_roots(run.session.dataset, take_root, &run, NULL);
    end(&run);
}

/* ---- paths ---- */

/* "@since=v3": what is new or changed since an older version. */
static void take_since(struct run *run, uint32_t version)
{
    for (uint32_t i = 1; i < version && i <= SUGGEST_MOST; i++) {
        CLEANUP_FREE char *text = mem_printf("@since=v%" PRIu32, version - i);
        take(run, text, "clips that are new or changed since", NULL);
    }
}

/* What may stand behind `path`, whose components lie in the data set. */
static void take_components(struct run *run, const char *path, bool files)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = place_resolve(run->session.dataset, path, &place, NULL);
    if (!rc && !place.is_file)
        rc = catalog_reader_acquire(place.catalog, PATIENCE_ENDLESS, &reader, NULL);
    if (rc || !reader)
        return;
    if (*run->part == '@')
        take_since(run, place.version);
    suggest_components(place.query, run->part, reader, take, run, NULL);
    if (files && *run->part && !strpbrk(run->part, "=@"))
        suggest_files(place.query, run->part, reader, take, run, NULL);
}

void complete_path(const struct complete_dataset *what)
{
    struct run run;
    const char *slash = strrchr(what->text, '/');
    CLEANUP_FREE char *parent = mem_copy(what->text, slash ? (size_t)(slash - what->text) : 0);
    if (begin(&run, what)) {
        run.part = slash ? slash + 1 : what->text;
        run.end = "/";
        if (!slash)
            take_versions(&run);
        if (slash || *run.part)
            take_components(&run, parent, slash != NULL);
    }
    end(&run);
}

void complete_condition(const struct complete_dataset *what)
{
    struct run run;
    if (begin(&run, what))
        take_components(&run, "", false);
    end(&run);
}

static int take_attribute(void *ctx, const char *text, const char *what, struct error *err)
{
    CLEANUP_FREE char *name = mem_copy(text, strcspn(text, "="));
    return take(ctx, name, what, err);
}

static void take_attributes(struct run *run)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    if (!place_resolve(run->session.dataset, "", &place, NULL) &&
        !catalog_reader_acquire(place.catalog, PATIENCE_ENDLESS, &reader, NULL))
        suggest_components(place.query, run->part, reader, take_attribute, run, NULL);
}

void complete_attribute(const struct complete_dataset *what)
{
    struct run run;
    if (begin(&run, what) && !strpbrk(what->text, "=.+@"))
        take_attributes(&run);
    end(&run);
}
