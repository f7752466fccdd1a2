// SPDX-License-Identifier: Apache-2.0
/*
 * Which roots outside a data set's own folder this user lets it read.
 *
 * One line for each pair, "UUID URL", exact: in $XDG_CONFIG_HOME/elidefs/trust (else ~/.config/elidefs/trust)
 * what this user trusts, in the files of /etc/elidefs/trust.d what this machine does. Lines that start with
 * '#' and empty ones mean nothing. URLs are canonical (store_url()).
 *
 * Thread rule: any thread, any process: writers take a lock on the folder and replace the file whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"

/* 1: trusted, 0: not. A file that is not there trusts nothing; one that cannot be read is an error. */
int trust_check(const char *uuid, const char *url, struct error *err);
/* Adds what is not there yet to this user's file, which is made 0600. -EINVAL: a URL holds a control byte. */
int trust_record(const char *uuid, const char *const *urls, size_t count, struct error *err);
/* Takes it out of this user's file: 1, or 0 where it was not in it. */
int trust_forget(const char *uuid, const char *url, struct error *err);
/* Calls each() for every URL that a file trusts for this data set, with that file; `own`: it is this user's.
 * Non-zero ends it. */
typedef int trust_fn(void *ctx, const char *url, const char *file, bool own, struct error *err);
int trust_each(const char *uuid, trust_fn *each, void *ctx, struct error *err);
