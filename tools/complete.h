// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs --complete WORD... LAST`: what may stand for LAST, the word being typed, after the others. The
 * shells' scripts in tools/completion ask it, so they know no command and no option themselves.
 *
 * Prints lines "text<TAB>description", and in front, where names of the local machine may stand as well,
 * ":files" or ":folders". A text that ends with '=' or '/' is not the end of a word. Never fails: what cannot
 * be known is not suggested. One thread.
 */
#pragma once

int complete(int argc, char **argv); /* the exit status */
