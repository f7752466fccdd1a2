// SPDX-License-Identifier: Apache-2.0
/*
 * Is a sync sample what `stss` says? Which codecs need a look, and at how many samples:
 *
 *   AV1, VP8, VP9       a sync sample is a key frame, which resets every reference: trusted, no read
 *   MPEG-4, MJPEG, ...  an I picture; pictures shown before it may need earlier ones, which
 *                       composition times already tell: trusted, no read
 *   HEVC                IDR, CRA and BLA are all right once leading pictures are hidden or led in by
 *                       one more sync sample, which composition times tell: a few samples are read,
 *                       to find tables that lie
 *   H.264               likewise for IDR and open GOPs; but encoders with intra refresh mark recovery
 *                       points, P pictures that are right only many pictures later, and that decoders
 *                       refuse to start at
 *
 * Intra refresh is a setting of an encoder, and its "key frames" are no larger than their neighbours: a few
 * evenly spread sync samples and the relatively smallest are read. Only if one of these is no key frame are
 * all of them; clips then start at real ones.
 *
 * So a sound file costs at most SYNC_SAMPLE_PROBES reads of 2 KiB, however many key frames it has.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/mp4/movie.h"
#include "index/containers/recording.h"

enum { SYNC_SAMPLE_PROBES = 4, SYNC_SAMPLE_READS_MAX = 1024 };

/* Sets `false_syncs` of the video track, which movie_complete() has checked. Read errors are handed on;
 * -ENOTSUP where the file has no sync sample table and yet its samples are no key frames. */
int sync_sample_check(const struct recording *recording, struct mp4 *mp4, struct error *err);
