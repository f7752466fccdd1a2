// SPDX-License-Identifier: Apache-2.0
/* Two walks over the same differences: one prints them, one counts them by attribute. */
#include "tools/diff_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

#include "cache/base/count.h"

struct printing {
    struct dataset *dataset;
    uint64_t count;
};

static void print_description(const struct diff_attribute *attribute)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (!*attribute->description) {
        fputs(", no longer described", stdout);
        return;
    }
    json_write_text(&text, attribute->description, strlen(attribute->description));
    printf(", described as %s", buf_text(&text));
}

static int print_attribute(void *ctx, const struct diff_attribute *attribute, struct error *err)
{
    struct printing *printing = ctx;
    printing->count++;
    printf("attribute %s %s", attribute->name, diff_op_name(attribute->op));
    if (attribute->op == DIFF_RENAMED)
        printf(", was %s", attribute->old_name);
    if (attribute->type != attribute->old_type)
        printf(", now %s, was %s", value_type_name(attribute->type), value_type_name(attribute->old_type));
    if (strcmp(attribute->description, attribute->old_description) != 0)
        print_description(attribute);
    putchar('\n');
    return 0;
}

static int print_source(void *ctx, const struct diff_source *source, struct error *err)
{
    (void)ctx, (void)err;
    printf("source %" PRIu32 "/%s %s, v%" PRIu32 "\n", source->source, source->file, diff_op_name(source->op),
           source->version);
    return 0;
}

static void print_value(const struct diff_value *value, const char *author)
{
    printf("    %s: %s -> %s", value->attribute, value->was ? value->was : "none",
           value->is ? value->is : "none");
    printf(value->by && *value->by && strcmp(value->by, author) != 0 ? " (by %s)\n" : "\n", value->by);
}

/* A version whose manifest cannot be read, or is gone, has no author to name. */
static const char *author_of(struct dataset *dataset, uint32_t version, const char **ret_message)
{
    const struct manifest *manifest;
    *ret_message = "";
    if (dataset_manifest(dataset, version, &manifest, NULL) || manifest->stub)
        return "";
    *ret_message = manifest->message;
    return manifest->author;
}

static int print_clip(void *ctx, const struct diff_clip *clip, struct error *err)
{
    static const char signs[DIFF_OPS] = {[DIFF_ADDED] = '+', [DIFF_CHANGED] = '~', [DIFF_REMOVED] = '-'};
    struct printing *printing = ctx;
    const char *message, *author = author_of(printing->dataset, clip->version, &message);
    printing->count++;
    printf("%c %s  v%" PRIu32 " %s%s%s\n", signs[clip->op], clip->key, clip->version, author,
           *message ? ": " : "", message);
    for (size_t i = 0; i < clip->value_count; i++)
        print_value(&clip->values[i], author);
    for (size_t i = 0; i < clip->file_count; i++)
        printf("    %s %s\n", clip->files[i].name, diff_op_name(clip->files[i].op));
    return 0;
}

int diff_text_print(struct dataset *dataset, const struct diff *diff, uint64_t *ret_count, struct error *err)
{
    struct printing printing = {.dataset = dataset};
    struct diff_visitor visitor = {print_attribute, print_source, print_clip, &printing};
    int rc = diff_run(diff, &visitor, err);
    if (!rc && ret_count)
        *ret_count = printing.count;
    return rc;
}

/* ---- counts ---- */

struct attribute_count {
    char *name;
    uint64_t clips;
};
struct counting {
    uint64_t clips[DIFF_OPS], attributes[DIFF_OPS], files, sources;
    struct attribute_count *list;
    size_t count, cap;
};

static int count_attribute(void *ctx, const struct diff_attribute *attribute, struct error *err)
{
    struct counting *counting = ctx;
    counting->attributes[attribute->op]++;
    return 0;
}

static int count_source(void *ctx, const struct diff_source *source, struct error *err)
{
    struct counting *counting = ctx;
    (void)source, (void)err;
    counting->sources++;
    return 0;
}

static void count_value(struct counting *counting, const char *name)
{
    size_t i = 0;
    while (i < counting->count && strcmp(counting->list[i].name, name) != 0)
        i++;
    if (i == counting->count) {
        mem_grow(&counting->list, &counting->cap, i + 1, sizeof *counting->list);
        counting->list[counting->count++] = (struct attribute_count){.name = mem_text(name)};
    }
    counting->list[i].clips++;
}

static int count_clip(void *ctx, const struct diff_clip *clip, struct error *err)
{
    struct counting *counting = ctx;
    counting->clips[clip->op]++;
    counting->files += clip->file_count > 0;
    for (size_t i = 0; i < clip->value_count; i++)
        count_value(counting, clip->values[i].attribute);
    return 0;
}

static void print_counts(const char *what, const uint64_t counts[DIFF_OPS])
{
    const char *comma = "";
    printf("%s:", what);
    for (enum diff_op op = 0; op < DIFF_OPS; op++)
        if (counts[op]) {
            printf("%s %" PRIu64 " %s", comma, counts[op], diff_op_name(op));
            comma = ",";
        }
    puts(*comma ? "" : " no difference");
}

int diff_text_stat(const struct diff *diff, struct error *err)
{
    struct counting counting = {0};
    struct diff_visitor visitor = {count_attribute, count_source, count_clip, &counting};
    int rc = diff_run(diff, &visitor, err);
    if (!rc) {
        print_counts("clips", counting.clips);
        print_counts("attributes", counting.attributes);
        for (size_t i = 0; i < counting.count; i++)
            printf("  %s: other values in %s\n", counting.list[i].name,
                   COUNT(counting.list[i].clips, "clip"));
        if (counting.files)
            printf("  files: other bytes in %s\n", COUNT(counting.files, "clip"));
        if (counting.sources)
            printf("sources: %s changed\n", COUNT(counting.sources, "file"));
    }
    for (size_t i = 0; i < counting.count; i++)
        free(counting.list[i].name);
    free(counting.list);
    return rc;
}
