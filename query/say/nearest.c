// SPDX-License-Identifier: Apache-2.0
/* Three rows of the usual dynamic programme. A name is near if a third of its letters or fewer are wrong;
 * one that the wanted name begins ("pick" for "pick up the cube") counts as barely near. */
#include "query/say/nearest.h"

#include <string.h>

#include "query/show.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned cell(const unsigned rows[3][NEAREST_NAME_MAX + 1], const char *a, const char *b, size_t i,
                     size_t k)
{
    const unsigned *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
    bool same = lower(a[i - 1]) == lower(b[k - 1]);
    unsigned cost = least(above[k] + 1, rows[i % 3][k - 1] + 1);
    cost = least(cost, above[k - 1] + !same);
    if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) && lower(a[i - 2]) == lower(b[k - 1]))
        cost = least(cost, two_above[k - 2] + 1);
    return cost;
}

unsigned nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len, unsigned limit)
{
    size_t gap = a_len > b_len ? a_len - b_len : b_len - a_len;
    if (a_len > NEAREST_NAME_MAX || b_len > NEAREST_NAME_MAX || gap > limit)
        return limit + 1;
    unsigned rows[3][NEAREST_NAME_MAX + 1];
    for (size_t k = 0; k <= b_len; k++)
        rows[0][k] = (unsigned)k;
    for (size_t i = 1; i <= a_len; i++) {
        rows[i % 3][0] = (unsigned)i;
        for (size_t k = 1; k <= b_len; k++)
            rows[i % 3][k] = cell(rows, a, b, i, k);
    }
    return least(rows[a_len % 3][b_len], limit + 1);
}

void nearest_init(struct nearest *nearest, const char *wanted, size_t len)
{
    *nearest = (struct nearest){.wanted = wanted, .len = len};
}

void nearest_done(struct nearest *nearest)
{
    for (size_t i = 0; i < NEAREST_MAX; i++)
        buf_done(&nearest->best[i].name);
    nearest->count = 0;
}

static unsigned near_limit(size_t len)
{
    return len < 6 ? 1 + (len == 5) : (unsigned)(len / 3);
}

/* How near, or near_limit() + 1. */
static unsigned near_by(const struct nearest *nearest, const char *name, size_t len)
{
    unsigned limit = near_limit(nearest->len);
    unsigned distance = nearest_distance(nearest->wanted, nearest->len, name, len, limit);
    if (distance >= nearest->len) /* nothing of it is right */
        distance = limit + 1;
    bool begins = nearest->len >= 3 && len > nearest->len && !memcmp(name, nearest->wanted, nearest->len);
    return begins ? least(distance, limit) : distance;
}

static void insert(struct nearest *nearest, const char *name, size_t len, unsigned distance)
{
    size_t at = nearest->count;
    while (at > 0 && nearest->best[at - 1].distance > distance)
        at--;
    if (at == NEAREST_MAX)
        return;
    if (nearest->count == NEAREST_MAX)
        buf_done(&nearest->best[--nearest->count].name);
    memmove(&nearest->best[at + 1], &nearest->best[at], (nearest->count - at) * sizeof nearest->best[0]);
    nearest->best[at].name = BUF_INIT;
    buf_append(&nearest->best[at].name, name, len);
    nearest->best[at].distance = distance;
    nearest->count++;
}

void nearest_offer(struct nearest *nearest, const char *name, size_t len)
{
    unsigned distance = near_by(nearest, name, len);
    if (distance <= near_limit(nearest->len))
        insert(nearest, name, len, distance);
}

void nearest_add(struct nearest *nearest, const char *name, size_t len)
{
    insert(nearest, name, len, 0);
}

void nearest_print(const struct nearest *nearest, const char *before, struct buf *buf)
{
    for (size_t i = 0; i < nearest->count; i++) {
        buf_text_append(buf, i == 0 ? ": did you mean '" : i + 1 < nearest->count ? ", '" : " or '");
        buf_text_append(buf, before);
        show_append(buf, buf_text(&nearest->best[i].name), nearest->best[i].name.len);
        buf_text_append(buf, i + 1 < nearest->count ? "'" : "'?");
    }
}
