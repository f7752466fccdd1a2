// SPDX-License-Identifier: Apache-2.0
/*
 * A catalog that is written: the parent's pages beneath, and those that were written since in a private
 * temporary file without a name. What was never written is never copied.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/pages/pages.h"

struct overlay;

/* Over the pages of a version (a reference is taken), or over nothing (NULL): a new file. */
int overlay_new(struct pages *parent, uint32_t page_bytes, struct overlay **ret, struct error *err);
/* Over a plain file, which must not change meanwhile. */
int overlay_new_plain(const char *path, uint32_t page_bytes, struct overlay **ret, struct error *err);
void overlay_free(struct overlay *overlay);
CLEANUP_DEFINE(struct overlay, overlay_free, cleanup_overlay)
#define CLEANUP_OVERLAY CLEANUP(cleanup_overlay)

const char *overlay_name(const struct overlay *overlay); /* for errors, as pages_name() */
uint32_t overlay_pages(const struct overlay *overlay);
uint32_t overlay_page_bytes(const struct overlay *overlay);
struct pages *overlay_parent(const struct overlay *overlay); /* borrowed, or NULL */
/* Was this page written? They count from 0. */
bool overlay_has(const struct overlay *overlay, uint32_t page);

/* Bytes of one page below overlay_pages(). */
int overlay_read(struct overlay *overlay, const struct page_range *range, void *to,
                 const struct catalog_patience *patience, struct error *err);
int overlay_write(struct overlay *overlay, uint32_t page, const void *bytes, struct error *err);
int overlay_truncate(struct overlay *overlay, uint32_t pages, struct error *err);

/* All pages as a plain file, which must not exist; removed again on failure. */
int overlay_save(struct overlay *overlay, const char *path, const struct catalog_patience *patience,
                 struct error *err);
