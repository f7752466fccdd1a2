// SPDX-License-Identifier: Apache-2.0
/* Options may stand before, between and behind positional arguments; `--` ends them. */
#include "tools/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/meant.h"
#include "tools/synopsis.h"

struct given_option {
    const struct option_spec *spec;
    const char *value;
};

static const struct option_spec store_options[] = {
    {"endpoint-url", 0, "URL", false, "talk to this S3 endpoint instead of AWS"},
    {"region", 0, "NAME", false, "sign for this region"},
    {"profile", 0, "NAME", false, "take credentials and region from this profile of the AWS files"},
    {"ca-bundle", 0, "FILE", false, "trust the certificates in this file"},
    {"no-sign-request", 0, NULL, false, "send requests without credentials"},
    {NULL, 0, NULL, false, NULL},
};

static const struct option_spec cache_options[] = {
    {"cache", 0, "FOLDER", false, "keep fetched bytes here (default: $ELIDEFS_CACHE, else ~/.cache/elidefs)"},
    {"cache-size", 0, "SIZE", false,
     "let the cache grow to this size, such as 50G (default: 50G or a fifth of the free space)"},
    {"fill", 0, "POLICY", false,
     "what a read fetches beyond what it asks: exact (nothing), whole (the rest of the file), or auto "
     "(default: small files as a whole, of large ones as far as such reads went before)"},
    {NULL, 0, NULL, false, NULL},
};

static const struct option_spec help_option[] = {
    {"help", 'h', NULL, false, "print this help"},
    {NULL, 0, NULL, false, NULL},
};

size_t command_option_tables(const struct command *command,
                             const struct option_spec *ret[COMMAND_OPTION_TABLES],
                             const char *ret_titles[COMMAND_OPTION_TABLES])
{
    size_t count = 0;
    if (command->options)
        ret_titles[count] = "", ret[count++] = command->options;
    if (command->cache_options)
        ret_titles[count] = "Cache", ret[count++] = cache_options;
    if (command->store_options)
        ret_titles[count] = "Store", ret[count++] = store_options;
    ret_titles[count] = count ? "Help" : "";
    ret[count++] = help_option;
    return count;
}

static const struct option_spec *find_option(const struct command *command, const char *name, size_t len,
                                             char letter)
{
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(command, tables, titles);
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            if (name ? strlen(spec->name) == len && !memcmp(spec->name, name, len) : spec->letter == letter)
                return spec;
    return NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static void give(struct arguments *arguments, const struct option_spec *spec, const char *value)
{
    mem_grow(&arguments->given, &arguments->given_cap, arguments->given_count + 1, sizeof *arguments->given);
    arguments->given[arguments->given_count++] = (struct given_option){spec, value};
}

struct typing {
    char **argv;
    int argc, at;
};

/* What mount(8) and fstab(5) pass along to every file system, and which changes nothing here. */
static bool is_mount_word(const char *word)
{
    static const char *const words[] = {
        "ro",         "rw",       "dev",        "nodev",       "suid",          "nosuid",
        "exec",       "noexec",   "atime",      "noatime",     "relatime",      "auto",
        "noauto",     "user",     "users",      "nouser",      "nofail",        "defaults",
        "_netdev",    "async",    "norelatime", "strictatime", "nostrictatime", "lazytime",
        "nolazytime", "diratime", "nodiratime", "owner",       "group",         "sync"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i]))
            return true;
    return !strncmp(word, "x-", 2) || !strncmp(word, "comment=", 8);
}

static int refuse_mount_word(const struct command *command, const char *word, struct error *err)
{
    CLEANUP_BUF struct buf meant = BUF_INIT;
    meant_mount_word(command, word, &meant);
    return error_set(err, EINVAL, "there is no mount option '%s'%s", word, buf_text(&meant));
}

/* "cache_size=5G": the option of that name with '-' for '_'. */
static int take_mount_word(struct arguments *arguments, char *word, struct error *err)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    CLEANUP_FREE char *name = mem_text(word);
    for (char *p = name; *p; p++)
        if (*p == '_')
            *p = '-';
    const struct option_spec *spec = find_option(arguments->command, name, strlen(name), 0);
    if (!spec || spec->letter == 'o')
        return refuse_mount_word(arguments->command, word, err);
    if (!spec->argument != !value)
        return error_set(err, EINVAL, "the mount option '%s' %s", word,
                         value ? "takes no value" : "needs a value");
    give(arguments, spec, value ? value : "");
    return 0;
}

