// SPDX-License-Identifier: Apache-2.0
/* Signatures, against the vectors that AWS publishes: its "Signature Version 4 test suite" and the examples
 * of "Authenticating Requests: Using the Authorization Header" in the S3 reference. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/store/signing_key.h"
#include "cache/store/sigv4.h"
#include "tests/test_leaks.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void sign(const struct sigv4_request *request, const struct sigv4_scope *scope, struct buf *buf)
{
    uint8_t key[SHA256_BYTES];
    sigv4_key(scope, key);
    sigv4_sign(request, scope, key, buf);
}

static void expect(const struct sigv4_request *request, const struct sigv4_scope *scope,
                   const char *signature)
{
    struct buf buf = BUF_INIT;
    sign(request, scope, &buf);
    const char *got = strstr(buf_text(&buf), "Signature=");
    cr_assert_not_null(got);
    cr_assert_str_eq(got + strlen("Signature="), signature, "%s %s?%s: %s", request->method, request->path,
                     request->query, buf_text(&buf));
    buf_done(&buf);
}

Test(sigv4, the_general_test_suite_is_signed_as_published)
{
    static const struct sigv4_header headers[] = {{"host", "example.amazonaws.com"},
                                                  {"x-amz-date", "20150830T123600Z"}};
    static const struct {
        const char *method, *path, *query, *signature;
    } cases[] = {
        {"GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"GET", "/", "Param1=value1&Param2=value2",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"GET", "/%E1%88%B4", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"GET", "/", "%E1%88%B4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    };
    struct sigv4_scope scope = {.access_key = "AKIDEXAMPLE",
                                .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                .region = "us-east-1",
                                .service = "service",
                                .time = "20150830T123600Z"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sigv4_request request = {.method = cases[i].method,
                                        .path = cases[i].path,
                                        .query = cases[i].query,
                                        .headers = headers,
                                        .headers_count = 2,
                                        .payload_hash = EMPTY_HASH};
        expect(&request, &scope, cases[i].signature);
    }
    check_leaks();
}

static const struct sigv4_scope s3_scope = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                                            .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                            .region = "us-east-1",
                                            .service = "s3",
                                            .time = "20130524T000000Z"};
#define S3_HOST "examplebucket.s3.amazonaws.com"

Test(sigv4, a_range_get_of_s3_is_signed_as_published)
{
    static const struct sigv4_header headers[] = {{"host", S3_HOST},
                                                  {"range", "bytes=0-9"},
                                                  {"x-amz-content-sha256", EMPTY_HASH},
                                                  {"x-amz-date", "20130524T000000Z"}};
    struct sigv4_request request = {.method = "GET",
                                    .path = "/test.txt",
                                    .query = "",
                                    .headers = headers,
                                    .headers_count = 4,
                                    .payload_hash = EMPTY_HASH};
    expect(&request, &s3_scope, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    struct buf buf = BUF_INIT;
    sign(&request, &s3_scope, &buf);
    cr_assert_str_eq(buf_text(&buf),
                     "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                     "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    buf_done(&buf);
    check_leaks();
}

Test(sigv4, a_put_of_s3_is_signed_as_published)
{
#define BODY_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    static const struct sigv4_header headers[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                  {"host", S3_HOST},
                                                  {"x-amz-content-sha256", BODY_HASH},
                                                  {"x-amz-date", "20130524T000000Z"},
                                                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    struct sigv4_request request = {.method = "PUT",
                                    .path = "/test%24file.text",
                                    .query = "",
                                    .headers = headers,
                                    .headers_count = 5,
                                    .payload_hash = BODY_HASH};
    expect(&request, &s3_scope, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    check_leaks();
}

Test(sigv4, queries_of_s3_are_signed_as_published)
{
    static const struct sigv4_header headers[] = {
        {"host", S3_HOST}, {"x-amz-content-sha256", EMPTY_HASH}, {"x-amz-date", "20130524T000000Z"}};
    struct sigv4_request request = {
        .method = "GET", .path = "/", .headers = headers, .headers_count = 3, .payload_hash = EMPTY_HASH};
    request.query = "lifecycle=";
    expect(&request, &s3_scope, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request.query = "max-keys=2&prefix=J";
    expect(&request, &s3_scope, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    check_leaks();
}

Test(sigv4, times_are_utc_in_the_basic_form)
{
    char time[SIGV4_TIME_BYTES];
    sigv4_time(1440938160LL * 1000000000, time);
    cr_assert_str_eq(time, "20150830T123600Z");
}

Test(sigv4, a_kept_signing_key_is_the_one_of_its_secret_and_day)
{
    struct signing_key *kept = signing_key_new();
    struct sigv4_scope scopes[] = {s3_scope, s3_scope, s3_scope, s3_scope, s3_scope};
    strcpy(scopes[1].time, "20130524T235959Z"); /* the same day */
    strcpy(scopes[2].time, "20130525T000000Z");
    scopes[3].secret_key = "another";
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        uint8_t made[SHA256_BYTES], got[SHA256_BYTES];
        sigv4_key(&scopes[i], made);
        signing_key_get(kept, &scopes[i], got);
        cr_assert_arr_eq(got, made, SHA256_BYTES, "scope %zu", i);
    }
    signing_key_free(kept);
    check_leaks();
}
