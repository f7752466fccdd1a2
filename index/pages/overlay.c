// SPDX-License-Identifier: Apache-2.0
/* The temporary file is sparse: a page lies where it lies in the catalog, and a bitmap says which are there.
 */
#include "index/pages/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/file.h"

struct overlay {
    struct pages *parent;
    int plain_fd; /* of overlay_new_plain(), or -1 */
    int fd;       /* the pages that were written */
    char *name;
    uint32_t page_bytes, pages;
    uint32_t base_pages; /* of what lies beneath, that have not been cut off since */
    uint8_t *written;    /* a bit a page */
    size_t written_cap;
};

static int overlay_make(const char *name, uint32_t page_bytes, struct overlay **ret, struct error *err)
{
    int fd;
    int rc = file_make_temp(&fd, err);
    if (rc < 0)
        return rc;
    struct overlay *overlay = MEM_NEW(struct overlay);
    overlay->plain_fd = -1;
    overlay->fd = fd;
    overlay->name = mem_text(name);
    overlay->page_bytes = page_bytes;
    *ret = overlay;
    return 0;
}

int overlay_new(struct pages *parent, uint32_t page_bytes, struct overlay **ret, struct error *err)
{
    int rc = overlay_make(parent ? pages_name(parent) : "that is made", page_bytes, ret, err);
    if (rc < 0 || !parent)
        return rc;
    if (pages_top(parent)->page_bytes != page_bytes) {
        overlay_free(*ret);
        return error_set(err, EUCLEAN, "the catalog %s has pages of %u bytes", pages_name(parent),
                         pages_top(parent)->page_bytes);
    }
    (*ret)->parent = pages_ref(parent);
    (*ret)->pages = (*ret)->base_pages = pages_top(parent)->pages;
    return 0;
}

int overlay_new_plain(const char *path, uint32_t page_bytes, struct overlay **ret, struct error *err)
{
    struct stat st;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    if (st.st_size % page_bytes || st.st_size / page_bytes > UINT32_MAX)
        return error_set(err, EUCLEAN, "%s: is not made of pages of %u bytes", path, page_bytes);
    int rc = overlay_make(path, page_bytes, ret, err);
    if (rc < 0)
        return rc;
    (*ret)->plain_fd = steal_fd(&fd);
    (*ret)->pages = (*ret)->base_pages = (uint32_t)(st.st_size / page_bytes);
    return 0;
}

void overlay_free(struct overlay *overlay)
{
    if (!overlay)
        return;
    pages_unref(overlay->parent);
    cleanup_close(&overlay->plain_fd);
    cleanup_close(&overlay->fd);
    free(overlay->written);
    free(overlay->name);
    free(overlay);
}

const char *overlay_name(const struct overlay *overlay)
{
    return overlay->name;
}

uint32_t overlay_pages(const struct overlay *overlay)
{
    return overlay->pages;
}

uint32_t overlay_page_bytes(const struct overlay *overlay)
{
    return overlay->page_bytes;
}

struct pages *overlay_parent(const struct overlay *overlay)
{
    return overlay->parent;
}

bool overlay_has(const struct overlay *overlay, uint32_t page)
{
    return page / 8 < overlay->written_cap && overlay->written[page / 8] >> page % 8 & 1;
}

static int read_file(const struct overlay *overlay, int fd, const struct page_range *range, void *to,
                     struct error *err)
{
    off_t at = (off_t)range->page * overlay->page_bytes + range->offset;
    for (size_t done = 0; done < range->len;) {
        ssize_t got = pread(fd, (char *)to + done, range->len - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, EIO, "catalog %s: page %u cannot be read: %s", overlay->name,
                             range->page + 1, got ? strerror(errno) : "the file ends early");
        done += (size_t)got;
    }
    return 0;
}

int overlay_read(struct overlay *overlay, const struct page_range *range, void *to,
                 const struct catalog_patience *patience, struct error *err)
{
    if (overlay_has(overlay, range->page))
        return read_file(overlay, overlay->fd, range, to, err);
    if (range->page >= overlay->base_pages) {
        memset(to, 0, range->len); /* between what was written behind the end */
        return 0;
    }
    return overlay->parent ? pages_read(overlay->parent, range, to, patience, err)
                           : read_file(overlay, overlay->plain_fd, range, to, err);
}

static void mark_written(struct overlay *overlay, uint32_t page)
{
    size_t before = overlay->written_cap;
    mem_grow(&overlay->written, &overlay->written_cap, page / 8 + 1, 1);
    memset(overlay->written + before, 0, overlay->written_cap - before);
    overlay->written[page / 8] |= (uint8_t)(1 << page % 8);
}

int overlay_write(struct overlay *overlay, uint32_t page, const void *bytes, struct error *err)
{
    off_t at = (off_t)page * overlay->page_bytes;
    for (size_t done = 0; done < overlay->page_bytes;) {
        ssize_t put =
            pwrite(overlay->fd, (const char *)bytes + done, overlay->page_bytes - done, at + (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return file_temp_failed(put ? -errno : -ENOSPC, err);
        done += (size_t)put;
    }
    mark_written(overlay, page);
    if (page >= overlay->pages)
        overlay->pages = page + 1;
    return 0;
}

int overlay_truncate(struct overlay *overlay, uint32_t pages, struct error *err)
{
    for (uint32_t page = pages; page < overlay->pages; page++)
        if (overlay_has(overlay, page))
            overlay->written[page / 8] &= (uint8_t) ~(1 << page % 8);
    if (pages < overlay->base_pages)
        overlay->base_pages = pages;
    overlay->pages = pages;
    return 0;
}

static int save_to(struct overlay *overlay, int fd, const char *path, const struct catalog_patience *patience,
                   struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(overlay->page_bytes);
    for (uint32_t page = 0; page < overlay->pages; page++) {
        struct page_range range = {.page = page, .len = overlay->page_bytes};
        int rc = overlay_read(overlay, &range, bytes, patience, err);
        if (rc < 0)
            return rc;
        rc = file_write_all(fd, bytes, overlay->page_bytes);
        if (rc < 0)
            return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    }
    return 0;
}

int overlay_save(struct overlay *overlay, const char *path, const struct catalog_patience *patience,
                 struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    int rc = save_to(overlay, fd, path, patience, err);
    if (rc < 0)
        unlink(path);
    return rc;
}
