// SPDX-License-Identifier: Apache-2.0
/*
 * Each setting is a list of places where it may stand, in order; host and path are composed once they are all
 * known.
 */
#include "cache/store/s3_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/store/config.h"
#include "cache/store/endpoint.h"
#include "cache/store/path.h"
#include "cache/store/profile.h"
#include "cache/store/stores.h"

struct settings {
    const struct config_store *section; /* all zero if there is none */
    const struct stores_options *given;
    const struct profile *profile;
};

void s3_place_done(struct s3_place *place)
{
    free(place->url), free(place->bucket), free(place->key_prefix), free(place->origin), free(place->host);
    free(place->path), free(place->endpoint), free(place->region), free(place->profile), free(place->ca);
    *place = (struct s3_place){0};
}

/* The first that is given and not empty. */
static const char *first_of(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (texts[i] && *texts[i])
            return texts[i];
    return NULL;
}
#define FIRST_OF(...)                                                                                        \
    first_of((const char *const[]){__VA_ARGS__},                                                             \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- the URL ---- */

static bool bucket_valid(const char *bucket, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    return len >= 3 && len <= 255 && strspn(bucket, allowed) >= len && *bucket != '.' &&
           !memmem(bucket, len, "..", 2);
}

static int split_url(const char *url, struct s3_place *place, struct error *err)
{
    const char *bucket = url + strlen("s3://");
    size_t bucket_len = strcspn(bucket, "/");
    if (!bucket_valid(bucket, bucket_len))
        return error_set(err, EINVAL, "%s: no bucket has the name '%.*s'", url, (int)bucket_len, bucket);
    const char *prefix = bucket + bucket_len;
    prefix += strspn(prefix, "/");
    size_t len = strlen(prefix);
    while (len && prefix[len - 1] == '/')
        len--;
    place->bucket = mem_copy(bucket, bucket_len);
    CLEANUP_FREE char *folder = mem_copy(prefix, len);
    if (len && !store_path_valid(folder))
        return error_set(err, EINVAL, "%s: '%s' is no prefix of a data set", url, folder);
    place->key_prefix = mem_printf("%s%s", folder, len ? "/" : "");
    place->url = mem_printf("s3://%s%s%s", place->bucket, len ? "/" : "", folder);
    return 0;
}

/* ---- the settings ---- */

static void choose_region(const struct settings *s, struct s3_place *place)
{
    const char *region = FIRST_OF(s->section->region, s->given->region, getenv("AWS_REGION"),
                                  getenv("AWS_DEFAULT_REGION"), s->profile->region);
    place->region_given = region != NULL;
    place->region = mem_text(region ? region : "us-east-1");
}

static const char *given_endpoint(const struct settings *s)
{
    return FIRST_OF(s->section->endpoint, s->given->endpoint_url, getenv("AWS_ENDPOINT_URL_S3"),
                    getenv("AWS_ENDPOINT_URL"), s->profile->endpoint_url);
}

static bool fits_host_name(const char *bucket)
{
    return !bucket[strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-")] && strlen(bucket) <= 63;
}

static void compose(struct s3_place *place, const struct endpoint *endpoint, bool path_style)
{
    const char *scheme = endpoint->tls ? "https" : "http";
    place->host =
        path_style ? mem_text(endpoint->authority) : mem_printf("%s.%s", place->bucket, endpoint->authority);
    place->origin = mem_printf("%s://%s", scheme, place->host);
    place->path = path_style ? mem_printf("/%s", place->bucket) : mem_text("");
}

/* A given endpoint is asked with the bucket in the path; AWS's own with the bucket in the host name. */
static int choose_endpoint(const struct settings *s, struct s3_place *place, struct error *err)
{
    const char *given = given_endpoint(s);
    const char *domain = strncmp(place->region, "cn-", 3) ? "amazonaws.com" : "amazonaws.com.cn";
    CLEANUP_FREE char *text = given ? mem_text(given) : mem_printf("https://s3.%s.%s", place->region, domain);
    struct endpoint endpoint;
    if (endpoint_parse(text, &endpoint, err) < 0)
        return error_prefix(err, "%s", place->url);
    bool path_style = given || !fits_host_name(place->bucket);
    if (s->section->path_style != CONFIG_UNSET)
        path_style = s->section->path_style == CONFIG_YES;
    if (!path_style && endpoint_is_plain_host(&endpoint))
        return error_set(err, EINVAL, "%s: path_style = false needs an endpoint with a host name, not %s",
                         place->url, text);
    compose(place, &endpoint, path_style);
    /* A bucket's name is unique in all of AWS, whatever region it is asked through. */
    place->endpoint = given ? mem_printf("%s://%s", endpoint.tls ? "https" : "http", endpoint.authority)
                            : mem_printf("https://s3.%s", domain);
    return 0;
}

static int resolve(const struct settings *s, struct s3_place *place, struct error *err)
{
    const char *ca =
        FIRST_OF(s->section->ca, s->given->ca_bundle, getenv("AWS_CA_BUNDLE"), s->profile->ca_bundle);
    place->ca = ca ? realpath(ca, NULL) : NULL; /* a daemon leaves the current folder */
    if (!place->ca)
        place->ca = mem_text(ca);
    choose_region(s, place);
    return choose_endpoint(s, place, err);
}

int s3_place_resolve(struct stores *stores, const char *url, struct s3_place *ret, struct error *err)
{
    static const struct config_store none;
    static const struct profile no_profile;
    struct s3_place place = {0};
    CLEANUP_PROFILE struct profile *profile = NULL;
    int rc = split_url(url, &place, err);
    struct settings s = {.given = stores_given(stores), .profile = &no_profile, .section = &none};
    if (!rc) {
        const struct config_store *section = config_find(stores_config(stores), place.url);
        s.section = section ? section : &none;
        place.profile = mem_text(FIRST_OF(s.section->profile, s.given->profile));
        place.anonymous = s.section->anonymous == CONFIG_UNSET ? s.given->no_sign_request
                                                               : s.section->anonymous == CONFIG_YES;
    }
    if (!rc && !place.anonymous)
        rc = profile_load(place.profile, &profile, err);
    if (!rc) {
        s.profile = profile ? profile : &no_profile;
        rc = resolve(&s, &place, err);
    }
    if (rc < 0)
        s3_place_done(&place);
    else
        *ret = place;
    return rc;
}
