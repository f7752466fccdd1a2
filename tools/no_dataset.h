// SPDX-License-Identifier: Apache-2.0
/*
 * Why a word that should name a data set names none, and what was probably meant: another name of the
 * configuration, the two words DATASET PATH typed as one, a source that is to be imported, a folder with a
 * data set in it. Waits for the store (a few requests). Any thread.
 *
 *     no data set named 'robts': did you mean 'robots'?
 *     /data/kitchen/v1/arm=left lies in the data set /data/kitchen: type them apart, /data/kitchen
 * v1/arm=left no data set at /robots/kitchen: it is a LeRobot folder, which is imported into one: ...
 */
#pragma once

#include "cache/base/error.h"
#include "cache/store/store.h"

/* `given` is the word as typed; `err` says -ENOENT of it ("no data set at URL", "no such bucket"), and says
 * more afterwards. Returns -ENOENT. */
int no_dataset_explain(struct stores *stores, const char *given, struct error *err);
