// SPDX-License-Identifier: Apache-2.0
/* index.html: what a data set says cannot leave the element it is in, and is read back as it was. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/json.h"
#include "query/report/page.h"
#include "query/report/page_html.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static const char hostile[] = "</script><script>alert('1')</script><!-- \"&amp;\\ \xe2\x80\xa8 \x01";

static const struct world_attribute attributes[] = {
    {"<b>&name", VALUE_TEXT, false}, {"big", VALUE_INT, false}, {"tags", VALUE_TEXT, true},
    {"joints", VALUE_LIST, false},   {NULL, VALUE_BOOL, false},
};

static void hostile_world(struct world *ret, struct world_catalog *ret_open)
{
    *ret = (struct world){.attributes = attributes};
    struct world_clip *clip = world_add(ret, "<img src>");
    world_value(ret, clip, "<b>&name", hostile);
    world_value(ret, clip, "big", "9007199254740993");
    world_value(ret, clip, "tags", "a");
    world_value(ret, clip, "tags", "b,c");
    struct world_clip *plain = world_add(ret, "plain");
    CLEANUP_BUF struct buf list = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_printf(&list, "%c%d", i ? ',' : '[', 1000 + i);
    buf_u8(&list, ']');
    world_value(ret, plain, "joints", buf_text(&list));
    world_open(ret, ret_open);
}

/* The JSON between the page's own parts. */
static void make_data(const struct world_catalog *open, struct buf *data)
{
    CLEANUP_QUERY struct query *all = query_all();
    CLEANUP_BUF struct buf page = BUF_INIT;
    cr_assert_eq(page_append(all, open->reader, &page, NULL), 0);
    size_t len = page.len - page_html_head_len - page_html_tail_len;
    cr_assert(memcmp(page.data, page_html_head, page_html_head_len) == 0);
    cr_assert(memcmp(page.data + page_html_head_len + len, page_html_tail, page_html_tail_len) == 0);
    buf_append(data, page.data + page_html_head_len, len);
}

Test(page, nothing_of_a_data_set_is_markup)
{
    struct world world;
    struct world_catalog open;
    CLEANUP_BUF struct buf data = BUF_INIT;
    hostile_world(&world, &open);
    make_data(&open, &data);
    cr_assert_null(strpbrk(buf_text(&data), "<>&"));
    buf_done(&data);
    world_close(&open);
    world_done(&world);
    check_leaks();
}

static const char *text_at(const struct json *list, size_t i, size_t k)
{
    return json_as_text(json_at(json_at(list, i), k));
}

Test(page, labels_are_read_back_as_they_were)
{
    struct world world;
    struct world_catalog open;
    struct json *parsed;
    CLEANUP_BUF struct buf data = BUF_INIT;
    hostile_world(&world, &open);
    make_data(&open, &data);
    cr_assert_eq(json_parse("data", data.data, data.len, &parsed, NULL), 0);
    const struct json *clips = json_get(parsed, "list"), *labels = json_get(json_at(clips, 0), "labels");
    cr_assert_eq(json_count(clips), 2);
    cr_assert_eq(json_as_integer(json_get(parsed, "clips")), 2);
    cr_assert_str_eq(json_get_text(json_at(clips, 0), "key"), "<img src>");
    cr_assert_eq(json_count(labels), 3);
    cr_assert_str_eq(text_at(labels, 0, 0), "<b>&name");
    cr_assert_str_eq(text_at(labels, 0, 1), hostile);
    cr_assert_str_eq(text_at(labels, 1, 1), "9007199254740993");
    const char *cut = text_at(json_get(json_at(clips, 1), "labels"), 0, 1);
    cr_assert(strlen(cut) < 210 && !strncmp(cut, "[1000,1001,", 11) &&
                  !strcmp(cut + strlen(cut) - 10, ",1038,...]"),
              "%s", cut);
    cr_assert_str_eq(text_at(labels, 2, 1), "a");
    cr_assert_str_eq(text_at(labels, 2, 2), "b,c");
    cr_assert_eq(json_count(json_get(json_at(clips, 0), "files")), 4);
    cr_assert_eq(json_count(json_get(json_at(clips, 1), "labels")), 1);
    json_free(parsed);
    buf_done(&data);
    world_close(&open);
    world_done(&world);
    check_leaks();
}
