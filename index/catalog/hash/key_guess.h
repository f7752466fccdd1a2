// SPDX-License-Identifier: Apache-2.0
/*
 * Names of clips are often numbered in the order of their rows (episode_000123): then a name whose row is
 * known tells where another one is, before its hash was read. Decides what is asked for, never an answer. Who
 * was wrong more often than right guesses no more: in other data sets rows are by site and session, and the
 * first guess is the last one. Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/base/name.h"

struct key_guess { /* zero: no key is known */
    char key[NAME_FILE_MAX + 1];
    uint32_t row;
    int wrong; /* how much more often than right */
};
/* The row that the key may have, below `rows`: it differs from the one that is known in a number of as many
 * digits, and in nothing else. */
bool key_guess_row(const struct key_guess *guess, const char *key, size_t len, uint32_t rows, uint32_t *ret);
/* A key, shorter than the longest one may be, is known now. */
void key_guess_learn(struct key_guess *guess, const char *key, size_t len, uint32_t row);
/* What was guessed turned out to be so, or not. */
void key_guess_judge(struct key_guess *guess, bool right);
