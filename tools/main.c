// SPDX-License-Identifier: Apache-2.0
/* Finds the command, runs it, prints its error once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/commands.h"
#include "tools/complete.h"

const struct command *const commands[] = {
    &command_init,      &command_import,
    &command_annotate,  &command_blame,
    &command_attribute, &command_mount,
    &command_umount,    &command_query,
    &command_cp,        &command_explain,
    &command_log,       &command_tag,
    &command_untag,     &command_diff,
    &command_lock,      &command_check,
    &command_remove,    &command_verify,
    &command_status,    &command_root,
    &command_trust,     NULL,
};

static int usage_failed(const char *name, const char *reason)
{
    fprintf(stderr, "elidefs%s%s: %s; try `elidefs %s%s--help`\n", name ? " " : "", name ? name : "", reason,
            name ? name : "", name ? " " : "");
    return EXIT_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct arguments arguments;
    struct error err = {0};
    int status = arguments_parse(command, argc, argv, &arguments, &err);
    if (status) {
        status = usage_failed(command->name, err.text);
    } else if (arguments_flag(&arguments, "help")) {
        command_help(command, stdout);
    } else {
        status = command->run(&arguments, &err);
        if (!status && (fflush(stdout) || ferror(stdout))) /* a full disk must not look like an answer */
            status = error_set(&err, EIO, "standard output: %s", errno ? strerror(errno) : "write error");
        if (status < 0)
            fprintf(stderr, "elidefs: %s\n", err.text);
        status = status < 0 ? EXIT_FAILED : status;
    }
    arguments_done(&arguments);
    return status;
}

/* `elidefs --man-page [COMMAND]` writes the scdoc source; the build makes the man pages with it. */
static int man_page(const char *name)
{
    const struct command *command = name ? command_find(name) : NULL;
    if (name && !command)
        return usage_failed(NULL, "there is no such command");
    command_man_page(command, stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    /* A core dump would hold credentials. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name || !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        const struct command *command = name && argc > 2 ? command_find(argv[2]) : NULL;
        if (argc > 2 && !command)
            return usage_failed(NULL, "there is no such command");
        if (command)
            command_help(command, stdout);
        else
            command_list(name ? stdout : stderr);
        return name ? EXIT_DONE : EXIT_USAGE;
    }
    if (!strcmp(name, "--version")) {
        puts("elidefs " ELIDEFS_VERSION);
        return EXIT_DONE;
    }
    if (!strcmp(name, "--man-page"))
        return man_page(argc > 2 ? argv[2] : NULL);
    if (!strcmp(name, "--complete"))
        return complete(argc - 2, argv + 2);
    const struct command *command = command_find(name);
    if (command)
        return run_command(command, argc - 2, argv + 2);
    /* mount -t fuse.elidefs runs `elidefs DATASET MOUNTPOINT -o ...` */
    if (argc > 2 && strchr(name, '/'))
        return run_command(&command_mount, argc - 1, argv + 1);
    CLEANUP_FREE char *reason = mem_printf("there is no command '%s'", name);
    return usage_failed(NULL, reason);
}
