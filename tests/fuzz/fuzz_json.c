// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error or a tree, never a crash; text written back parses again. */
#include "cache/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *json = NULL;
    struct error err;
    if (!json_parse("input", data, size, &json, &err))
        json_free(json);
    CLEANUP_BUF struct buf text = BUF_INIT;
    json_write_text(&text, (const char *)data, size);
    if (json_parse("written", text.data, text.len, &json, &err))
        __builtin_trap();
    json_free(json);
    return 0;
}