static int take_mount_words(struct arguments *arguments, const char *list, struct error *err)
{
    char *text = mem_text(list), *state = NULL;
    mem_grow(&arguments->owned, &arguments->owned_cap, arguments->owned_count + 1, sizeof *arguments->owned);
    arguments->owned[arguments->owned_count++] = text;
    for (char *word = strtok_r(text, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
        int rc = is_mount_word(word) ? 0 : take_mount_word(arguments, word, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* An option's value: behind '=', in the same word, or the next word. */
static int take_option(struct arguments *arguments, struct typing *typing, const struct option_spec *spec,
                       const char *attached, struct error *err)
{
    if (!spec->argument) {
        if (attached)
            return error_set(err, EINVAL, "--%s takes no value", spec->name);
        give(arguments, spec, "");
        return 0;
    }
    if (!attached && spec->argument[0] == '[')
        attached = "";
    if (!attached && typing->at + 1 < typing->argc)
        attached = typing->argv[++typing->at];
    if (!attached)
        return error_set(err, EINVAL, "--%s needs a value: %s", spec->name, spec->argument);
    if (arguments->command->mount_words && spec->letter == 'o')
        return take_mount_words(arguments, attached, err);
    give(arguments, spec, attached);
    return 0;
}

static int refuse_option(const struct command *command, const char *word, size_t len, struct error *err)
{
    CLEANUP_BUF struct buf meant = BUF_INIT;
    meant_option(command, word + 2, len, &meant);
    return error_set(err, EINVAL, "there is no option %.*s%s", (int)len + 2, word, buf_text(&meant));
}

static int take_word(struct arguments *arguments, struct typing *typing, struct error *err)
{
    const char *word = typing->argv[typing->at];
    const struct option_spec *spec;
    if (!strncmp(word, "--", 2)) {
        const char *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
        spec = find_option(arguments->command, word + 2, len, 0);
        if (!spec)
            return refuse_option(arguments->command, word, len, err);
        return take_option(arguments, typing, spec, equals ? equals + 1 : NULL, err);
    }
    if (word[0] == '-' && word[1]) {
        spec = find_option(arguments->command, NULL, 0, word[1]);
        if (!spec)
            return error_set(err, EINVAL, "there is no option %.2s", word);
        return take_option(arguments, typing, spec, word[2] ? word + 2 : NULL, err);
    }
    mem_grow(&arguments->positional, &arguments->cap, arguments->count + 1, sizeof *arguments->positional);
    arguments->positional[arguments->count++] = word;
    return 0;
}

static int check_options(const struct arguments *arguments, struct error *err)
{
    for (size_t i = 0; i < arguments->given_count; i++)
        for (size_t k = 0; k < i; k++)
            if (arguments->given[i].spec == arguments->given[k].spec && arguments->given[i].spec->argument &&
                !arguments->given[i].spec->repeat)
                return error_set(err, EINVAL, "--%s is given twice", arguments->given[i].spec->name);
    return 0;
}

static int check_verb(const struct arguments *arguments, struct error *err)
{
    const struct command *command = arguments->command;
    CLEANUP_BUF struct buf meant = BUF_INIT;
    if (!arguments->count || !synopsis_has_verbs(command->synopsis) ||
        synopsis_is_verb(command->synopsis, arguments->positional[0]))
        return 0;
    meant_verb(command, arguments->positional[0], &meant);
    return error_set(err, EINVAL, "there is no '%s'%s%s%s", arguments->positional[0], buf_text(&meant),
                     meant.len ? "" : ": expected ", meant.len ? "" : command->synopsis);
}

int arguments_parse(const struct command *command, int argc, char **argv, struct arguments *ret,
                    struct error *err)
{
    *ret = (struct arguments){.command = command};
    struct typing typing = {.argv = argv, .argc = argc};
    int rc = 0;
    bool ended = false;
    for (; !rc && typing.at < argc; typing.at++) {
        if (!ended && !strcmp(argv[typing.at], "--")) {
            ended = true;
        } else if (ended) {
            mem_grow(&ret->positional, &ret->cap, ret->count + 1, sizeof *ret->positional);
            ret->positional[ret->count++] = argv[typing.at];
        } else {
            rc = take_word(ret, &typing, err);
        }
    }
    if (!rc && arguments_flag(ret, "help"))
        return 0;
    if (!rc)
        rc = check_options(ret, err);
    if (!rc)
        rc = check_verb(ret, err);
    if (!rc && (ret->count < command->least || ret->count > command->most))
        rc = error_set(err, EINVAL, "%s: expected %s",
                       ret->count < command->least ? "too few arguments" : "too many arguments",
                       command->synopsis);
    return rc ? EXIT_USAGE : 0;
}

void arguments_done(struct arguments *arguments)
{
    free(arguments->positional);
    free(arguments->given);
    for (size_t i = 0; i < arguments->owned_count; i++)
        free(arguments->owned[i]);
    free(arguments->owned);
}

const char *arguments_text(const struct arguments *arguments, const char *option)
{
    for (size_t i = arguments->given_count; i-- > 0;)
        if (!strcmp(arguments->given[i].spec->name, option))
            return arguments->given[i].value;
    return NULL;
}

bool arguments_flag(const struct arguments *arguments, const char *option)
{
    return arguments_text(arguments, option) != NULL;
}

const char **arguments_list(const struct arguments *arguments, const char *option, size_t *ret_count)
{
    const char **list = mem_zero((arguments->given_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < arguments->given_count; i++)
        if (!strcmp(arguments->given[i].spec->name, option))
            list[count++] = arguments->given[i].value;
    *ret_count = count;
    return list;
}

int arguments_size(const char *option, const char *text, unsigned long long *ret, struct error *err)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long size = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*text < '0' || *text > '9' || errno || end[unit != NULL] || size > ~0ULL >> shift)
        return error_set(err, EINVAL, "--%s '%s': expected a size such as 512M or 50G", option, text);
    *ret = size << shift;
    return 0;
}
