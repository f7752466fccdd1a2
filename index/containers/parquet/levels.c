// SPDX-License-Identifier: Apache-2.0
/* What cannot be but 0 is not stored. */
#include "index/containers/parquet/levels.h"

#include <errno.h>
#include <string.h>

#include "index/containers/parquet/hybrid.h"

static unsigned width_of(unsigned max)
{
    return max ? 32 - (unsigned)__builtin_clz(max) : 0;
}

uint64_t parquet_levels_packed_len(unsigned max, uint64_t n)
{
    uint64_t bits;
    return __builtin_mul_overflow(n, (uint64_t)width_of(max), &bits) ? UINT64_MAX
                                                                     : bits / 8 + (bits % 8 != 0);
}

static bool read_packed(struct cursor c, unsigned max, uint64_t n, uint32_t *to)
{
    const uint8_t *bytes = cursor_bytes(&c, parquet_levels_packed_len(max, n));
    unsigned width = width_of(max);
    for (uint64_t i = 0, bit = 0; bytes && i < n; i++) {
        to[i] = 0;
        for (unsigned k = 0; k < width; k++, bit++)
            to[i] = to[i] << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
    }
    return bytes != NULL;
}

static bool read_runs(struct cursor runs, unsigned max, uint64_t n, uint32_t *to)
{
    struct hybrid hybrid = hybrid_of(runs, width_of(max));
    return hybrid_read(&hybrid, to, n);
}

int parquet_levels_read(const struct parquet_levels *levels, unsigned max, uint64_t n, uint32_t *to,
                        struct error *err)
{
    if (!max) {
        if (n)
            memset(to, 0, (size_t)n * sizeof *to);
        return 0;
    }
    if (!(levels->bit_packed ? read_packed : read_runs)(levels->bytes, max, n, to))
        return error_set(err, EINVAL, "the levels end before entry %llu", (unsigned long long)n);
    for (uint64_t i = 0; i < n; i++)
        if (to[i] > max)
            return error_set(err, EINVAL, "a level is %u, the schema allows %u", to[i], max);
    return 0;
}
