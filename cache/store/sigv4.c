// SPDX-License-Identifier: Apache-2.0
/* Canonical request -> string to sign -> signature, with the names that AWS's text gives these steps. */
#include "cache/store/sigv4.h"

#include <string.h>
#include <time.h>

#include "cache/base/hash.h"

void sigv4_time(int64_t instant_ns, char ret_time[SIGV4_TIME_BYTES])
{
    time_t seconds = (time_t)(instant_ns / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(ret_time, SIGV4_TIME_BYTES, "%Y%m%dT%H%M%SZ", &tm);
}

static void append_signed_names(const struct sigv4_request *request, struct buf *buf)
{
    for (size_t i = 0; i < request->headers_count; i++)
        buf_printf(buf, "%s%s", i ? ";" : "", request->headers[i].name);
}

static void canonical_hash(const struct sigv4_request *request, char ret_hex[SHA256_HEX_BYTES])
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    buf_printf(&text, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->headers_count; i++)
        buf_printf(&text, "%s:%s\n", request->headers[i].name, request->headers[i].value);
    buf_text_append(&text, "\n");
    append_signed_names(request, &text);
    buf_printf(&text, "\n%s", request->payload_hash);
    sha256_of(text.data, text.len, digest);
    hex_print(digest, sizeof digest, ret_hex);
    explicit_bzero(text.data, text.len); /* the headers may hold a session token */
}

void sigv4_key(const struct sigv4_scope *scope, uint8_t ret_key[SHA256_BYTES])
{
    CLEANUP_BUF struct buf first = BUF_INIT;
    uint8_t next[SHA256_BYTES];
    const char *const steps[] = {scope->region, scope->service, "aws4_request"};
    buf_printf(&first, "AWS4%s", scope->secret_key);
    hmac_sha256(first.data, first.len, scope->time, SIGV4_DATE_CHARS, ret_key);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        hmac_sha256(ret_key, SHA256_BYTES, steps[i], strlen(steps[i]), next);
        memcpy(ret_key, next, sizeof next);
    }
    explicit_bzero(first.data, first.len);
    explicit_bzero(next, sizeof next);
}

void sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
                const uint8_t key[SHA256_BYTES], struct buf *buf)
{
    CLEANUP_BUF struct buf place = BUF_INIT, to_sign = BUF_INIT;
    char hex[SHA256_HEX_BYTES];
    uint8_t signature[SHA256_BYTES];
    buf_printf(&place, "%.*s/%s/%s/aws4_request", SIGV4_DATE_CHARS, scope->time, scope->region,
               scope->service);
    canonical_hash(request, hex);
    buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n%s", scope->time, buf_text(&place), hex);
    hmac_sha256(key, SHA256_BYTES, to_sign.data, to_sign.len, signature);
    hex_print(signature, sizeof signature, hex);
    buf_printf(buf, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=", scope->access_key, buf_text(&place));
    append_signed_names(request, buf);
    buf_printf(buf, ", Signature=%s", hex);
}
