// SPDX-License-Identifier: Apache-2.0
/*
 * LOOKUP, GETATTR and READLINK: from a name in a directory to a node. What a name can be is told by its
 * spelling alone (index/base/name.h). Tasks.
 */
#pragma once

#include "fs/task.h"

task_fn lookup_entry, lookup_attr, lookup_link;
