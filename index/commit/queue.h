// SPDX-License-Identifier: Apache-2.0
/*
 * The processes of one user on one machine that commit to one data set, in line: one of them leads, and does
 * for the others what they have put down. A folder:
 *
 *     lock        who leads holds flock(2) on it: the kernel takes it back from whoever is killed
 *     ID.set      what a process asks for; it holds flock(2) on it while it waits, so a set without an owner
 * is known and goes ID.end      what became of it
 *
 * Bytes of both are the caller's. Thread rule: one thread at a time; each has a queue of its own.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/base/layout.h"

struct queue;

/* The folder is made if it is not there; -EPERM if it is somebody else's. */
int queue_open(const char *folder, struct queue **ret, struct error *err);
void queue_free(struct queue *queue); /* leaves, and takes back what is put down */
CLEANUP_DEFINE(struct queue, queue_free, cleanup_queue)
#define CLEANUP_QUEUE CLEANUP(cleanup_queue)

/* 1: leads from here on, until queue_leave(). 0: another one still does after `wait_ns`, or has answered what
 * this one has put down. -errno */
int queue_lead(struct queue *queue, int64_t wait_ns, struct error *err);
void queue_leave(struct queue *queue);

enum { QUEUE_SET_BYTES_MAX = 64 << 20 };
/* Puts down a set, once: `id` is of 32 hex digits. -EFBIG: the set is too large for others to take. */
int queue_put(struct queue *queue, const char *id, const struct buf *bytes, struct error *err);
void queue_take_back(struct queue *queue); /* nothing, where nothing is put down */
/* What became of it, appended: 1, or 0 where nobody has said. */
int queue_answer(struct queue *queue, struct buf *buf, struct error *err);

/* ---- for who leads ---- */

/* The sets that wait, oldest first; those of processes that have ended go. Non-zero from `each` ends it. */
typedef int queue_fn(void *ctx, const char *id, const struct buf *bytes, struct error *err);
int queue_each(struct queue *queue, queue_fn *each, void *ctx, struct error *err);
int queue_end(struct queue *queue, const char *id, const struct buf *bytes, struct error *err);
