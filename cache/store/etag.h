// SPDX-License-Identifier: Apache-2.0
/*
 * ETags that tell the content. S3 gives an object that was put in one piece the MD5 of its bytes, and one of
 * N parts the MD5 of the parts' MD5s and "-N" (AWS, "Checking object integrity"); objects that the store
 * encrypts with keys of its own have other ETags. So an ETag that is what the bytes give proves them, and one
 * that is not proves nothing. Parts are as large as the usual tools make them.
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etag_check;

/* `pin`: of a bucket; NULL if its ETag cannot tell the content of an object of `size` bytes. */
struct etag_check *etag_check_new(const char *pin, uint64_t size);
/* All bytes, from the first to the last. */
void etag_check_add(struct etag_check *check, const void *bytes, size_t len);
/* Are they what the ETag was made of? Also frees `check`; NULL: false. */
bool etag_check_finish(struct etag_check *check);

/* Is the ETag of this pin that of an object put in one piece with this MD5? */
bool etag_is_md5(const char *pin, const uint8_t md5[16]);

/* The MD5 of the MD5s of parts of ETAG_PART_BYTES, as the AWS tools, boto3 and elidefs put large objects. */
enum { ETAG_PART_BYTES = 8 << 20 };
struct etag_parts;
struct etag_parts *etag_parts_new(void);
void etag_parts_add(struct etag_parts *parts, const void *bytes, size_t len);
void etag_parts_finish(struct etag_parts *parts, uint8_t ret[16]); /* also frees `parts` */
/* Is the ETag of this pin that of an object of `size` bytes put in such parts? */
bool etag_is_parts(const char *pin, uint64_t size, const uint8_t parts[16]);
