// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs trust`: which places outside of itself a data set may read, on this machine. Without a place to
 * trust it tells which are asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"list", 0, NULL, false, "show every place outside the data set, and who trusts it"},
    {"remove", 0, NULL, false, "take back that you trust URL"},
    {NULL, 0, NULL, false, NULL},
};

/* ---- what is not trusted ---- */

struct asked {
    struct dataset *dataset;
    unsigned foreign;
};

static int print_foreign(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct asked *asked = ctx;
    (void)id;
    int trust = dataset_root_trust(asked->dataset, url, err);
    if (trust < 0)
        return trust;
    if (trust == DATASET_ROOT_FOREIGN && printf("%s\n", url))
        asked->foreign++;
    return 0;
}

static int ask(const struct arguments *arguments, struct session *session, struct error *err)
{
    struct asked asked = {.dataset = session->dataset};
    int rc = dataset_roots(session->dataset, print_foreign, &asked, err);
    if (!rc && asked.foreign)
        fprintf(stderr,
                "the data set reads there, and you have not trusted it; if you do, type: elidefs trust %s "
                "URL...\n",
                arguments->positional[0]);
    else if (!rc)
        fputs("the data set reads nowhere that you have not trusted\n", stderr);
    return rc;
}

/* ---- all places ---- */

struct listed {
    struct dataset *dataset;
    struct strmap *roots;   /* URLs */
    struct strmap *trusted; /* URLs; the file that says so: NULL, if it is the user's */
};

static int take_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct listed *listed = ctx;
    (void)id;
    int trust = dataset_root_trust(listed->dataset, url, err);
    if (trust >= 0 && trust != DATASET_ROOT_OWN)
        strmap_put(listed->roots, url, strlen(url), NULL);
    return trust < 0 ? trust : 0;
}

static int take_trusted(void *ctx, const char *url, const char *file, bool own, struct error *err)
{
    struct listed *listed = ctx;
    bool added;
    (void)err;
    struct strmap_entry *entry = strmap_put(listed->trusted, url, strlen(url), &added);
    if (added)
        entry->value = own ? 0 : (uintptr_t)mem_text(file);
    return 0;
}

static void print_place(const char *url, const struct strmap_entry *trusted, bool read)
{
    if (trusted)
        printf("%s (trusted by %s%s)\n", url, trusted->value ? (const char *)trusted->value : "you",
               read ? "" : "; nothing is read there");
    else
        printf("%s (not trusted)\n", url);
}

static void listed_done(struct listed *listed)
{
    for (size_t i = 0; i < strmap_count(listed->trusted); i++)
        free((char *)strmap_at(listed->trusted, i)->value);
    strmap_free(listed->roots);
    strmap_free(listed->trusted);
}

static int list(struct session *session, struct error *err)
{
    struct listed listed CLEANUP(listed_done) = {
        .dataset = session->dataset, .roots = strmap_new(), .trusted = strmap_new()};
    int rc = dataset_roots(session->dataset, take_root, &listed, err);
    if (!rc)
        rc = dataset_trusted(session->dataset, take_trusted, &listed, err);
    for (size_t i = 0; !rc && i < strmap_count(listed.roots); i++) {
        const struct strmap_entry *root = strmap_at(listed.roots, i);
        print_place(root->key, strmap_find(listed.trusted, root->key, root->key_len), true);
    }
    for (size_t i = 0; !rc && i < strmap_count(listed.trusted); i++) {
        const struct strmap_entry *trusted = strmap_at(listed.trusted, i);
        if (!strmap_find(listed.roots, trusted->key, trusted->key_len))
            print_place(trusted->key, trusted, false);
    }
    return rc;
}

/* ---- all of it ---- */

static int take_back(struct session *session, const char *url, struct error *err)
{
    int rc = dataset_distrust(session->dataset, url, err);
    if (!rc && dataset_root_trust(session->dataset, url, NULL) == DATASET_ROOT_TRUSTED)
        fprintf(stderr, "note: %s is read all the same: this machine trusts it (/etc/elidefs/trust.d)\n",
                url);
    return rc;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    bool remove = arguments_flag(arguments, "remove"), all = arguments_flag(arguments, "list");
    if ((all && (remove || arguments->count > 1)) || (remove && arguments->count < 2)) {
        error_set(err, EINVAL,
                  "elidefs trust: expected DATASET [URL]..., DATASET --list or DATASET --remove URL...");
        return -EINVAL;
    }
    int rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    for (size_t i = 1; !rc && i < arguments->count; i++)
        rc = remove ? take_back(&session, arguments->positional[i], err)
                    : dataset_trust(session.dataset, arguments->positional[i], err);
    if (!rc && all)
        return list(&session, err);
    return rc || arguments->count > 1 ? rc : ask(arguments, &session, err);
}

static const struct command_example examples[] = {
    {"elidefs trust s3://lab-data/kitchen", "Which places does this data set want to read?"},
    {"elidefs trust s3://lab-data/kitchen s3://recordings/kitchen", "Let it read there"},
    {"elidefs trust s3://lab-data/kitchen --list", "Who trusts which place"},
    {"elidefs trust s3://lab-data/kitchen --remove s3://recordings/kitchen", "Take it back"},
    {NULL, NULL},
};

const struct command command_trust = {
    .name = "trust",
    .synopsis = "DATASET [URL]... [OPTION]...",
    .summary = "lets a data set read recordings that lie outside it",
    .description =
        "A data set may read below its own folder or prefix. Recordings elsewhere are read, with your "
        "credentials, "
        "only if you trust exactly that place for exactly this data set: so nobody can make a data set that "
        "reads "
        "your private files or another bucket for him. What you imported yourself you trust already.\n\n"
        "With a URL, which must be a place that the data set reads, records in ~/.config/elidefs/trust that "
        "it "
        "may; without, lists the places that it reads and you have not trusted. An administrator trusts for "
        "all "
        "users of a machine with lines \"UUID URL\" in files of /etc/elidefs/trust.d; for one mount there is "
        "-o trust=URL. What is mounted already goes on until it is mounted again.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 64,
    .examples = examples,
    .run = run,
};
