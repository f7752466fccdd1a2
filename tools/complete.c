// SPDX-License-Identifier: Apache-2.0
/* What a word is, the command's table tells: its options, and the capitals of its synopsis. */
#include "tools/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "query/place.h"
#include "query/suggest.h"
#include "tools/commands.h"
#include "tools/mount_list.h"
#include "tools/session.h"

enum { PATIENCE_S = 5 };

struct completing {
    const struct command *command;
    char **words; /* behind the command, without the last one */
    int count;
    const char *last;
};

static void print(const char *text, const char *what)
{
    printf("%s\t%s\n", text, what);
}

static void print_if(const struct completing *c, const char *text, const char *what)
{
    if (!strncmp(text, c->last, strlen(c->last)))
        print(text, what);
}

/* ---- options ---- */

typedef void option_fn(const struct completing *c, const struct option_spec *spec);

static void each_option(const struct completing *c, option_fn *each)
{
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(c->command, tables, titles);
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            each(c, spec);
}

static void print_option(const struct completing *c, const struct option_spec *spec)
{
    CLEANUP_FREE char *text = mem_printf("--%s", spec->name);
    print_if(c, text, spec->help);
}

/* Of "allow_other,ui" the part behind the last comma. */
static void print_mount_word(const struct completing *c, const struct option_spec *spec)
{
    const char *comma = strrchr(c->last, ',');
    int head = comma ? (int)(comma - c->last) + 1 : 0;
    if (spec->letter == 'o' || spec->letter == 'h' || !strcmp(spec->name, "foreground"))
        return;
    CLEANUP_FREE char *text = mem_printf("%.*s%s%s", head, c->last, spec->name, spec->argument ? "=" : "");
    for (char *p = text + head; *p; p++)
        if (*p == '-')
            *p = '_';
    print_if(c, text, spec->help);
}

static const struct option_spec *option_of(const struct completing *c, const char *word)
{
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(c->command, tables, titles);
    if (word[0] != '-' || !word[1])
        return NULL;
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            if (word[1] == '-' ? !strcmp(spec->name, word + 2) : word[1] == spec->letter && !word[2])
                return spec;
    return NULL;
}

static void print_value(const struct completing *c, const struct option_spec *spec)
{
    if (c->command->mount_words && spec->letter == 'o')
        each_option(c, print_mount_word);
    else if (!strcmp(spec->argument, "FOLDER"))
        puts(":folders");
    else if (!strcmp(spec->argument, "FILE") || !strcmp(spec->argument, "TABLE"))
        puts(":files");
    else if (!strcmp(spec->argument, "POLICY")) {
        print_if(c, "auto", "exact after a jump, whole once half of a file was read");
        print_if(c, "exact", "nothing beyond what is asked");
        print_if(c, "whole", "the rest of the file");
    }
}

/* ---- data sets, mounts ---- */

static int take_name(void *ctx, const char *name, const char *url)
{
    print_if(ctx, name, url);
    return 0;
}

static void print_datasets(const struct completing *c)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    puts(":folders");
    stores_each_dataset(take_name, (void *)(uintptr_t)c, NULL);
    if (mount_list_read(&mounts, NULL))
        return;
    for (size_t i = 0; i < mounts.count; i++)
        if (strstr(mounts.entries[i].url, "://"))
            print_if(c, mounts.entries[i].url, mounts.entries[i].mountpoint);
}

static void print_mounts(const struct completing *c)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    if (mount_list_read(&mounts, NULL))
        return;
    for (size_t i = 0; i < mounts.count; i++)
        print_if(c, mounts.entries[i].mountpoint, mounts.entries[i].url);
}

/* ---- paths in a data set ---- */

struct path_typed {
    const struct completing *completing;
    const char *front; /* what stands before the part that is completed, as typed */
    int front_len;
};

static int take_suggestion(void *ctx, const char *text, const char *what, struct error *err)
{
    const struct path_typed *typed = ctx;
    CLEANUP_FREE char *whole = mem_printf("%.*s%s", typed->front_len, typed->front, text);
    print(whole, what);
    return 0;
}

static int take_tag(void *ctx, const char *name, uint32_t version, struct error *err)
{
    char what[24];
    snprintf(what, sizeof what, "v%u", version);
    CLEANUP_FREE char *text = mem_printf("%s/", name);
    print_if(ctx, text, what);
    return 0;
}

static void print_versions(const struct completing *c, struct dataset *dataset)
{
    uint32_t head = dataset_head(dataset);
    char what[24];
    if (!head)
        return;
    snprintf(what, sizeof what, "v%u", head);
    print_if(c, "latest/", what);
    dataset_tags(dataset, take_tag, (void *)(uintptr_t)c, NULL);
    for (uint32_t i = 0; i < SUGGEST_MOST && i < head; i++) {
        CLEANUP_FREE char *text = mem_printf("v%u/", head - i);
        print_if(c, text, i ? "version" : "newest version");
    }
}

static void print_components(const struct path_typed *typed, const char *path, const char *part,
                             struct dataset *dataset)
{
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    int rc = place_resolve(dataset, path, &place, NULL);
    if (!rc && !place.is_file)
        rc = catalog_reader_acquire(place.catalog, &(struct catalog_patience){0}, &reader, NULL);
    if (!rc && reader)
        suggest_components(place.query, part, reader, take_suggestion, (void *)(uintptr_t)typed, NULL);
}

