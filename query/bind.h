// SPDX-License-Identifier: Apache-2.0
/*
 * Gives a parsed component its meaning in one version: attributes are looked up, values typed, checked to be
 * known, sorted. Any thread (through its own reader).
 */
#pragma once

#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/clause.h"
#include "query/grammar.h"
#include "query/refusal.h"

/* -ENOENT with the reason: "arm has no value 'lfet'". Then *ret_why, which may be NULL, says what of it. */
int bind_component(const struct grammar_component *component, struct catalog_reader *reader,
                   struct clause **ret, struct refusal *ret_why, struct error *err);
