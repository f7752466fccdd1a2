// SPDX-License-Identifier: Apache-2.0
/* `elidefs import --merge` against a store that fails, loses answers, or is gone, from each request on: what
 * is opened of the data set is wrapped by the linker. */
#include "tests/dataset/fixture.h"

#include <stdio.h>

#include "tools/commands.h"

const struct command *const commands[] = {&command_import, NULL};

enum { OPENED_MAX = 16, FILES = 6 };

/* A merge opens the data set several times; the plan is for one of them. */
static struct {
    bool on;
    size_t target;
    struct fault_plan plan;
    struct store *retries[OPENED_MAX], *faults[OPENED_MAX];
    size_t opened;
    unsigned calls; /* of the target */
} world;

int __real_store_open(struct stores *of, const char *url, struct store **ret, struct error *err);
int __wrap_store_open(struct stores *of, const char *url, struct store **ret, struct error *err);
void __real_stores_free(struct stores *of);
void __wrap_stores_free(struct stores *of);

int __wrap_store_open(struct stores *of, const char *url, struct store **ret, struct error *err)
{
    static const struct fault_plan none = {.kind = FAULT_NONE};
    CLEANUP_FREE char *data = in("data");
    struct store *inner = NULL;
    int rc = __real_store_open(of, url, &inner, err);
    if (rc < 0 || !world.on || strcmp(store_url(inner), data) != 0) {
        *ret = inner;
        return rc;
    }
    cr_assert_lt(world.opened, OPENED_MAX);
    size_t at = world.opened++;
    world.faults[at] = store_fault_new(inner, at == world.target ? &world.plan : &none);
    world.retries[at] = *ret = retry_new(world.faults[at]);
    struct backoff *backoff = retry_backoff(*ret);
    backoff->base_ns = backoff->most_ns = 1000;
    store_ref(*ret); /* until what has happened is counted */
    return 0;
}

void __wrap_stores_free(struct stores *of)
{
    for (size_t i = 0; world.on && i < world.opened; i++) {
        if (i == world.target)
            world.calls = store_fault_calls(world.faults[i]);
        store_unref(world.retries[i]);
    }
    __real_stores_free(of);
}

static int import(const char *how, const char *part, struct error *err)
{
    CLEANUP_FREE char *data = in("data"), *source = in("source"), *cached = in("cache-of-import");
    const char *line[] = {data, source, "--cache", cached, how, part};
    struct arguments arguments;
    cr_assert_eq(arguments_parse(&command_import, part ? 6 : 5, (char **)(uintptr_t)line, &arguments, err), 0,
                 "%s", err->text);
    file_remove_tree(cached, NULL);
    int rc = command_import.run(&arguments, err);
    arguments_done(&arguments);
    return rc;
}

static void shell(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

/* Parts have read all; "parts" is a copy of the data set as it is then. What commands tell is not shown. */
static void made(void)
{
    struct error err = {0};
    fixture_made();
    cr_assert_not_null(freopen("/dev/null", "w", stdout));
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (int i = 0; i < FILES; i++) {
        CLEANUP_FREE char *name = mem_printf("source/c%d.txt", i);
        make_file(name, name);
    }
    init_data();
    cr_assert_eq(import("--part", "1/2", &err), 0, "%s", err.text);
    cr_assert_eq(import("--part", "2/2", &err), 0, "%s", err.text);
    CLEANUP_FREE char *command = mem_printf("cp -a '%s/data' '%s/parts'", folder, folder);
    shell(command);
}

static void begin_again(void)
{
    CLEANUP_FREE char *command =
        mem_printf("rm -rf '%s/data' && cp -a '%s/parts' '%s/data'", folder, folder, folder);
    shell(command);
}

/* It opens, has this many versions, and the newest has all clips, whole. */
static void check_landed(uint32_t head, const char *when)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    const struct manifest *manifest;
    cr_assert_eq(try_open("data", &dataset, &err), 0, "%s: %s", when, err.text);
    cr_assert_eq(dataset_head(dataset), head, "%s: v%u, not v%u", when, dataset_head(dataset), head);
    if (head) {
        struct pages_check *check = dataset_check_new(dataset);
        cr_assert_eq(dataset_check_stored(dataset, check, head, &err), 0, "%s: %s", when, err.text);
        pages_check_free(check);
        cr_assert_eq(dataset_manifest(dataset, head, &manifest, &err), 0, "%s: %s", when, err.text);
        cr_assert_eq(manifest->clips, FILES + 1, "%s", when); /* the fixture has put one there */
    }
    dataset_free(dataset);
}

