// SPDX-License-Identifier: Apache-2.0
/*
 * The guard: a small parent process that outlives the daemon and unmounts the mount point if the daemon dies,
 * so that a crash leaves no "Transport endpoint is not connected" behind.
 *
 *     caller --fork--> guard --fork--> daemon         in the background; the caller ends when the daemon
 * serves caller = guard   --fork--> daemon               in the foreground
 *
 * One thread, before any other is started.
 */
#pragma once

#include "cache/base/error.h"

/* Forks. In the child returns 0 with *ret_ready_fd, to be given to guard_ready() once it serves (or closed,
 * or left to the end of the process, on failure). In the guard it does not return: it waits, cleans up,
 * exits. `foreground`: the guard stays attached to the terminal, forwards SIGINT, SIGTERM and SIGHUP and
 * exits with the daemon's status; else the caller of the whole command gets exit status 0 when the child is
 * ready (1 if it failed), and guard and daemon go on detached. */
int guard_fork(const char *mountpoint, int foreground, int *ret_ready_fd, struct error *err);

/* The daemon serves: lets the caller go. In the background also leaves the terminal and the working folder,
 * so open what relative paths name before. Closes ready_fd. */
void guard_ready(int ready_fd, int foreground);
