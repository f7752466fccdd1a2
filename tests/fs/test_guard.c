// SPDX-License-Identifier: Apache-2.0
/*
 * The guard and the mount point, with a daemon that attaches and serves nothing. Needs /dev/fuse and the
 * right to mount; skipped (77) else. A plain program: it forks.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "fs/attach.h"
#include "fs/guard.h"
#include "fs/mount.h"
#include "fs/mounts.h"
#include "fs/unmount.h"

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

enum { SKIP = 77, WAIT_TRIES = 6000 }; /* of 10 ms */

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool is_mounted(const char *folder)
{
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    return mounts_find(folder, &entry, NULL) == 1 && strcmp(entry.type, MOUNTS_TYPE) == 0;
}

static bool becomes_unmounted(const char *folder)
{
    for (int i = 0; i < WAIT_TRIES; i++) {
        if (!is_mounted(folder))
            return true;
        pause_ms(10);
    }
    return false;
}

static void attach(const char *folder, struct attach *ret)
{
    struct error err = {0};
    if (attach_mount(&(struct attach_options){.mountpoint = folder, .source = "/test, with comma"}, ret,
                     &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

/* The command of a person: returns its pid; the daemon in it leaves its own pid in `pid_file`. */
static pid_t start_mount(const char *folder, const char *pid_file, int foreground)
{
    pid_t command = fork();
    if (command)
        return command;
    int ready;
    struct attach attached;
    CHECK(guard_fork(folder, foreground, &ready, NULL) == 0);
    attach(folder, &attached);
    char text[32];
    snprintf(text, sizeof text, "%d\n", (int)getpid());
    CHECK(file_replace(pid_file, text, strlen(text), 0600, NULL) == 0);
    guard_ready(ready, foreground);
    for (;;)
        pause();
}

static pid_t daemon_pid(const char *pid_file)
{
    for (int i = 0; i < WAIT_TRIES; i++) {
        CLEANUP_BUF struct buf text = BUF_INIT;
        if (file_read(pid_file, 64, &text, NULL) == 0) {
            unlink(pid_file);
            return (pid_t)atoi(buf_text(&text));
        }
        pause_ms(10);
    }
    fprintf(stderr, "the daemon did not start\n");
    exit(1);
}

static int status_of(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void a_killed_background_daemon_leaves_no_mount(const char *folder, const char *pid_file)
{
    pid_t command = start_mount(folder, pid_file, 0);
    CHECK(status_of(command) == 0);
    CHECK(is_mounted(folder));
    kill(daemon_pid(pid_file), SIGKILL);
    CHECK(becomes_unmounted(folder));
}

static void a_killed_foreground_daemon_leaves_no_mount_and_its_command_fails(const char *folder,
                                                                             const char *pid_file)
{
    pid_t command = start_mount(folder, pid_file, 1);
    kill(daemon_pid(pid_file), SIGKILL);
    CHECK(status_of(command) == 1);
    CHECK(!is_mounted(folder));
}

static void a_signal_to_the_foreground_command_reaches_the_daemon(const char *folder, const char *pid_file)
{
    pid_t command = start_mount(folder, pid_file, 1);
    pid_t daemon = daemon_pid(pid_file);
    kill(command, SIGTERM); /* the daemon has no handler here: it dies of it */
    CHECK(status_of(command) == 1);
    CHECK(kill(daemon, 0) < 0 && errno == ESRCH);
    CHECK(!is_mounted(folder));
}

static void a_daemon_that_fails_before_it_serves_fails_the_command(const char *folder)
{
    pid_t command = fork();
    if (command == 0) {
        int ready;
        CHECK(guard_fork(folder, 0, &ready, NULL) == 0);
        _exit(1);
    }
    CHECK(status_of(command) == 1);
}

static void a_second_mount_is_refused_and_names_the_first(const char *folder, const char *pid_file)
{
    struct error err = {0};
    struct attach attached;
    CHECK(status_of(start_mount(folder, pid_file, 0)) == 0);
    CHECK(attach_mount(&(struct attach_options){.mountpoint = folder, .source = "b"}, &attached, &err) ==
          -EBUSY);
    CHECK(strstr(err.text, "/test, with comma is mounted there already"));
    kill(daemon_pid(pid_file), SIGKILL);
    CHECK(becomes_unmounted(folder));
}

static void a_dead_mount_without_guard_is_replaced(const char *folder)
{
    pid_t daemon = fork();
    struct attach attached;
    if (daemon == 0) {
        attach(folder, &attached);
        _exit(0);
    }
    CHECK(status_of(daemon) == 0);
    CHECK(is_mounted(folder));
    attach(folder, &attached);
    attach_unmount(&attached);
    close(attached.fd);
    attach_done(&attached);
    CHECK(!is_mounted(folder));
}

static void what_is_no_mount_is_not_unmounted(const char *folder)
{
    struct error err = {0};
    CHECK(fs_unmount(folder, &err) == -EINVAL);
    CHECK(strstr(err.text, "no elidefs mount"));
}

static void can_mount(const char *folder)
{
    struct attach attached;
    struct error err = {0};
    if (attach_mount(&(struct attach_options){.mountpoint = folder, .source = "probe"}, &attached, &err) <
        0) {
        fprintf(stderr, "skipped, nothing can be mounted here: %s\n", err.text);
        file_remove_tree(folder, NULL);
        exit(SKIP);
    }
    attach_unmount(&attached);
    close(attached.fd);
    attach_done(&attached);
}

int main(void)
{
    CLEANUP_FREE char *folder = NULL;
    CHECK(file_make_temp_folder(NULL, "elidefs guard", &folder, NULL) == 0); /* a blank in the path */
    CLEANUP_FREE char *pid_file = mem_printf("%s.pid", folder);
    can_mount(folder);
    a_killed_background_daemon_leaves_no_mount(folder, pid_file);
    a_killed_foreground_daemon_leaves_no_mount_and_its_command_fails(folder, pid_file);
    a_signal_to_the_foreground_command_reaches_the_daemon(folder, pid_file);
    a_daemon_that_fails_before_it_serves_fails_the_command(folder);
    a_second_mount_is_refused_and_names_the_first(folder, pid_file);
    a_dead_mount_without_guard_is_replaced(folder);
    what_is_no_mount_is_not_unmounted(folder);
    file_remove_tree(folder, NULL);
    puts("ok");
    return 0;
}
