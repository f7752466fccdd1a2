// SPDX-License-Identifier: Apache-2.0
/*
 * MP4: from one scan of a recording's `moov`, any window of its frames as an ordinary progressive MP4 whose
 * header is synthesised and whose samples stay where they are.
 *
 *     recording:   ftyp  mdat [ ... k ...hidden... | frames of the window | ... ]  moov
 *     clip:        ftyp  moov  mdat-header         [k ...hidden... | frames of the window ]
 *                  `------ inline ------'          `------ one range, seldom more ------'
 *
 * Source of the format: ISO/IEC 14496-12:2022 (boxes; section numbers stand at their use in the .c files),
 * 14496-15 (avc1, hvc1/hev1 sample entries), AV1-ISOBMFF 1.2. Times are in ticks of the video track's
 * timescale unless a name says `_ns`. Frames are counted in display order, after the source's own edit list.
 * A clip holds the video track and all audio tracks; other tracks (time codes, subtitles, telemetry) are left
 * out.
 *
 * Time is the presentation timeline, as FFmpeg's programs and libraries show it:
 *
 *     edit list:      ...pause...|frame 0|frame 1|...     frame 0 at the end of the pause; at 0 without one
 *     no edit list:   0 ....|frame 0|frame 1|...          each frame at its composition time
 *
 * The same window of the same recording always gives the same bytes: no clocks, no random numbers.
 * Thread rule: a `struct mp4` is immutable after mp4_scan() / mp4_table_decode(); slicing may run in any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/containers/recording.h"
#include "index/containers/slice.h"

struct mp4;

/* True if the first bytes of a file look like an MP4 / MOV (ftyp, moov, free+mdat, ...). */
bool mp4_probe(const uint8_t *head, size_t len);

/* Reads the head of the file, the moov, and for H.264 and HEVC the first bytes of a few sync samples (a sound
 * file of any length costs about 7 reads at most, see sync_sample.h), and checks every table against the
 * others and the file's size.
 *
 *     -EINVAL   not an MP4, or damaged: the message names the box and its offset
 *     -ENODATA  an MP4 as far as it goes, but its end is missing: not finished, or not all copied
 *     -ENOTSUP  a sound file that cannot be cut: fragmented, encrypted, several edit segments, edit
 *               rate != 1, samples in other files, no video track or several, ...; the message is the
 *               reason to publish
 *
 * Errors of the recording's reads are handed on. `recording` is not kept. */
int mp4_scan(const struct recording *recording, struct mp4 **ret, struct error *err);
void mp4_free(struct mp4 *mp4);
CLEANUP_DEFINE(struct mp4, mp4_free, cleanup_mp4)
#define CLEANUP_MP4 CLEANUP(cleanup_mp4)

struct mp4_info {
    uint64_t frames;          /* displayed frames of the video track */
    uint32_t timescale;       /* ticks a second of the video track */
    int64_t start_ns, end_ns; /* when the first one is shown, and when the last one no more */
    char codec[5];            /* sample entry: "avc1", "hvc1", "hev1", "av01", "vp09", ... */
    uint32_t width, height;
    bool has_audio;
};
void mp4_describe(const struct mp4 *mp4, struct mp4_info *ret);

/* When frame `i` (< frames) is shown. */
int64_t mp4_frame_time_ns(const struct mp4 *mp4, uint64_t i);
/* The first frame at or after `time_ns` (half a tick of tolerance); `frames` if there is none. */
uint64_t mp4_frame_at(const struct mp4 *mp4, int64_t time_ns);

enum mp4_snap {
    MP4_SNAP_EXACT, /* first displayed frame is exactly `first`; frames needed before it are hidden by an edit
                       list */
    MP4_SNAP_KEY,   /* starts displaying at the last usable sync sample at or before `first`: right in every
                       decoder */
};

struct mp4_window {
    uint64_t first, count; /* frames */
    enum mp4_snap snap;
    int64_t pause_ns; /* the clip begins so long before its first frame, which is the recording's */
};

/* Cuts frames [first, first + count) with all audio that overlaps them. An exact cut that needs no frame
 * before `first` has no pre-roll and is the same as a key cut. At the start of an open GOP the pictures that
 * belong before it are in the clip, hidden; they count as pre-roll. Sync samples that proved false (intra
 * refresh) are not started at. A pause is one in the clip, too: audio is heard, and no picture seen. -EINVAL
 * outside the recording, and for a pause before another frame than the first; -ENOTSUP with a reason where
 * this window cannot be cut exactly (no usable sync sample before it, or an edge between frames of one and
 * the same time). `slice` must be SLICE_INIT and stays so on failure. */
int mp4_slice(const struct mp4 *mp4, const struct mp4_window *window, struct slice *slice, struct error *err);

/* The compact sample table (versioned, zstd; 1.2 - 1.7 bytes a frame; format in index/FORMAT.md):
 * everything mp4_slice() needs, so that new clips are cut with no read of the object. Decoding checks as
 * strictly as scanning. */
void mp4_table_encode(const struct mp4 *mp4, struct buf *buf);
int mp4_table_decode(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err);
