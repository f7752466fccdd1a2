// SPDX-License-Identifier: Apache-2.0
/*
 * Whatever episodes.jsonl and episodes_stats.jsonl hold (before and after a line of "---"): an error, or
 * episodes in order whose texts are values and whose statistics are one JSON object.
 */
#include <string.h>

#include "cache/base/json.h"
#include "tools/import/lerobot_episode_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct lerobot_episode *episode)
{
    CLEANUP_JSON struct json *json = NULL;
    for (size_t i = 0; i < episode->task_count; i++) {
        struct value task = {.type = VALUE_TEXT, .text = episode->tasks[i], .len = strlen(episode->tasks[i])};
        if (value_check(&task, NULL))
            __builtin_trap();
    }
    for (size_t i = 0; i < episode->scalar_count; i++)
        if (value_check(&episode->scalars[i].value, NULL))
            __builtin_trap();
    if (episode->stats.len && (json_parse("stats", episode->stats.data, episode->stats.len, &json, NULL) ||
                               json_kind(json) != JSON_KIND_OBJECT))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char rule[] = "\n---\n";
    static const char info_text[] =
        "{\"data_path\":\"{episode_index}\",\"video_path\":\"{episode_index}\",\"fps\":30,"
        "\"features\":{\"top\":{\"dtype\":\"video\"}}}";
    const uint8_t *end = size ? memmem(data, size, rule, sizeof rule - 1) : NULL;
    size_t len = end ? (size_t)(end - data) + 1 : size, skip = end ? len + sizeof rule - 2 : size;
    struct memory_recording lines, stats;
    recording_of_memory(&lines, "episodes.jsonl", data, len);
    recording_of_memory(&stats, "episodes_stats.jsonl", data + skip, size - skip);
    CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
    if (lerobot_info_parse("i", "", info_text, sizeof info_text - 1, &info, NULL))
        __builtin_trap();
    CLEANUP_LEROBOT_EPISODES struct lerobot_episodes *episodes = lerobot_episodes_new(info);
    episodes->name = mem_text("episodes.jsonl");
    if (lerobot_episode_lines_read(episodes, info, &lines.recording, end ? &stats.recording : NULL, NULL))
        return 0;
    for (size_t i = 0; i < episodes->count; i++) {
        check(&episodes->episodes[i]);
        if (i && episodes->episodes[i].index <= episodes->episodes[i - 1].index)
            __builtin_trap();
    }
    return 0;
}
