// SPDX-License-Identifier: Apache-2.0
/* Finds the command, runs it, prints its error once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cache/store/store.h"
#include "tools/commands.h"
#include "tools/complete.h"
#include "tools/meant.h"

/* clang-format off */
const struct command *const commands[] = {
    &command_init,
    &command_import,
    &command_annotate,
    &command_blame,
    &command_attribute,
    &command_mount,
    &command_umount,
    &command_query,
    &command_cp,
    &command_prefetch,
    &command_explain,
    &command_log,
    &command_tag,
    &command_untag,
    &command_diff,
    &command_lock,
    &command_check,
    &command_remove,
    &command_forget,
    &command_purge,
    &command_gc,
    &command_verify,
    &command_status,
    &command_root,
    &command_trust,
    &command_catalog,
    NULL,
};
/* clang-format on */

static int usage_failed(const char *name, const char *reason)
{
    size_t len = strlen(reason);
    fprintf(stderr, "elidefs%s%s: %s%s `elidefs %s%s--help`\n", name ? " " : "", name ? name : "", reason,
            len && reason[len - 1] == '?' ? " Else see" : "; try", name ? name : "", name ? " " : "");
    return EXIT_USAGE;
}

static int no_such_command(const char *name)
{
    CLEANUP_BUF struct buf reason = BUF_INIT;
    buf_printf(&reason, "there is no command '%s'", name);
    meant_command(name, &reason);
    return usage_failed(NULL, buf_text(&reason));
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
        return no_such_command(name);
    command_man_page(command, stdout);
    return EXIT_DONE;
}

static int take_name(void *ctx, const char *name, const char *url)
{
    (void)url;
    return !strcmp(ctx, name);
}

/* mount -t fuse.elidefs, and so a line of fstab(5), runs `elidefs DATASET MOUNTPOINT -o ...`. */
static bool is_mount_helper(int argc, char **argv)
{
    if (argc < 3 || *argv[2] != '/')
        return false;
    return strchr(argv[1], '/') || stores_each_dataset(take_name, argv[1], NULL) > 0;
}

int main(int argc, char **argv)
{
    /* A core dump would hold credentials. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name || !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        const struct command *command = name && argc > 2 ? command_find(argv[2]) : NULL;
        if (argc > 2 && !command)
            return no_such_command(argv[2]);
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
    if (is_mount_helper(argc, argv))
        return run_command(&command_mount, argc - 1, argv + 1);
    return no_such_command(name);
}
