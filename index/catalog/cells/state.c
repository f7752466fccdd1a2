// SPDX-License-Identifier: Apache-2.0
/* An attribute with nothing above it has no row at all. */
#include "index/catalog/cells/state.h"

#include <errno.h>
#include <stdlib.h>

#include "index/base/value.h"
#include "index/catalog/schema.h"

enum { LEVEL_MAX = 32, CUT_MAX = 32 };

void state_done(struct state *state)
{
    free(state->tails.list);
    free(state->patches.list);
    *state = (struct state){0};
}

void state_add(struct state_runs *runs, const struct state_run *run)
{
    mem_grow(&runs->list, &runs->cap, runs->count + 1, sizeof *runs->list);
    runs->list[runs->count++] = *run;
}

bool state_empty(const struct state *state)
{
    return !state->late && !state->clips && !state->different && !state->tails.count && !state->patches.count;
}

static bool decode_run(struct cursor *c, struct state_runs *runs)
{
    uint64_t version = runs->count ? runs->list[runs->count - 1].version : 0, step = cursor_varint(c);
    uint64_t level = cursor_varint(c), rows = cursor_varint(c), cut = cursor_varint(c);
    if (c->failed || !step || step >= SCHEMA_VERSIONS_MAX || version + step >= SCHEMA_VERSIONS_MAX ||
        level > LEVEL_MAX || rows > UINT32_MAX || cut > CUT_MAX)
        return false;
    state_add(runs, &(struct state_run){(uint32_t)(version + step), (uint32_t)level, (uint32_t)rows,
                                        (uint32_t)cut});
    return true;
}

static bool good_number(int64_t number)
{
    return number >= -(int64_t)UINT32_MAX && number <= UINT32_MAX;
}

static bool decode(struct cursor *c, struct state *state)
{
    uint8_t late = cursor_u8(c);
    state->late = (enum state_late)late;
    state->clips = value_decode_signed(c);
    state->different = value_decode_signed(c);
    uint64_t folding = cursor_varint(c), folded = cursor_varint(c), tails = cursor_varint(c);
    if (c->failed || late > STATE_LATE_ALL || folded > UINT32_MAX || (folded && !folding) ||
        !good_number(state->clips) || !good_number(state->different))
        return false;
    while (state->tails.count < tails)
        if (!decode_run(c, &state->tails))
            return false;
    uint64_t patches = cursor_varint(c);
    while (state->patches.count < patches)
        if (!decode_run(c, &state->patches))
            return false;
    if (c->failed || cursor_left(c))
        return false;
    state->folding = (uint32_t)folding;
    state->folded = (uint32_t)folded;
    return folding <= state->patches.count;
}

int state_decode(const void *bytes, size_t len, struct state *ret)
{
    struct cursor c = cursor_of(bytes, len);
    struct state state = {0};
    if (!decode(&c, &state)) {
        state_done(&state);
        return -EUCLEAN;
    }
    *ret = state;
    return 0;
}

static void encode_runs(const struct state_runs *runs, struct buf *buf)
{
    uint32_t version = 0;
    for (size_t i = 0; i < runs->count; version = runs->list[i++].version) {
        buf_varint(buf, runs->list[i].version - version);
        buf_varint(buf, runs->list[i].level);
        buf_varint(buf, runs->list[i].rows);
        buf_varint(buf, runs->list[i].cut);
    }
}

void state_encode(const struct state *state, struct buf *buf)
{
    buf_u8(buf, (uint8_t)state->late);
    value_encode_signed(buf, state->clips);
    value_encode_signed(buf, state->different);
    buf_varint(buf, state->folding);
    buf_varint(buf, state->folded);
    buf_varint(buf, state->tails.count);
    encode_runs(&state->tails, buf);
    buf_varint(buf, state->patches.count);
    encode_runs(&state->patches, buf);
}
