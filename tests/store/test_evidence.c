// SPDX-License-Identifier: Apache-2.0
/* What may stand for a recording that was pinned, and what may not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/memory.h"
#include "cache/store/etag.h"
#include "cache/store/pin.h"
#include "cache/store/store.h"
#include "tests/store/temp_folder.h"
#include "tests/test_leaks.h"

enum { LARGE = 10 << 20, SMALL = 100000 };

struct place {
    char *folder;
    struct stores *stores;
    struct store *store;
    struct store_object was; /* "was", as it was imported */
    struct error err;
};

static char *path_of(const struct place *p, const char *name)
{
    return mem_printf("%s/%s", p->folder, name);
}

/* Bytes that are nowhere the same. */
static void write_file(const struct place *p, const char *name, size_t size)
{
    CLEANUP_FREE char *path = path_of(p, name);
    CLEANUP_FREE uint32_t *words = mem_alloc(size + 4);
    for (size_t i = 0; i < size / 4 + 1; i++)
        words[i] = (uint32_t)(i * 2654435761u);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(words, 1, size, file) == size && !fclose(file));
}

static void copy_time(const struct place *p, const char *from, const char *to)
{
    CLEANUP_FREE char *source = path_of(p, from), *target = path_of(p, to);
    struct stat st;
    cr_assert_eq(stat(source, &st), 0);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    cr_assert_eq(utimensat(AT_FDCWD, target, times, 0), 0);
}

static void set_time(const struct place *p, const char *name, time_t seconds)
{
    CLEANUP_FREE char *path = path_of(p, name);
    const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Overwrites a stretch, under the file's old time. */
static void overwrite(const struct place *p, const char *name, size_t at, size_t len)
{
    CLEANUP_FREE char *path = path_of(p, name);
    CLEANUP_FREE uint8_t *bytes = mem_zero(len);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    CLEANUP_CLOSE int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    cr_assert_eq(futimens(fd, times), 0);
}

static void place_init(struct place *p, size_t size)
{
    *p = (struct place){.folder = temp_folder()};
    cr_assert_eq(stores_new(&(struct stores_options){0}, &p->stores, &p->err), 0, "%s", p->err.text);
    cr_assert_eq(store_open(p->stores, p->folder, &p->store, &p->err), 0, "%s", p->err.text);
    write_file(p, "was", size);
    set_time(p, "was", 1772366400);
    cr_assert_eq(store_head(p->store, "was", &p->was, &p->err), 0, "%s", p->err.text);
    cr_assert_eq(evidence_take(p->store, "was", &p->was, &p->was.evidence, &p->err), 0, "%s", p->err.text);
}

static void place_done(struct place *p)
{
    store_unref(p->store);
    stores_free(p->stores);
    temp_folder_done(p->folder);
    check_leaks();
}

/* What is at `name` for the object that was pinned: the grounds, or -1 where it is refused. */
static int judged(struct place *p, const char *name)
{
    struct store_object now;
    enum evidence_grounds grounds;
    p->err = (struct error){0};
    cr_assert_eq(store_head(p->store, name, &now, &p->err), 0, "%s", p->err.text);
    int rc = evidence_judge(p->store, name, &p->was, &now, &grounds, &p->err);
    cr_assert_geq(rc, 0, "%s", p->err.text);
    cr_assert(rc || p->err.code == ESTALE, "a refusal has its reason");
    return rc ? (int)grounds : -1;
}

static void copy_file(const struct place *p, const char *name, size_t size)
{
    write_file(p, name, size);
    copy_time(p, "was", name);
}

Test(evidence, a_file_that_nobody_touched_needs_none)
{
    struct place p;
    place_init(&p, LARGE);
    p.was.evidence = (struct evidence){0};
    cr_assert_eq(judged(&p, "was"), EVIDENCE_PIN);
    place_done(&p);
}

Test(evidence, a_copy_with_its_time_is_the_same_file)
{
    struct place p;
    place_init(&p, LARGE);
    copy_file(&p, "copy", LARGE);
    cr_assert_eq(judged(&p, "copy"), EVIDENCE_SEEN);
    p.was.evidence = (struct evidence){0};
    cr_assert_eq(judged(&p, "copy"), -1, "nothing is known of its content");
    place_done(&p);
}

Test(evidence, a_copy_with_a_changed_middle_is_refused)
{
    struct place p;
    place_init(&p, LARGE);
    copy_file(&p, "copy", LARGE);
    overwrite(&p, "copy", LARGE / 2, LARGE / 30);
    cr_assert_eq(judged(&p, "copy"), -1);
    place_done(&p);
}

Test(evidence, a_copy_with_a_hole_where_bytes_were_is_refused)
{
    struct place p;
    place_init(&p, LARGE);
    copy_file(&p, "copy", LARGE);
    CLEANUP_FREE char *path = path_of(&p, "copy");
    CLEANUP_CLOSE int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0);
    if (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 << 20, 1 << 20)) {
        copy_time(&p, "was", "copy");
        cr_assert_eq(judged(&p, "copy"), -1);
    }
    place_done(&p);
}

