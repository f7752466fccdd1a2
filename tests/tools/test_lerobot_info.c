// SPDX-License-Identifier: Apache-2.0
/* Path templates as Python expands them, and info.json with each of its fields wrong. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/lerobot_info.h"

static const struct lerobot_info in_folder = {
    .name = (char *)"s/meta/info.json", .folder = (char *)"a/b/", .chunks_size = 50};

struct template
{
    const char *text, *expected; /* the path, or words of the reason */
};

/* chunk 3, file 12, episode 123, video "cam.top" */
static int expand(const char *template, bool video, char **ret, struct error *err)
{
    struct lerobot_place place = {
        .chunk = 3, .file = 12, .episode = 123, .video_key = video ? "cam.top" : NULL};
    return lerobot_info_path(&in_folder, template, &place, ret, err);
}

Test(lerobot_info, templates_are_expanded_as_python_does)
{
    static const struct template cases[] = {
        {"data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet", "a/b/data/chunk-003/file-012.parquet"},
        {"videos/{video_key}/{chunk_index}/{file_index}.mp4", "a/b/videos/cam.top/3/12.mp4"},
        {"{chunk_index:1d}-{file_index:05}", "a/b/3-00012"},
        {"{chunk_index:3d}|{file_index:d}", "a/b/  3|12"},
        {"c-{episode_chunk:03d}/{video_key}/e_{episode_index:06d}.mp4", "a/b/c-002/cam.top/e_000123.mp4"},
        {"{{literal}}/{file_index}", "a/b/{literal}/12"},
        {"videos/observation.images.top/f.mp4", "a/b/videos/observation.images.top/f.mp4"},
        {"..x/y../...", "a/b/..x/y../..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        CLEANUP_FREE char *path = NULL;
        cr_assert_eq(expand(cases[i].text, true, &path, &err), 0, "%s: %s", cases[i].text, err.text);
        cr_expect_str_eq(path, cases[i].expected);
    }
    check_leaks();
}

Test(lerobot_info, a_template_that_is_malformed_or_leaves_the_data_set_is_refused)
{
    static const struct template cases[] = {
        {"/etc/passwd", "outside"},
        {"../x", "outside"},
        {"data/../../x", "outside"},
        {"data/..", "outside"},
        {"data//../x", "outside"},
        {"data/{file_index", "not closed"},
        {"data/}", "stands alone"},
        {"data/{{}", "stands alone"},
        {"{frame_index:06d}", "{frame_index:06d}"},
        {"{episode_index:06x}", "format '06x'"},
        {"{}", "{}"},
        {"{file_index:x}", "format 'x'"},
        {"{file_index:03dd}", "format"},
        {"{file_index:99999999999999999999999999d}", "format"},
        {"{file_index:-3d}", "format"},
        {"{video_key}", "{video_key}"},
        {"{file_index!r}", "{file_index!r}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        char *path = NULL;
        cr_expect_eq(expand(cases[i].text, false, &path, &err), -EINVAL, "%s", cases[i].text);
        cr_expect(strstr(err.text, cases[i].expected) && strstr(err.text, "s/meta/info.json"), "%s: %s",
                  cases[i].text, err.text);
    }
    check_leaks();
}

Test(lerobot_info, a_camera_key_does_not_lead_out_either)
{
    struct error err = {0};
    char *path = NULL;
    struct lerobot_place place = {.video_key = "../../.."};
    cr_expect_eq(lerobot_info_path(&in_folder, "videos/{video_key}/f.mp4", &place, &path, &err), -EINVAL);
    cr_expect(strstr(err.text, "outside"), "%s", err.text);
    check_leaks();
}

static int parse(const char *text, struct lerobot_info **ret, struct error *err)
{
    return lerobot_info_parse("i", "", text, strlen(text), ret, err);
}

#define PATHS "\"data_path\":\"d\",\"video_path\":\"v\""

Test(lerobot_info, an_info_json_gives_templates_rate_and_videos)
{
    struct error err = {0};
    CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
    cr_assert_eq(parse("{" PATHS
                       ",\"fps\":29.97,\"robot_type\":null,\"features\":{\"top\":{\"dtype\":\"video\"},"
                       "\"state\":{\"dtype\":\"float32\"}}}",
                       &info, &err),
                 0, "%s", err.text);
    cr_expect(info->fps == 29.97 && !info->robot_type && info->feature_count == 2);
    cr_expect(lerobot_info_is_video(info, "top", 3) && !lerobot_info_is_video(info, "state", 5) &&
              !lerobot_info_is_video(info, "to", 2));
    lerobot_info_free(STEAL(info));
    check_leaks();
}

Test(lerobot_info, an_info_json_that_does_not_add_up_is_refused_with_the_reason)
{
    static const char *const cases[][2] = {
        {"{\"fps\":30,\"features\":{}}", "data_path"},
        {"[]", "data_path"},
        {"{" PATHS ",\"features\":{}}", "fps"},
        {"{" PATHS ",\"fps\":\"30\",\"features\":{}}", "fps"},
        {"{" PATHS ",\"fps\":-1,\"features\":{}}", "fps"},
        {"{" PATHS ",\"fps\":1e-300,\"features\":{}}", "fps"},
        {"{" PATHS ",\"fps\":1e300,\"features\":{}}", "fps"},
        {"{" PATHS ",\"fps\":30}", "features"},
        {"{" PATHS ",\"fps\":30,\"features\":{\"top\":3}}", "'top' has no dtype"},
        {"{\"data_path\":\"d\",\"fps\":30,\"features\":{\"top\":{\"dtype\":\"video\"}}}", "video_path"},
        {"{" PATHS ",\"fps\":30,\"features\":{},\"chunks_size\":0}", "chunks_size"},
        {"{" PATHS ",\"fps\":30,\"features\":{},\"chunks_size\":\"1\"}", "chunks_size"},
        {"{" PATHS ",\"fps\":30,\"features\":{\"a\":{\"dtype\":\"video\"},\"b\":{\"dtype\":\"video\"}}}",
         "'v' is the same for all 2 cameras"},
        {"{", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct lerobot_info *info = NULL;
        cr_expect_lt(parse(cases[i][0], &info, &err), 0, "%s", cases[i][0]);
        cr_expect(strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
    }
    check_leaks();
}

static const char *video_path_of(const char *template, const char *features, struct lerobot_info **ret)
{
    struct error err = {0};
    CLEANUP_FREE char *text = mem_printf(
        "{\"data_path\":\"d\",\"video_path\":\"%s\",\"fps\":30,\"features\":{%s}}", template, features);
    cr_assert_eq(parse(text, ret, &err), 0, "%s", err.text);
    return (*ret)->video_path;
}

#define TOP  "\"cam.top\":{\"dtype\":\"video\"}"
#define SIDE "\"cam.side\":{\"dtype\":\"video\"}"

Test(lerobot_info, a_cameras_name_in_the_template_stands_for_every_camera)
{
    static const char *const cases[][3] = {
        {"v/cam.top/{file_index}.mp4", TOP "," SIDE, "v/{video_key}/{file_index}.mp4"},
        {"cam.side/f.mp4", TOP "," SIDE, "{video_key}/f.mp4"},
        {"v/cam.top", TOP, "v/{video_key}"},
        {"v/cam.topmost/f.mp4", TOP, "v/cam.topmost/f.mp4"},
        {"v/{video_key}/cam.top.mp4", TOP "," SIDE, "v/{video_key}/cam.top.mp4"},
        {"v/one.mp4", TOP, "v/one.mp4"},
        {"v/one.mp4", "", "v/one.mp4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
        cr_expect_str_eq(video_path_of(cases[i][0], cases[i][1], &info), cases[i][2], "%s", cases[i][0]);
        lerobot_info_free(STEAL(info));
    }
    check_leaks();
}

Test(lerobot_info, the_template_tells_whether_each_episode_has_a_file)
{
    static const struct {
        const char *template;
        bool own;
    } cases[] = {{"{episode_index:06d}.mp4", true},
                 {"a/{episode_index}", true},
                 {"{{episode_index}}", false},
                 {"{episode_chunk}/{file_index}", false},
                 {"{episode_index_of}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
        video_path_of(cases[i].template, TOP, &info);
        cr_expect_eq(info->video_by_episode, cases[i].own, "%s", cases[i].template);
        cr_expect(!info->data_by_episode && info->chunks_size == 1000);
        lerobot_info_free(STEAL(info));
    }
    check_leaks();
}
