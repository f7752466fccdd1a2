// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error or a tree, never a crash; text written back parses again; the scanner takes
 * what the parser takes, and the other way round. */
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int scan(const uint8_t *data, size_t size, struct error *err)
{
    CLEANUP_FREE char *copy = mem_copy(data, size);
    struct json_scan json;
    struct json_token token = {.kind = JSON_TOKEN_NULL};
    json_scan_init(&json, copy, size);
    int rc;
    do {
        rc = json_scan_next(&json, &token, err);
        bool text = !rc && (token.kind == JSON_TOKEN_TEXT || token.kind == JSON_TOKEN_NAME);
        if (text &&
            (token.text < copy || token.text + token.len > copy + size || memchr(token.text, 0, token.len)))
            __builtin_trap();
        if (json_scan_column(&json) > size + 1)
            __builtin_trap();
    } while (!rc && token.kind != JSON_TOKEN_END);
    return rc;
}

/* The scanner is stricter with depth and NUL bytes, the parser with names that come twice; a text that holds
 * a NUL byte itself the parser may take to end there. */
static void check_agreement(int parsed, const struct error *parser, int scanned, const struct error *scanner)
{
    bool excused = scanned ? strstr(scanner->text, "nested too deeply") || strstr(scanner->text, "a NUL byte")
                           : strstr(parser->text, "duplicate object key") != NULL;
    if (!parsed != !scanned && !excused)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *json = NULL;
    struct error err = {0}, scan_err = {0};
    int parsed = json_parse("input", data, size, &json, &err);
    if (!parsed)
        json_free(json);
    int scanned = scan(data, size, &scan_err);
    if (!size || !memchr(data, 0, size))
        check_agreement(parsed, &err, scanned, &scan_err);
    CLEANUP_BUF struct buf text = BUF_INIT;
    json_write_text(&text, (const char *)data, size);
    if (json_parse("written", text.data, text.len, &json, &err))
        __builtin_trap();
    json_free(json);
    return 0;
}
