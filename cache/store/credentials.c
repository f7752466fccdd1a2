// SPDX-License-Identifier: Apache-2.0
/*
 * One fetch at a time: who comes while it runs waits for it, unless the old keys still serve.
 *
 *     none --get--> fetching --> held --(nearly expired, or refused)--> stale --get--> fetching
 */
#include "cache/store/credentials.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/store/secret.h"
#include "cache/store/stores.h"

static const int64_t second_ns = 1000000000;
enum { MARGIN_S = 120, REFUSED_AGAIN_S = 30, RETRY_S = 10, FAILED_S = 3 };

struct credentials {
    struct stores *stores;
    char *profile;
    struct keys *keys; /* secret memory; guarded by `lock`, as all below */
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    bool held, stale, fetching;
    int64_t renew_ns;   /* instant from which on the keys are renewed */
    int64_t refused_ns; /* clock: last renewal that a refusal asked for */
    uint64_t generation, proven;
    struct error failure; /* of the last fetch, told again for a moment instead of asking anew */
    int64_t failed_ns;
};

static credential_fetch *const sources[] = {credentials_environment, credentials_web,
                                            credentials_profile,     credentials_process,
                                            credentials_container,   credentials_metadata};

struct credentials *credentials_new(struct stores *stores, const char *profile)
{
    struct credentials *credentials = MEM_NEW(struct credentials);
    credentials->stores = stores;
    credentials->profile = mem_text(profile);
    credentials->keys = secret_new(sizeof *credentials->keys);
    pthread_mutex_init(&credentials->lock, NULL);
    pthread_cond_init(&credentials->fetched, NULL);
    return credentials;
}

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    secret_free(credentials->keys, sizeof *credentials->keys);
    pthread_cond_destroy(&credentials->fetched);
    pthread_mutex_destroy(&credentials->lock);
    free(credentials->profile);
    free(credentials);
}

static bool expired(const struct credentials *c)
{
    return instant_now() >= c->keys->expires_ns;
}

/* Can the keys at hand be used without a fetch? */
static bool usable_locked(const struct credentials *c)
{
    if (!c->held || expired(c))
        return false;
    return c->fetching || (!c->stale && instant_now() < c->renew_ns);
}

static void copy_locked(const struct credentials *c, struct keys *ret, uint64_t *ret_generation)
{
    *ret = *c->keys;
    *ret_generation = c->generation;
}

int credentials_peek(struct credentials *c, struct keys *ret, uint64_t *ret_generation)
{
    pthread_mutex_lock(&c->lock);
    bool usable = usable_locked(c);
    if (usable)
        copy_locked(c, ret, ret_generation);
    pthread_mutex_unlock(&c->lock);
    return usable ? 0 : -EAGAIN;
}

static int fetch(struct credentials *c, struct keys *ret, struct error *err)
{
    struct credential_lookup lookup = {.stores = c->stores, .profile = c->profile};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        int rc = sources[i](&lookup, ret, err);
        if (rc != -ENOENT)
            return rc;
    }
    return error_set(
        err, EACCES,
        "no credentials found (looked at the environment, the profiles in ~/.aws and the machine's metadata "
        "services); for a public bucket "
        "use --no-sign-request");
}

static void keep_locked(struct credentials *c, const struct keys *keys)
{
    int64_t now = instant_now();
    bool same = c->held && !strcmp(c->keys->access, keys->access) && !strcmp(c->keys->secret, keys->secret) &&
                !strcmp(c->keys->token, keys->token);
    *c->keys = *keys;
    c->held = true;
    c->stale = false;
    c->generation += !same;
    c->renew_ns = keys->expires_ns == INT64_MAX ? INT64_MAX : keys->expires_ns - MARGIN_S * second_ns;
    if (c->renew_ns < now + RETRY_S * second_ns)
        c->renew_ns = now + RETRY_S * second_ns;
}

/* With the lock held; gives it up while it fetches. */
static int fetch_locked(struct credentials *c)
{
    CLEANUP_KEYS struct keys keys = {0};
    struct error why = {0};
    c->fetching = true;
    pthread_mutex_unlock(&c->lock);
    int rc = fetch(c, &keys, &why);
    pthread_mutex_lock(&c->lock);
    c->fetching = false;
    if (!rc) {
        keep_locked(c, &keys);
    } else if (c->held && !expired(c)) { /* the old ones serve still */
        c->stale = false;
        c->renew_ns = instant_now() + RETRY_S * second_ns;
        rc = 0;
    } else {
        c->failure = why;
        c->failed_ns = clock_now_ns();
    }
    pthread_cond_broadcast(&c->fetched);
    return rc;
}

int credentials_get(struct credentials *c, struct keys *ret, uint64_t *ret_generation, struct error *err)
{
    int rc = 0;
    pthread_mutex_lock(&c->lock);
    while (!usable_locked(c) && c->fetching)
        pthread_cond_wait(&c->fetched, &c->lock);
    bool just_failed = c->failed_ns && clock_now_ns() - c->failed_ns < FAILED_S * second_ns;
    if (!usable_locked(c))
        rc = just_failed ? -c->failure.code : fetch_locked(c);
    if (!rc)
        copy_locked(c, ret, ret_generation);
    else
        error_copy(err, &c->failure);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

bool credentials_refused(struct credentials *c, uint64_t generation)
{
    int64_t now = clock_now_ns();
    pthread_mutex_lock(&c->lock);
    bool again = c->generation != generation;
    if (!again && (!c->refused_ns || now - c->refused_ns > REFUSED_AGAIN_S * second_ns)) {
        c->refused_ns = now;
        c->stale = again = true;
    }
    pthread_mutex_unlock(&c->lock);
    return again;
}

bool credentials_proven(struct credentials *c, uint64_t generation)
{
    pthread_mutex_lock(&c->lock);
    bool proven = c->proven == generation;
    pthread_mutex_unlock(&c->lock);
    return proven;
}

void credentials_prove(struct credentials *c, uint64_t generation)
{
    pthread_mutex_lock(&c->lock);
    c->proven = generation;
    pthread_mutex_unlock(&c->lock);
}
