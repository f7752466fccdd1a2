// SPDX-License-Identifier: Apache-2.0
/* The clips of a path as plain tables (index/catalog/plain.h), one window after the other. One thread. */
#pragma once

#include "tools/export_format.h"
#include "tools/session.h"

/* Writes what `at` means into the new file or folder `file`; *ret_clips: how many clips that are. On failure
 * nothing is left. */
int export_place(const struct session_place *at, const struct export_format *format, const char *file,
                 uint64_t *ret_clips, struct error *err);
