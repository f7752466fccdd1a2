// SPDX-License-Identifier: Apache-2.0
/* A value is a hash of attribute and clip, so that any clip of any size of set can be made alone. */
#include "tests/bench/generated.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const struct generated_shape generated_shapes[GENERATED_ATTRIBUTES] = {
    {"arm", VALUE_TEXT, 2, 200, 100},
    {"outcome", VALUE_TEXT, 2, 1, 100},
    {"gripper", VALUE_TEXT, 5, 500, 100},
    {"light", VALUE_TEXT, 5, 200, 100},
    {"phase", VALUE_TEXT, 5, 1, 100},
    {"weather", VALUE_TEXT, 5, 1, 100},
    {"robot", VALUE_TEXT, 20, 2000, 100},
    {"category", VALUE_TEXT, 20, 1, 100},
    {"failure", VALUE_TEXT, 20, 1, 15},
    {"operator", VALUE_TEXT, 100, 300, 100},
    {"task", VALUE_TEXT, 100, 100, 100},
    {"object", VALUE_TEXT, 100, 1, 100},
    {"site", VALUE_TEXT, 100, 5000, 100},
    {"skill", VALUE_TEXT, 10000, 1, 100},
    {"session", VALUE_TEXT, 10000, 100, 100},
    {"tag", VALUE_TEXT, 1000, 1, 3},
    {"ok", VALUE_BOOL, 2, 1, 100},
    {"duration", VALUE_DURATION, 0, 1, 100},
    {"recorded", VALUE_TIME, 0, 1, 100},
    {"quality", VALUE_FLOAT, 0, 1, 100}};

uint64_t generated_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

bool generated_value(int a, uint64_t clip, struct value *value, char text[GENERATED_TEXT_BYTES])
{
    const struct generated_shape *shape = &generated_shapes[a];
    uint64_t random = generated_mix(((uint64_t)(a + 1) << 48) ^ clip / shape->cluster);
    *value = (struct value){.type = shape->type};
    if (generated_mix(random) % 100 >= shape->percent)
        return false;
    double even = (double)(random >> 11) / 9007199254740992.0;
    switch (shape->type) {
    case VALUE_TEXT:
        snprintf(text, GENERATED_TEXT_BYTES, "%s%u", shape->name, (unsigned)(even * even * shape->values));
        value->text = text;
        value->len = strlen(text);
        break;
    case VALUE_BOOL:
        value->boolean = even < 0.8;
        break;
    case VALUE_FLOAT:
        value->real = floor(even * 10000) / 10000;
        break;
    case VALUE_TIME:
        value->integer =
            1700000000000000000 + (int64_t)clip * 30000000000 + (int64_t)(even * 20) * 1000000000;
        break;
    case VALUE_INT:
    case VALUE_DURATION:
        value->integer = (int64_t)(100 + even * even * 3000) * 33333333;
        break;
    case VALUE_LIST: /* no shape is one */
        break;
    }
    return true;
}

void generated_key(uint64_t clip, bool spread, char key[GENERATED_KEY_BYTES])
{
    if (spread)
        snprintf(key, GENERATED_KEY_BYTES, "ep%016" PRIx64, generated_mix(clip));
    else
        snprintf(key, GENERATED_KEY_BYTES, "ep%08" PRIu64, clip);
}
