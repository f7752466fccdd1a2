// SPDX-License-Identifier: Apache-2.0
/*
 * The last key that was derived, with what it was made of: requests of one store differ in nothing of that
 * all day.
 */
#include "cache/store/signing_key.h"

#include <pthread.h>
#include <string.h>

#include "cache/store/keys.h"
#include "cache/store/secret.h"

struct made {
    char secret[KEYS_SECRET_BYTES]; /* "": none */
    char date[SIGV4_DATE_CHARS];
    uint8_t key[SHA256_BYTES];
};

struct signing_key {
    pthread_mutex_t lock;
    struct made *made; /* secret memory; what it points to is guarded by lock */
};

struct signing_key *signing_key_new(void)
{
    struct signing_key *kept = MEM_NEW(struct signing_key);
    kept->made = secret_new(sizeof *kept->made);
    pthread_mutex_init(&kept->lock, NULL);
    return kept;
}

void signing_key_free(struct signing_key *kept)
{
    if (!kept)
        return;
    secret_free(kept->made, sizeof *kept->made);
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

void signing_key_get(struct signing_key *kept, const struct sigv4_scope *scope, uint8_t ret_key[SHA256_BYTES])
{
    struct made *made = kept->made;
    pthread_mutex_lock(&kept->lock);
    if (strcmp(made->secret, scope->secret_key) != 0 ||
        memcmp(made->date, scope->time, sizeof made->date) != 0) {
        sigv4_key(scope, made->key);
        memcpy(made->date, scope->time, sizeof made->date);
        memcpy(made->secret, scope->secret_key, strlen(scope->secret_key) + 1); /* checked by keys_set() */
    }
    memcpy(ret_key, made->key, SHA256_BYTES);
    pthread_mutex_unlock(&kept->lock);
}
