// SPDX-License-Identifier: Apache-2.0
/* JSON, since people look at it when a job has failed. */
#include "tools/import/part_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/base/value.h"

enum { LISTING_DIGITS = 16 };

/* ---- the line ---- */

static void add(struct part_line *line, const char *option, const char *value)
{
    line->options = mem_resize(line->options, (line->count + 1) * sizeof *line->options);
    line->options[line->count++] = mem_printf("--%s%s%s", option, *value ? "=" : "", value);
}

static void add_all(struct part_line *line, const char *option, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(line, option, values[i]);
}

static void add_tables(struct part_line *line, const struct import_request *request)
{
    for (size_t i = 0; i < request->table_count; i++) {
        CLEANUP_FREE char *name = import_source_name(request->tables[i]);
        add(line, "table", name);
    }
}

static void add_skip(struct part_line *line, const struct import_skip *skip)
{
    char limit[32] = "";
    if (skip->limited)
        snprintf(limit, sizeof limit, "%.17g%s", skip->limit, skip->percent ? "%" : "");
    if (skip->on)
        add(line, "skip-bad", limit);
}

static void add_options(struct part_line *line, const struct import_request *request)
{
    static const char *const copies[] = {[COPY_OPEN] = "open", [COPY_ALL] = "", [COPY_LINK] = "link"};
    add_tables(line, request);
    add_all(line, "set", request->sets, request->set_count);
    add_all(line, "type", request->types, request->type_count);
    add_all(line, "stream", request->streams, request->stream_count);
    add_all(line, "multi", request->multi, request->multi_count);
    if (request->prefix && *request->prefix)
        add(line, "prefix", request->prefix);
    if (request->layout)
        add(line, "layout", request->layout);
    if (request->renumbered)
        add(line, "renumbered", "");
    if (request->table_is_renumbered)
        add(line, "table-is-renumbered", "");
    if (request->replaces)
        add(line, "replaces", request->replaces);
    if (request->restore)
        add(line, "restore", "");
    if (request->copy != COPY_NONE)
        add(line, "copy", copies[request->copy]);
    add_skip(line, &request->skip);
}

void part_line_of(const struct import_request *request, struct part_line *ret)
{
    uint8_t digest[SHA256_BYTES];
    *ret = (struct part_line){.source = import_source_name(request->source)};
    for (size_t len = strlen(ret->source); len > 1 && ret->source[len - 1] == '/'; len--)
        ret->source[len - 1] = 0;
    add_options(ret, request);
    struct sha256 *sha = sha256_new();
    sha256_add_text(sha, PART_FORMAT);
    sha256_add_text(sha, ret->source);
    for (size_t i = 0; i < ret->count; i++)
        sha256_add_text(sha, ret->options[i]);
    sha256_finish(sha, digest);
    hex_print(digest, PART_DIGITS / 2, ret->id);
}

void part_line_done(struct part_line *line)
{
    for (size_t i = 0; i < line->count; i++)
        free(line->options[i]);
    free(line->options);
    free(line->source);
}

void part_record_done(struct part_record *record)
{
    part_line_done(&record->line);
    free(record->format);
    free(record->program);
    free(record->time);
    free(record->scans);
}

/* ---- paths ---- */

char *part_folder(const struct part_line *line, const struct import_listing *listing)
{
    char digits[LISTING_DIGITS + 1];
    hex_print(listing->digest, LISTING_DIGITS / 2, digits);
    return mem_printf(PARTS_FOLDER "%s/%s/", line->id, digits);
}

char *part_path(const struct part_line *line, const struct import_listing *listing,
                const struct import_part *part)
{
    CLEANUP_FREE char *folder = part_folder(line, listing);
    return mem_printf("%s%u-of-%u.json", folder, part->number, part->count);
}

char *part_scans_path(const struct part_line *line, const char *id)
{
    return mem_printf(PARTS_FOLDER "%s/%s.scans", line->id, id);
}

bool part_name_parse(const char *name, struct import_part *ret)
{
    struct import_part part = {0};
    CLEANUP_BUF struct buf again = BUF_INIT;
    if (sscanf(name, "%5u-of-%5u.json", &part.number, &part.count) != 2)
        return false;
    buf_printf(&again, "%u-of-%u.json", part.number, part.count);
    *ret = part;
    return !strcmp(buf_text(&again), name) && part.number && part.number <= part.count &&
           part.count <= IMPORT_PARTS_MAX;
}

/* ---- printing ---- */

static void print_text(struct buf *buf, const char *name, const char *text)
{
    buf_printf(buf, "\"%s\":", name);
    json_write_text(buf, text, strlen(text));
    buf_text_append(buf, ",\n");
}

static void print_number(struct buf *buf, const char *name, uint64_t number)
{
    buf_printf(buf, "\"%s\":%llu,\n", name, (unsigned long long)number);
}

