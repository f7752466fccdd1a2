// SPDX-License-Identifier: Apache-2.0
/* Where keys are found, and that none is ever told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/store/credentials.h"
#include "cache/store/profile.h"
#include "cache/store/store.h"
#include "tests/store/responder.h"
#include "tests/store/temp_folder.h"
#include "tests/test_leaks.h"

struct home {
    char *folder, *aws;
    struct stores *stores;
};

static void home_init(struct home *home)
{
    static const char *const variables[] = {"AWS_ACCESS_KEY_ID",
                                            "AWS_SECRET_ACCESS_KEY",
                                            "AWS_SESSION_TOKEN",
                                            "AWS_PROFILE",
                                            "AWS_SHARED_CREDENTIALS_FILE",
                                            "AWS_CONFIG_FILE",
                                            "AWS_ROLE_ARN",
                                            "AWS_WEB_IDENTITY_TOKEN_FILE",
                                            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                            "AWS_ENDPOINT_URL_STS",
                                            "AWS_CONTAINER_CREDENTIALS_FULL_URI"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    *home = (struct home){.folder = temp_folder()};
    home->aws = mem_printf("%s/.aws", home->folder);
    cr_assert_eq(file_make_folders(home->aws, 0700, NULL), 0);
    setenv("HOME", home->folder, 1);
    cr_assert_eq(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &home->stores, NULL), 0);
}

static void home_done(struct home *home)
{
    stores_free(home->stores);
    free(home->aws);
    temp_folder_done(home->folder);
    check_leaks();
}

static void expect(struct home *home, const char *profile, const char *access, const char *token)
{
    struct credentials *credentials = credentials_new(home->stores, profile);
    struct keys keys;
    uint64_t generation;
    struct error err = {0};
    cr_assert_eq(credentials_peek(credentials, &keys, &generation), -EAGAIN);
    cr_assert_eq(credentials_get(credentials, &keys, &generation, &err), 0, "%s", err.text);
    cr_assert_str_eq(keys.access, access);
    cr_assert_str_eq(keys.token, token);
    cr_assert_eq(credentials_peek(credentials, &keys, &generation), 0);
    credentials_free(credentials);
}

static void expect_none(struct home *home, const char *profile, const char *words)
{
    struct credentials *credentials = credentials_new(home->stores, profile);
    struct keys keys;
    uint64_t generation;
    struct error err = {0};
    cr_assert_eq(credentials_get(credentials, &keys, &generation, &err), -EACCES, "%s", err.text);
    cr_assert(strstr(err.text, words), "no '%s' in: %s", words, err.text);
    cr_assert(!strstr(err.text, "s3cret"), "%s", err.text);
    credentials_free(credentials);
}

Test(credentials, the_environment_comes_before_the_files_unless_a_profile_is_named)
{
    struct home home;
    home_init(&home);
    temp_file(home.aws, "credentials",
              "[default]\naws_access_key_id = FILE\naws_secret_access_key = s3cret\n"
              "[other]\naws_access_key_id=OTHER\naws_secret_access_key=s3cret\naws_session_token=TOKEN\n");
    expect(&home, NULL, "FILE", "");
    expect(&home, "other", "OTHER", "TOKEN");
    setenv("AWS_PROFILE", "other", 1);
    expect(&home, NULL, "OTHER", "TOKEN");
    setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
    expect(&home, NULL, "ENV", "");
    expect(&home, "default", "FILE", "");
    home_done(&home);
}

Test(credentials, the_config_file_names_profiles_in_its_own_way_and_keys_in_credentials_win)
{
    struct home home;
    home_init(&home);
    temp_file(home.aws, "credentials", "[both]\naws_access_key_id = FIRST\naws_secret_access_key = s3cret\n");
    temp_file(
        home.aws, "config",
        "[default]\nregion = x\n[profile both]\naws_access_key_id = SECOND\naws_secret_access_key = s3cret\n"
        "[profile only]\naws_access_key_id = ONLY\naws_secret_access_key = s3cret\n"
        "s3 =\n    max_concurrent_requests = 20\n");
    expect(&home, "both", "FIRST", "");
    expect(&home, "only", "ONLY", "");
    expect_none(&home, "none", "there is no profile 'none'");
    home_done(&home);
}

Test(credentials, other_places_for_the_files_are_respected)
{
    struct home home;
    home_init(&home);
    CLEANUP_FREE char *path = mem_printf("%s/elsewhere", home.folder);
    temp_file(home.folder, "elsewhere",
              "[default]\naws_access_key_id = ELSE\naws_secret_access_key = s3cret\n");
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    expect(&home, NULL, "ELSE", "");
    home_done(&home);
}

Test(credentials, a_process_prints_keys_and_their_end)
{
    struct home home;
    home_init(&home);
    temp_file(
        home.aws, "config",
        "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"PROC\",\"SecretAccessKey\":"
        "\"s3cret\",\"SessionToken\":\"T\",\"Expiration\":\"2099-01-01T00:00:00Z\"}'\n"
        "[profile fails]\ncredential_process = echo s3cret; exit 3\n"
        "[profile junk]\ncredential_process = echo s3cret\n"
        "[profile half]\ncredential_process = echo '{\"AccessKeyId\":\"s3cret\"}'\n"
        "[profile newline]\ncredential_process = echo "
        "'{\"AccessKeyId\":\"A\\\\nB\",\"SecretAccessKey\":\"s3cret\"}'\n");
    expect(&home, NULL, "PROC", "T");
    expect_none(&home, "fails", "profile 'fails': credential_process: ended with status 3");
    expect_none(&home, "junk", "the answer is not JSON");
    expect_none(&home, "half", "no usable AccessKeyId");
    expect_none(&home, "newline", "no usable AccessKeyId");
    home_done(&home);
}

Test(credentials, expired_keys_are_fetched_again)
{
    struct home home;
    home_init(&home);
    temp_file(home.aws, "config",
              "[default]\ncredential_process = cd ~ && echo x >>count && printf '{\"AccessKeyId\":\"N%s\","
              "\"SecretAccessKey\":\"s3cret\",\"Expiration\":\"2020-01-01T00:00:00Z\"}' $(wc -l <count)\n");
    struct credentials *credentials = credentials_new(home.stores, NULL);
    struct keys keys;
    uint64_t first, second;
    cr_assert_eq(credentials_get(credentials, &keys, &first, NULL), 0);
    cr_assert_str_eq(keys.access, "N1");
    cr_assert_eq(credentials_peek(credentials, &keys, &second), -EAGAIN);
    cr_assert_eq(credentials_get(credentials, &keys, &second, NULL), 0);
    cr_assert_str_eq(keys.access, "N2");
    cr_assert_neq(first, second);
    credentials_free(credentials);
    home_done(&home);
}

Test(credentials, refused_keys_are_fetched_again_but_not_over_and_over)
{
    struct home home;
    home_init(&home);
    temp_file(home.aws, "credentials",
              "[default]\naws_access_key_id = OLD\naws_secret_access_key = s3cret\n");
    struct credentials *credentials = credentials_new(home.stores, NULL);
    struct keys keys;
    uint64_t generation;
    cr_assert_eq(credentials_get(credentials, &keys, &generation, NULL), 0);
    temp_file(home.aws, "credentials",
              "[default]\naws_access_key_id = NEW\naws_secret_access_key = s3cret\n");
    cr_assert(credentials_refused(credentials, generation));
    cr_assert_eq(credentials_peek(credentials, &keys, &generation), -EAGAIN);
    cr_assert_eq(credentials_get(credentials, &keys, &generation, NULL), 0);
    cr_assert_str_eq(keys.access, "NEW");
    cr_assert(!credentials_refused(credentials, generation), "the new ones were refused at once");
    cr_assert(credentials_refused(credentials, generation - 1), "late news of the old ones");
    credentials_free(credentials);
    home_done(&home);
}

Test(credentials, what_needs_another_tool_or_is_missing_is_said)
{
    struct home home;
    home_init(&home);
    temp_file(home.aws, "config",
              "[profile sso]\nsso_session = my\n[profile role]\nrole_arn = arn:x\nsource_profile = sso\n"
              "[profile half]\naws_access_key_id = s3cret\n[profile bare]\nregion = x\n");
    expect_none(&home, "sso", "aws configure export-credentials --profile sso");
    expect_none(&home, "role", "uses role_arn");
    expect_none(&home, "half", "no usable pair of keys");
    expect_none(&home, "bare", "no credentials found");
    expect_none(&home, NULL, "--no-sign-request");
    setenv("AWS_ACCESS_KEY_ID", "s3cret", 1);
    expect_none(&home, NULL, "AWS_SECRET_ACCESS_KEY in the environment");
    home_done(&home);
}

#define KEYS_JSON(access)                                                                                    \
    "{\"AccessKeyId\":\"" access                                                                             \
    "\",\"SecretAccessKey\":\"s3cret\",\"Token\":\"T\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"

Test(credentials, a_container_asks_its_endpoint_with_its_token)
{
    static const struct responder_answer answers[] = {{"GET /keys?x=1", KEYS_JSON("POD")}, {NULL, NULL}};
    struct home home;
    struct responder responder;
    home_init(&home);
    responder_init(&responder, answers);
    CLEANUP_FREE char *url = mem_printf("http://127.0.0.1:%u/keys?x=1", responder.port);
    CLEANUP_FREE char *token = mem_printf("%s/token", home.folder);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable", 1);
    expect(&home, NULL, "POD", "T");
    cr_assert(strcasestr(buf_text(&responder.seen), "authorization: from-variable\r\n"));
    temp_file(home.folder, "token", "from-file\n");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token, 1);
    expect(&home, NULL, "POD", "T");
    cr_assert(strcasestr(buf_text(&responder.seen), "authorization: from-file\r\n"));
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.example.com/keys", 1);
    expect_none(&home, NULL, "is neither https nor local");
    CLEANUP_FREE char *other = mem_printf("http://127.0.0.1:%u/other", responder.port);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", other, 1);
    expect_none(&home, NULL, "refused with status 404");
    responder_done(&responder);
    home_done(&home);
}

Test(credentials, an_ec2_machine_asks_its_metadata_service_in_three_steps)
{
    static const struct responder_answer answers[] = {
        {"PUT /latest/api/token", "session-token"},
        {"GET /latest/meta-data/iam/security-credentials/", "my-role"},
        {"GET /latest/meta-data/iam/security-credentials/my-role", KEYS_JSON("EC2")},
        {NULL, NULL}};
    struct home home;
    struct responder responder;
    home_init(&home);
    responder_init(&responder, answers);
    CLEANUP_FREE char *url = mem_printf("http://127.0.0.1:%u/", responder.port);
    setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
    expect(&home, NULL, "EC2", "T");
    cr_assert(strcasestr(buf_text(&responder.seen), "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
    cr_assert(strcasestr(buf_text(&responder.seen), "x-aws-ec2-metadata-token: session-token\r\n"));
    responder_done(&responder);
    expect_none(&home, NULL, "no credentials found");
    home_done(&home);
}

Test(credentials, a_web_identity_is_changed_for_keys_and_its_token_is_in_no_url)
{
    static const struct responder_answer answers[] = {
        {"POST /",
         "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
         "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s3cret"
         "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
         "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"},
        {NULL, NULL}};
    struct home home;
    struct responder responder;
    home_init(&home);
    responder_init(&responder, answers);
    CLEANUP_FREE char *url = mem_printf("http://127.0.0.1:%u", responder.port);
    CLEANUP_FREE char *token = mem_printf("%s/token", home.folder);
    temp_file(home.folder, "token", "eyJ.s3cret/=\n");
    setenv("AWS_ENDPOINT_URL_STS", url, 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token, 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/reader", 1);
    expect(&home, NULL, "WEB", "T");
    cr_assert(strstr(buf_text(&responder.seen),
                     "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freader&RoleSessionName=elidefs"
                     "&WebIdentityToken=eyJ.s3cret%2F%3D"));
    unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    CLEANUP_FREE char *config =
        mem_printf("[profile pod]\nrole_arn = arn:x\nweb_identity_token_file = %s\n", token);
    temp_file(home.aws, "config", config);
    expect(&home, "pod", "WEB", "T");
    responder_done(&responder);
    expect_none(&home, "pod", "the token service (web identity)");
    home_done(&home);
}
