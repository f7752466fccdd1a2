// SPDX-License-Identifier: Apache-2.0
/* LeRobot data sets without meta/info.json: half copied, or by mistake. As plain files, each of their
 * recordings, which hold many episodes, would be a clip. */
#pragma once

#include "cache/base/error.h"
#include "tools/import/draft.h"
#include "tools/import/source.h"

/* -ENOENT naming the file that is missing, and the one that tells so: some folder has a meta/ as LeRobot
 * writes it, or both data/chunk-... and videos/, but no info.json; `taken`, by object, is passed over. */
int lerobot_lost_check(const struct source *source, const bool *taken, struct error *err);
/* -ENOENT: the newest version has episodes of this source, none of which is a draft. Once all drafts are
 * there. */
int lerobot_lost_check_known(const struct source *source, struct drafts *drafts, struct error *err);
