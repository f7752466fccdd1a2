// SPDX-License-Identifier: Apache-2.0
/*
 * The one error convention of elidefs.
 *
 * A function that can fail returns `int`: 0 or a count on success, -errno on failure, and takes `struct error
 * *err` as its last parameter. On failure it has filled `err` with a sentence for a person that names the
 * object, the place and the reason ("clip.mp4: box 'moov' at offset 4711 claims 9 GiB, file has 2 MiB").
 * `ret_` out parameters stay untouched on failure. `err` may be NULL where the caller needs the code only.
 * Nothing here allocates. Thread rule: a `struct error` belongs to one thread at a time.
 */
#pragma once

enum { ERROR_TEXT_BYTES = 640 };

struct error {
    int code;                    /* positive errno; 0: no error */
    char text[ERROR_TEXT_BYTES]; /* NUL-terminated, no newline, cut with "..." if too long */
};

/* Records `code` (a positive errno) and the formatted text; returns -code, so that callers write
 * `return error_set(err, EINVAL, "%s: ...", name);`. Control characters and
 * bytes that are not UTF-8 are shown as '?'. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the recorded text and returns the recorded -code (-EIO if there is none). */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text of the failure `rc` and returns `rc`: what failed is known without `err`.
 */
int error_within(struct error *err, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The recorded failure is told as another code, its text stays; returns -code. */
int error_recode(struct error *err, int code);

/* Among a function's declarations: from here on `err` is not NULL. Whatever looks at what is recorded, or
 * calls what does, begins with it; nothing else may look into an `err` that it was given. */
#define WITH_ERROR(err)                                                                                      \
    struct error spare_ = {0};                                                                               \
    if (!(err))                                                                                              \
    (err) = &spare_

/* Copies `from` into `to` (which may be NULL); returns -from->code. */
int error_copy(struct error *to, const struct error *from);
