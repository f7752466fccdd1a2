// SPDX-License-Identifier: Apache-2.0
/*
 * The synthesised start of a clip: `ftyp`, `moov` and the header of `mdat` (ISO/IEC 14496-12
 * sections 4.3, 8.1 - 8.9).
 *
 *     ftyp | moov { mvhd, trak { tkhd, edts { elst }, mdia { mdhd, hdlr, minf { vmhd | smhd, dinf,
 *            stbl { stsd, stts, ctts, stss, stsz, stsc, stco | co64, sgpd, sbgp } } } } ... } | mdat header
 *
 * All times of making are zero and nothing else but recording and window enters, so a clip always has the
 * same bytes. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/containers/mp4/cut_layout.h"
#include "index/containers/mp4/cut_window.h"
#include "index/containers/mp4/movie.h"

/* Appends to `ret`; the layout's ranges follow behind it. */
void cut_header_build(const struct mp4 *mp4, const struct cut_window *window, const struct cut_layout *layout,
                      struct buf *ret);
