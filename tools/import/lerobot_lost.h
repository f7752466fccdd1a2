// SPDX-License-Identifier: Apache-2.0
/* LeRobot data sets without meta/info.json: half copied, or by mistake. As plain files, each of their
 * recordings, which hold many episodes, would be a clip. */
#pragma once

#include "cache/base/error.h"
#include "tools/import/draft.h"
#include "tools/import/source.h"

/* -ENOENT naming the file that is missing, and the one that tells so: some folder, *ret_folder ("" or "a/b/",
 * the caller frees), has a meta/ as LeRobot writes it, or both data/chunk-... and videos/, but no info.json.
 * Objects before *at are passed over, and `taken` ones; *at becomes that of the file that tells. */
int lerobot_lost_check(const struct source *source, const bool *taken, size_t *at, char **ret_folder,
                       struct error *err);
/* -ENOENT: the newest version has episodes of this source, none of which is a draft. Once all drafts are
 * there. */
int lerobot_lost_check_known(const struct source *source, struct drafts *drafts, struct error *err);
