// SPDX-License-Identifier: Apache-2.0
/*
 * The guard: a small parent process that outlives the daemon and unmounts the mount point if the daemon dies,
 * so that a crash leaves no "Transport endpoint is not connected" behind.
 */
#pragma once

#include "cache/base/error.h"

/* Forks. In the child returns 0 with *ret_ready_fd, to which the daemon writes one byte once it serves (or
 * closes it on failure). In the guard it does not return: it waits, cleans up, exits. `foreground`: the guard
 * stays attached to the terminal and forwards SIGINT / SIGTERM; else the caller of the whole command gets
 * exit status 0 when the child is ready (1 if it failed), and guard and daemon go on detached. Call before
 * any thread is started. */
int guard_fork(const char *mountpoint, int foreground, int *ret_ready_fd, struct error *err);
