// SPDX-License-Identifier: Apache-2.0
/*
 * Of the processes of one machine that commit to one data set at once, one leads: it commits its own set,
 * then those that the others have put down meanwhile (queue.h), one version each, one after the other, so
 * that none of them loses to another and nothing that one has just written is asked of the store.
 *
 * Who waits gets the answer, or, where the leader is gone or could not do it, leads itself: it looks for its
 * commit's id first, since the leader may have been killed behind the commit. What was asked of the leader
 * ends as it would alone: where it fails for a reason that is not in the set, its owner tries for itself. Who
 * has waited for long (the leader was stopped, or its store hangs) goes alone, too.
 */
#include <errno.h>
#include <string.h>

#include "index/commit/commit_state.h"
#include "index/commit/queue.h"

struct leading {
    struct dataset *dataset;
    struct queue *queue;
    bool fresh; /* this process has made the newest version */
};

/* ---- for others ---- */

/* Not what another process, with other rights or another network, may do. */
static bool is_in_the_set(int rc)
{
    return rc == -EALREADY || rc == -EEXIST || rc == -ENOENT || rc == -EINVAL || rc == -ESTALE;
}

static int answer_one(struct leading *leading, const struct commit_job *job, struct error *err)
{
    CLEANUP_CHANGESET struct changeset *set = NULL;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct commit_answer answer = {0};
    struct error why = {0};
    if (changeset_decode(job->log, job->log_len, &set, NULL))
        return 0; /* its owner will be told */
    struct commit_request request = {.dataset = leading->dataset,
                                     .set = set,
                                     .options = &job->options,
                                     .id = job->id,
                                     .others_know = true,
                                     .head = job->head,
                                     .fresh = leading->fresh,
                                     .more = true};
    int rc = commit_run(&request, &answer, &why);
    if (rc && rc != -EREMCHG && !is_in_the_set(rc))
        return error_copy(err, &why); /* so might all others */
    leading->fresh |= !rc;
    answer.rc = rc;
    answer.err = why;
    commit_answer_print(&answer, &bytes);
    return queue_end(leading->queue, job->id, &bytes, err);
}

static int serve(void *ctx, const char *id, const struct buf *bytes, struct error *err)
{
    struct commit_job job;
    if (commit_job_parse(bytes, &job, NULL) || strcmp(job.id, id) != 0)
        return 0; /* of another program, which waits for its turn */
    return answer_one(ctx, &job, err);
}

static int count_one(void *ctx, const char *id, const struct buf *bytes, struct error *err)
{
    (void)id, (void)bytes, (void)err;
    return 1;
}

/* ---- its own ---- */

static int lead(struct leading *leading, struct commit_request *request, struct commit_answer *ret,
                struct error *err)
{
    request->more = queue_each(leading->queue, count_one, NULL, NULL) == 1;
    int rc = commit_run(request, ret, err);
    leading->fresh = !rc;
    if (!rc || is_in_the_set(rc))
        queue_each(leading->queue, serve, leading, NULL);
    if (leading->fresh)
        commit_hint(leading->dataset);
    return rc;
}

/* 1 with what the leader has answered; 0: nothing. */
static int take_answer(struct queue *queue, struct commit_answer *ret)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    return queue_answer(queue, &bytes, NULL) == 1 && !commit_answer_parse(&bytes, ret, NULL);
}

static void put_down(struct queue *queue, struct commit_request *request)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    const struct buf *log = changeset_log(request->set);
    struct commit_job job = {.head = dataset_head(request->dataset),
                             .options = *request->options,
                             .log = log->data,
                             .log_len = log->len};
    memcpy(job.id, request->id, sizeof job.id);
    request->head = job.head;
    if (log->len > QUEUE_SET_BYTES_MAX)
        return; /* nobody else shall have all of it in memory */
    commit_job_print(&job, &bytes);
    request->others_know = !queue_put(queue, request->id, &bytes, NULL);
}

/* Not in line any more. The leader may have begun it: both look for the commit's id. */
static int go_alone(struct queue *queue, const struct commit_request *request, struct commit_answer *ret,
                    struct error *err)
{
    if (queue)
        queue_take_back(queue);
    int rc = commit_run(request, ret, err);
    if (!rc && !request->options->dry)
        commit_hint(request->dataset);
    return rc;
}

static int64_t patience_in_line(const struct dataset_commit *options)
{
    const int64_t most_ns = INT64_C(60000000000);
    return options->patience_ns && options->patience_ns < most_ns ? options->patience_ns : most_ns;
}

static int wait_or_lead(struct queue *queue, struct commit_request *request, struct commit_answer *ret,
                        struct error *err)
{
    struct leading leading = {.dataset = request->dataset, .queue = queue};
    int leads = queue_lead(queue, 0, err);
    if (!leads) {
        put_down(queue, request);
        leads = queue_lead(queue, patience_in_line(request->options), err);
    }
    if (leads < 0)
        return leads;
    if (request->others_know && take_answer(queue, ret)) {
        queue_leave(queue);
        dataset_move_head(request->dataset, ret->version); /* 0: what it was */
        return ret->rc ? error_copy(err, &ret->err) : 0;
    }
    if (!leads)
        return go_alone(queue, request, ret, err);
    int rc = lead(&leading, request, ret, err);
    queue_leave(queue);
    return rc;
}

/* NULL: alone. */
static struct queue *open_line(struct dataset *dataset)
{
    enum { SHOWN_BYTES = 16 };
    struct queue *queue = NULL;
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHOWN_BYTES + 1];
    if (!dataset->cache)
        return NULL;
    CLEANUP_FREE char *what = mem_printf("%s %s", dataset->uuid, dataset_url(dataset));
    sha256_of(what, strlen(what), digest);
    hex_print(digest, SHOWN_BYTES, hex);
    CLEANUP_FREE char *folder = mem_printf("%s/commits/%s", cache_folder(dataset->cache), hex);
    return queue_open(folder, &queue, NULL) ? NULL : queue;
}

int dataset_commit(struct dataset *dataset, const struct changeset *set, const struct dataset_commit *options,
                   uint32_t *ret_version, struct apply_counts *ret_counts, struct error *err)
{
    char id[LAYOUT_ID_BYTES];
    struct commit_answer answer = {0};
    bool alone = options->dry || options->exact || options->id; /* no two wait in line under one id */
    CLEANUP_QUEUE struct queue *queue = alone ? NULL : open_line(dataset);
    layout_random_id(id);
    struct commit_request request = {.dataset = dataset,
                                     .set = set,
                                     .options = options,
                                     .id = options->id ? options->id : id,
                                     .others_know = options->id,
                                     .head = options->id_after};
    int rc = queue ? wait_or_lead(queue, &request, &answer, err) : go_alone(NULL, &request, &answer, err);
    if (ret_counts && (!rc || rc == -EALREADY))
        *ret_counts = answer.counts;
    if (!rc && ret_version)
        *ret_version = answer.version;
    return rc;
}
