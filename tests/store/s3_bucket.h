// SPDX-License-Identifier: Apache-2.0
/* A new bucket of the S3 server that the environment names (tests/ceph/with.sh), and a store in it. Include
 * in one file of a program. */
#pragma once

#include "cache/base/hash.h"
#include "cache/base/memory.h"
#include "cache/store/s3.h"
#include "tests/store/check.h"

static struct error err;

struct server {
    struct stores *stores;
    struct store *store; /* s3://bucket/sub/folder */
    char bucket[64];
};

static inline void run_bucket(struct server *server, const char *method, const char *query)
{
    CLEANUP_FREE char *url = mem_printf("s3://%s", server->bucket);
    CLEANUP_STORE struct store *bucket = NULL;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    OK(s3_new(server->stores, url, &bucket, &err));
    struct s3_ask ask = {.method = method, .query = query};
    OK(s3_run(s3_of(bucket), &ask, &reply, &err));
}

/* Makes one more bucket, "<bucket>-v", that keeps versions. */
static inline void bucket_with_versions(const struct server *server, struct server *ret)
{
    static const char on[] = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    struct s3_ask ask = {.method = "PUT", .query = "versioning=", .body = on, .body_len = sizeof on - 1};
    CLEANUP_STORE struct store *bucket = NULL;
    CLEANUP_S3_REPLY struct s3_reply reply = {0};
    *ret = (struct server){.stores = server->stores};
    snprintf(ret->bucket, sizeof ret->bucket, "%.50s-v", server->bucket);
    run_bucket(ret, "PUT", NULL);
    CLEANUP_FREE char *url = mem_printf("s3://%s", ret->bucket);
    OK(s3_new(server->stores, url, &bucket, &err));
    OK(s3_run(s3_of(bucket), &ask, &reply, &err));
}

static inline void server_init(struct server *server)
{
    uint8_t id[6];
    strcpy(server->bucket, "elidefs-test-");
    random_bytes(id, sizeof id);
    hex_print(id, sizeof id, server->bucket + strlen(server->bucket));
    OK(stores_new(&(struct stores_options){0}, &server->stores, &err));
    run_bucket(server, "PUT", NULL);
    CLEANUP_FREE char *url = mem_printf("s3://%s/sub/folder/", server->bucket);
    OK(store_open(server->stores, url, &server->store, &err));
}

static inline void server_done(struct server *server)
{
    store_unref(server->store);
    stores_free(server->stores);
}
