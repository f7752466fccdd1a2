// SPDX-License-Identifier: Apache-2.0
/* What a word is, the command's table tells: its options, and the capitals of its synopsis. */
#include "tools/complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/complete_dataset.h"
#include "tools/mount_list.h"
#include "tools/session.h"
#include "tools/synopsis.h"

struct completing {
    const struct command *command;
    char **words; /* behind the command, without the last one */
    int count;
    const char *front; /* of the last word, not completed and printed as typed: "--fill=" */
    int front_len;
    const char *last; /* the rest of it */
};

static void print(const struct completing *c, const char *text, const char *what)
{
    if (!strncmp(text, c->last, strlen(c->last)))
        printf("%.*s%s\t%s\n", c->front_len, c->front, text, what);
}

static int print_suggestion(void *ctx, const char *text, const char *what, struct error *err)
{
    print(ctx, text, what);
    return 0;
}

/* Names of this machine's files, which the shell knows. */
static void print_local(const struct completing *c, const char *kind)
{
    if (!c->front_len) /* the shell would take the whole word for a name */
        puts(kind);
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
    print(c, text, spec->help);
    if (spec->argument && *spec->argument == '[' &&
        islower((unsigned char)spec->argument[2])) { /* "[=open|link]" */
        const char *word = spec->argument + 2;
        for (size_t len; (len = strcspn(word, "|]")) > 0; word += len + (word[len] == '|')) {
            CLEANUP_FREE char *with = mem_printf("%s=%.*s", text, (int)len, word);
            print(c, with, spec->help);
        }
    }
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
    print(c, text, spec->help);
}

static const struct option_spec *option_named(const struct completing *c, const char *name, size_t len,
                                              char letter)
{
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(c->command, tables, titles);
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            if (name ? strlen(spec->name) == len && !strncmp(spec->name, name, len) : spec->letter == letter)
                return spec;
    return NULL;
}

/* The option whose value the next word is. */
static const struct option_spec *option_of(const struct completing *c, const char *word)
{
    const struct option_spec *spec = NULL;
    if (!strncmp(word, "--", 2) && word[2])
        spec = option_named(c, word + 2, strlen(word + 2), 0);
    else if (word[0] == '-' && word[1] && !word[2])
        spec = option_named(c, NULL, 0, word[1]);
    return spec && spec->argument && *spec->argument != '[' ? spec : NULL;
}

/* ---- data sets, mounts ---- */

static int take_name(void *ctx, const char *name, const char *url)
{
    print(ctx, name, url);
    return 0;
}

static void print_datasets(const struct completing *c)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    print_local(c, ":folders");
    stores_each_dataset(take_name, (void *)(uintptr_t)c, NULL);
    if (mount_list_read(&mounts, NULL))
        return;
    for (size_t i = 0; i < mounts.count; i++)
        if (strstr(mounts.entries[i].url, "://"))
            print(c, mounts.entries[i].url, mounts.entries[i].mountpoint);
}

static void print_mounts(const struct completing *c)
{
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    if (c->command == &command_mount) {
        print_local(c, ":folders");
        return;
    }
    if (mount_list_read(&mounts, NULL))
        return;
    for (size_t i = 0; i < mounts.count; i++)
        print(c, mounts.entries[i].mountpoint, mounts.entries[i].url);
}

/* ---- what the capitals mean ---- */

typedef void dataset_fn(const struct complete_dataset *what);

/* Completes with what the data set on the line has. */
static void print_of_dataset(const struct completing *c, const struct arguments *arguments,
                             dataset_fn *print_it)
{
    size_t at = synopsis_has_verbs(c->command->synopsis);
    if (arguments->count <= at)
        return;
    struct complete_dataset what = {.arguments = arguments,
                                    .url = arguments->positional[at],
                                    .text = c->last,
                                    .each = print_suggestion,
                                    .ctx = (void *)(uintptr_t)c};
    print_it(&what);
}

struct kind {
    const char *name;
    dataset_fn *of_dataset;                     /* or */
    const char *local;                          /* or */
    void (*others)(const struct completing *c); /* or */
    const char *choices[8];                     /* text, what; text, what; ... */
};

static const struct kind kinds[] = {
    {"DATASET", .others = print_datasets},
    {"MOUNTPOINT", .others = print_mounts},
    {"PATH", .of_dataset = complete_path},
    {"NEWER[/PATH]", .of_dataset = complete_path},
    {"OLDER", .of_dataset = complete_version},
    {"VERSION", .of_dataset = complete_version, .choices = {"latest", "the newest version"}},
    {"TAG", .of_dataset = complete_tag},
    {"ATTRIBUTE", .of_dataset = complete_attribute},
    {"ID", .of_dataset = complete_root},
    {"NAME=VALUE", .of_dataset = complete_condition},
    {"CONDITIONS", .of_dataset = complete_condition},
    {"FOLDER", .local = ":folders"},
    {"FILE", .local = ":files"},
    {"TABLE", .local = ":files"},
    {"TABLE|-", .local = ":files"},
    {"SOURCE", .local = ":files"},
    {"DEST", .local = ":files"},
    {"URL", .local = ":files"},
    {"FORMAT", .choices = {"sqlite", "one file", "parquet", "a folder with a file for each table"}},
    {"POLICY", .choices = {"auto", "small files as a whole, of large ones as far as reads went before",
                           "exact", "nothing beyond what is asked", "whole", "the rest of the file"}},
    {"HOW", .choices = {"auto", "asked where the kernel can read cached clips itself", "asked",
                        "the daemon is asked", "free", "opening costs no round trip"}},
};