static void print_scans(struct buf *buf, const struct part_record *record)
{
    buf_text_append(buf, "\"scans\":[");
    for (size_t i = 0; i < record->scan_count; i++) {
        const struct part_scans *scans = &record->scans[i];
        char hex[SHA256_HEX_BYTES];
        hex_print(scans->sha256, SHA256_BYTES, hex);
        buf_printf(buf, "%s\n{\"id\":\"%s\",\"size\":%llu,\"sha256\":\"%s\"}", i ? "," : "", scans->id,
                   (unsigned long long)scans->size, hex);
    }
    buf_text_append(buf, "]}\n");
}

void part_record_print(const struct part_record *record, struct buf *buf)
{
    char hex[SHA256_HEX_BYTES];
    buf_text_append(buf, "{");
    print_text(buf, "format", record->format);
    print_text(buf, "program", record->program);
    print_number(buf, "part", record->part.number);
    print_number(buf, "of", record->part.count);
    print_text(buf, "source", record->line.source);
    buf_text_append(buf, "\"options\":[");
    for (size_t i = 0; i < record->line.count; i++) {
        buf_text_append(buf, i ? "," : "");
        json_write_text(buf, record->line.options[i], strlen(record->line.options[i]));
    }
    buf_text_append(buf, "],\n");
    hex_print(record->listing.digest, SHA256_BYTES, hex);
    print_text(buf, "listing", hex);
    print_number(buf, "objects", record->listing.objects);
    print_number(buf, "bytes", record->listing.bytes);
    print_number(buf, "base", record->base);
    print_number(buf, "files", record->files);
    print_number(buf, "bad", record->bad);
    print_text(buf, "time", record->time);
    print_scans(buf, record);
}

/* ---- parsing ---- */

static bool take_text(const struct json *json, const char *name, char **ret)
{
    const char *text = json_get_text(json, name);
    *ret = text ? mem_text(text) : NULL;
    return text;
}

static bool take_number(const struct json *json, const char *name, uint64_t most, uint64_t *ret)
{
    const struct json *number = json_get(json, name);
    int64_t value = json_as_integer(number);
    if (json_kind(number) != JSON_KIND_INTEGER || value < 0 || (uint64_t)value > most)
        return false;
    *ret = (uint64_t)value;
    return true;
}

static bool take_digest(const struct json *json, const char *name, uint8_t ret[SHA256_BYTES])
{
    const char *hex = json_get_text(json, name);
    return hex && !hex_parse(hex, strlen(hex), ret, SHA256_BYTES);
}

static bool take_options(const struct json *json, struct part_line *line)
{
    const struct json *options = json_get(json, "options");
    size_t count = json_count(options);
    line->options = mem_zero((count + 1) * sizeof *line->options);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_as_text(json_at(options, i));
        if (!text)
            return false;
        line->options[line->count++] = mem_text(text);
    }
    return json_kind(options) == JSON_KIND_ARRAY;
}

static bool take_scans(const struct json *json, struct part_record *record)
{
    const struct json *list = json_get(json, "scans");
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *from = json_at(list, i);
        const char *id = json_get_text(from, "id");
        struct part_scans scans = {.size = 0};
        uint8_t bytes[(LAYOUT_ID_BYTES - 1) / 2];
        if (!id || hex_parse(id, strlen(id), bytes, sizeof bytes) ||
            !take_number(from, "size", SCAN_RECORDS_MAX, &scans.size) ||
            !take_digest(from, "sha256", scans.sha256))
            return false;
        hex_print(bytes, sizeof bytes, scans.id);
        mem_grow(&record->scans, &record->scan_cap, record->scan_count + 1, sizeof *record->scans);
        record->scans[record->scan_count++] = scans;
    }
    return json_kind(list) == JSON_KIND_ARRAY;
}

static bool take(const struct json *json, struct part_record *record)
{
    uint64_t number, count, base;
    if (!take_text(json, "format", &record->format) || !take_text(json, "program", &record->program))
        return false;
    if (strcmp(record->format, PART_FORMAT) != 0)
        return true;
    bool sound = take_text(json, "time", &record->time) && take_text(json, "source", &record->line.source) &&
                 take_number(json, "of", IMPORT_PARTS_MAX, &count) &&
                 take_number(json, "part", count, &number) && number &&
                 take_number(json, "objects", INT64_MAX, &record->listing.objects) &&
                 take_number(json, "bytes", INT64_MAX, &record->listing.bytes) &&
                 take_number(json, "base", MANIFEST_VERSION_MAX, &base) &&
                 take_number(json, "files", INT64_MAX, &record->files) &&
                 take_number(json, "bad", INT64_MAX, &record->bad) &&
                 take_digest(json, "listing", record->listing.digest) && take_options(json, &record->line);
    if (!sound)
        return false;
    record->part = (struct import_part){(uint32_t)number, (uint32_t)count};
    record->base = (uint32_t)base;
    return take_scans(json, record);
}

int part_record_parse(const char *name, const struct buf *bytes, struct part_record *ret, struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    struct part_record record = {.scan_count = 0};
    int rc = json_parse(name, bytes->data, bytes->len, &json, err);
    if (rc)
        return error_recode(err, EUCLEAN);
    if (!take(json, &record)) {
        part_record_done(&record);
        return error_set(err, EUCLEAN, "%s: is no record of a part of an import", name);
    }
    *ret = record;
    return 0;
}