static uint32_t head_of_data(const char *when)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    cr_assert_eq(try_open("data", &dataset, &err), 0, "%s: %s", when, err.text);
    uint32_t head = dataset_head(dataset);
    dataset_free(dataset);
    return head;
}

/* The merge while the store behaves as planned, then once more as it should: false where it had no such
 * request. */
static bool merge_in_spite(const struct fault_plan *plan, size_t target, unsigned *failed)
{
    struct error err = {0};
    char when[300];
    begin_again();
    memset(&world, 0, sizeof world);
    world.on = true;
    world.plan = *plan;
    world.target = target;
    int rc = import("--merge", NULL, &err);
    world.on = false;
    snprintf(when, sizeof when, "kind %d, %u requests from %u on, store %zu: %.150s", plan->kind, plan->count,
             plan->first, target, rc < 0 ? err.text : "merged");
    *failed += rc < 0;
    uint32_t head = head_of_data(when);
    cr_assert(head <= 1 && (rc || head == 1), "%s: v%u", when, head);
    check_landed(head, when);
    cr_assert_gt(objects("elidefs/parts/"), 0, "%s", when);
    cr_assert_eq(import("--merge", NULL, &err), 0, "%s; and then: %s", when, err.text);
    check_landed(1, when);
    return world.calls >= plan->first;
}

/* Of each store that a merge opens, each request. */
static void fail_each(struct fault_plan plan, unsigned least)
{
    unsigned requests = 0, failed = 0;
    for (size_t target = 0; !target || world.opened > target; target++) {
        plan.first = 1;
        while (merge_in_spite(&plan, target, &failed))
            plan.first++, requests++;
    }
    cr_assert_geq(requests, 12, "only %u requests", requests);
    cr_assert_geq(failed, least, "only %u of %u requests mattered", failed, requests);
}

CHECKED_TEST(merge, whichever_request_fails_it_is_whole_or_was_not_and_lands_once, made, fixture_removed)
{
    fail_each((struct fault_plan){.kind = FAULT_FAIL, .count = 1, .code = EIO}, 8);
}

CHECKED_TEST(merge, whenever_the_store_is_gone_it_is_whole_or_was_not_and_lands_once, made, fixture_removed)
{
    fail_each((struct fault_plan){.kind = FAULT_FAIL, .count = UINT32_MAX, .code = EAGAIN}, 8);
}

CHECKED_TEST(merge, whichever_answer_is_lost_it_lands_once, made, fixture_removed)
{
    fail_each((struct fault_plan){.kind = FAULT_LOST, .count = 1}, 0);
}

CHECKED_TEST(merge, whenever_all_answers_are_lost_it_lands_once, made, fixture_removed)
{
    fail_each((struct fault_plan){.kind = FAULT_LOST, .count = UINT32_MAX}, 8);
}

/* As long as it takes to put the manifest and to ask for it in vain; packs could be removed again then. */
CHECKED_TEST(merge, whenever_the_store_is_gone_for_a_while_it_is_whole_or_was_not_and_lands_once, made,
             fixture_removed)
{
    fail_each((struct fault_plan){.kind = FAULT_TRUNCATE, .count = 16}, 8);
}
