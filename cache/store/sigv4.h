// SPDX-License-Identifier: Apache-2.0
/*
 * AWS Signature Version 4 for one request, in the Authorization header. Source: "Signature Version 4 signing
 * process", AWS General Reference; for S3 the path is encoded once. Thread rule: any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/hash.h"

struct sigv4_header {
    const char *name;  /* lower case */
    const char *value; /* without surrounding or doubled blanks */
};

struct sigv4_request {
    const char *method;
    const char *path;                   /* as sent, %XX-encoded */
    const char *query;                  /* as sent, encoded, sorted by name; "" none; each name with '=' */
    const struct sigv4_header *headers; /* all that are to be signed, sorted by name; `host` among them */
    size_t headers_count;
    const char *payload_hash; /* hex SHA-256 of the body, or "UNSIGNED-PAYLOAD" */
};

enum { SIGV4_TIME_BYTES = 17, SIGV4_DATE_CHARS = 8 };

struct sigv4_scope {
    const char *access_key, *secret_key;
    const char *region, *service;
    char time[SIGV4_TIME_BYTES]; /* 20150830T123600Z, also sent as x-amz-date */
};

void sigv4_time(int64_t instant_ns, char ret_time[SIGV4_TIME_BYTES]);
/* The key that signs all requests of a day, region and service. A secret. */
void sigv4_key(const struct sigv4_scope *scope, uint8_t ret_key[SHA256_BYTES]);
/* Appends the value of the Authorization header; `key` is the scope's. */
void sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
                const uint8_t key[SHA256_BYTES], struct buf *buf);
