// SPDX-License-Identifier: Apache-2.0
/* Parsing prints again and compares, so that a pin has one spelling only. */
#include "cache/store/pin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

void pin_local_print(const struct pin_local *pin, char ret_text[STORE_PIN_BYTES])
{
    if (pin->portable)
        snprintf(ret_text, STORE_PIN_BYTES, "mtime=%" PRId64, pin->mtime_ns);
    else
        snprintf(ret_text, STORE_PIN_BYTES, "mtime=%" PRId64 ";ctime=%" PRId64 ";inode=%" PRIu64,
                 pin->mtime_ns, pin->ctime_ns, pin->inode);
}

int pin_local_parse(const char *text, struct pin_local *ret)
{
    struct pin_local pin = {0};
    char again[STORE_PIN_BYTES];
    int found = sscanf(text, "mtime=%" SCNd64 ";ctime=%" SCNd64 ";inode=%" SCNu64, &pin.mtime_ns,
                       &pin.ctime_ns, &pin.inode);
    if (found != 1 && found != 3)
        return -EINVAL;
    pin.portable = found == 1;
    pin_local_print(&pin, again);
    if (strcmp(again, text))
        return -EINVAL;
    *ret = pin;
    return 0;
}

/* RFC 9110 section 8.8.3: etagc, here without the bytes above 0x7f and ';'. */
static bool etag_body_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == ';')
            return false;
    return len > 0;
}

static bool version_valid(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == ';')
            return false;
    return *text && strlen(text) < PIN_VERSION_BYTES;
}

int pin_s3_make(const char *etag, const char *version, struct pin_s3 *ret)
{
    size_t len = etag ? strlen(etag) : 0;
    if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"') {
        etag++;
        len -= 2;
    }
    if (len + 3 > PIN_ETAG_BYTES || !etag_body_valid(etag, len) || !strncmp(etag, "W/", 2))
        return -EINVAL;
    bool versioned = version && *version && strcmp(version, "null");
    if (versioned && !version_valid(version))
        return -EINVAL;
    snprintf(ret->etag, sizeof ret->etag, "\"%.*s\"", (int)len, etag);
    snprintf(ret->version, sizeof ret->version, "%s", versioned ? version : "");
    return 0;
}

void pin_s3_print(const struct pin_s3 *pin, char ret_text[STORE_PIN_BYTES])
{
    snprintf(ret_text, STORE_PIN_BYTES, "etag=%s%s%s", pin->etag, *pin->version ? ";version=" : "",
             pin->version);
}

int pin_s3_parse(const char *text, struct pin_s3 *ret)
{
    char etag[PIN_ETAG_BYTES];
    struct pin_s3 pin;
    char again[STORE_PIN_BYTES];
    if (strncmp(text, "etag=\"", 6))
        return -EINVAL;
    const char *start = text + 5, *semicolon = strchr(text, ';');
    size_t len = semicolon ? (size_t)(semicolon - start) : strlen(start);
    if (len >= sizeof etag || (semicolon && strncmp(semicolon, ";version=", 9)))
        return -EINVAL;
    memcpy(etag, start, len);
    etag[len] = 0;
    if (pin_s3_make(etag, semicolon ? semicolon + 9 : NULL, &pin))
        return -EINVAL;
    pin_s3_print(&pin, again);
    if (strcmp(again, text))
        return -EINVAL;
    *ret = pin;
    return 0;
}

int pin_http_make(const char *etag, int64_t modified_ns, struct pin_http *ret)
{
    struct pin_s3 strong;
    struct pin_http pin = {.modified_s = modified_ns / NS_PER_S};
    if (etag && *etag == '"' && !pin_s3_make(etag, NULL, &strong))
        pin = (struct pin_http){0}, memcpy(pin.etag, strong.etag, sizeof pin.etag);
    else if (pin.modified_s <= 0)
        return -EINVAL;
    *ret = pin;
    return 0;
}

void pin_http_print(const struct pin_http *pin, char ret_text[STORE_PIN_BYTES])
{
    if (*pin->etag)
        snprintf(ret_text, STORE_PIN_BYTES, "etag=%s", pin->etag);
    else
        snprintf(ret_text, STORE_PIN_BYTES, "modified=%" PRId64 ";weak", pin->modified_s);
}

int pin_http_parse(const char *text, struct pin_http *ret)
{
    struct pin_s3 strong;
    struct pin_http pin = {0};
    char again[STORE_PIN_BYTES];
    if (!pin_s3_parse(text, &strong)) {
        if (*strong.version)
            return -EINVAL;
        memcpy(pin.etag, strong.etag, sizeof pin.etag);
    } else if (sscanf(text, "modified=%" SCNd64 ";weak", &pin.modified_s) != 1 || pin.modified_s <= 0) {
        return -EINVAL;
    }
    pin_http_print(&pin, again);
    if (strcmp(again, text))
        return -EINVAL;
    *ret = pin;
    return 0;
}

static enum pin_relation relate_local(const struct pin_local *was, const struct pin_local *now)
{
    if (was->mtime_ns != now->mtime_ns)
        return PIN_CHANGED;
    if (was->portable || now->portable || was->inode != now->inode)
        return PIN_MOVED;
    return was->ctime_ns != now->ctime_ns ? PIN_TOUCHED : PIN_SAME;
}

enum pin_relation pin_relate(const char *was, const char *now)
{
    struct pin_local one, other;
    if (!strcmp(was, now) || store_pin_same_bytes(was, now))
        return PIN_SAME;
    if (!pin_local_parse(was, &one) && !pin_local_parse(now, &other))
        return relate_local(&one, &other);
    return PIN_CHANGED;
}

bool pin_is_served(const char *was, const char *now, int64_t modified_ns)
{
    struct pin_local file;
    struct pin_http http;
    return !pin_local_parse(was, &file) && !pin_http_parse(now, &http) &&
           file.mtime_ns / NS_PER_S == modified_ns / NS_PER_S;
}

bool pin_is_same_file(const char *was, const char *now)
{
    struct pin_local one, other;
    return !pin_local_parse(was, &one) && !pin_local_parse(now, &other) && !one.portable && !other.portable &&
           one.inode == other.inode;
}

void store_pin_portable(const char *pin, char ret[STORE_PIN_BYTES])
{
    struct pin_local local;
    if (pin_local_parse(pin, &local)) {
        snprintf(ret, STORE_PIN_BYTES, "%s", pin);
        return;
    }
    local.portable = true;
    pin_local_print(&local, ret);
}

void store_pin_renamed(const char *pin, char ret[STORE_PIN_BYTES])
{
    struct pin_local local;
    if (pin_local_parse(pin, &local) || local.portable)
        snprintf(ret, STORE_PIN_BYTES, "%s", pin);
    else
        snprintf(ret, STORE_PIN_BYTES, "mtime=%" PRId64 ";inode=%" PRIu64, local.mtime_ns, local.inode);
}

bool store_pin_same_bytes(const char *a, const char *b)
{
    struct pin_s3 one, other;
    return !pin_s3_parse(a, &one) && !pin_s3_parse(b, &other) && !strcmp(one.etag, other.etag);
}
