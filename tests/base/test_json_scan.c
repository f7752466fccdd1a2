// SPDX-License-Identifier: Apache-2.0
/* Texts against the tokens they have, written out, or against the error. */
#include "cache/base/json_scan.h"

#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/buf.h"
#include "tests/test_leaks.h"

static void show(struct buf *out, const struct json_token *token)
{
    static const char marks[] = {[JSON_TOKEN_OBJECT] = '{',
                                 [JSON_TOKEN_OBJECT_END] = '}',
                                 [JSON_TOKEN_ARRAY] = '[',
                                 [JSON_TOKEN_ARRAY_END] = ']',
                                 [JSON_TOKEN_NULL] = '~'};
    if (token->kind == JSON_TOKEN_NAME || token->kind == JSON_TOKEN_TEXT)
        buf_printf(out, "%s'%.*s'", token->kind == JSON_TOKEN_NAME ? "." : "", (int)token->len, token->text);
    else if (token->kind == JSON_TOKEN_INTEGER)
        buf_printf(out, "i%lld", (long long)token->integer);
    else if (token->kind == JSON_TOKEN_REAL)
        buf_printf(out, "r%g", token->real);
    else if (token->kind == JSON_TOKEN_BOOL)
        buf_printf(out, "%s", token->boolean ? "yes" : "no");
    else if (token->kind != JSON_TOKEN_END)
        buf_u8(out, (uint8_t)marks[token->kind]);
}

/* All tokens, or the error. The bytes end where the text does, so that a read past them is seen. */
static char *scanned(const char *text)
{
    size_t len = strlen(text);
    CLEANUP_FREE char *copy = mem_alloc(len);
    memcpy(copy, text, len);
    CLEANUP_BUF struct buf out = BUF_INIT;
    struct json_scan scan;
    struct json_token token = {.kind = JSON_TOKEN_NULL};
    struct error err = {0};
    json_scan_init(&scan, copy, len);
    do {
        if (json_scan_next(&scan, &token, &err))
            return mem_text(err.text);
        show(&out, &token);
    } while (token.kind != JSON_TOKEN_END);
    return (char *)buf_steal(&out);
}

struct scanning {
    const char *text, *expected;
};

static void check(const struct scanning *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *got = scanned(cases[i].text);
        cr_expect_str_eq(got, cases[i].expected, "%s\n  gave %s\n  not %s", cases[i].text, got,
                         cases[i].expected);
        free(got);
    }
    check_leaks();
}

Test(json_scan, gives_tokens_in_order)
{
    static const struct scanning cases[] = {
        {"{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}", "{.'a'i1.'b'[yesno~].'c'{.'d''e'}}"},
        {" [ ] ", "[]"},
        {"{}", "{}"},
        {"[[],[{}]]", "[[][{}]]"},
        {"7", "i7"},
        {"\"\"", "''"},
        {"[-0,-12,9223372036854775807,-9223372036854775808]",
         "[i0i-12i9223372036854775807i-9223372036854775808]"},
        {"[0.5,-1e3,2E-2,1.5e+2]", "[r0.5r-1000r0.02r150]"},
        {"{\"a\":1,\"a\":2}", "{.'a'i1.'a'i2}"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(json_scan, escapes_are_decoded)
{
    static const struct scanning cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "'\"\\/\b\f\n\r\t'"},
        {"\"\\u0041\\u00fc\\u20AC\\ud83d\\ude00z\"", "'A\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z'"},
        {"{\"\\u006b\":\"a\\tb\",\"c\":\"d\"}", "{.'k''a\tb'.'c''d'}"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(json_scan, what_is_no_json_is_refused_with_column_and_reason)
{
    static const struct scanning cases[] = {
        {"", "column 1: not valid JSON: it ends too early"},
        {"{", "column 2: not valid JSON: it ends too early"},
        {"[1", "column 3: not valid JSON: it ends too early"},
        {"[1,]", "column 4: not valid JSON: a value must stand here"},
        {"{\"a\":1,}", "column 8: not valid JSON: a name in quotes must stand here"},
        {"{\"a\" 1}", "column 6: not valid JSON: a ':' must stand here"},
        {"{\"a\":1 2}", "column 8: not valid JSON: a ',' or '}' must stand here"},
        {"[1}", "column 3: not valid JSON: a ',' or ']' must stand here"},
        {"1 2", "column 3: not valid JSON: something follows the value"},
        {"[tru]", "column 2: not valid JSON: a value must stand here"},
        {"[01]", "column 3: not valid JSON: a ',' or ']' must stand here"},
        {"[1.]", "column 2: not valid JSON: a number that is none"},
        {"[-]", "column 2: not valid JSON: a number that is none"},
        {"[1e]", "column 2: not valid JSON: a number that is none"},
        {"[1e400]", "column 2: not valid JSON: a number that is too large"},
        {"[9223372036854775808]", "column 2: not valid JSON: an integer beyond int64 (a text keeps it)"},
        {"\"a", "column 3: not valid JSON: a text is not closed"},
        {"\"a\nb\"", "column 3: not valid JSON: a control byte in a text"},
        {"\"\\x\"", "column 2: not valid JSON: an escape that is none"},
        {"\"\\u12\"", "column 4: not valid JSON: \\u without four hex digits"},
        {"\"\\ud800\"", "column 8: not valid JSON: half a surrogate pair"},
        {"\"\\ud800\\u0041\"", "column 14: not valid JSON: half a surrogate pair"},
        {"\"\\udc00\"", "column 8: not valid JSON: half a surrogate pair"},
        {"\"\\u0000\"", "column 8: not valid JSON: a text holds a NUL byte"},
        {"\"\xc3\"", "column 3: not valid JSON: a text is not UTF-8"},
        {"'a'", "column 1: not valid JSON: a value must stand here"},
    };
    check(cases, sizeof cases / sizeof *cases);
}

Test(json_scan, nesting_is_bounded)
{
    char text[2 * JSON_SCAN_DEPTH_MAX + 3] = {0};
    memset(text, '[', JSON_SCAN_DEPTH_MAX);
    memset(text + JSON_SCAN_DEPTH_MAX, ']', JSON_SCAN_DEPTH_MAX);
    char *got = scanned(text);
    cr_expect_str_eq(got, text);
    free(got);
    memset(text, '[', JSON_SCAN_DEPTH_MAX + 1);
    got = scanned(text);
    cr_expect_str_eq(got, "column 65: not valid JSON: nested too deeply");
    free(got);
    check_leaks();
}
