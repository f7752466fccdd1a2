// SPDX-License-Identifier: Apache-2.0
/*
 * Small XML documents of a store, hostile until read. No document types, no entities of its own, nesting and
 * sizes bounded; namespaces and attributes are ignored. The sole owner of expat. Any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/error.h"

/* Called at the end of each element: `path` is "Root/Child/Leaf", `text` what stands directly in it (UTF-8,
 * no NUL byte). Non-zero ends the reading with it. */
typedef int xml_fn(void *ctx, const char *path, const char *text, struct error *err);

/* -EINVAL with name, line and reason if it is not well-formed or too deep. */
int xml_read(const char *name, const void *bytes, size_t len, xml_fn *each, void *ctx, struct error *err);
