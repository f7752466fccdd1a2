// SPDX-License-Identifier: Apache-2.0
/* Processes of one machine that commit at once: one leads, the others put down what they want. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "index/commit/commit_state.h"
#include "index/commit/queue.h"

#define ID_A    "0123456789abcdef0123456789abcdef"
#define ID_B    "fedcba9876543210fedcba9876543210"
#define LONG_NS INT64_C(60000000000)

static struct queue *open_queue(const char *path)
{
    struct error err = {0};
    struct queue *queue = NULL;
    cr_assert_eq(queue_open(path, &queue, &err), 0, "%s", err.text);
    return queue;
}

static struct queue *open_named(const char *name)
{
    CLEANUP_FREE char *path = in(name);
    return open_queue(path);
}

static int note_set(void *ctx, const char *id, const struct buf *bytes, struct error *err)
{
    buf_printf(ctx, "%.4s=%s ", id, buf_text(bytes));
    return 0;
}

static void expect_sets(struct queue *queue, const char *expected)
{
    CLEANUP_BUF struct buf sets = BUF_INIT;
    cr_assert_eq(queue_each(queue, note_set, &sets, NULL), 0);
    cr_assert_str_eq(buf_text(&sets), expected);
}

static void put(struct queue *queue, const char *id, const char *text)
{
    struct error err = {0};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    buf_text_append(&bytes, text);
    cr_assert_eq(queue_put(queue, id, &bytes, &err), 0, "%s", err.text);
}

/* ---- the queue ---- */

CHECKED_TEST(group, one_leads_and_answers_what_the_others_put_down, fixture_made, fixture_removed)
{
    CLEANUP_QUEUE struct queue *leader = open_named("line"), *first = open_named("line"),
                               *second = open_named("line");
    CLEANUP_BUF struct buf answer = BUF_INIT, yes = BUF_INIT;
    buf_text_append(&yes, "yes");
    cr_assert_eq(queue_lead(leader, LONG_NS, NULL), 1);
    cr_assert_eq(queue_lead(first, 0, NULL), 0);
    put(first, ID_A, "one");
    put(second, ID_B, "two");
    expect_sets(leader, "0123=one fedc=two ");
    cr_assert_eq(queue_answer(first, &answer, NULL), 0);
    cr_assert_eq(queue_end(leader, ID_A, &yes, NULL), 0);
    cr_assert_eq(queue_answer(first, &answer, NULL), 1);
    cr_assert_str_eq(buf_text(&answer), "yes");
    expect_sets(leader, "fedc=two ");
    queue_leave(leader);
    cr_assert_eq(queue_lead(second, 0, NULL), 1);
    expect_sets(second, ""); /* its own is none of the others' */
}

CHECKED_TEST(group, what_nobody_waits_for_any_more_goes, fixture_made, fixture_removed)
{
    CLEANUP_QUEUE struct queue *leader = open_named("line");
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        struct queue *queue = open_named("line");
        put(queue, ID_A, "one");
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    expect_sets(leader, "0123=one ");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    expect_sets(leader, "");
    CLEANUP_FREE char *set = in("line/" ID_A ".set");
    cr_assert_neq(access(set, F_OK), 0);
}

