// SPDX-License-Identifier: Apache-2.0
/* The commands, one file each. Immutable. */
#pragma once

#include "tools/command.h"

extern const struct command command_init, command_import, command_mount, command_umount, command_query,
    command_cp, command_explain, command_log, command_tag, command_status, command_annotate, command_blame,
    command_attribute, command_catalog, command_untag, command_diff, command_lock, command_check;
extern const struct command command_root, command_trust, command_prefetch;
extern const struct command command_remove, command_verify;
extern const struct command command_forget, command_purge, command_gc;
