// SPDX-License-Identifier: Apache-2.0
/* What happens on the local disk: kill -9, several processes, no room, eviction, the folder itself. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int complete_fd_soon(struct cache_file *file)
{
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (cache_complete_fd(file) < 0 && clock_now_ns() < end)
        nap_ms(1);
    return cache_complete_fd(file);
}

/* ---- kill -9 ---- */

enum { KILL_ROUNDS = 12, KILL_ROUNDS_MAX = 200, KILL_BYTES = 8 << 20 };

static void fill_until_killed(const char *folder, bool no_ring)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct test_counts counts = {0};
    struct test_source_options source = {.seed = 4, .size = KILL_BYTES, .piece_bytes = 20000, .delay_us = 1};
    struct cache_options options = {
        .folder = folder, .size_bytes = 1 << 30, .keep_free_percent = 1, .no_io_uring = no_ring};
    struct cache *cache = NULL;
    struct cache_file *file = NULL;
    if (cache_new(&options, &cache, NULL) ||
        cache_open(cache, key_a, KILL_BYTES, test_source(&source, &counts), &file, NULL))
        _exit(1);
    uint8_t byte;
    for (uint64_t at = 5;; at = (at * 2654435761u + 40503) % KILL_BYTES)
        cache_read_wait(file, at, 1, &byte, 0, NULL);
}

Test(disk, after_kill_9_in_the_middle_of_filling_every_byte_is_right)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 4, .size = KILL_BYTES};
    uint64_t kept = 0;
    for (int round = 0; round < KILL_ROUNDS || (!kept && round < KILL_ROUNDS_MAX); round++) {
        pid_t child = fork();
        if (!child)
            fill_until_killed(folder, round % 2);
        nap_ms(5 + 3 * round); /* on a slow machine the first ones have written nothing yet */
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct test_counts counts = {0};
        struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
        struct cache_file *file = open_file(cache, &options, &counts);
        expect_bytes(file, 4, 0, KILL_BYTES);
        kept += KILL_BYTES - counts.bytes;
        cache_close(file);
        cache_free(cache);
        CLEANUP_FREE char *data = data_path(folder), *side = mem_printf("%s.blocks", data);
        cr_assert_eq(unlink(data) | unlink(side), 0);
        free(STEAL(data)), free(STEAL(side));
    }
    cr_assert_gt(kept, 0, "nothing of what the killed ones wrote was used");
    remove_folder(folder);
    check_leaks();
}

/* ---- two processes ---- */

/* The other process: opens, reads [0, FILE_BYTES / 2), says so, and waits until it is told to end. */
static pid_t start_other(const char *folder, int *ret_tell)
{
    int ready[2], tell[2];
    char byte = 0;
    cr_assert_eq(pipe(ready) | pipe(tell), 0);
    pid_t child = fork();
    if (!child) {
        struct test_source_options options = {.seed = 5, .size = FILE_BYTES};
        struct test_counts counts = {0};
        close(tell[1]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
        struct cache_file *file = open_file(cache, &options, &counts);
        expect_bytes(file, 5, 0, FILE_BYTES / 2);
        wait_on_disk(cache, FILE_BYTES / 2);
        if (write(ready[1], &byte, 1) != 1 || read(tell[0], &byte, 1) < 0)
            _exit(1);
        cache_close(file);
        cache_free(cache);
        _exit(0);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]), close(tell[0]);
    *ret_tell = tell[1];
    return child;
}

static void end_other(pid_t child, int tell)
{
    int status;
    close(tell);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(disk, a_second_process_reads_what_the_first_wrote_and_fetches_the_rest_itself, .timeout = 240)
{
    char *folder = make_folder();
    int tell;
    pid_t child = start_other(folder, &tell);
    struct test_source_options options = {.seed = 5, .size = FILE_BYTES};
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 5, 1000, 400000);
    cr_assert_eq(counts.fills, 0, "the other process has written these");
    expect_bytes(file, 5, 700000, 200000);
    cr_assert_eq(counts.fills, 1);
    expect_bytes(file, 5, 700000, 200000);
    cr_assert_eq(counts.fills, 1, "kept in memory: the other process holds the lock");
    cr_assert_not(stats_of(cache).disk_failed);
    end_other(child, tell);
    wait_on_disk(cache, 700000); /* writing is tried again every second */
    cache_close(file);
    cache_free(cache);
    struct test_counts again = {0};
    cache = make_cache(folder, CACHE_FILL_EXACT);
    file = open_file(cache, &options, &again);
    expect_bytes(file, 5, 0, 500000);
    expect_bytes(file, 5, 700000, 200000);
    cr_assert_eq(again.fills, 0, "the second process took over when the first had closed the file");
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(disk, what_another_writes_while_the_file_is_open_is_found)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 6, .size = FILE_BYTES};
    struct test_counts first = {0}, second = {0};
    struct cache *writer = make_cache(folder, CACHE_FILL_EXACT),
                 *reader = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *a = open_file(writer, &options, &first), *b = open_file(reader, &options, &second);
    expect_bytes(a, 6, 0, 300000);
    wait_on_disk(writer, 300000);
    expect_bytes(b, 6, 0, 300000);
    cr_assert_eq(second.fills, 0);
    cache_close(a), cache_close(b);
    cache_free(writer), cache_free(reader);
    remove_folder(folder);
    check_leaks();
}

