// SPDX-License-Identifier: Apache-2.0
/* The texts of the command tables, as terminal help and as scdoc source (scdoc(5)) for the man pages. */
#include <string.h>

#include "tools/command.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

/* Paragraphs, broken between words, all lines but the first behind `indent` blanks. */
static void print_wrapped(const char *text, int indent, FILE *to)
{
    size_t column = 0, width = (size_t)(HELP_WIDTH - indent);
    while (*text) {
        size_t word = strcspn(text, " \n"), blanks = strspn(text + word, "\n");
        if (column && column + 1 + word > width) {
            fprintf(to, "\n%*s", indent, "");
            column = 0;
        }
        column += (size_t)fprintf(to, "%s%.*s", column ? " " : "", (int)word, text);
        text += word + blanks + (text[word] == ' ');
        for (; blanks; blanks--, column = 0)
            fputc('\n', to);
    }
    fputc('\n', to);
}

static void print_option(const struct option_spec *spec, FILE *to)
{
    int width = fprintf(to, spec->letter ? "  -%c, " : "      ", spec->letter);
    width += fprintf(to, "--%s%s%s", spec->name, spec->argument && spec->argument[0] != '[' ? " " : "",
                     spec->argument ? spec->argument : "");
    if (width >= HELP_COLUMN)
        width = fprintf(to, "\n") - 1;
    fprintf(to, "%*s", HELP_COLUMN - width, "");
    print_wrapped(spec->help, HELP_COLUMN, to);
}

void command_help(const struct command *command, FILE *to)
{
    fprintf(to, "usage: elidefs %s %s\n\n", command->name, command->synopsis);
    print_wrapped(command->description, 0, to);
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(command, tables, titles);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "\n%s%s\n", titles[i], *titles[i] ? ":" : "Options:");
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            print_option(spec, to);
    }
    if (command->examples)
        fputs("\nExamples:\n", to);
    for (const struct command_example *example = command->examples; example && example->line; example++)
        fprintf(to, "  %s\n      %s\n", example->line, example->what);
}

void command_list(FILE *to)
{
    fputs("usage: elidefs COMMAND [ARGUMENT]...\n\n"
          "Mounts versioned robot-data sets that live in object storage: paths are queries, files are "
          "clips.\n\n"
          "Commands:\n",
          to);
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`elidefs COMMAND --help` tells more, and so does elidefs(1).\n", to);
}

/* ---- scdoc: '_', '*', '\\', '<', '>', '#' at a line's start and '~' have a meaning there ---- */

static void print_escaped(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (strchr("_*\\<>#~`[]", *text))
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void print_scdoc_option(const struct option_spec *spec, FILE *to)
{
    if (spec->letter)
        fprintf(to, "*-%c*, ", spec->letter);
    fprintf(to, "*--%s*", spec->name);
    if (spec->argument && spec->argument[0] == '[') {
        print_escaped(spec->argument, to);
    } else if (spec->argument) {
        fputs(" _", to);
        print_escaped(spec->argument, to);
        fputc('_', to);
    }
    fputs("\n\t", to);
    print_escaped(spec->help, to);
    fputs(".\n\n", to);
}

static void print_scdoc_examples(const struct command_example *examples, FILE *to)
{
    if (!examples)
        return;
    fputs("# EXAMPLES\n\n", to);
    for (; examples->line; examples++) {
        print_escaped(examples->what, to);
        fprintf(to, ":\n\n```\n%s\n```\n\n", examples->line);
    }
}

static void print_command_page(const struct command *command, FILE *to)
{
    fprintf(to, "elidefs-%s(1)\n\n# NAME\n\nelidefs-%s - %s\n\n# SYNOPSIS\n\n*elidefs %s* ", command->name,
            command->name, command->summary, command->name);
    print_escaped(command->synopsis, to);
    fputs("\n\n# DESCRIPTION\n\n", to);
    print_escaped(command->description, to);
    fputs("\n\n# OPTIONS\n\n", to);
    const struct option_spec *tables[COMMAND_OPTION_TABLES];
    const char *titles[COMMAND_OPTION_TABLES];
    size_t count = command_option_tables(command, tables, titles);
    for (size_t i = 0; i < count; i++)
        for (const struct option_spec *spec = tables[i]; spec->name; spec++)
            print_scdoc_option(spec, to);
    print_scdoc_examples(command->examples, to);
    fputs("# EXIT STATUS\n\n0 done, 1 failed, 2 wrong use, 3 done in part.\n\n# SEE ALSO\n\n*elidefs*(1)\n",
          to);
}

void command_man_page(const struct command *command, FILE *to)
{
    if (command) {
        print_command_page(command, to);
        return;
    }
    fputs("elidefs(1)\n\n# NAME\n\nelidefs - mounts robot-data sets whose paths are queries and whose files "
          "are "
          "clips\n\n# SYNOPSIS\n\n*elidefs* _COMMAND_ \\[_ARGUMENT_\\]...\n\n# COMMANDS\n\n",
          to);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "*elidefs-%s*(1)\n\t", commands[i]->name);
        print_escaped(commands[i]->summary, to);
        fputs(".\n\n", to);
    }
    fputs(
        "# DATA SETS AND PATHS\n\n"
        "A data set is a folder (_/a/folder_), a prefix in a bucket (_s3://bucket/prefix_), a folder that a "
        "web "
        "server shows (_https://host/folder_, read only), or a name that the configuration gives to one of "
        "these. "
        "Where a command takes "
        "_DATASET PATH_ it also takes a single path inside a mount; the mount is found by walking up.\n\n"
        "# FILES\n\n_~/.config/elidefs/config_, _/etc/elidefs/config_\n\t"
        "How stores are reached: sections \\[store \"s3://bucket\"\\] with endpoint, region, profile, ca, "
        "path\\_style, "
        "anonymous; \\[store \"https://host\"\\] with ca, authorization\\_file. They win over the AWS\\_\\* "
        "variables. Sections \\[dataset \"NAME\"\\] with url give names to data sets.\n\n"
        "_~/.config/elidefs/trust_, _/etc/elidefs/trust.d/\\*_\n\tWhich places outside a data set this user, "
        "or "
        "everybody on this machine, lets it read; see *elidefs-trust*(1).\n\n"
        "# ENVIRONMENT\n\n*ELIDEFS\\_CACHE*\n\tThe cache folder.\n\n"
        "*AWS\\_ACCESS\\_KEY\\_ID*, *AWS\\_PROFILE*, *AWS\\_REGION*, *AWS\\_ENDPOINT\\_URL* ...\n\tAs for "
        "other S3 tools.\n\n"
        "# EXIT STATUS\n\n0 done, 1 failed, 2 wrong use, 3 done in part (an import with --skip-bad).\n",
        to);
}