CHECKED_TEST(group, a_leader_that_is_killed_is_followed_by_another, fixture_made, fixture_removed)
{
    CLEANUP_QUEUE struct queue *queue = open_named("line");
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        struct queue *other = open_named("line");
        if (queue_lead(other, LONG_NS, NULL) == 1 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    cr_assert_eq(queue_lead(queue, 0, NULL), 0);
    kill(child, SIGKILL);
    cr_assert_eq(queue_lead(queue, LONG_NS, NULL), 1);
    waitpid(child, NULL, 0);
}

CHECKED_TEST(group, a_folder_that_others_can_write_to_is_not_used, fixture_made, fixture_removed)
{
    struct error err = {0};
    struct queue *queue = NULL;
    make_file("line/x", "");
    CLEANUP_FREE char *path = in("line");
    cr_assert_eq(chmod(path, 0777), 0);
    cr_assert_eq(queue_open(path, &queue, &err), -EPERM);
}

/* ---- commits ---- */

struct committer {
    struct dataset *dataset;
    const char *key;
    uint32_t version;
    int rc;
    struct error err;
};

static void *commit_one(void *ctx)
{
    struct committer *committer = ctx;
    committer->rc =
        try_commit(committer->dataset, committer->key, "good", &committer->version, &committer->err);
    return NULL;
}

/* The one folder below the cache's commits/. */
static struct queue *queue_of_data(void)
{
    CLEANUP_FREE char *command = mem_printf("ls -d %s/cache/commits/*", folder);
    char path[512] = "";
    FILE *pipe = popen(command, "r");
    cr_assert(pipe && fgets(path, sizeof path, pipe));
    pclose(pipe);
    path[strcspn(path, "\n")] = '\0';
    return open_queue(path);
}

static int copy_set(void *ctx, const char *id, const struct buf *bytes, struct error *err)
{
    buf_append(ctx, bytes->data, bytes->len);
    return 1;
}

/* Waits until somebody has put down a set, and returns it. */
static void take_set(struct queue *queue, struct buf *bytes)
{
    while (queue_each(queue, copy_set, bytes, NULL) != 1)
        usleep(1000);
}

CHECKED_TEST(group, who_finds_another_leading_gets_its_answer, fixture_made, fixture_removed)
{
    init_data();
    CLEANUP_DATASET struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    CLEANUP_QUEUE struct queue *leader = queue_of_data();
    CLEANUP_BUF struct buf set = BUF_INIT, answer = BUF_INIT;
    struct committer committer = {.dataset = other, .key = "ep1"};
    struct commit_job job;
    pthread_t thread;
    cr_assert_eq(queue_lead(leader, LONG_NS, NULL), 1);
    cr_assert_eq(pthread_create(&thread, NULL, commit_one, &committer), 0);
    take_set(leader, &set);
    cr_assert_eq(commit_job_parse(&set, &job, NULL), 0);
    cr_assert_str_eq(job.options.message, "good");
    struct commit_answer said = {.rc = -EEXIST, .version = 7, .counts = {.clips = 5}};
    error_set(&said.err, EEXIST, "it is there");
    commit_answer_print(&said, &answer);
    cr_assert_eq(queue_end(leader, job.id, &answer, NULL), 0);
    queue_leave(leader);
    pthread_join(thread, NULL);
    cr_assert_eq(committer.rc, -EEXIST);
    cr_assert_str_eq(committer.err.text, "it is there");
    cr_assert_eq(objects("elidefs/packs/"), 1, "it did not commit itself");
}

CHECKED_TEST(group, whose_leader_went_without_an_answer_commits_alone, fixture_made, fixture_removed)
{
    init_data();
    CLEANUP_DATASET struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    CLEANUP_QUEUE struct queue *leader = queue_of_data();
    CLEANUP_BUF struct buf set = BUF_INIT;
    struct committer committer = {.dataset = other, .key = "ep1"};
    pthread_t thread;
    cr_assert_eq(queue_lead(leader, LONG_NS, NULL), 1);
    cr_assert_eq(pthread_create(&thread, NULL, commit_one, &committer), 0);
    take_set(leader, &set);
    queue_leave(leader);
    pthread_join(thread, NULL);
    cr_assert_eq(committer.rc, 0, "%s", committer.err.text);
    cr_assert_eq(committer.version, 2);
}

CHECKED_TEST(group, what_a_leader_committed_before_it_was_killed_is_not_committed_twice, fixture_made,
             fixture_removed)
{
    struct error err = {0};
    init_data();
    CLEANUP_DATASET struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    CLEANUP_QUEUE struct queue *leader = queue_of_data();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_CHANGESET struct changeset *set = NULL;
    struct committer committer = {.dataset = other, .key = "ep1"};
    struct commit_job job;
    struct commit_answer answer;
    pthread_t thread;
    cr_assert_eq(queue_lead(leader, LONG_NS, NULL), 1);
    cr_assert_eq(pthread_create(&thread, NULL, commit_one, &committer), 0);
    take_set(leader, &bytes);
    cr_assert_eq(commit_job_parse(&bytes, &job, NULL), 0);
    cr_assert_eq(changeset_decode(job.log, job.log_len, &set, &err), 0, "%s", err.text);
    struct commit_request request = {
        .dataset = dataset, .set = set, .options = &job.options, .id = job.id, .head = job.head};
    cr_assert_eq(commit_run(&request, &answer, &err), 0, "%s", err.text);
    cr_assert_eq(answer.version, 2);
    struct changeset *next = one_clip("ep2", "source", "a.bin", "good"); /* of a third one */
    struct commit_request more = {.dataset = dataset, .set = next, .options = &job.options, .id = ID_B};
    cr_assert_eq(commit_run(&more, &answer, &err), 0, "%s", err.text);
    changeset_free(next);
    queue_leave(leader);
    pthread_join(thread, NULL);
    cr_assert_eq(committer.rc, 0, "%s", committer.err.text);
    cr_assert_eq(committer.version, 2);
    uint32_t head;
    cr_assert_eq(dataset_refresh(dataset, &head, &err), 0, "%s", err.text);
    cr_assert_eq(head, 3);
}

CHECKED_TEST(group, whose_leader_was_stopped_commits_alone_after_a_while, fixture_made, fixture_removed)
{
    struct error err = {0};
    uint32_t version = 0;
    init_data();
    CLEANUP_DATASET struct dataset *dataset = open_data(), *other = open_data();
    cr_assert_eq(commit(dataset, "ep0", "good"), 1);
    CLEANUP_QUEUE struct queue *leader = queue_of_data();
    cr_assert_eq(queue_lead(leader, LONG_NS, NULL), 1);
    struct changeset *set = one_clip("ep1", "source", "a.bin", "good");
    struct dataset_commit options = {.patience_ns = 200000000};
    cr_assert_eq(dataset_commit(other, set, &options, &version, NULL, &err), 0, "%s", err.text);
    changeset_free(set);
    cr_assert_eq(version, 2);
    expect_sets(leader, ""); /* it is not in line any more */
}

CHECKED_TEST(group, bytes_that_are_no_job_or_answer_are_not_understood, fixture_made, fixture_removed)
{
    struct error err = {0};
    struct commit_job job = {
        .id = ID_A, .options = {.message = "m", .based = true, .base = 3}, .log = "x", .log_len = 1};
    struct commit_answer answer = {.version = 3}, back;
    CLEANUP_BUF struct buf jobs = BUF_INIT, answers = BUF_INIT;
    commit_job_print(&job, &jobs);
    commit_answer_print(&answer, &answers);
    cr_assert_eq(commit_job_parse(&jobs, &job, &err), 0, "%s", err.text);
    cr_assert(job.options.based && job.options.base == 3 && !job.options.author && job.log_len == 1);
    cr_assert_eq(commit_answer_parse(&answers, &back, &err), 0, "%s", err.text);
    cr_assert_eq(back.version, 3);
    for (size_t len = 0; len < answers.len; len++)
        cr_assert_eq(commit_answer_parse(&(struct buf){.data = answers.data, .len = len}, &back, &err),
                     -EINVAL);
    for (size_t len = 0; len + 1 < jobs.len; len++)
        cr_assert_eq(commit_job_parse(&(struct buf){.data = jobs.data, .len = len}, &job, &err), -EINVAL);
}
