// SPDX-License-Identifier: Apache-2.0
/*
 * Hashes what a catalog knows of each file, in listing order. What is known of a recording is looked up once
 * while clips of the same one follow each other.
 */
#include "query/report/digest.h"

#include <string.h>

#include "query/files.h"

static void add_bytes(struct buf *buf, const void *bytes, size_t len)
{
    buf_le64(buf, len);
    buf_append(buf, bytes, len);
}

/* The last recording that was looked up: a clip's streams, and clips beside each other, are of the same. */
struct recording {
    uint32_t id; /* CATALOG_NO_OBJECT: none */
    struct buf bytes;
};
#define RECORDING_INIT ((struct recording){.id = CATALOG_NO_OBJECT})

static int find_recording(struct catalog_reader *reader, uint32_t id, struct recording *recording,
                          struct error *err)
{
    struct catalog_object object;
    if (recording->id == id)
        return 0;
    int rc = catalog_object(reader, id, &object, err);
    if (rc < 0)
        return rc;
    recording->id = id;
    buf_clear(&recording->bytes);
    buf_u8(&recording->bytes, 1);
    add_bytes(&recording->bytes, object.path, strlen(object.path));
    buf_le64(&recording->bytes, object.size);
    add_bytes(&recording->bytes, object.pin, strlen(object.pin));
    catalog_object_done(&object);
    return 0;
}

struct summing {
    struct catalog_reader *reader;
    const struct query *query;
    struct recording recording;
    struct sha256 *sha;
    struct digest *digest;
    struct buf scratch;
    const char *key; /* of the clip under way */
};

static int add_stream(struct summing *summing, uint32_t row, uint32_t number, struct buf *buf,
                      struct error *err)
{
    struct catalog_stream stream;
    int rc = catalog_stream(summing->reader, row, number, &stream, err);
    if (rc < 0)
        return rc;
    buf_le64(buf, stream.piece_count);
    for (size_t i = 0; i < stream.piece_count; i++) {
        buf_u8(buf, (uint8_t)stream.pieces[i].kind);
        buf_le64(buf, stream.pieces[i].offset);
        buf_le64(buf, stream.pieces[i].len);
    }
    add_bytes(buf, stream.inline_bytes.data, stream.inline_bytes.len);
    if (stream.object == CATALOG_NO_OBJECT)
        buf_u8(buf, 0);
    else
        rc = find_recording(summing->reader, stream.object, &summing->recording, err);
    if (rc >= 0 && stream.object != CATALOG_NO_OBJECT)
        buf_append(buf, summing->recording.bytes.data, summing->recording.bytes.len);
    catalog_stream_done(&stream);
    return rc;
}

static int hash_file(struct summing *summing, uint32_t row, uint32_t stream, uint8_t ret[SHA256_BYTES],
                     struct error *err)
{
    struct buf *bytes = &summing->scratch;
    buf_clear(bytes);
    int rc = stream == FILES_STREAM_JSON ? catalog_json(summing->reader, row, bytes, err)
                                         : add_stream(summing, row, stream, bytes, err);
    if (rc >= 0)
        sha256_of(buf_text(bytes), bytes->len, ret);
    return rc < 0 ? rc : 0;
}

static void summing_done(struct summing *summing)
{
    buf_done(&summing->recording.bytes);
    buf_done(&summing->scratch);
}
#define CLEANUP_SUMMING CLEANUP(summing_done)

int digest_file(struct catalog_reader *reader, uint32_t row, uint32_t stream, uint8_t ret[SHA256_BYTES],
                struct error *err)
{
    CLEANUP_SUMMING struct summing summing = {.reader = reader, .recording = RECORDING_INIT};
    return hash_file(&summing, row, stream, ret, err);
}

static int sum_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct summing *summing = ctx;
    CLEANUP_BUF struct buf head = BUF_INIT;
    uint8_t content[SHA256_BYTES];
    int rc = hash_file(summing, entry->row, entry->stream, content, err);
    if (rc < 0)
        return rc;
    add_bytes(&head, summing->key, strlen(summing->key));
    add_bytes(&head, entry->name, strlen(entry->name));
    buf_le64(&head, entry->size);
    sha256_add(summing->sha, head.data, head.len);
    sha256_add(summing->sha, content, sizeof content);
    summing->digest->files++;
    summing->digest->bytes += entry->size;
    return 0;
}

static int sum_clip(void *ctx, uint32_t row, struct error *err)
{
    struct summing *summing = ctx;
    struct catalog_clip clip;
    int rc = catalog_clip(summing->reader, row, &clip, err);
    if (rc < 0)
        return rc;
    CLEANUP_FREE char *key = mem_text(clip.key);
    summing->key = key;
    rc = files_of_clip(summing->reader, summing->query, row, sum_file, summing, err);
    summing->digest->clips++;
    return rc < 0 ? rc : 0;
}

int digest_query(const struct query *query, struct catalog_reader *reader, struct digest *ret,
                 struct error *err)
{
    struct digest digest = {0};
    CLEANUP_SUMMING struct summing summing = {.reader = reader,
                                              .query = query,
                                              .recording = RECORDING_INIT,
                                              .sha = sha256_new(),
                                              .digest = &digest};
    int rc = query_each_clip(query, reader, CATALOG_COMING_STREAMS, sum_clip, &summing, err);
    sha256_finish(summing.sha, digest.sha256);
    if (rc >= 0)
        *ret = digest;
    return rc;
}
