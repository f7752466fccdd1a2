// SPDX-License-Identifier: Apache-2.0
/*
 * What was probably meant by a command or an option that there is not: one that is spelt nearly so, what
 * other programs call it, or a command that has it. Each appends ": did you mean 'query'?" or nothing. One
 * thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/dataset/dataset.h"
#include "tools/command.h"

void meant_command(const char *name, struct buf *text);
/* `name`, of `len` bytes, is without its dashes. */
void meant_option(const struct command *command, const char *name, size_t len, struct buf *text);
/* Of the commands' verbs, the first argument. */
void meant_verb(const struct command *command, const char *verb, struct buf *text);
/* Of the tags of a data set; of the attributes of the reader's version. */
void meant_tag(struct dataset *dataset, const char *name, struct buf *text);
void meant_attribute(struct catalog_reader *reader, const char *name, struct buf *text);
/* Of -o NAME: with '_', as fstab(5) has them. */
void meant_mount_word(const struct command *command, const char *name, struct buf *text);
