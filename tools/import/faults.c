// SPDX-License-Identifier: Apache-2.0
/*
 * Faults are gathered by what they say, so that ten thousand of a kind are one line with a count, and each as
 * a line of JSON for --skip-bad's file.
 */
#include "tools/import/faults.h"

#include <errno.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/strmap.h"

enum { PRINTED_MAX = 20, STORE_FAILURES_MAX = 8 };

struct faults {
    struct strmap *sentences; /* -> how many say so */
    char **clips;             /* by sentence: the first clip, or "" */
    size_t cap;
    uint64_t count, loose;
    bool refused;
    int store_failures;
    struct error first;
    struct buf lines;
};

struct faults *faults_new(void)
{
    struct faults *faults = MEM_NEW(struct faults);
    faults->sentences = strmap_new();
    return faults;
}

void faults_free(struct faults *faults)
{
    for (size_t i = 0; i < strmap_count(faults->sentences); i++)
        free(faults->clips[i]);
    free(faults->clips);
    strmap_free(faults->sentences);
    buf_done(&faults->lines);
    free(faults);
}

/* ---- what is a fault ---- */

static bool is_flaw(struct faults *faults, int code)
{
    switch (code) {
    case EINVAL:
    case ENOTSUP:
    case EBADMSG:
    case ENODATA:
    case ENOENT:
    case EEXIST:
    case ERANGE:
    case E2BIG:
    case EFBIG:
    case ESTALE:
    case EACCES:
    case EPERM:
        return true;
    case EIO: /* one sector, one object; but not each of them */
    case ETIMEDOUT:
        return ++faults->store_failures <= STORE_FAILURES_MAX;
    default:
        return false;
    }
}

/* ---- noting ---- */

/* What the sentence says behind the file's name, which is shown there as errors show it. */
static const char *reason_in(const char *text, const char *file)
{
    struct error shown;
    error_set(&shown, EINVAL, "%s: ", file);
    size_t len = strlen(shown.text);
    return *file && !strncmp(text, shown.text, len) ? text + len : text;
}

static void write_member(struct buf *lines, const char *name, const char *text)
{
    buf_printf(lines, "%s\"%s\":", lines->data[lines->len - 1] == '{' ? "" : ",", name);
    json_write_text(lines, text, strlen(text));
}

/* The length of "line 12" or "row 3" that a reason begins with, before its colon; 0: it begins with none. */
static size_t place_in(const char *reason)
{
    size_t word = !strncmp(reason, "line ", 5) ? 5 : !strncmp(reason, "row ", 4) ? 4 : 0;
    size_t digits = word ? strspn(reason + word, "0123456789") : 0;
    return digits && !strncmp(reason + word + digits, ": ", 2) ? word + digits : 0;
}

static void write_line(struct buf *lines, const struct fault *fault, const char *text)
{
    const char *reason = reason_in(text, fault->file);
    size_t len = place_in(reason);
    bool same =
        len && (!*fault->place || (len == strlen(fault->place) && !memcmp(reason, fault->place, len)));
    CLEANUP_FREE char *place = same ? mem_copy(reason, len) : mem_text(fault->place);
    buf_u8(lines, '{');
    write_member(lines, "file", fault->file);
    write_member(lines, "place", place);
    write_member(lines, "reason", same ? reason + len + 2 : reason);
    if (*fault->clip)
        write_member(lines, "clip", fault->clip);
    buf_text_append(lines, "}\n");
}

static void note(struct faults *faults, const struct fault *fault, const char *text)
{
    bool is_new;
    struct error sentence;
    error_set(&sentence, EINVAL, "%s", fault->file);
    if (!*fault->file || strstr(text, sentence.text))
        error_set(&sentence, EINVAL, "%s", text);
    else
        error_set(&sentence, EINVAL, "%s: %s", fault->file, text);
    strmap_put(faults->sentences, sentence.text, strlen(sentence.text), &is_new)->value++;
    if (!is_new)
        return;
    size_t count = strmap_count(faults->sentences);
    mem_grow(&faults->clips, &faults->cap, count, sizeof *faults->clips);
    faults->clips[count - 1] = mem_text(fault->clip);
}

int faults_add(struct faults *faults, const struct fault *fault, struct error *err)
{
    if (!faults || !err || !is_flaw(faults, err->code))
        return err && err->code ? -err->code : -EIO;
    if (!faults->count++)
        faults->first = *err;
    faults->loose += !*fault->clip;
    note(faults, fault, err->text);
    write_line(&faults->lines, fault, err->text);
    *err = (struct error){0};
    return 0;
}

int faults_refuse(struct faults *faults, const char *file, struct error *err)
{
    int rc = faults_add(faults, &(struct fault){.file = file, .place = "", .clip = ""}, err);
    if (!rc)
        faults->refused = true;
    return rc;
}

/* ---- telling ---- */

uint64_t faults_count(const struct faults *faults)
{
    return faults->count;
}

uint64_t faults_loose(const struct faults *faults)
{
    return faults->loose;
}

bool faults_refused(const struct faults *faults)
{
    return faults->refused;
}

int faults_first(const struct faults *faults, struct error *err)
{
    return error_copy(err, &faults->first);
}

void faults_print(const struct faults *faults, FILE *to)
{
    uint64_t told = 0;
    for (size_t i = 0; i < strmap_count(faults->sentences) && i < PRINTED_MAX; i++) {
        const struct strmap_entry *entry = strmap_at(faults->sentences, i);
        const char *clip = faults->clips[i];
        size_t more = (size_t)entry->value - 1;
        fprintf(to, "bad: %s", entry->key);
        if (*clip)
            fprintf(to, " (clip '%s'", clip);
        if (more)
            fprintf(to, "%s%zu more", *clip ? " and " : " (and ", more);
        fputs(*clip || more ? ")\n" : "\n", to);
        told += entry->value;
    }
    if (told < faults->count)
        fprintf(to, "bad: and %llu more\n", (unsigned long long)(faults->count - told));
}

const struct buf *faults_lines(const struct faults *faults)
{
    return &faults->lines;
}
