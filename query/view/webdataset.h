// SPDX-License-Identifier: Apache-2.0
/*
 * `.as/webdataset/` and `.as/webdataset-SIZE/`: the clips as tars, in the order of the path.
 *
 *     000000.tar 000001.tar ...    members <key>.json, then <key>.<stream>.<ext> by stream number: a sample a
 * clip SHARDS                       how many tars there are, and a newline index.json                   each
 * tar, its samples and bytes, as the "wids" reader of WebDataset has it
 *
 * A tar is filled until the next clip would make it larger than SIZE bytes (1 GiB where none is said), or
 * more than WEBDATASET_FILES files, or than WEBDATASET_INLINE_BYTES of headers and json. A clip that is
 * larger alone has one of its own. Members are of mode 0644, owner 0, and of the time of the version that
 * changed them last.
 */
#pragma once

#include "query/view/view.h"

enum { WEBDATASET_FILES = 10000, WEBDATASET_INLINE_BYTES = 64 << 20, WEBDATASET_SHARDS_MAX = 1000000 };

extern const struct view_kind view_webdataset;