/* `arguments` names the data set; `path` is what of the word lies in it. */
static void print_path(const struct completing *c, const struct arguments *arguments, const char *url,
                       const char *path)
{
    CLEANUP_SESSION struct session session = {0};
    const char *slash = strrchr(path, '/'), *part = slash ? slash + 1 : path;
    CLEANUP_FREE char *parent = mem_copy(path, slash ? (size_t)(slash - path) : 0);
    struct path_typed typed = {
        .completing = c, .front = c->last, .front_len = (int)(strlen(c->last) - strlen(part))};
    alarm(PATIENCE_S); /* a store that does not answer must not hold the shell */
    if (session_open(arguments, url, NULL, &session, NULL))
        return;
    if (!slash)
        print_versions(c, session.dataset);
    if (slash || strchr(part, '='))
        print_components(&typed, parent, part, session.dataset);
    alarm(0);
}

/* ---- words ---- */

static bool is_kind(const char *kind, size_t len, const char *name)
{
    return strlen(name) == len && !strncmp(kind, name, len);
}

/* The forms of a synopsis stand between " | ", and a form may begin with verbs: "list DATASET | set DATASET
 * ID", or "list|drop DATASET". */
static const char *next_form(const char *form)
{
    const char *bar = strstr(form, " | ");
    return bar ? bar + strlen(" | ") : NULL;
}

static bool has_verb(const char *form, const char *verb)
{
    size_t len = strlen(verb);
    for (size_t at = 0, word; islower((unsigned char)form[at]); at += word + (form[at + word] == '|')) {
        word = strcspn(form + at, " |");
        if (word == len && !strncmp(form + at, verb, len))
            return true;
    }
    return false;
}

static void print_verbs(const struct completing *c)
{
    for (const char *form = c->command->synopsis; form; form = next_form(form)) {
        for (size_t at = 0, word; islower((unsigned char)form[at]); at += word + (form[at + word] == '|')) {
            word = strcspn(form + at, " |");
            CLEANUP_FREE char *verb = mem_copy(form + at, word);
            print_if(c, verb, c->command->summary);
        }
    }
}

/* What the next positional argument is: a word of the synopsis, up to *ret_len. NULL: none more. */
static const char *synopsis_word(const struct completing *c, const struct arguments *arguments,
                                 size_t *ret_len)
{
    const char *at = c->command->synopsis;
    if (arguments->count && islower((unsigned char)*at))
        while (!has_verb(at, arguments->positional[0]) && next_form(at))
            at = next_form(at);
    for (size_t i = 0;; i++) {
        at += strspn(at, " [.");
        size_t len = strcspn(at, " ].");
        bool repeated = at[len] == ']' && at[len + 1] == '.';
        if (!len || *at == '|' || !strncmp(at, "OPTION", strlen("OPTION")))
            return NULL;
        if (i == arguments->count || repeated) {
            *ret_len = strcspn(at, " ].|");
            return at;
        }
        at += len + strspn(at + len, "]");
    }
}

static void print_positional(const struct completing *c, const struct arguments *arguments)
{
    size_t len;
    const char *kind = synopsis_word(c, arguments, &len);
    if (!kind)
        return;
    if (islower((unsigned char)*kind))
        print_verbs(c);
    else if (is_kind(kind, len, "DATASET"))
        print_datasets(c);
    else if (is_kind(kind, len, "MOUNTPOINT") && c->command == &command_mount)
        puts(":folders");
    else if (is_kind(kind, len, "MOUNTPOINT"))
        print_mounts(c);
    else if (is_kind(kind, len, "PATH"))
        print_path(c, arguments, arguments->positional[arguments->count - 1], c->last);
    else if (is_kind(kind, len, "SOURCE") || is_kind(kind, len, "DEST") || is_kind(kind, len, "TABLE") ||
             is_kind(kind, len, "URL"))
        puts(":files");
}

/* A single path inside a mount may stand for DATASET PATH. */
static void print_mounted_path(const struct completing *c, const struct arguments *arguments)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    if (arguments->count || !strchr(c->last, '/') || strstr(c->last, "://") ||
        !strstr(c->command->synopsis, "PATH") || mount_list_read(&mounts, NULL))
        return;
    const struct mount_entry *mount = mount_list_find(&mounts, c->last, &rest);
    if (!mount)
        return;
    size_t typed = strlen(c->last);
    CLEANUP_FREE char *path = mem_printf("%s%s", rest, typed && c->last[typed - 1] == '/' ? "/" : "");
    if (strchr(path, '/'))
        print_path(c, arguments, mount->url, path);
}

static int complete_words(const struct completing *c)
{
    struct arguments arguments;
    const struct option_spec *before = c->count ? option_of(c, c->words[c->count - 1]) : NULL;
    if (before && before->argument && *before->argument != '[') {
        print_value(c, before);
        return EXIT_DONE;
    }
    if (*c->last == '-') {
        each_option(c, print_option);
        return EXIT_DONE;
    }
    arguments_parse(c->command, c->count, c->words, &arguments,
                    NULL); /* there are too few: they are being typed */
    print_positional(c, &arguments);
    print_mounted_path(c, &arguments);
    arguments_done(&arguments);
    return EXIT_DONE;
}

int complete(int argc, char **argv)
{
    struct completing c = {.last = argc ? argv[argc - 1] : ""};
    if (!freopen("/dev/null", "w", stderr)) /* notes have no place in a line that is being typed */
        return EXIT_FAILED;
    if (argc < 2) {
        for (size_t i = 0; commands[i]; i++)
            print_if(&c, commands[i]->name, commands[i]->summary);
        return EXIT_DONE;
    }
    c.command = command_find(argv[0]);
    c.words = argv + 1;
    c.count = argc - 2;
    return c.command ? complete_words(&c) : EXIT_DONE;
}
