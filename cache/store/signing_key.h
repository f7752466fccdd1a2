// SPDX-License-Identifier: Apache-2.0
/*
 * The key that signs requests is made of a secret, a day, a region and a service by four HMACs: the last one
 * is kept, in secret memory. Thread rule: locks itself.
 */
#pragma once

#include "cache/base/hash.h"
#include "cache/base/memory.h"
#include "cache/store/sigv4.h"

struct signing_key;

struct signing_key *signing_key_new(void);
void signing_key_free(struct signing_key *kept); /* NULL is fine */
/* The key of `scope`, whose region and service are always the same ones. The caller wipes it. */
void signing_key_get(struct signing_key *kept, const struct sigv4_scope *scope,
                     uint8_t ret_key[SHA256_BYTES]);
