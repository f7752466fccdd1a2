// SPDX-License-Identifier: Apache-2.0
/*
 * A window slides over the input:
 *
 *     read already | window: [lines given out | at: the next line ... scanned: not looked at yet ] | to come
 */
#include "tools/import/table_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/file.h"
#include "cache/base/instant.h"

enum { PIECE_BYTES = 256 << 10, OBJECT_PIECE_BYTES = 4 << 20 };

struct table_input {
    char *name;
    int fd; /* -1: an object, or bytes in memory: then all of them are in the window from the start */
    bool own_fd, waits;
    int64_t deadline_ns;
    struct store *store; /* of an object */
    const char *path;    /* in `name` */
    struct store_object pinned;
    uint64_t offset; /* of the object's next byte */
    struct buf window;
    size_t at;
    bool ended;
    uint64_t line; /* number of the line at `at` */
    struct recording recording;
};

/* ---- opening ---- */

static int open_object(struct stores *stores, struct table_input *input, struct error *err)
{
    const char *slash = strrchr(input->name, '/');
    CLEANUP_FREE char *folder = mem_copy(input->name, (size_t)(slash - input->name));
    input->path = slash + 1;
    int rc = store_open(stores, folder, &input->store, err);
    return rc ? rc : store_head(input->store, input->path, &input->pinned, err);
}

