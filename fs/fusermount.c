// SPDX-License-Identifier: Apache-2.0
/*
 * The protocol: the environment names one end of a socket pair in _FUSE_COMMFD, over which the descriptor
 * comes back (fusermount3's manual and libfuse's lib/mount.c tell it).
 */
#include "fs/fusermount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/memory.h"

extern char **environ;

enum { CHILD_FD = 3, SAID_MAX_BYTES = 512 };

/* The environment with _FUSE_COMMFD; an array to free, its texts are borrowed. */
static char **environment_with(char *comm)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = mem_zero((count + 2) * sizeof *copy);
    memcpy(copy, environ, count * sizeof *copy);
    copy[count] = comm;
    return copy;
}

static int start(char *const *argv, int comm_fd, int said_fd, pid_t *ret_pid)
{
    char comm[] = "_FUSE_COMMFD=3";
    CLEANUP_FREE char **environment = environment_with(comm);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_adddup2(&actions, said_fd, STDERR_FILENO);
    if (comm_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, comm_fd, CHILD_FD);
    int rc = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* What it printed, as one line. */
static void read_words(int fd, char *ret, size_t cap)
{
    size_t len = 0;
    for (ssize_t n; len + 1 < cap && (n = read(fd, ret + len, cap - 1 - len)) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    while (len > 0 && ret[len - 1] == '\n')
        len--;
    ret[len] = '\0';
    for (char *at = ret; (at = strchr(at, '\n'));)
        *at = ';';
}

/* > 0: it failed. */
static int wait_status(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run(char *const *argv, int comm_fd, char said[SAID_MAX_BYTES], struct error *err)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_set(err, errno, "fusermount3: %s", strerror(errno));
    pid_t pid;
    int rc = start(argv, comm_fd, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    if (rc == 0) {
        read_words(pipe_fds[0], said, SAID_MAX_BYTES);
        rc = wait_status(pid);
    } else {
        error_set(err, -rc, "fusermount3 (package fuse3), which mounts for ordinary users: %s",
                  strerror(-rc));
    }
    close(pipe_fds[0]);
    return rc;
}

static int receive_fd(int socket_fd)
{
    char byte;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int)))
        return -EPROTO;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int fusermount_mount(const char *path, const char *options, int *ret_fd, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set(err, errno, "fusermount3: %s", strerror(errno));
    char said[SAID_MAX_BYTES] = "";
    char program[] = "fusermount3", option[] = "-o", end[] = "--";
    CLEANUP_FREE char *copy = mem_text(path), *options_copy = mem_text(options);
    char *argv[] = {program, option, options_copy, end, copy, NULL};
    int rc = run(argv, pair[1], said, err);
    int fd = rc == 0 ? receive_fd(pair[0]) : -1;
    if (rc > 0 || (rc == 0 && fd < 0))
        rc = error_set(err, EPERM, "%s: %s", path, said[0] ? said : "fusermount3 gave no connection");
    else if (rc == 0)
        *ret_fd = fd;
    close(pair[0]);
    close(pair[1]);
    return rc;
}

int fusermount_unmount(const char *path, bool lazily, struct error *err)
{
    char said[SAID_MAX_BYTES] = "";
    char program[] = "fusermount3", unmount[] = "-u", lazy[] = "-z", end[] = "--";
    CLEANUP_FREE char *copy = mem_text(path);
    char *now[] = {program, unmount, end, copy, NULL}, *soon[] = {program, unmount, lazy, end, copy, NULL};
    int rc = run(lazily ? soon : now, -1, said, err);
    if (rc <= 0)
        return rc;
    return error_set(err, strstr(said, "busy") ? EBUSY : EPERM, "%s: %s", path,
                     said[0] ? said : "fusermount3 failed");
}