/* ---- no room ---- */

/* Reads all of a file that does not fit, twice, with few bytes of memory. */
static void read_without_room(struct cache *cache, struct test_counts *counts)
{
    struct test_source_options options = {.seed = 7, .size = 3 << 20};
    struct cache_file *file = open_file(cache, &options, counts);
    for (int round = 0; round < 2; round++)
        for (uint64_t at = 0; at < options.size; at += 1 << 18)
            expect_bytes(file, 7, at, 1 << 18);
    expect_bytes(file, 7, 0, options.size);
    cache_close(file);
}

/* Writes end beside the reads. */
static struct cache_stats stats_when_failed(struct cache *cache)
{
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (!stats_of(cache).disk_failed && clock_now_ns() < end)
        nap_ms(1);
    struct cache_stats stats = stats_of(cache);
    cr_assert(stats.disk_failed);
    return stats;
}

Test(disk, a_failing_disk_makes_reads_slower_never_wrong)
{
    char *folder = make_folder();
    struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    struct cache_options options = {
        .folder = folder, .size_bytes = 1 << 30, .keep_free_percent = 1, .memory_bytes = 1 << 20};
    struct cache *cache = NULL;
    struct test_counts counts = {0};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    read_without_room(cache, &counts);
    struct cache_stats stats = stats_when_failed(cache);
    cr_assert(strstr(stats.disk_reason, "File too large"), "%s", stats.disk_reason);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(disk, a_full_file_system_is_said_in_stats_and_used_again_when_there_is_room, .timeout = 240)
{
    char *folder = make_folder();
    if (mount("elidefs-test", folder, "tmpfs", 0, "size=1m,mode=700")) {
        fprintf(stderr, "needs root, to mount a small tmpfs: %s\n", strerror(errno));
        rmdir(folder);
        free(folder);
        cr_skip_test();
    }
    struct cache_options options = {
        .folder = folder, .size_bytes = 1 << 30, .keep_free_percent = 1, .memory_bytes = 1 << 20};
    struct cache *cache = NULL;
    struct test_counts counts = {0};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    cr_assert(strstr(cache_warning(cache), "tmpfs"));
    read_without_room(cache, &counts);
    struct cache_stats stats = stats_when_failed(cache);
    cr_assert(strstr(stats.disk_reason, "No space left"), "%s", stats.disk_reason);
    cr_assert_eq(mount("elidefs-test", folder, "tmpfs", MS_REMOUNT, "size=16m,mode=700"), 0);
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    for (; stats_of(cache).disk_failed && clock_now_ns() < end; nap_ms(100))
        read_without_room(cache, &counts);
    cr_assert_not(stats_of(cache).disk_failed);
    cache_free(cache);
    cr_assert_eq(umount(folder), 0);
    remove_folder(folder);
    check_leaks();
}

Test(disk, nothing_is_written_when_less_than_the_share_to_keep_free_is_left)
{
    char *folder = make_folder();
    struct cache_options options = {
        .folder = folder, .size_bytes = 1 << 30, .keep_free_percent = 100, .memory_bytes = 1 << 20};
    struct cache *cache = NULL;
    struct test_counts counts = {0};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    read_without_room(cache, &counts);
    struct cache_stats stats = stats_when_failed(cache);
    cr_assert(strstr(stats.disk_reason, "No space left"), "%s", stats.disk_reason);
    cr_assert_leq(stats.bytes_on_disk, 2 * 4096, "more than an empty side file");
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

/* ---- eviction ---- */

static void read_file_number(struct cache *cache, uint8_t number, struct test_counts *counts)
{
    uint8_t key[SHA256_BYTES] = {number, 9};
    struct test_source_options options = {.seed = number, .size = 400000};
    struct cache_file *file = NULL;
    cr_assert_eq(cache_open(cache, key, options.size, test_source(&options, counts), &file, NULL), 0);
    expect_bytes(file, number, 0, options.size);
    cache_close(file);
}

static uint64_t real_bytes(const char *folder)
{
    CLEANUP_FREE char *command = mem_printf("du -s --block-size=1 %s", folder);
    FILE *du = popen(command, "r");
    unsigned long long bytes = 0;
    cr_assert_eq(fscanf(du, "%llu", &bytes), 1);
    pclose(du);
    return bytes;
}

Test(disk, the_limit_is_kept_and_open_files_stay, .timeout = 240)
{
    enum { LIMIT = 4 << 20 };
    char *folder = make_folder();
    struct cache_options options = {.folder = folder, .size_bytes = LIMIT, .keep_free_percent = 1};
    struct cache *cache = NULL;
    struct test_counts counts = {0}, open_counts = {0};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    struct cache_file *open =
        open_file(cache, &(struct test_source_options){.seed = 1, .size = FILE_BYTES}, &open_counts);
    expect_bytes(open, 1, 0, FILE_BYTES);
    for (uint8_t number = 0; number < 40; number++) {
        read_file_number(cache, number, &counts);
        nap_ms(5); /* eviction runs beside the reads */
    }
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    struct cache_stats stats = stats_of(cache);
    for (; clock_now_ns() < end; stats = stats_of(cache), nap_ms(10))
        if (stats.evicted_bytes && stats.bytes_on_disk <= LIMIT / 100 * 90 && stats.files_on_disk < 12)
            break;
    cr_assert_leq(stats.bytes_on_disk, LIMIT);
    cr_assert_gt(stats.evicted_bytes, 0);
    cr_assert_lt(stats.files_on_disk, 12);
    cr_assert_leq(real_bytes(folder), LIMIT + 60 * 4096, "folders not counted");
    cr_assert_eq(complete_fd_soon(open) >= 0, 1);
    CLEANUP_FREE char *data = data_path(folder);
    cr_assert_eq(access(data, F_OK), 0, "the open file was evicted");
    expect_bytes(open, 1, 0, FILE_BYTES);
    cr_assert_eq(open_counts.bytes, FILE_BYTES);
    cache_close(open);
    cache_free(cache);
    remove_folder(folder);
    free(STEAL(data));
    check_leaks();
}

Test(disk, files_of_an_earlier_start_count_and_are_evicted_oldest_first, .timeout = 240)
{
    enum { LIMIT = 4 << 20 };
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    for (uint8_t number = 0; number < 9; number++) {
        read_file_number(cache, number, &counts);
        wait_on_disk(cache, (number + 1) * 400000u);
    }
    cache_free(cache);
    struct cache_options options = {.folder = folder, .size_bytes = LIMIT, .keep_free_percent = 1};
    cr_assert_eq(cache_new(&options, &cache, NULL), 0);
    wait_on_disk(cache, 9 * 400000); /* the scan */
    for (uint8_t number = 9; number < 12; number++)
        read_file_number(cache, number, &counts);
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (!stats_of(cache).evicted_bytes && clock_now_ns() < end)
        nap_ms(10);
    nap_ms(100);
    struct test_counts again = {0};
    read_file_number(cache, 8, &again);
    cr_assert_eq(again.fills, 0, "the youngest of the old ones was evicted before older ones");
    read_file_number(cache, 0, &again);
    cr_assert_eq(again.fills, 1, "the oldest was not evicted");
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

/* ---- a complete file ---- */

Test(disk, a_complete_checked_file_is_given_as_a_descriptor)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 8, .size = FILE_BYTES};
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 8, 0, FILE_BYTES - 5000);
    cr_assert_eq(cache_complete_fd(file), -1);
    expect_bytes(file, 8, 0, FILE_BYTES);
    int fd = complete_fd_soon(file);
    cr_assert_geq(fd, 0);
    CLEANUP_FREE uint8_t *got = mem_alloc(FILE_BYTES + 1), *want = mem_alloc(FILE_BYTES);
    cr_assert_eq(pread(fd, got, FILE_BYTES + 1, 0), FILE_BYTES);
    test_bytes(8, 0, want, FILE_BYTES);
    cr_assert(!memcmp(got, want, FILE_BYTES));
    cache_close(file);
    cache_free(cache);

    CLEANUP_FREE char *data = data_path(folder);
    CLEANUP_CLOSE int raw = open(data, O_WRONLY);
    cr_assert_eq(pwrite(raw, "?", 1, 77777), 1);
    cache = make_cache(folder, CACHE_FILL_EXACT);
    file = open_file(cache, &options, &counts);
    cr_assert_eq(cache_complete_fd(file), -1, "one block is bad");
    expect_bytes(file, 8, 77777, 1);
    cr_assert_geq(complete_fd_soon(file), 0);
    cr_assert_eq(stats_of(cache).blocks_bad, 1);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    free(STEAL(data)), free(STEAL(got)), free(STEAL(want));
    check_leaks();
}

