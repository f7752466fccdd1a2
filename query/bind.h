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

/* -ENOENT with the reason, near names and a corrected component: "arm has no value 'lfet': did you mean
 * 'left'? (arm=left)". */
int bind_component(const struct grammar_component *component, struct catalog_reader *reader,
                   struct clause **ret, struct error *err);
/* The same without hints: -ENOENT says little. For hints themselves. */
int bind_component_plain(const struct grammar_component *component, struct catalog_reader *reader,
                         struct clause **ret, struct error *err);
