// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes a component holds: an error, or a tree whose printed form parses to that tree, and prints
 * the same. */
#include "query/grammar.h"

#include <string.h>

#include "tests/query/same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_GRAMMAR struct grammar_component first = {0}, second = {0};
    CLEANUP_BUF struct buf printed = BUF_INIT, again = BUF_INIT;
    struct error err;
    if (grammar_parse((const char *)data, size, &first, &err))
        return 0;
    grammar_print(&printed, &first);
    if (grammar_parse(buf_text(&printed), printed.len, &second, &err))
        return printed.len > GRAMMAR_COMPONENT_MAX ? 0 : (__builtin_trap(), 1);
    if (!same_component(&first, &second))
        __builtin_trap();
    grammar_print(&again, &second);
    if (printed.len != again.len || memcmp(buf_text(&printed), buf_text(&again), again.len) != 0)
        __builtin_trap();
    return 0;
}
