// SPDX-License-Identifier: Apache-2.0
#include "index/root_pins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/strmap.h"
#include "cache/store/store.h"

struct root_pins {
    struct strmap *by_object; /* value: a text, owned */
};

/* A path holds no newline of its own: it stands escaped in JSON, but is compared as it is; a pin holds none.
 */
static void object_key(struct buf *buf, const char *path, const char *was)
{
    buf_printf(buf, "%s\n%s", was, path);
}

static int take_line(struct root_pins *pins, const struct json *line, struct error *err)
{
    const char *path = json_get_text(line, "path"), *was = json_get_text(line, "was"),
               *now = json_get_text(line, "now");
    CLEANUP_BUF struct buf key = BUF_INIT;
    bool added;
    if (!path || !was || !now || !*now || strlen(now) >= STORE_PIN_BYTES)
        return error_set(err, EUCLEAN, "path, was and now are texts");
    object_key(&key, path, was);
    struct strmap_entry *entry = strmap_put(pins->by_object, buf_text(&key), key.len, &added);
    if (added)
        entry->value = (uintptr_t)mem_text(now);
    return 0;
}

int root_pins_parse(const char *name, const void *bytes, size_t len, struct root_pins **ret,
                    struct error *err)
{
    struct root_pins *pins = MEM_NEW(struct root_pins);
    const char *at = bytes, *end = at + len;
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
        root_pins_free(pins);
    else
        *ret = pins;
    return rc;
}

void root_pins_free(struct root_pins *pins)
{
    if (!pins)
        return;
    for (size_t i = 0; i < strmap_count(pins->by_object); i++)
        free((char *)strmap_at(pins->by_object, i)->value);
    strmap_free(pins->by_object);
    free(pins);
}

const char *root_pins_find(const struct root_pins *pins, const char *path, const char *was)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    object_key(&key, path, was);
    const struct strmap_entry *entry = strmap_find(pins->by_object, buf_text(&key), key.len);
    return entry ? (const char *)entry->value : NULL;
}

void root_pins_print(struct buf *buf, const char *path, const char *was, const char *now)
{
    const char *const members[][2] = {{"path", path}, {"was", was}, {"now", now}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        buf_printf(buf, "%s\"%s\": ", i ? ", " : "{", members[i][0]);
        json_write_text(buf, members[i][1], strlen(members[i][1]));
    }
    buf_text_append(buf, "}\n");
}