Test(evidence, a_file_that_was_copied_by_half_is_refused)
{
    struct place p;
    place_init(&p, LARGE);
    write_file(&p, "copy", LARGE / 2);
    CLEANUP_FREE char *path = path_of(&p, "copy");
    cr_assert_eq(truncate(path, LARGE), 0); /* preallocated */
    copy_time(&p, "was", "copy");
    cr_assert_eq(judged(&p, "copy"), -1);
    place_done(&p);
}

Test(evidence, a_newer_time_is_never_excused_by_parts)
{
    struct place p;
    place_init(&p, LARGE);
    set_time(&p, "was", 1772366401);
    cr_assert_eq(judged(&p, "was"), -1);
    cr_assert(strstr(p.err.text, "written to since"), "%s", p.err.text);
    write_file(&p, "copy", LARGE);
    cr_assert_eq(judged(&p, "copy"), -1);
    place_done(&p);
}

Test(evidence, a_hash_of_all_bytes_excuses_any_time)
{
    struct place p;
    place_init(&p, LARGE);
    cr_assert_eq(evidence_take_whole(p.store, "was", &p.was, &p.was.evidence, &p.err), 0);
    write_file(&p, "copy", LARGE);
    cr_assert_eq(judged(&p, "copy"), EVIDENCE_CONTENT);
    overwrite(&p, "copy", 5000000, 1);
    cr_assert_eq(judged(&p, "copy"), -1, "one byte is another");
    place_done(&p);
}

Test(evidence, of_small_files_all_bytes_are_known)
{
    struct place p;
    place_init(&p, SMALL);
    write_file(&p, "copy", SMALL);
    cr_assert_eq(judged(&p, "copy"), EVIDENCE_CONTENT, "whatever its time");
    overwrite(&p, "was", 50000, 1);
    cr_assert_eq(judged(&p, "was"), -1, "under its old time");
    place_done(&p);
}

Test(evidence, a_touched_file_is_compared_by_samples)
{
    struct place p;
    place_init(&p, LARGE);
    CLEANUP_FREE char *path = path_of(&p, "was");
    cr_assert_eq(chmod(path, 0600), 0);
    cr_assert_eq(judged(&p, "was"), EVIDENCE_SAMPLED);
    overwrite(&p, "was", LARGE / 2, LARGE / 30);
    cr_assert_eq(judged(&p, "was"), -1);
    place_done(&p);
}

Test(evidence, another_size_is_another_file)
{
    struct place p;
    place_init(&p, SMALL);
    write_file(&p, "copy", SMALL + 1);
    cr_assert_eq(judged(&p, "copy"), -1);
    place_done(&p);
}

Test(evidence, bytes_that_give_the_etag_are_what_the_bucket_held)
{
    struct place p;
    place_init(&p, SMALL);
    struct md5 *md5 = md5_new();
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    CLEANUP_FREE uint8_t *bytes = mem_alloc(SMALL);
    cr_assert_eq(store_read(p.store, "was", &p.was, 0, SMALL, bytes, &p.err), 0);
    md5_add(md5, bytes, SMALL);
    md5_finish(md5, digest);
    hex_print(digest, MD5_BYTES, hex);
    p.was = (struct store_object){.size = SMALL};
    snprintf(p.was.pin, sizeof p.was.pin, "etag=\"%s\"", hex);
    cr_assert_eq(judged(&p, "was"), EVIDENCE_CONTENT);
    overwrite(&p, "was", 7, 1);
    cr_assert_eq(judged(&p, "was"), -1);
    place_done(&p);
}

