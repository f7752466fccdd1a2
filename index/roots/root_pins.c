// SPDX-License-Identifier: Apache-2.0
/* A map from (pin then, path) to what is known now; the last line of an object counts, so that lines can be
 * appended to those of before. */
#include "index/roots/root_pins.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/strmap.h"

struct known {
    char *pin;
    bool whole;
    uint8_t sha256[SHA256_BYTES];
};

struct root_pins {
    atomic_uint refs;
    struct strmap *by_object; /* value: struct known, owned */
};

/* A path holds no newline of its own: it stands escaped in JSON, but is compared as it is; a pin holds none.
 */
static void object_key(struct buf *buf, const char *path, const char *was)
{
    buf_printf(buf, "%s\n%s", was, path);
}

static void known_free(struct known *known)
{
    if (known)
        free(known->pin);
    free(known);
}

static int take_line(struct root_pins *pins, const struct json *line, struct error *err)
{
    const char *path = json_get_text(line, "path"), *was = json_get_text(line, "was"),
               *now = json_get_text(line, "now"), *sha256 = json_get_text(line, "sha256");
    CLEANUP_BUF struct buf key = BUF_INIT;
    struct known known = {.whole = sha256 != NULL};
    if (!path || !was || !now || !*now || strlen(now) >= STORE_PIN_BYTES)
        return error_set(err, EUCLEAN, "path, was and now are texts");
    if (sha256 && hex_parse(sha256, strlen(sha256), known.sha256, SHA256_BYTES))
        return error_set(err, EUCLEAN, "sha256 is no hash");
    object_key(&key, path, was);
    struct strmap_entry *entry = strmap_put(pins->by_object, buf_text(&key), key.len, NULL);
    known_free((struct known *)entry->value);
    known.pin = mem_text(now);
    entry->value = (uintptr_t)mem_copy(&known, sizeof known);
    return 0;
}

int root_pins_parse(const char *name, const void *bytes, size_t len, struct root_pins **ret,
                    struct error *err)
{
    struct root_pins *pins = MEM_NEW(struct root_pins);
    const char *at = bytes, *end = at + len;
    atomic_init(&pins->refs, 1);
    pins->by_object = strmap_new();
    int rc = 0;
    for (uint64_t number = 1; !rc && at < end; number++) {
        CLEANUP_JSON struct json *line = NULL;
        struct error why = {0};
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_len = (size_t)((newline ? newline : end) - at);
        rc = json_parse_line(number, at, line_len, &line, &why);
        if (!rc)
            rc = take_line(pins, line, &why);
        if (rc < 0)
            rc = error_set(err, EUCLEAN, "%s: line %llu: %s", name, (unsigned long long)number, why.text);
        at += line_len + (newline != NULL);
    }
    if (rc < 0)
        root_pins_unref(pins);
    else
        *ret = pins;
    return rc;
}

struct root_pins *root_pins_ref(struct root_pins *pins)
{
    if (pins)
        atomic_fetch_add(&pins->refs, 1);
    return pins;
}

void root_pins_unref(struct root_pins *pins)
{
    if (!pins || atomic_fetch_sub(&pins->refs, 1) != 1)
        return;
    for (size_t i = 0; i < strmap_count(pins->by_object); i++)
        known_free((struct known *)strmap_at(pins->by_object, i)->value);
    strmap_free(pins->by_object);
    free(pins);
}

bool root_pins_find(const struct root_pins *pins, const char *path, struct store_object *was)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    if (!pins)
        return false;
    object_key(&key, path, was->pin);
    const struct strmap_entry *entry = strmap_find(pins->by_object, buf_text(&key), key.len);
    const struct known *known = entry ? (const struct known *)entry->value : NULL;
    if (!known)
        return false;
    memcpy(was->pin, known->pin, strlen(known->pin) + 1);
    if (known->whole && !evidence_known_whole(&was->evidence, was->size)) {
        was->evidence.whole = true;
        memcpy(was->evidence.sha256, known->sha256, SHA256_BYTES);
    }
    return true;
}

void root_pins_print(struct buf *buf, const char *path, const char *was, const struct store_object *now)
{
    char portable[STORE_PIN_BYTES], before[STORE_PIN_BYTES], hex[SHA256_HEX_BYTES];
    store_pin_portable(now->pin, portable);
    store_pin_portable(was, before);
    if (!strcmp(portable, before) && !now->evidence.whole)
        return;
    hex_print(now->evidence.sha256, SHA256_BYTES, hex);
    const char *const members[][2] = {
        {"path", path}, {"was", was}, {"now", portable}, {"sha256", now->evidence.whole ? hex : NULL}};
    for (size_t i = 0; i < sizeof members / sizeof *members && members[i][1]; i++) {
        buf_printf(buf, "%s\"%s\": ", i ? ", " : "{", members[i][0]);
        json_write_text(buf, members[i][1], strlen(members[i][1]));
    }
    buf_text_append(buf, "}\n");
}
