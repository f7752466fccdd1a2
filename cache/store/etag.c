// SPDX-License-Identifier: Apache-2.0
/* How large the parts were is not told: all usual sizes that give as many parts are tried in one pass. */
#include "cache/store/etag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/memory.h"
#include "cache/store/pin.h"

enum { GUESSES_MAX = 4, PARTS_MAX = 10000 };

struct guess { /* parts of this size */
    uint64_t part_bytes, in_part;
    struct md5 *part, *all; /* `all`: of the parts' digests; NULL: the object is one piece */
    uint64_t parts;
};

struct etag_check {
    char etag[PIN_ETAG_BYTES]; /* without its quotes */
    struct guess guesses[GUESSES_MAX];
    size_t count;
};

/* MiB: the AWS tools, elidefs, rclone, boto3 and s3cmd by default, and what people set. */
static const uint16_t usual_mib[] = {8, 5, 16, 15, 10, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1024};

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") == len;
}

/* The ETag without quotes; its count of parts, 0 for an object in one piece. */
static bool take_etag(const char *pin, char ret[PIN_ETAG_BYTES], uint64_t *ret_parts)
{
    struct pin_s3 s3;
    unsigned long parts = 0;
    if (pin_s3_parse(pin, &s3))
        return false;
    snprintf(ret, PIN_ETAG_BYTES, "%.*s", (int)(strlen(s3.etag) - 2), s3.etag + 1);
    size_t len = strlen(ret);
    if (len == 2 * MD5_BYTES && is_hex(ret, len)) {
        *ret_parts = 0;
        return true;
    }
    if (len < 2 * MD5_BYTES + 2 || !is_hex(ret, 2 * MD5_BYTES) || ret[2 * MD5_BYTES] != '-')
        return false;
    parts = strtoul(ret + 2 * MD5_BYTES + 1, NULL, 10);
    *ret_parts = parts;
    return parts > 0 && parts <= PARTS_MAX;
}

static void add_guess(struct etag_check *check, uint64_t part_bytes)
{
    if (check->count < GUESSES_MAX)
        check->guesses[check->count++] =
            (struct guess){.part_bytes = part_bytes, .part = md5_new(), .all = md5_new()};
}

struct etag_check *etag_check_new(const char *pin, uint64_t size)
{
    char etag[PIN_ETAG_BYTES];
    uint64_t parts;
    if (!take_etag(pin, etag, &parts))
        return NULL;
    struct etag_check *check = MEM_NEW(struct etag_check);
    strcpy(check->etag, etag);
    if (!parts)
        check->guesses[check->count++] = (struct guess){.part_bytes = UINT64_MAX, .part = md5_new()};
    for (size_t i = 0; parts && i < sizeof usual_mib / sizeof *usual_mib; i++) {
        uint64_t bytes = (uint64_t)usual_mib[i] << 20;
        if (size && (size - 1) / bytes + 1 == parts)
            add_guess(check, bytes);
    }
    if (check->count)
        return check;
    free(check);
    return NULL;
}

static void end_part(struct guess *guess)
{
    uint8_t digest[MD5_BYTES];
    md5_finish(guess->part, digest);
    md5_add(guess->all, digest, sizeof digest);
    guess->part = md5_new();
    guess->in_part = 0;
    guess->parts++;
}

static void add_to(struct guess *guess, const uint8_t *bytes, size_t len)
{
    while (len) {
        uint64_t room = guess->part_bytes - guess->in_part;
        size_t n = len < room ? len : (size_t)room;
        md5_add(guess->part, bytes, n);
        guess->in_part += n;
        bytes += n;
        len -= n;
        if (guess->all && guess->in_part == guess->part_bytes)
            end_part(guess);
    }
}

void etag_check_add(struct etag_check *check, const void *bytes, size_t len)
{
    for (size_t i = 0; check && i < check->count; i++)
        add_to(&check->guesses[i], bytes, len);
}

static bool finish(struct guess *guess, const char *etag)
{
    uint8_t digest[MD5_BYTES];
    char text[2 * MD5_BYTES + 24];
    if (guess->all && guess->in_part)
        end_part(guess);
    md5_finish(guess->part, digest);
    if (guess->all)
        md5_finish(guess->all, digest);
    hex_print(digest, sizeof digest, text);
    if (guess->all)
        snprintf(text + 2 * MD5_BYTES, sizeof text - 2 * MD5_BYTES, "-%llu",
                 (unsigned long long)guess->parts);
    return !strcmp(text, etag);
}

bool etag_check_finish(struct etag_check *check)
{
    bool same = false;
    for (size_t i = 0; check && i < check->count; i++)
        same |= finish(&check->guesses[i], check->etag);
    free(check);
    return same;
}

bool etag_is_md5(const char *pin, const uint8_t md5[MD5_BYTES])
{
    char etag[PIN_ETAG_BYTES], text[2 * MD5_BYTES + 1];
    uint64_t parts;
    hex_print(md5, MD5_BYTES, text);
    return take_etag(pin, etag, &parts) && !parts && !strcmp(etag, text);
}

/* ---- parts of one size ---- */

struct etag_parts {
    struct guess guess;
};

struct etag_parts *etag_parts_new(void)
{
    struct etag_parts *parts = MEM_NEW(struct etag_parts);
    parts->guess = (struct guess){.part_bytes = ETAG_PART_BYTES, .part = md5_new(), .all = md5_new()};
    return parts;
}

void etag_parts_add(struct etag_parts *parts, const void *bytes, size_t len)
{
    add_to(&parts->guess, bytes, len);
}

void etag_parts_finish(struct etag_parts *parts, uint8_t ret[MD5_BYTES])
{
    uint8_t rest[MD5_BYTES];
    struct guess *guess = &parts->guess;
    if (guess->in_part)
        end_part(guess);
    md5_finish(guess->part, rest);
    md5_finish(guess->all, ret);
    free(parts);
}

bool etag_is_parts(const char *pin, uint64_t size, const uint8_t digest[MD5_BYTES])
{
    char etag[PIN_ETAG_BYTES], text[2 * MD5_BYTES + 1];
    uint64_t parts;
    hex_print(digest, MD5_BYTES, text);
    return take_etag(pin, etag, &parts) && parts && size && parts == (size - 1) / ETAG_PART_BYTES + 1 &&
           !strncmp(etag, text, 2 * MD5_BYTES);
}
