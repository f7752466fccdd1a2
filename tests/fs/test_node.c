// SPDX-License-Identifier: Apache-2.0
/* Node numbers and the table of nodes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/node.h"
#include "tests/test_leaks.h"

static const struct node *enter(struct nodes *nodes, uint64_t parent, const char *name)
{
    return nodes_enter(nodes,
                       &(struct node){.parent = parent, .name = (char *)(uintptr_t)name, .kind = NODE_VIEW});
}

Test(node, a_number_gives_back_version_row_and_stream)
{
    struct node_clip clips[] = {{1, 0, 0}, {NODE_VERSION_MAX, UINT32_MAX, 1023}, {12, 871, 3}};
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++) {
        uint64_t number = node_number(&clips[i]);
        struct node_clip back = node_clip(number);
        cr_assert(node_is_clip(number));
        cr_assert(back.version == clips[i].version && back.row == clips[i].row &&
                      back.stream == clips[i].stream,
                  "case %zu", i);
    }
}

Test(node, numbers_of_files_differ_from_those_of_the_table)
{
    cr_assert_not(node_is_clip(NODE_ROOT_ID));
    cr_assert_eq(node_number(&(struct node_clip){.version = 1}), (UINT64_C(1) << 62) | (UINT64_C(1) << 42));
}

Test(node, the_root_is_node_1_and_is_never_forgotten)
{
    struct nodes *nodes = nodes_new();
    nodes_forget(nodes, NODE_ROOT_ID, 5);
    const struct node *root = nodes_get(nodes, NODE_ROOT_ID);
    cr_assert_not_null(root);
    cr_assert_eq(root->kind, NODE_ROOT);
    nodes_free(nodes);
    check_leaks();
}

Test(node, one_name_in_one_directory_is_one_node)
{
    struct nodes *nodes = nodes_new();
    const struct node *a = enter(nodes, NODE_ROOT_ID, "a");
    cr_assert_eq(enter(nodes, NODE_ROOT_ID, "a"), a);
    cr_assert_neq(enter(nodes, a->id, "a"), a, "the same name elsewhere is another node");
    cr_assert_eq(nodes_get(nodes, a->id), a);
    nodes_free(nodes);
    check_leaks();
}

Test(node, a_version_is_another_node_after_a_purge_and_all_that_the_kernel_knows_are_told)
{
    struct nodes *nodes = nodes_new();
    struct node wanted = {.parent = NODE_ROOT_ID, .name = (char[]){"v3"}, .kind = NODE_QUERY, .version = 3};
    const struct node *before = nodes_enter(nodes, &wanted);
    wanted.purge = 1;
    const struct node *after = nodes_enter(nodes, &wanted);
    cr_assert_neq(after, before);
    cr_assert_eq(nodes_enter(nodes, &wanted), after);
    enter(nodes, NODE_ROOT_ID, "tags");
    struct node_query *list = NULL;
    cr_assert_eq(nodes_queries(nodes, &list), 2);
    cr_assert_eq(list[0].id + list[1].id, before->id + after->id);
    cr_assert(list[0].version == 3 && list[1].version == 3);
    free(list);
    nodes_free(nodes);
    check_leaks();
}

Test(node, a_node_goes_when_it_was_forgotten_as_often_as_looked_up_and_its_id_is_not_used_again)
{
    struct nodes *nodes = nodes_new();
    uint64_t id = enter(nodes, NODE_ROOT_ID, "a")->id;
    enter(nodes, NODE_ROOT_ID, "a");
    nodes_forget(nodes, id, 1);
    cr_assert_not_null(nodes_get(nodes, id));
    nodes_forget(nodes, id, 1);
    cr_assert_null(nodes_get(nodes, id));
    cr_assert_eq(nodes_count(nodes), 1, "only the root is left");
    cr_assert_neq(enter(nodes, NODE_ROOT_ID, "a")->id, id);
    nodes_free(nodes);
    check_leaks();
}

Test(node, forgetting_more_often_than_looked_up_or_unknown_ids_does_no_harm)
{
    struct nodes *nodes = nodes_new();
    uint64_t id = enter(nodes, NODE_ROOT_ID, "a")->id;
    nodes_forget(nodes, id, 100);
    nodes_forget(nodes, id, 1);
    nodes_forget(nodes, 4711, 1);
    nodes_forget(nodes, node_number(&(struct node_clip){.version = 1}), 1);
    cr_assert_eq(nodes_count(nodes), 1);
    nodes_free(nodes);
    check_leaks();
}

Test(node, a_live_file_is_a_node_of_its_own_at_each_look_up)
{
    struct nodes *nodes = nodes_new();
    uint64_t ids[2];
    for (int i = 0; i < 2; i++) {
        struct node live = {.parent = NODE_ROOT_ID, .name = (char[]){"stats"}, .kind = NODE_LIVE};
        buf_printf(&live.bytes, "state %d", i);
        const struct node *node = nodes_enter(nodes, &live);
        ids[i] = node->id;
        cr_assert_null(live.bytes.data, "the node has taken them");
    }
    cr_assert_neq(ids[0], ids[1]);
    cr_assert(nodes_forget(nodes, ids[1], 1));
    cr_assert_eq(memcmp(nodes_get(nodes, ids[0])->bytes.data, "state 0", 7), 0);
    nodes_free(nodes);
    check_leaks();
}

Test(node, thousands_of_nodes_are_found_and_freed_in_any_order)
{
    enum { COUNT = 5000 };
    struct nodes *nodes = nodes_new();
    static uint64_t ids[COUNT];
    char name[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "n%d", i);
        ids[i] = enter(nodes, NODE_ROOT_ID + (uint64_t)i % 7, name)->id;
    }
    for (int i = 0; i < COUNT; i += 3)
        nodes_forget(nodes, ids[i], 1);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(nodes_get(nodes, ids[i]) == NULL, i % 3 == 0, "node %d", i);
    nodes_free(nodes);
    check_leaks();
}
