// SPDX-License-Identifier: Apache-2.0
/*
 * Compares one file of a mount with a native file of the same bytes.
 *
 *     bench_fs NATIVE MOUNTED
 *
 * Prints, for each kind of use, both figures and native time / mounted time: 1.00 is as fast as native. The
 * native file is in the page cache, and so is the mount's cache; what the kernel holds of the mounted file
 * itself is dropped before its bytes are read, so the way through the daemon (or passthrough) is measured.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STATS = 200000, OPENS = 3000, RANDOMS = 20000, SMALL = 15360, PAGE = 4096, CHUNK = 1 << 20 };

static char chunk[CHUNK];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static bool is_mounted; /* the file that is measured */

static int open_cold(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0 || (is_mounted && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0))
        fail(path);
    return fd;
}

static double stat_us(const char *path)
{
    struct stat st;
    double start = now();
    for (int i = 0; i < STATS; i++)
        if (stat(path, &st) < 0)
            fail(path);
    return (now() - start) / STATS * 1e6;
}

static double open_us(const char *path)
{
    double start = now();
    for (int i = 0; i < OPENS; i++) {
        int fd = open(path, O_RDONLY);
        if (fd < 0 || pread(fd, chunk, SMALL, 0) != SMALL)
            fail(path);
        close(fd);
    }
    return (now() - start) / OPENS * 1e6;
}

static double sequential_us(const char *path)
{
    int fd = open_cold(path);
    double start = now();
    uint64_t bytes = 0;
    for (ssize_t n; (n = read(fd, chunk, CHUNK)) > 0;)
        bytes += (uint64_t)n;
    double us = (now() - start) / ((double)bytes / CHUNK) * 1e6;
    close(fd);
    return us;
}

static double random_us(const char *path)
{
    struct stat st;
    int fd = open_cold(path);
    fstat(fd, &st);
    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    uint64_t pages = (uint64_t)st.st_size / PAGE, seed = 4711;
    double start = now();
    for (int i = 0; i < RANDOMS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (pread(fd, chunk, PAGE, (off_t)((seed >> 33) % pages * PAGE)) != PAGE)
            fail(path);
    }
    double us = (now() - start) / RANDOMS * 1e6;
    close(fd);
    return us;
}

static double best_of_three(double (*measure)(const char *path), const char *path)
{
    double best = measure(path);
    for (int i = 0; i < 2; i++) {
        double again = measure(path);
        best = again < best ? again : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*measure)(const char *path);
    } kinds[] = {
        {"stat", stat_us},
        {"open, read 15 KiB, close", open_us},
        {"sequential, a MiB", sequential_us},
        {"random, 4 KiB", random_us},
    };
    if (argc != 3)
        return 2;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        is_mounted = false;
        double native = best_of_three(kinds[i].measure, argv[1]);
        is_mounted = true;
        double mounted = best_of_three(kinds[i].measure, argv[2]);
        printf("%-26s native %9.2f us  mounted %9.2f us  ratio %.2f\n", kinds[i].name, native, mounted,
               native / mounted);
    }
    return 0;
}
