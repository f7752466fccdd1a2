// SPDX-License-Identifier: Apache-2.0
/* credential_process: a command of the user's that prints keys as JSON. It runs in a process group of its
 * own, so that a stop can end it with all it has started. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/instant.h"
#include "cache/store/credentials.h"
#include "cache/store/profile.h"
#include "cache/store/secret.h"
#include "cache/store/stores.h"

extern char **environ;

enum { OUTPUT_BYTES = 65536, POLL_MS = 20 };
static const int64_t limit_ns = 60LL * 1000000000;

/* The child starts with no signal blocked and its output in `out`. */
static int spawn(const char *command, int out, pid_t *ret_pid)
{
    const char *const args[] = {"sh", "-c", command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    int rc = posix_spawn(ret_pid, "/bin/sh", &actions, &attr, (char *const *)args, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* 0 at the end of the output. */
static int collect(struct stores *stores, int in, struct buf *buf)
{
    int64_t until = clock_now_ns() + limit_ns;
    for (;;) {
        struct pollfd ready = {.fd = in, .events = POLLIN};
        if (stores_stopped(stores))
            return -ECANCELED;
        if (clock_now_ns() > until)
            return -ETIMEDOUT;
        if (poll(&ready, 1, POLL_MS) <= 0)
            continue;
        ssize_t got = read(in, buf->data + buf->len, OUTPUT_BYTES - buf->len);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (!got)
            return 0;
        if (got > 0)
            buf->len += (size_t)got;
        if (buf->len == OUTPUT_BYTES)
            return -EFBIG;
    }
}

static int run(struct stores *stores, const char *command, struct buf *buf, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return error_set(err, errno, "credential_process: %s", strerror(errno));
    CLEANUP_CLOSE int in = ends[0], out = ends[1];
    pid_t pid;
    int status = 0, rc = spawn(command, out, &pid);
    cleanup_close(&out);
    out = -1;
    if (rc < 0)
        return error_set(err, -rc, "credential_process: cannot start: %s", strerror(-rc));
    buf_room(buf, OUTPUT_BYTES);
    rc = collect(stores, in, buf);
    if (rc < 0)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc < 0)
        return error_set(err, -rc, "credential_process: %s", strerror(-rc));
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return error_set(err, EACCES, "credential_process: ended with %s %d",
                         WIFEXITED(status) ? "status" : "signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}

int credentials_process(const struct credential_lookup *lookup, struct keys *ret, struct error *err)
{
    CLEANUP_PROFILE struct profile *profile = NULL;
    CLEANUP_SECRET_BUF struct buf output = BUF_INIT;
    CLEANUP_FREE char *name = NULL;
    int rc = profile_load(lookup->profile, &profile, err);
    if (rc < 0)
        return rc;
    if (!profile->credential_process)
        return -ENOENT;
    name = mem_printf("credential_process of profile '%s'", profile->name);
    rc = run(lookup->stores, profile->credential_process, &output, err);
    if (rc < 0)
        return error_within(err, rc, "profile '%s'", profile->name);
    return keys_parse(ret, name, (char *)output.data, output.len, "SessionToken", err);
}
