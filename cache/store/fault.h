// SPDX-License-Identifier: Apache-2.0
/*
 * The decorator that fails on purpose, for tests. Calls are counted from 1; a call is one operation of the
 * inner store: a read, a head, a put, a part, a listing. Thread rule: locks itself.
 */
#pragma once

#include "cache/store/store.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_FAIL,     /* nothing reaches the inner store: `code` */
    FAULT_LOST,     /* it happens, but its answer is lost: -EAGAIN */
    FAULT_DELAY,    /* it begins `delay_ns` later */
    FAULT_TRUNCATE, /* a read ends with -EAGAIN after `at_byte` bytes; others as FAULT_LOST */
    FAULT_CORRUPT,  /* one bit of a read's byte number `at_byte` is wrong; nothing else notices */
    FAULT_STALL, /* a read says nothing more after `at_byte` bytes, until its deadline; others as FAULT_LOST
                  */
};

struct fault_plan {
    enum fault_kind kind;
    unsigned first; /* call that is hit */
    unsigned count; /* how many from there on; UINT32_MAX: all */
    int code;       /* positive errno; EAGAIN can be cured by sending again */
    uint64_t at_byte;
    int64_t delay_ns;
};

/* Takes `inner`. */
struct store *store_fault_new(struct store *inner, const struct fault_plan *plan);
/* Another plan; counting begins anew. */
void store_fault_set(struct store *fault, const struct fault_plan *plan);
unsigned store_fault_calls(struct store *fault);
