// SPDX-License-Identifier: Apache-2.0
/* Checks for tests that are plain programs: the first that fails ends it, saying where and why. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/error.h"

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (condition)                                                                                       \
            break;                                                                                           \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                      \
        fprintf(stderr, __VA_ARGS__);                                                                        \
        fprintf(stderr, "\n");                                                                               \
        exit(1);                                                                                             \
    } while (0)

static inline void check_ok(const char *file, int line, const char *call, int rc, const struct error *err)
{
    if (!rc)
        return;
    fprintf(stderr, "%s:%d: %s: %d %s\n", file, line, call, rc, err->text);
    exit(1);
}

static inline void check_fails(const char *file, int line, int rc, int wanted, const char *words,
                               const struct error *err)
{
    if (rc == -wanted && err->code == wanted && strstr(err->text, words))
        return;
    fprintf(stderr, "%s:%d: wanted -%d '...%s...', got %d '%s'\n", file, line, wanted, words, rc, err->text);
    exit(1);
}

/* `call` stores its reason in a `struct error err` of the caller. */
#define OK(call)                                                                                             \
    do {                                                                                                     \
        memset(&err, 0, sizeof err);                                                                         \
        int rc_ = (call);                                                                                    \
        check_ok(__FILE__, __LINE__, #call, rc_, &err);                                                      \
    } while (0)
#define FAILS(wanted, words, call)                                                                           \
    do {                                                                                                     \
        memset(&err, 0, sizeof err);                                                                         \
        int rc_ = (call);                                                                                    \
        check_fails(__FILE__, __LINE__, rc_, wanted, words, &err);                                           \
    } while (0)
