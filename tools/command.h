// SPDX-License-Identifier: Apache-2.0
/*
 * Commands as tables: one entry gives the parser, `--help` and the man page. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTLY = 3 };

struct option_spec {
    const char *name; /* "message": --message VALUE or --message=VALUE */
    char letter;      /* 'm': -m VALUE; 0: none */
    /* "MESSAGE"; NULL: a flag; "[=open|link]": a flag that takes a value, behind '=' only */
    const char *argument;
    bool repeat;      /* may be given several times */
    const char *help; /* one sentence, no full stop needed at its end */
};

struct command_example {
    const char *line, *what;
};

struct arguments;

struct command {
    const char *name;
    const char *synopsis;              /* behind the name: "DATASET SOURCE [OPTION]..." */
    const char *summary;               /* one line, lower case, no full stop */
    const char *description;           /* paragraphs, separated by blank lines */
    const struct option_spec *options; /* own ones; ended by a NULL name */
    bool store_options;                /* takes --endpoint-url and its like, too */
    bool cache_options;                /* takes --cache and --cache-size, too */
    bool mount_words;   /* takes -o NAME[=VALUE],...: every long option with '_' for '-', and what mount(8)
                           passes */
    size_t least, most; /* how many positional arguments */
    const struct command_example *examples; /* ended by a NULL line */
    /* 0, an exit status, or -errno with `err` filled. */
    int (*run)(const struct arguments *arguments, struct error *err);
};

extern const struct command *const commands[]; /* ended by NULL */
const struct command *command_find(const char *name);

/* ---- what was typed ---- */

struct arguments {
    const struct command *command;
    const char **positional;
    size_t count, cap;
    struct given_option *given;
    size_t given_count, given_cap;
    char **owned; /* texts split off -o */
    size_t owned_count, owned_cap;
};

/* 0; EXIT_USAGE with `err` saying what is wrong. Texts are borrowed from argv. */
int arguments_parse(const struct command *command, int argc, char **argv, struct arguments *ret,
                    struct error *err);
void arguments_done(struct arguments *arguments);
/* The last value given for an option, NULL if it was not given ("" for a flag). */
const char *arguments_text(const struct arguments *arguments, const char *option);
bool arguments_flag(const struct arguments *arguments, const char *option);
/* Every value given, in order: *ret_count of them, borrowed; the array is the caller's to free. */
const char **arguments_list(const struct arguments *arguments, const char *option, size_t *ret_count);
/* "50G", "512M", "1048576": bytes. -EINVAL. */
int arguments_size(const char *option, const char *text, unsigned long long *ret, struct error *err);

/* ---- telling ---- */

enum { COMMAND_OPTION_TABLES = 4 };
/* The option tables that apply, with a title each ("" for the command's own); how many. */
size_t command_option_tables(const struct command *command,
                             const struct option_spec *ret[COMMAND_OPTION_TABLES],
                             const char *ret_titles[COMMAND_OPTION_TABLES]);

void command_help(const struct command *command, FILE *to);
void command_list(FILE *to);                                    /* `elidefs --help` */
void command_man_page(const struct command *command, FILE *to); /* scdoc source; NULL: elidefs(1) itself */
