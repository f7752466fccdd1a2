// SPDX-License-Identifier: Apache-2.0
/*
 * What is wrong with a source: all of it, not the first only. Whoever finds a fault hands it over and goes
 * on with the next clip; when everything was looked at, the import decides (import.c).
 *
 *     a flaw of one clip or row     can be skipped: faults_add()
 *     a flaw of all of it           cannot: faults_refuse()
 *     trouble of machine or store   is no fault: handed back, and the import ends there
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/memory.h"

struct faults;

struct fault {         /* texts are borrowed */
    const char *file;  /* path or URL, or "" */
    const char *place; /* in it, or "": "episode 3", "line 7" */
    const char *clip;  /* key of the clip that it costs, or "" */
};

struct faults *faults_new(void);
void faults_free(struct faults *faults);

/* Takes what `err` says: 0, and `err` is empty again. -errno, and `err` stays, where it is no fault, where
 * the store failed so often that it is not the one object's fault, and always if `faults` is NULL. */
int faults_add(struct faults *faults, const struct fault *fault, struct error *err);
/* The same for what no limit allows. */
int faults_refuse(struct faults *faults, const char *file, struct error *err);

uint64_t faults_count(const struct faults *faults);
uint64_t faults_loose(const struct faults *faults); /* of these, without a clip */
bool faults_refused(const struct faults *faults);
/* What the first one says. */
int faults_first(const struct faults *faults, struct error *err);

/* "bad: SENTENCE (clip 'a' and 11 more)", a line each for the first ones; what says the same is one line. The
 * rest is counted. */
void faults_print(const struct faults *faults, FILE *to);
/* All of them: {"file":...,"place":...,"reason":...,"clip":...}, a line each. */
const struct buf *faults_lines(const struct faults *faults);