Test(evidence, an_etag_of_parts_is_proved_by_parts_of_the_usual_size)
{
    enum { SIZE = 17 << 20 };
    CLEANUP_FREE uint8_t *bytes = mem_alloc(SIZE);
    memset(bytes, 'x', SIZE);
    static const size_t parts[] = {8 << 20, 5 << 20};
    for (size_t k = 0; k < 2; k++) {
        struct md5 *all = md5_new();
        uint8_t digest[MD5_BYTES];
        char hex[2 * MD5_BYTES + 1], pin[STORE_PIN_BYTES];
        for (size_t at = 0; at < SIZE; at += parts[k]) {
            struct md5 *part = md5_new();
            md5_add(part, bytes + at, SIZE - at < parts[k] ? SIZE - at : parts[k]);
            md5_finish(part, digest);
            md5_add(all, digest, sizeof digest);
        }
        md5_finish(all, digest);
        hex_print(digest, MD5_BYTES, hex);
        snprintf(pin, sizeof pin, "etag=\"%s-%zu\"", hex, (SIZE - 1) / parts[k] + 1);
        struct etag_check *check = etag_check_new(pin, SIZE);
        cr_assert_not_null(check);
        for (size_t at = 0; at < SIZE; at += 1000003)
            etag_check_add(check, bytes + at, SIZE - at < 1000003 ? SIZE - at : 1000003);
        cr_assert(etag_check_finish(check), "%s", pin);
    }
    cr_assert_null(etag_check_new("etag=\"5f3c-61a\"", SIZE));
    cr_assert_null(etag_check_new("mtime=1;ctime=1;inode=1", SIZE));
    check_leaks();
}

/* The ETag of `size` bytes at "was", in parts of `part` bytes. */
static void parts_pin(struct place *p, size_t size, size_t part, char ret_pin[STORE_PIN_BYTES])
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(size);
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    struct md5 *all = md5_new();
    cr_assert_eq(store_read(p->store, "was", &p->was, 0, size, bytes, &p->err), 0);
    for (size_t at = 0; at < size; at += part) {
        struct md5 *md5 = md5_new();
        md5_add(md5, bytes + at, size - at < part ? size - at : part);
        md5_finish(md5, digest);
        md5_add(all, digest, sizeof digest);
    }
    md5_finish(all, digest);
    hex_print(digest, MD5_BYTES, hex);
    snprintf(ret_pin, STORE_PIN_BYTES, "etag=\"%s-%zu\"", hex, (size - 1) / part + 1);
}

Test(evidence, a_copy_that_was_put_in_parts_is_told_by_its_etag_with_no_read)
{
    struct place p;
    place_init(&p, LARGE);
    cr_assert_eq(evidence_take_whole(p.store, "was", &p.was, &p.was.evidence, &p.err), 0);
    struct store_object now = {.size = LARGE};
    enum evidence_grounds grounds;
    parts_pin(&p, LARGE, 8 << 20, now.pin);
    cr_assert_eq(evidence_judge(p.store, "none there to read", &p.was, &now, &grounds, &p.err), 1, "%s",
                 p.err.text);
    cr_assert_eq(grounds, EVIDENCE_CONTENT);
    now.pin[7] = now.pin[7] == 'a' ? 'b' : 'a';
    cr_assert_lt(evidence_judge(p.store, "none there to read", &p.was, &now, &grounds, &p.err), 0);
    p.was.evidence.parts[0] ^= 1;
    place_done(&p);
}

Test(evidence, small_objects_are_put_in_one_piece)
{
    struct place p;
    place_init(&p, SMALL);
    cr_assert_eq(evidence_take_whole(p.store, "was", &p.was, &p.was.evidence, &p.err), 0);
    cr_assert(p.was.evidence.has_md5 && !p.was.evidence.has_parts);
    place_done(&p);
}

Test(evidence, a_copy_of_ours_may_be_moved_without_its_time_but_not_written_to)
{
    struct place p;
    place_init(&p, LARGE);
    p.was.evidence.ours = true;
    write_file(&p, "copy", LARGE);
    cr_assert_eq(judged(&p, "copy"), EVIDENCE_SAMPLED);
    overwrite(&p, "copy", LARGE / 2, LARGE / 30);
    cr_assert_eq(judged(&p, "copy"), -1, "other bytes");
    set_time(&p, "was", 1772366401);
    cr_assert_eq(judged(&p, "was"), -1, "the same file, and a newer time");
    place_done(&p);
}

/* ---- as bytes ---- */

static struct evidence full(void)
{
    struct evidence e = {
        .count = 2, .sampled = true, .whole = true, .has_md5 = true, .has_parts = true, .ours = true};
    e.ranges[0] = (struct evidence_range){0, 100};
    e.ranges[1] = (struct evidence_range){900, 100};
    memset(e.seen, 1, sizeof e.seen);
    memset(e.samples, 2, sizeof e.samples);
    memset(e.sha256, 3, sizeof e.sha256);
    memset(e.md5, 4, sizeof e.md5);
    memset(e.parts, 5, sizeof e.parts);
    return e;
}

