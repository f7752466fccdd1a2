// SPDX-License-Identifier: Apache-2.0
/*
 * One decision: given how an attempt failed and what is left of tries, tokens and time, when is the next one,
 * or what is the final error?
 */
#include "cache/store/backoff.h"

#include <errno.h>

#include "cache/base/hash.h"
#include "cache/base/instant.h"

enum { MS = 1000000, TRIES = 8, UNREACHED = 5, TOKENS = 100 };

void backoff_init(struct backoff *backoff)
{
    *backoff = (struct backoff){.base_ns = INT64_C(100) * MS,
                                .most_ns = INT64_C(5000) * MS,
                                .tries = TRIES,
                                .unreached = UNREACHED,
                                .tokens_most = TOKENS,
                                .token_every_ns = INT64_C(200) * MS,
                                .tokens = TOKENS,
                                .tokens_ns = clock_now_ns()};
    pthread_mutex_init(&backoff->lock, NULL);
}

void backoff_done(struct backoff *backoff)
{
    pthread_mutex_destroy(&backoff->lock);
}

static bool take_token(struct backoff *backoff)
{
    pthread_mutex_lock(&backoff->lock);
    int64_t come = (clock_now_ns() - backoff->tokens_ns) / backoff->token_every_ns;
    unsigned room = backoff->tokens_most - backoff->tokens;
    backoff->tokens += come < room ? (unsigned)come : room;
    backoff->tokens_ns += come * backoff->token_every_ns;
    bool taken = backoff->tokens > 0;
    backoff->tokens -= taken;
    pthread_mutex_unlock(&backoff->lock);
    return taken;
}

static int64_t jitter(const struct backoff *backoff, unsigned failed)
{
    uint64_t random;
    int64_t most = backoff->base_ns;
    for (unsigned i = 1; i < failed && most < backoff->most_ns; i++)
        most *= 2;
    if (most > backoff->most_ns)
        most = backoff->most_ns;
    random_bytes(&random, sizeof random);
    return (int64_t)(random % ((uint64_t)most + 1));
}

static bool give_up(const struct try *try, int code, const char *reason, struct error *err)
{
    struct error last = *err;
    if (try->done > 1)
        error_set(err, code, "%s (tried %u times%s)", last.text, try->done, reason);
    else
        error_set(err, code, "%s%s%s%s", last.text, *reason ? " (" : "", *reason ? reason + 2 : "",
                  *reason ? ")" : "");
    return false;
}

void backoff_went_well(struct backoff *backoff)
{
    if (!atomic_load_explicit(&backoff->reached, memory_order_relaxed))
        atomic_store(&backoff->reached, true);
}

/* Nobody there is a failure as any other once somebody was. What is not supported was not asked for. */
static unsigned most_tries(struct backoff *backoff, struct error *err)
{
    if (err->code != ECONNREFUSED && err->code != ECANCELED && err->code != ENOTSUP)
        backoff_went_well(backoff);
    if (err->code == ECONNREFUSED)
        err->code = EAGAIN;
    return atomic_load(&backoff->reached) ? backoff->tries : backoff->unreached;
}

bool backoff_again(struct backoff *backoff, struct try *try, int64_t hold_ns, int64_t *ret_at_ns,
                   struct error *err)
{
    int64_t now = clock_now_ns();
    unsigned most = most_tries(backoff, err);
    if (err->code == EKEYEXPIRED && try->renewed)
        err->code = EACCES;
    if (err->code != EAGAIN && err->code != EKEYEXPIRED)
        return false;
    try->done++;
    if (err->code == EKEYEXPIRED) {
        try->renewed = true;
        *ret_at_ns = now;
        return true;
    }
    int64_t at = now + jitter(backoff, try->done);
    if (at < hold_ns)
        at = hold_ns;
    if (try->done >= most)
        return give_up(try, EIO, "", err);
    if (at > try->deadline_ns)
        return give_up(try, ETIMEDOUT, ", no time left", err);
    if (!take_token(backoff))
        return give_up(try, EIO, ", too many requests fail to try again", err);
    *ret_at_ns = at;
    return true;
}
