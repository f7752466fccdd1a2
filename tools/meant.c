// SPDX-License-Identifier: Apache-2.0
/* The nearest of a list by spelling, and a small table of what other programs call things. */
#include "tools/meant.h"

#include <string.h>

#include "cache/base/memory.h"
#include "query/say/nearest.h"
#include "tools/synopsis.h"

/* What the same thing is called in git, S3 tools, shells and SQL. */
static const struct {
    const char *typed, *command;
} elsewhere[] = {
    {"ls", "query"},
    {"list", "query"},
    {"find", "query"},
    {"select", "query"},
    {"search", "query"},
    {"copy", "cp"},
    {"get", "cp"},
    {"download", "cp"},
    {"warm", "prefetch"},
    {"fetch", "prefetch"},
    {"export", "cp"},
    {"create", "init"},
    {"new", "init"},
    {"add", "import"},
    {"ingest", "import"},
    {"load", "import"},
    {"label", "annotate"},
    {"set", "annotate"},
    {"rm", "remove"},
    {"delete", "remove"},
    {"hide", "remove"},
    {"history", "log"},
    {"versions", "log"},
    {"unmount", "umount"},
    {"why", "explain"},
    {"info", "status"},
    {"mounts", "status"},
    {"fsck", "verify"},
    {"tags", "tag"},
    {"attributes", "attribute"},
    {"columns", "attribute"},
    {"describe", "attribute"},
};

void meant_command(const char *name, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, name, strlen(name));
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (!strcmp(elsewhere[i].typed, name)) {
            buf_printf(text, ": did you mean '%s'?", elsewhere[i].command);
            return;
        }
    for (size_t i = 0; commands[i]; i++)
        nearest_offer(&nearest, commands[i]->name, strlen(commands[i]->name));
    nearest_offer(&nearest, "help", strlen("help"));
    if (*name == '-') {
        nearest_offer(&nearest, "--help", strlen("--help"));
        nearest_offer(&nearest, "--version", strlen("--version"));
    }
    nearest_print(&nearest, "", text);
}

/* ---- options ---- */

typedef void option_fn(struct nearest *nearest, const struct command *command,
                       const struct option_spec *spec);

static void each_option(const struct command *command, struct nearest *nearest, option_fn *each)
{
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(command, tables, titles);
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            each(nearest, command, spec);
}

static void offer_option(struct nearest *nearest, const struct command *command,
                         const struct option_spec *spec)
{
    (void)command;
    nearest_offer(nearest, spec->name, strlen(spec->name));
}

/* A command that has this very option. */
static void offer_owner(struct nearest *nearest, const struct command *command,
                        const struct option_spec *spec)
{
    if (strlen(spec->name) == nearest->len && !memcmp(spec->name, nearest->wanted, nearest->len) &&
        nearest->count < NEAREST_MAX) {
        nearest->best[nearest->count].name = BUF_INIT;
        buf_text_append(&nearest->best[nearest->count++].name, command->name);
    }
}

static void print_owners(const struct nearest *owners, struct buf *text)
{
    for (size_t i = 0; i < owners->count; i++)
        buf_printf(text, "%s `elidefs %s`", i ? "," : ": it belongs to", buf_text(&owners->best[i].name));
}

void meant_option(const struct command *command, const char *name, size_t len, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest, owners;
    nearest_init(&nearest, name, len);
    nearest_init(&owners, name, len);
    each_option(command, &nearest, offer_option);
    for (size_t i = 0; commands[i] && !nearest.count; i++)
        each_option(commands[i], &owners, offer_owner);
    nearest_print(&nearest, "--", text);
    print_owners(&owners, text);
}

static void offer_mount_word(struct nearest *nearest, const struct command *command,
                             const struct option_spec *spec)
{
    CLEANUP_FREE char *word = mem_text(spec->name);
    (void)command;
    for (char *p = word; *p; p++)
        if (*p == '-')
            *p = '_';
    nearest_offer(nearest, word, strlen(word));
}

void meant_mount_word(const struct command *command, const char *name, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, name, strlen(name));
    each_option(command, &nearest, offer_mount_word);
    nearest_print(&nearest, "", text);
}

/* ---- verbs, and what a data set has ---- */

static void offer_verb(void *ctx, const char *verb, size_t len)
{
    nearest_offer(ctx, verb, len);
}

void meant_verb(const struct command *command, const char *verb, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, verb, strlen(verb));
    synopsis_each_verb(command->synopsis, offer_verb, &nearest);
    nearest_print(&nearest, "", text);
}

static int offer_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    (void)version, (void)err;
    nearest_offer(ctx, name, strlen(name));
    return 0;
}

void meant_tag(struct dataset *dataset, const char *name, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, name, strlen(name));
    dataset_tags(dataset, offer_tag, &nearest, NULL);
    nearest_print(&nearest, "", text);
}

static int offer_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    (void)err;
    nearest_offer(ctx, attribute->name, strlen(attribute->name));
    return 0;
}

void meant_attribute(struct catalog_reader *reader, const char *name, struct buf *text)
{
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, name, strlen(name));
    catalog_attributes(reader, offer_attribute, &nearest, NULL);
    nearest_print(&nearest, "", text);
}
