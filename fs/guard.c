// SPDX-License-Identifier: Apache-2.0
/*
 * Three processes that wait for each other: caller, guard, daemon. Signals are blocked before the fork and
 * taken one by one, so that none falls between two of them.
 */
#include "fs/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/memory.h"
#include "fs/mounts.h"
#include "fs/unmount.h"

enum { CLEAN_TRIES = 20, CLEAN_PAUSE_MS = 50 };

static void leave_terminal(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int to = 0; fd >= 0 && to < 3; to++)
        dup2(fd, to);
    if (fd > 2)
        close(fd);
    if (chdir("/") < 0)
        return; /* then we keep a folder busy, nothing worse */
}

/* The signals the guard waits for; blocked in it from before the fork, so that none is lost. */
static void guarded_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

/* The daemon's exit status; 1 if a signal ended it. */
static int watch(pid_t daemon)
{
    sigset_t set;
    guarded_signals(&set);
    for (;;) {
        int status, signal = sigwaitinfo(&set, NULL);
        if (signal > 0 && signal != SIGCHLD)
            kill(daemon, signal);
        if (waitpid(daemon, &status, WNOHANG) == daemon && (WIFEXITED(status) || WIFSIGNALED(status)))
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    }
}

/* The kernel may need a moment to notice that nobody serves any more. */
static void clean_up(const char *path)
{
    struct timespec pause = {.tv_nsec = CLEAN_PAUSE_MS * 1000000L};
    CLEANUP_MOUNTS_ENTRY struct mounts_entry entry = {0};
    for (int i = 0; i < CLEAN_TRIES; i++) {
        if (unmount_dead(path, NULL) != 0)
            return;
        mounts_entry_done(&entry);
        if (mounts_find(path, &entry, NULL) != 1 || strcmp(entry.type, MOUNTS_TYPE) != 0)
            return;
        nanosleep(&pause, NULL);
    }
}

static _Noreturn void guard(const char *path, pid_t daemon)
{
    int status = watch(daemon);
    if (status != 0)
        clean_up(path);
    _exit(status);
}

/* Ctrl-C before the mount serves ends the guard and its daemon, which left the terminal; `end` is a signalfd.
 */
static _Noreturn void wait_until_ready(int ready, int end, pid_t guard)
{
    struct pollfd fds[] = {{.fd = ready, .events = POLLIN}, {.fd = end, .events = POLLIN}};
    char byte;
    ssize_t n = -1;
    while (n < 0) {
        if (poll(fds, end < 0 ? 1 : 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents) {
            kill(guard, SIGTERM);
            fds[1].fd = -1;
            fds[1].revents = 0;
        }
        if (fds[0].revents)
            n = read(ready, &byte, 1);
    }
    _exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Returns in the daemon only. What the guard waits for is blocked. */
static int fork_daemon(const char *path, int foreground, int ready[2], struct error *err)
{
    pid_t daemon = fork();
    if (daemon != 0) {
        if (daemon < 0)
            return error_set(err, errno, "fork: %s", strerror(errno));
        close(ready[0]);
        close(ready[1]);
        if (!foreground)
            leave_terminal();
        guard(path, daemon);
    }
    if (foreground)
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* kill -9 of what the terminal shows must end the mount, too */
    return 0;
}

int guard_fork(const char *mountpoint, int foreground, int *ret_ready_fd, struct error *err)
{
    CLEANUP_FREE char *path = NULL;
    int rc = mounts_resolve(mountpoint, &path, err);
    if (rc < 0)
        return rc;
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return error_set(err, errno, "pipe: %s", strerror(errno));
    sigset_t set, old;
    guarded_signals(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    if (!foreground) {
        pid_t guard_pid = fork();
        if (guard_pid < 0)
            return error_set(err, errno, "fork: %s", strerror(errno));
        if (guard_pid > 0) {
            close(ready[1]);
            sigdelset(&set, SIGCHLD);
            wait_until_ready(ready[0], signalfd(-1, &set, SFD_CLOEXEC), guard_pid);
        }
        setsid();
    }
    rc = fork_daemon(path, foreground, ready, err);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (rc < 0)
        return rc;
    close(ready[0]);
    *ret_ready_fd = ready[1];
    return 0;
}

void guard_ready(int ready_fd, int foreground)
{
    if (!foreground)
        leave_terminal();
    struct sigaction old, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &old); /* the caller may have gone, and a foreground has none */
    char byte = 1;
    ssize_t n;
    do
        n = write(ready_fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    sigaction(SIGPIPE, &old, NULL);
    close(ready_fd);
}