Test(disk, the_data_file_is_the_virtual_file_and_closed_to_others)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 9, .size = FILE_BYTES};
    fill_once(folder, &options);
    CLEANUP_FREE char *data = data_path(folder);
    CLEANUP_FREE uint8_t *want = mem_alloc(FILE_BYTES);
    CLEANUP_BUF struct buf got = BUF_INIT;
    struct stat st;
    cr_assert_eq(file_read(data, FILE_BYTES, &got, NULL), 0);
    test_bytes(9, 0, want, FILE_BYTES);
    cr_assert_eq(got.len, FILE_BYTES);
    cr_assert(!memcmp(got.data, want, FILE_BYTES));
    cr_assert_eq(stat(data, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    remove_folder(folder);
    buf_done(&got), free(STEAL(data)), free(STEAL(want));
    check_leaks();
}

/* ---- the folder ---- */

Test(disk, the_folder_is_made_for_its_user_alone_with_its_parents)
{
    char *outer = make_folder();
    CLEANUP_FREE char *folder = mem_printf("%s/a/b", outer), *tag = mem_printf("%s/CACHEDIR.TAG", folder);
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct stat st;
    cr_assert_str_eq(cache_folder(cache), folder);
    cr_assert_eq(stat(folder, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    cr_assert_eq(access(tag, F_OK), 0);
    cache_free(cache);
    remove_folder(outer);
    free(STEAL(folder)), free(STEAL(tag));
    check_leaks();
}

static void expect_refused(const char *folder, int code, const char *words)
{
    struct cache *cache = NULL;
    struct error err = {0};
    cr_assert_eq(cache_new(&(struct cache_options){.folder = folder}, &cache, &err), -code, "%s", err.text);
    cr_assert(strstr(err.text, words), "%s", err.text);
    cr_assert(strstr(err.text, folder), "%s", err.text);
}

Test(disk, a_folder_others_may_write_or_own_is_refused)
{
    char *folder = make_folder();
    cr_assert_eq(chmod(folder, 0770), 0);
    expect_refused(folder, EACCES, "may be written by others");
    cr_assert_eq(chmod(folder, 0755), 0);
    if (!geteuid()) {
        cr_assert_eq(chown(folder, 12345, 0), 0);
        expect_refused(folder, EACCES, "belongs to user 12345");
    }
    CLEANUP_FREE char *file = mem_printf("%s/file", folder);
    cr_assert_eq(file_replace(file, "x", 1, 0600, NULL), 0);
    expect_refused(file, ENOTDIR, "not a folder");
    remove_folder(folder);
    free(STEAL(file));
    check_leaks();
}

Test(disk, without_io_uring_the_same_bytes_are_written)
{
    char *folder = make_folder();
    struct cache_options cache_options = {
        .folder = folder, .size_bytes = 1 << 30, .keep_free_percent = 1, .no_io_uring = true};
    struct test_source_options options = {.seed = 10, .size = FILE_BYTES};
    struct test_counts counts = {0};
    struct cache *cache = NULL;
    cr_assert_eq(cache_new(&cache_options, &cache, NULL), 0);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 10, 0, FILE_BYTES);
    cr_assert_not(stats_of(cache).io_uring);
    cache_close(file);
    cache_free(cache);
    struct test_counts again = {0};
    cache = make_cache(folder, CACHE_FILL_EXACT);
    file = open_file(cache, &options, &again);
    expect_bytes(file, 10, 0, FILE_BYTES);
    cr_assert_eq(again.fills, 0);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}
