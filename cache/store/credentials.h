// SPDX-License-Identifier: Apache-2.0
/*
 * The keys a store signs with: found where AWS tools look, in their order, and renewed before they expire.
 *
 *     environment -> web identity -> profile files -> credential_process -> container -> EC2 metadata
 *
 * A profile that was named (by the configuration or the command line, not by AWS_PROFILE) leaves out the
 * first two. Thread rule: locks itself; nothing is fetched under the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/memory.h"
#include "cache/store/keys.h"

struct stores;
struct credentials;

/* `profile` NULL: none was named. Nothing is looked up yet. */
struct credentials *credentials_new(struct stores *stores, const char *profile);
void credentials_free(struct credentials *credentials); /* NULL is fine */
CLEANUP_DEFINE(struct credentials, credentials_free, cleanup_credentials)

/* The keys at hand; -EAGAIN if credentials_get() must be called, because it would have to fetch.
 * `ret_generation` counts renewals. */
int credentials_peek(struct credentials *credentials, struct keys *ret, uint64_t *ret_generation);
/* Fetches if needed; may block for seconds. -EACCES with what was looked at. */
int credentials_get(struct credentials *credentials, struct keys *ret, uint64_t *ret_generation,
                    struct error *err);
/* The service refused keys of this generation. True: sending again is worth it, because they have been or
 * will be renewed. At most once in a while for keys that stay the same. */
bool credentials_refused(struct credentials *credentials, uint64_t generation);
/* True once a request with keys of this generation was served. */
bool credentials_proven(struct credentials *credentials, uint64_t generation);
void credentials_prove(struct credentials *credentials, uint64_t generation);

/* ---- sources, one a file ---- */

struct credential_lookup {
    struct stores *stores;
    const char *profile; /* named, or NULL */
};

/* 0; -ENOENT: this source is not configured here, ask the next; else an error that ends the search. */
typedef int credential_fetch(const struct credential_lookup *lookup, struct keys *ret, struct error *err);

credential_fetch credentials_environment, credentials_web, credentials_profile, credentials_process,
    credentials_container, credentials_metadata;