static int open_file(struct table_input *input, struct error *err)
{
    struct stat st;
    input->fd = open(input->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    input->own_fd = true;
    if (input->fd < 0 || fstat(input->fd, &st))
        return error_set(err, errno, "%s: %s", input->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, EISDIR, "%s: a folder, not a table", input->name);
    input->waits = !S_ISREG(st.st_mode);
    return 0;
}

int table_input_open(struct stores *stores, const char *file, struct table_input **ret, struct error *err)
{
    CLEANUP_TABLE_INPUT struct table_input *input = MEM_NEW(struct table_input);
    bool standard = !strcmp(file, "-");
    *input = (struct table_input){.fd = standard ? STDIN_FILENO : -1, .waits = standard, .line = 1};
    input->name = mem_text(standard ? "standard input" : file);
    int rc = 0;
    if (!standard)
        rc = strstr(file, "://") ? open_object(stores, input, err) : open_file(input, err);
    if (rc < 0)
        return rc;
    *ret = STEAL(input);
    return 0;
}

struct table_input *table_input_of_memory(const char *name, const void *bytes, size_t len)
{
    struct table_input *input = MEM_NEW(struct table_input);
    *input = (struct table_input){.name = mem_text(name), .fd = -1, .ended = true, .line = 1};
    buf_append(&input->window, bytes, len);
    buf_room(&input->window, 1);
    return input;
}

void table_input_free(struct table_input *input)
{
    if (input->own_fd && input->fd >= 0)
        close(input->fd);
    if (input->store)
        store_unref(input->store);
    buf_done(&input->window);
    free(input->name);
    free(input);
}

const char *table_input_name(const struct table_input *input)
{
    return input->name;
}

void table_input_deadline(struct table_input *input, int64_t deadline_ns)
{
    input->deadline_ns = deadline_ns;
}

/* ---- in order ---- */

static int wait_for_pipe(const struct table_input *input, struct error *err)
{
    struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
    for (;;) {
        int64_t left_ms = (input->deadline_ns - clock_now_ns()) / 1000000;
        int rc = poll(&poll_fd, 1, left_ms < 0 ? 0 : left_ms > 1000000 ? 1000000 : (int)left_ms + 1);
        if (rc > 0)
            return 0;
        if (rc < 0 && errno != EINTR)
            return error_set(err, errno, "%s: %s", input->name, strerror(errno));
        if (clock_now_ns() >= input->deadline_ns)
            return error_set(err, ETIMEDOUT, "%s: nothing came in time", input->name);
    }
}

static ssize_t read_descriptor(struct table_input *input, void *to, size_t len, struct error *err)
{
    if (input->waits && input->deadline_ns) {
        int rc = wait_for_pipe(input, err);
        if (rc < 0)
            return rc;
    }
    ssize_t got;
    do
        got = read(input->fd, to, len);
    while (got < 0 && errno == EINTR);
    return got < 0 ? error_set(err, errno, "%s: %s", input->name, strerror(errno)) : got;
}

static ssize_t read_object(struct table_input *input, void *to, size_t len, struct error *err)
{
    uint64_t left = input->pinned.size - input->offset;
    if (left < len)
        len = (size_t)left;
    int rc = len ? store_read(input->store, input->path, &input->pinned, input->offset, len, to, err) : 0;
    if (rc < 0)
        return rc;
    input->offset += len;
    return (ssize_t)len;
}

/* Makes the window longer, or sets `ended`. */
static int read_more(struct table_input *input, struct error *err)
{
    struct buf *window = &input->window;
    if (input->at > window->len / 2) {
        window->len -= input->at;
        memmove(window->data, window->data + input->at, window->len);
        input->at = 0;
    }
    size_t piece = input->store ? OBJECT_PIECE_BYTES : PIECE_BYTES;
    uint8_t *to = buf_room(window, piece);
    ssize_t got = input->store ? read_object(input, to, piece, err) : read_descriptor(input, to, piece, err);
    if (got < 0)
        return (int)got;
    window->len += (size_t)got;
    window->data[window->len] = 0;
    input->ended = !got;
    return 0;
}

int table_input_peek(struct table_input *input, size_t len, const char **ret_bytes, struct error *err)
{
    while (!input->ended && input->window.len - input->at < len) {
        int rc = read_more(input, err);
        if (rc < 0)
            return rc;
    }
    *ret_bytes = buf_text(&input->window) + input->at;
    return (int)(input->window.len - input->at);
}

/* ---- lines ---- */

struct line_scan {
    bool quoted, open; /* open: within a quoted field */
    size_t scanned;    /* bytes from input->at */
    uint64_t feeds;    /* line feeds in them */
};

static bool quotes_are_odd(const char *text, size_t len)
{
    bool odd = false;
    const char *end = text + len;
    while (text < end && (text = memchr(text, '"', (size_t)(end - text))) != NULL) {
        odd = !odd;
        text++;
    }
    return odd;
}

/* Looks at what came into the window; true if the line ends there, behind scan->scanned bytes. */
static bool find_end(const struct table_input *input, struct line_scan *scan)
{
    const char *start = buf_text(&input->window) + input->at;
    size_t len = input->window.len - input->at;
    while (scan->scanned < len) {
        const char *from = start + scan->scanned;
        const char *feed = memchr(from, '\n', len - scan->scanned);
        size_t n = feed ? (size_t)(feed - from) + 1 : len - scan->scanned;
        if (scan->quoted)
            scan->open ^= quotes_are_odd(from, n);
        scan->scanned += n;
        scan->feeds += feed != NULL;
        if (feed && !scan->open)
            return true;
    }
    return false;
}

static int skip_mark(struct table_input *input, struct error *err)
{
    const char *bytes;
    int rc = table_input_peek(input, 3, &bytes, err);
    if (rc >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        input->at += 3;
    return rc;
}

int table_input_line(struct table_input *input, bool quoted, struct table_line *ret, struct error *err)
{
    int rc = input->line == 1 && !input->at ? skip_mark(input, err) : 0;
    struct line_scan scan = {.quoted = quoted};
    while (rc >= 0 && !find_end(input, &scan) && !input->ended && scan.scanned <= TABLE_LINE_MAX)
        rc = read_more(input, err);
    if (rc < 0)
        return rc;
    *ret = (struct table_line){.text = (char *)input->window.data + input->at,
                               .len = scan.scanned,
                               .number = input->line,
                               .cut = scan.scanned > TABLE_LINE_MAX};
    if (ret->cut)
        ret->len = TABLE_LINE_MAX;
    input->at += ret->len;
    input->line += scan.feeds;
    return ret->len > 0;
}

/* ---- by range ---- */

static int read_range(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct table_input *input = ctx;
    if (input->store)
        return store_read(input->store, input->path, &input->pinned, offset, len, to, err);
    if (input->fd < 0) {
        memcpy(to, input->window.data + offset, len);
        return 0;
    }
    for (char *at = to; len;) {
        ssize_t got = pread(input->fd, at, len, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, got < 0 ? errno : EIO, "%s: %s", input->name,
                             got < 0 ? strerror(errno) : "it became shorter while it was read");
        at += got, offset += (uint64_t)got, len -= (size_t)got;
    }
    return 0;
}

static int copy_pipe(struct table_input *input, int to, struct error *err)
{
    for (;;) {
        const struct buf *window = &input->window;
        int rc = file_write_all(to, window->data + input->at, window->len - input->at);
        if (rc < 0)
            return error_set(err, -rc, "%s: copying it to a temporary file: %s", input->name, strerror(-rc));
        input->at = window->len;
        if (input->ended)
            return 0;
        rc = read_more(input, err);
        if (rc < 0)
            return rc;
    }
}

static int spool(struct table_input *input, struct error *err)
{
    CLEANUP_FREE char *folder = NULL;
    int rc = file_make_temp_folder(NULL, "elidefs-table", &folder, err);
    if (rc < 0)
        return rc;
    CLEANUP_FREE char *path = mem_printf("%s/table", folder);
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    rc = fd < 0 ? error_set(err, errno, "%s: %s", path, strerror(errno)) : copy_pipe(input, fd, err);
    file_remove_tree(folder, NULL);
    if (rc < 0)
        return rc;
    if (input->own_fd)
        close(input->fd);
    input->fd = steal_fd(&fd);
    input->own_fd = true;
    input->waits = false;
    return 0;
}

int table_input_recording(struct table_input *input, const struct recording **ret, struct error *err)
{
    struct stat st = {.st_size = (off_t)input->window.len};
    int rc = input->waits ? spool(input, err) : 0;
    if (!rc && input->fd >= 0 && fstat(input->fd, &st))
        rc = error_set(err, errno, "%s: %s", input->name, strerror(errno));
    if (rc < 0)
        return rc;
    input->recording = (struct recording){.name = input->name,
                                          .size = input->store ? input->pinned.size : (uint64_t)st.st_size,
                                          .read = read_range,
                                          .ctx = input};
    *ret = &input->recording;
    return 0;
}