Test(evidence, what_is_written_is_read_back)
{
    struct evidence e = full(), got;
    CLEANUP_BUF struct buf bytes = BUF_INIT, again = BUF_INIT;
    evidence_encode(&e, &bytes);
    cr_assert_leq(bytes.len, EVIDENCE_ENCODED_MAX);
    cr_assert(evidence_decode(bytes.data, bytes.len, 1000, &got));
    evidence_encode(&got, &again);
    cr_assert(again.len == bytes.len && !memcmp(again.data, bytes.data, bytes.len));
    cr_assert(got.count == 2 && got.ranges[1].offset == 900 && got.sampled && got.whole && got.has_md5 &&
              got.has_parts && got.ours);
}

Test(evidence, bytes_that_are_none_are_refused)
{
    struct evidence e = full(), got;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    evidence_encode(&e, &bytes);
    cr_assert_not(evidence_decode(bytes.data, bytes.len, 999, &got), "a range behind the end");
    for (size_t len = 1; len < bytes.len; len++)
        cr_assert_not(evidence_decode(bytes.data, len, 1000, &got), "cut at %zu", len);
    buf_u8(&bytes, 0);
    cr_assert_not(evidence_decode(bytes.data, bytes.len, 1000, &got), "something follows");
    static const char *const wrong[] = {"\0", "\x40", "\x10", "\x01\0", "\x01\x05"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_not(evidence_decode(wrong[i], 2, 1000, &got), "%zu", i);
    e.ranges[1].offset = 50;
    buf_clear(&bytes);
    evidence_encode(&e, &bytes);
    cr_assert_not(evidence_decode(bytes.data, bytes.len, 1000, &got), "ranges that overlap");
    cr_assert(evidence_decode("", 0, 1000, &got) && !got.count && !got.whole, "none is none");
}

Test(evidence, of_what_was_read_the_first_the_last_and_the_longest_are_kept)
{
    static uint8_t bytes[10000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31);
    static const struct {
        size_t at, len;
    } reads[] = {{9000, 1000}, {5000, 10}, {0, 60}, {40, 60}, {2000, 300}, {7000, 200}, {6000, 20}};
    struct evidence_piece pieces[7];
    for (size_t i = 0; i < 7; i++)
        pieces[i] = (struct evidence_piece){reads[i].at, bytes + reads[i].at, reads[i].len};
    struct evidence e = {0};
    evidence_of_pieces(pieces, 7, sizeof bytes, &e);
    static const struct evidence_range want[] = {{0, 100}, {2000, 300}, {7000, 200}, {9000, 1000}};
    struct sha256 *sha = sha256_new();
    uint8_t digest[SHA256_BYTES];
    cr_assert_eq(e.count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert(e.ranges[i].offset == want[i].offset && e.ranges[i].len == want[i].len, "%zu", i);
        sha256_add(sha, bytes + want[i].offset, want[i].len);
    }
    sha256_finish(sha, digest);
    cr_assert_eq(memcmp(digest, e.seen, sizeof digest), 0);
    e = (struct evidence){0};
    evidence_of_pieces(NULL, 0, 100, &e);
    cr_assert_eq(e.count, 0);
    check_leaks();
}

/* ---- pins ---- */

Test(evidence, pins_tell_what_happened_to_a_file)
{
    static const struct {
        const char *was, *now;
        enum pin_relation relation;
    } cases[] = {
        {"mtime=1;ctime=2;inode=3", "mtime=1;ctime=2;inode=3", PIN_SAME},
        {"mtime=1;ctime=2;inode=3", "mtime=1;ctime=9;inode=3", PIN_TOUCHED},
        {"mtime=1;ctime=2;inode=3", "mtime=1;ctime=9;inode=4", PIN_MOVED},
        {"mtime=1;ctime=2;inode=3", "mtime=9;ctime=9;inode=3", PIN_CHANGED},
        {"mtime=1", "mtime=1;ctime=9;inode=4", PIN_MOVED},
        {"mtime=1", "mtime=2;ctime=9;inode=4", PIN_CHANGED},
        {"etag=\"a\"", "etag=\"a\";version=2", PIN_SAME},
        {"etag=\"a\"", "etag=\"b\"", PIN_CHANGED},
        {"etag=\"a\"", "mtime=1;ctime=2;inode=3", PIN_CHANGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(pin_relate(cases[i].was, cases[i].now), cases[i].relation, "%s, %s", cases[i].was,
                     cases[i].now);
    char portable[STORE_PIN_BYTES];
    store_pin_portable("mtime=1;ctime=2;inode=3", portable);
    cr_assert_str_eq(portable, "mtime=1");
    store_pin_portable("etag=\"a\";version=2", portable);
    cr_assert_str_eq(portable, "etag=\"a\";version=2");
}
