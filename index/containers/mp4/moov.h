// SPDX-License-Identifier: Apache-2.0
/* From a `moov` box (ISO/IEC 14496-12 sections 8.2 - 8.4, 8.7.2) to the tracks that clips are made of. Any
 * thread. */
#pragma once

#include "cache/base/error.h"
#include "index/containers/mp4/box.h"
#include "index/containers/mp4/movie.h"

/* Adds the tracks of `moov` to `mp4`, video first. The caller runs movie_complete(). -EINVAL, -ENOTSUP. */
int moov_read(const struct box *moov, struct mp4 *mp4, struct error *err);
