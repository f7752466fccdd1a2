// SPDX-License-Identifier: Apache-2.0
/* The first place is the record itself, so that who knows of no others reads that one. */
#include "index/roots/root_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/memory.h"
#include "index/base/manifest.h"

const char *root_below(const char *own, const char *url)
{
    size_t len = strlen(own);
    if (strncmp(own, url, len))
        return NULL;
    if (len && own[len - 1] == '/') /* the folder "/" itself */
        return url + len;
    return !url[len] ? url + len : url[len] == '/' ? url + len + 1 : NULL;
}

bool root_has_only_names(const char *path)
{
    for (;;) {
        size_t len = strcspn(path, "/");
        if (!len || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}

static char *place_of(const char *own, const char *url)
{
    const char *below = root_below(own, url);
    return !below ? mem_text(url) : *below ? mem_printf("./%s", below) : mem_text(".");
}

/* The absolute URL of a recorded place; NULL if it is neither a sound relative one nor absolute. */
static char *url_of(const char *own, const char *place)
{
    size_t own_len = strlen(own);
    if (!strcmp(place, "."))
        return mem_text(own);
    if (!strncmp(place, "./", 2))
        return root_has_only_names(place + 2)
                   ? mem_printf("%s%s%s", own, own[own_len - 1] == '/' ? "" : "/", place + 2)
                   : NULL;
    return *place == '/' || strstr(place, "://") ? mem_text(place) : NULL;
}

static int take_place(const char *name, const char *own, const struct json *json, struct root_record *record,
                      struct error *err)
{
    const char *place = json_get_text(json, "url"), *pins = json_get_text(json, "pins");
    CLEANUP_FREE char *url = place ? url_of(own, place) : NULL;
    if (!url)
        return error_set(err, EUCLEAN, "%s: 'url' is no absolute URL and no folder below the data set", name);
    if (pins && (strlen(pins) != LAYOUT_ID_BYTES - 1 || pins[strspn(pins, "0123456789abcdef")]))
        return error_set(err, EUCLEAN, "%s: 'pins' is no id", name);
    if (record->count == ROOT_PLACES_MAX)
        return error_set(err, EUCLEAN, "%s: more than %d places", name, ROOT_PLACES_MAX);
    struct root_record_place *to = &record->places[record->count++];
    *to = (struct root_record_place){.url = STEAL(url)};
    if (pins)
        strcpy(to->pins, pins);
    return 0;
}

int root_record_parse(const char *name, const char *own, const struct buf *bytes, struct root_record *ret,
                      struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    struct root_record record = {0};
    if (json_parse(name, bytes->data, bytes->len, &json, err) < 0)
        return error_recode(err, EUCLEAN);
    const struct json *more = json_get(json, "more");
    int rc = manifest_check_requires(name, json, err);
    if (!rc)
        rc = take_place(name, own, json, &record, err);
    for (size_t i = 0; !rc && i < json_count(more); i++)
        rc = take_place(name, own, json_at(more, i), &record, err);
    if (rc < 0)
        root_record_done(&record);
    else
        *ret = record;
    return rc;
}

void root_record_done(struct root_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        free(record->places[i].url);
    record->count = 0;
}

static void print_place(struct buf *buf, const char *own, const struct root_record_place *at)
{
    CLEANUP_FREE char *place = place_of(own, at->url);
    buf_text_append(buf, "{\"url\": ");
    json_write_text(buf, place, strlen(place));
    if (*at->pins)
        buf_printf(buf, ", \"pins\": \"%s\"", at->pins);
}

void root_record_print(struct buf *buf, const char *own, const struct root_record *record)
{
    print_place(buf, own, &record->places[0]);
    for (size_t i = 1; i < record->count; i++) {
        buf_text_append(buf, i == 1 ? ", \"more\": [" : ", ");
        print_place(buf, own, &record->places[i]);
        buf_text_append(buf, i + 1 == record->count ? "}]" : "}");
    }
    buf_text_append(buf, "}\n");
}