/* Prints what may stand where a synopsis or an option's argument has this word. */
static void print_kind(const struct completing *c, const struct arguments *arguments, const char *name,
                       size_t len)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *kind = &kinds[i];
        if (strlen(kind->name) != len || strncmp(kind->name, name, len))
            continue;
        if (kind->local)
            print_local(c, kind->local);
        if (kind->others)
            kind->others(c);
        bool asks = kind->of_dataset && strstr(c->command->synopsis, "DATASET");
        if (asks)
            print_of_dataset(c, arguments, kind->of_dataset);
        for (const char *const *choice = kind->choices; !asks && *choice; choice += 2)
            print(c, choice[0], choice[1]);
    }
}

/* ---- words ---- */

static void print_verb(void *ctx, const char *text, size_t len)
{
    const struct completing *c = ctx;
    CLEANUP_FREE char *verb = mem_copy(text, len);
    print(c, verb, c->command->summary);
}

static void print_positional(const struct completing *c, const struct arguments *arguments)
{
    size_t len;
    const char *synopsis = c->command->synopsis;
    const char *verb = arguments->count ? arguments->positional[0] : NULL;
    const char *kind = synopsis_word(synopsis, verb, arguments->count, &len);
    if (!arguments->count && synopsis_has_verbs(synopsis))
        synopsis_each_verb(synopsis, print_verb, (void *)(uintptr_t)c);
    else if (kind)
        print_kind(c, arguments, kind, len);
}

struct mounted { /* a word that is a path inside a mount */
    const char *typed;
    int front_len; /* of it, up to the part that is completed */
    size_t skip;   /* that part's place in the path below the mount */
};

static int print_mounted(void *ctx, const char *text, const char *what, struct error *err)
{
    const struct mounted *mounted = ctx;
    printf("%.*s%s\t%s\n", mounted->front_len, mounted->typed, text + mounted->skip, what);
    return 0;
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
    size_t len = strlen(c->last);
    CLEANUP_FREE char *path =
        mount && *rest && c->last[len - 1] == '/' ? mem_printf("%s/", rest) : STEAL(rest);
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return;
    struct mounted mounted = {c->last, (int)(len - strlen(slash + 1)), (size_t)(slash + 1 - path)};
    struct complete_dataset what = {
        .arguments = arguments, .url = mount->url, .text = path, .each = print_mounted, .ctx = &mounted};
    complete_path(&what);
}

/* "--fill=ex": what stands behind the '='. False: there is none. */
static bool attached_value(struct completing *c, const struct option_spec **ret)
{
    const char *equals = strchr(c->last, '=');
    if (strncmp(c->last, "--", 2) != 0 || !equals)
        return false;
    *ret = option_named(c, c->last + 2, (size_t)(equals - c->last) - 2, 0);
    if (*ret && ((*ret)->argument ? *(*ret)->argument == '[' : true))
        return false;
    c->front = c->last;
    c->front_len = (int)(equals - c->last) + 1;
    c->last = equals + 1;
    return true;
}

static void print_value(const struct completing *c, const struct arguments *arguments,
                        const struct option_spec *spec)
{
    if (c->command->mount_words && spec->letter == 'o')
        each_option(c, print_mount_word);
    else
        print_kind(c, arguments, spec->argument, strlen(spec->argument));
}

static void complete_word(struct completing *c)
{
    struct arguments arguments;
    const struct option_spec *option = c->count ? option_of(c, c->words[c->count - 1]) : NULL;
    bool valued = option || attached_value(c, &option);
    int words = c->count - (option && !c->front_len);
    arguments_parse(c->command, words, c->words, &arguments, NULL); /* too few: they are being typed */
    if (valued && option) {
        print_value(c, &arguments, option);
    } else if (*c->last == '-' && !valued) {
        each_option(c, print_option);
    } else if (!valued) {
        print_positional(c, &arguments);
        print_mounted_path(c, &arguments);
    }
    arguments_done(&arguments);
}

static void print_commands(const struct completing *c)
{
    for (size_t i = 0; commands[i]; i++)
        print(c, commands[i]->name, commands[i]->summary);
    if (*c->last == '-') {
        print(c, "--help", "lists the commands");
        print(c, "--version", "which version of elidefs this is");
    }
}

int complete(int argc, char **argv)
{
    struct completing c = {.front = "", .last = argc ? argv[argc - 1] : ""};
    if (!freopen("/dev/null", "w", stderr)) /* notes have no place in a line that is being typed */
        return EXIT_FAILED;
    if (argc < 2 || (argc == 2 && (!strcmp(argv[0], "help") || !strcmp(argv[0], "--help")))) {
        print_commands(&c);
        return EXIT_DONE;
    }
    c.command = command_find(argv[0]);
    c.words = argv + 1;
    c.count = argc - 2;
    if (c.command)
        complete_word(&c);
    return EXIT_DONE;
}
