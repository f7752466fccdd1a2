// SPDX-License-Identifier: Apache-2.0
/*
 * Sample tables as they stand in a file (ISO/IEC 14496-12 sections 8.5 - 8.7, 8.9): read into a track,
 * strictly. Tables that do not cover the same number of samples are refused rather than guessed at. Any
 * thread.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/mp4/box.h"
#include "index/containers/mp4/track.h"

/* Reads `stbl` into `track`, whose kind is set. The caller runs track_check() and frees `track` on failure
 * too. */
int stbl_read(const struct box *stbl, struct track *track, struct error *err);
