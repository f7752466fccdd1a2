// SPDX-License-Identifier: Apache-2.0
/* The configuration file, endpoints, pins, and where an s3:// URL lies. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/store/config.h"
#include "cache/store/endpoint.h"
#include "cache/store/pin.h"
#include "cache/store/s3_place.h"
#include "tests/store/temp_folder.h"
#include "tests/test_leaks.h"

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct error err = {0};
    cr_assert_eq(config_parse("config", text, strlen(text), &config, &err), 0, "%s", err.text);
    return config;
}

Test(config, the_longest_prefix_wins)
{
    struct config *config = parse("# stores\n"
                                  "[store \"s3://\"]\nregion = all\n"
                                  "[store \"s3://lab\"]\r\n  endpoint = https://ceph.lab:8443 \r\n"
                                  "[store \"s3://lab/raw/\"]\nanonymous = true\npath_style=false\n");
    cr_assert_str_eq(config_find(config, "s3://lab")->endpoint, "https://ceph.lab:8443");
    cr_assert_str_eq(config_find(config, "s3://lab/rawer")->prefix, "s3://lab");
    cr_assert_str_eq(config_find(config, "s3://lab/raw")->prefix, "s3://lab/raw");
    cr_assert_str_eq(config_find(config, "s3://lab/raw/x")->place, "config:6");
    cr_assert_eq(config_find(config, "s3://lab/raw/x")->anonymous, CONFIG_YES);
    cr_assert_eq(config_find(config, "s3://lab/raw/x")->path_style, CONFIG_NO);
    cr_assert_str_eq(config_find(config, "s3://laboratory")->region, "all");
    config_free(config);
    config = parse("");
    cr_assert_null(config_find(config, "s3://lab"));
    config_free(config);
    check_leaks();
}

Test(config, what_is_wrong_is_told_with_file_and_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"region = x\n", "config:1: a setting before the first [section]"},
        {"[store \"s3://b\"]\nregoin = x\n", "config:2: unknown setting 'regoin'"},
        {"[store \"s3://b\"]\nregion = x\nregion = y\n", "config:3: region is given twice"},
        {"\n[stroe \"s3://b\"]\n", "config:2: unknown section [stroe \"s3://b\"]"},
        {"[store s3://b]\n", "config:1: unknown section"},
        {"[store \"ftp://b\"]\n",
         "config:1: a store's section names s3://bucket or https://host, not 'ftp://b'"},
        {"[store \"s3://b\"\n", "config:1: a section ends with ']'"},
        {"[store \"s3://b\"]\n[store \"s3://b/\"]\n",
         "config:2: a second section for s3://b; the first is at config:1"},
        {"[store \"s3://b\"]\nanonymous = yes\n", "config:2: anonymous is true or false"},
        {"[store \"s3://b\"]\nendpoint = ceph:80\n", "config:2: 'ceph:80' is no endpoint"},
        {"[store \"s3://b\"]\nca = ca.pem\n", "config:2: ca is the absolute path"},
        {"[store \"s3://b\"]\nregion = EU West\n", "config:2: 'EU West' is no region"},
        {"[store \"s3://b\"]\njunk\n", "config:2: expected [section] or key = value"},
        {"[store \"https://b\"]\nregion = x\n",
         "config:2: unknown setting 'region'; known: ca, authorization_file"},
        {"[store \"https://b\"]\nauthorization_file = x\n",
         "config:2: authorization_file is the absolute path"},
        {"[dataset \"a/b\"]\n", "config:1: 'a/b' is no name for a data set"},
        {"[dataset \"a\"]\nurl = x\n", "config:2: 'x' is neither a URL nor the absolute path of a folder"},
        {"[dataset \"a\"]\nurl = /x\nurl = /y\n", "config:3: url is given twice"},
        {"[dataset \"a\"]\nurn = /x\n", "config:2: unknown setting 'urn'; known: url"},
        {"[dataset \"a\"]\nurl = /x\n[dataset \"a\"]\n",
         "config:3: a second section for the data set 'a'; the first is at config:1"},
        {"[dataset \"a\"]\n", "config:1: the data set 'a' has no url"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *config = NULL;
        struct error err = {0};
        cr_assert_eq(config_parse("config", cases[i].text, strlen(cases[i].text), &config, &err), -EINVAL,
                     "%s", cases[i].text);
        cr_assert_eq(strncmp(err.text, cases[i].words, strlen(cases[i].words)), 0, "%s", err.text);
        cr_assert_null(config);
    }
    struct error err = {0};
    struct config *config = NULL;
    cr_assert_eq(config_parse("config", "[store \"s3://b\"]\nca = /a\0b\n", 27, &config, &err), -EINVAL);
    cr_assert_str_eq(err.text, "config:2: a NUL byte");
    check_leaks();
}

Test(config, the_users_file_is_found_and_a_named_one_must_exist)
{
    char *home = temp_folder();
    struct config *config = NULL;
    struct error err = {0};
    CLEANUP_FREE char *folder = mem_printf("%s/.config/elidefs", home);
    cr_assert_eq(file_make_folders(folder, 0700, &err), 0);
    temp_file(folder, "config", "[store \"s3://mine\"]\nregion = here\n");
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    cr_assert_eq(config_load(NULL, &config, &err), 0, "%s", err.text);
    cr_assert_str_eq(config_find(config, "s3://mine/x")->region, "here");
    config_free(config);
    cr_assert_eq(config_load("/no/such/file", &config, &err), -ENOENT);
    cr_assert(strstr(err.text, "/no/such/file"), "%s", err.text);
    temp_folder_done(home);
    check_leaks();
}

Test(config, endpoints_are_scheme_host_and_port)
{
    static const struct {
        const char *text, *authority;
        bool tls, plain;
    } cases[] = {
        {"http://127.0.0.1:7480", "127.0.0.1:7480", false, true},
        {"https://S3.Example.com/", "s3.example.com", true, false},
        {"https://s3.example.com:443", "s3.example.com", true, false},
        {"http://h:80", "h", false, false},
        {"http://localhost:9000", "localhost:9000", false, true},
        {"http://[::1]:9000", "[::1]:9000", false, true},
    };
    static const char *const bad[] = {
        "",           "s3.example.com", "ftp://x",    "http://",          "http://x/y",
        "http://x:0", "http://x:70000", "http://x y", "http://user@host", "http://x?y"};
    struct endpoint endpoint;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(endpoint_parse(cases[i].text, &endpoint, NULL), 0, "%s", cases[i].text);
        cr_assert_str_eq(endpoint.authority, cases[i].authority);
        cr_assert_eq(endpoint.tls, cases[i].tls, "%s", cases[i].text);
        cr_assert_eq(endpoint_is_plain_host(&endpoint), cases[i].plain, "%s", cases[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(endpoint_parse(bad[i], &endpoint, NULL), -EINVAL, "%s", bad[i]);
}

Test(config, pins_have_one_spelling)
{
    static const char *const good[] = {"etag=\"abc-3\"",
                                       "etag=\"abc\";version=3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"};
    static const char *const bad[] = {"",
                                      "etag=abc",
                                      "etag=\"\"",
                                      "etag=W/\"abc\"",
                                      "etag=\"a b\"",
                                      "etag=\"abc\";version=",
                                      "etag=\"abc\";version=null",
                                      "etag=\"abc\";x=1",
                                      "etag=\"abc\"\n",
                                      "mtime=1;inode=2"};
    static const char *const bad_local[] = {"",
                                            "mtime=",
                                            "mtime=01;ctime=1;inode=2",
                                            "mtime=1;ctime=1;inode=2 ",
                                            "mtime=1;inode=2",
                                            "etag=\"abc\""};
    struct pin_s3 pin;
    struct pin_local local;
    char text[STORE_PIN_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(pin_s3_parse(good[i], &pin), 0, "%s", good[i]);
        pin_s3_print(&pin, text);
        cr_assert_str_eq(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(pin_s3_parse(bad[i], &pin), -EINVAL, "%s", bad[i]);
    for (size_t i = 0; i < sizeof bad_local / sizeof *bad_local; i++)
        cr_assert_eq(pin_local_parse(bad_local[i], &local), -EINVAL, "%s", bad_local[i]);
    cr_assert_eq(pin_local_parse("mtime=-5;ctime=7;inode=18446744073709551615", &local), 0);
    cr_assert(local.mtime_ns == -5 && local.ctime_ns == 7 && local.inode == UINT64_MAX && !local.portable);
    cr_assert_eq(pin_local_parse("mtime=-5", &local), 0);
    cr_assert(local.mtime_ns == -5 && local.portable);
}

/* ---- places ---- */

static struct stores *stores_with(char *folder, const char *config, const char *endpoint)
{
    static const char *const variables[] = {
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION",      "AWS_DEFAULT_REGION",
        "AWS_PROFILE",      "AWS_CA_BUNDLE",       "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"};
    struct stores *stores = NULL;
    struct error err = {0};
    CLEANUP_FREE char *path = mem_printf("%s/config", folder);
    temp_file(folder, "config", config);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    setenv("HOME", folder, 1);
    struct stores_options options = {.config_path = path, .endpoint_url = endpoint};
    cr_assert_eq(stores_new(&options, &stores, &err), 0, "%s", err.text);
    return stores;
}

static void expect_place(struct stores *stores, const char *url, const char *origin, const char *path)
{
    struct s3_place place;
    struct error err = {0};
    cr_assert_eq(s3_place_resolve(stores, url, &place, &err), 0, "%s", err.text);
    cr_assert_str_eq(place.origin, origin);
    cr_assert_str_eq(place.path, path);
    s3_place_done(&place);
}

Test(config, amazon_is_asked_with_the_bucket_in_the_host_name_where_that_works)
{
    char *folder = temp_folder();
    struct stores *stores = stores_with(folder, "", NULL);
    expect_place(stores, "s3://bucket/a", "https://bucket.s3.us-east-1.amazonaws.com", "");
    expect_place(stores, "s3://dotted.bucket", "https://s3.us-east-1.amazonaws.com", "/dotted.bucket");
    setenv("AWS_REGION", "cn-north-1", 1);
    expect_place(stores, "s3://bucket", "https://bucket.s3.cn-north-1.amazonaws.com.cn", "");
    stores_free(stores);
    temp_folder_done(folder);
    check_leaks();
}

Test(config, sections_win_over_the_command_line_and_that_over_the_environment_and_the_profile)
{
    char *folder = temp_folder();
    struct stores *stores =
        stores_with(folder, "[store \"s3://here\"]\nendpoint = http://section.lab\npath_style = false\n",
                    "http://option");
    CLEANUP_FREE char *aws = mem_printf("%s/.aws", folder);
    cr_assert_eq(file_make_folders(aws, 0700, NULL), 0);
    temp_file(aws, "config",
              "[default]\nregion = from-profile\nendpoint_url = http://profile\ns3 =\n  x = 1\n");
    setenv("AWS_ENDPOINT_URL", "http://environment", 1);
    expect_place(stores, "s3://here/x", "http://here.section.lab", "");
    expect_place(stores, "s3://there", "http://option", "/there");
    stores_free(stores);
    stores = stores_with(folder, "", NULL);
    struct s3_place place;
    cr_assert_eq(s3_place_resolve(stores, "s3://there", &place, NULL), 0);
    cr_assert_str_eq(place.region, "from-profile");
    cr_assert_str_eq(place.origin, "http://profile");
    s3_place_done(&place);
    setenv("AWS_ENDPOINT_URL", "http://environment", 1);
    expect_place(stores, "s3://there", "http://environment", "/there");
    stores_free(stores);
    temp_folder_done(folder);
    check_leaks();
}

Test(config, urls_that_make_no_sense_are_refused)
{
    char *folder = temp_folder();
    struct stores *stores =
        stores_with(folder, "[store \"s3://plain\"]\nendpoint = http://10.0.0.1\npath_style = false\n", NULL);
    static const struct {
        const char *url, *words;
    } cases[] = {{"s3://", "no bucket has the name ''"},
                 {"s3://a", "no bucket has the name 'a'"},
                 {"s3://b%20b", "no bucket"},
                 {"s3://bucket/a/../b", "is no prefix"},
                 {"s3://plain/x", "path_style = false needs an endpoint with a host name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store *store;
        struct error err = {0};
        cr_assert_eq(store_open(stores, cases[i].url, &store, &err), -EINVAL, "%s", cases[i].url);
        cr_assert(strstr(err.text, cases[i].words), "%s", err.text);
    }
    stores_free(stores);
    temp_folder_done(folder);
    check_leaks();
}

Test(config, an_objects_identity_does_not_depend_on_how_it_is_asked_for)
{
    char *folder = temp_folder();
    struct stores *stores = stores_with(folder, "", NULL);
    struct store *whole, *part;
    struct buf a = BUF_INIT, b = BUF_INIT;
    cr_assert_eq(store_open(stores, "s3://bucket", &whole, NULL), 0);
    setenv("AWS_REGION", "eu-west-1", 1);
    cr_assert_eq(store_open(stores, "s3://bucket/a b/", &part, NULL), 0);
    cr_assert_str_eq(store_url(part), "s3://bucket/a b");
    store_object_identity(whole, "a b/c", &a);
    store_object_identity(part, "c", &b);
    cr_assert_str_eq(buf_text(&a), "s3 https://s3.amazonaws.com bucket a%20b/c");
    cr_assert_str_eq(buf_text(&a), buf_text(&b));
    store_unref(whole), store_unref(part);
    stores_free(stores);
    buf_done(&a), buf_done(&b);
    temp_folder_done(folder);
    check_leaks();
}

Test(config, a_data_set_has_a_name)
{
    static const char text[] = "[dataset \"kitchen\"]\nurl = s3://lab/kitchen\n"
                               "[store \"s3://lab\"]\nregion = x\n"
                               "[dataset \"hall.2\"]\nurl = /data/hall\n";
    struct config *config;
    size_t count;
    cr_assert_eq(config_parse("config", text, strlen(text), &config, NULL), 0);
    cr_assert_str_eq(config_find_dataset(config, "kitchen")->url, "s3://lab/kitchen");
    cr_assert_str_eq(config_find_dataset(config, "hall.2")->url, "/data/hall");
    cr_assert_null(config_find_dataset(config, "hall"));
    config_datasets(config, &count);
    cr_assert_eq(count, 2);
    cr_assert_str_eq(config_find(config, "s3://lab/kitchen")->region, "x");
    config_free(config);
    check_leaks();
}

Test(config, a_web_servers_folder_has_one_spelling)
{
    static const struct {
        const char *url, *canonical, *identity;
    } cases[] = {
        {"HTTP://Host:80/a%20b//", "no store", ""},
        {"http://Host:80/a%20b/", "http://host/a%20b", "http http://host a%20b/x%20y"},
        {"https://host:443", "https://host", "http https://host x%20y"},
        {"https://host:8443/%7euser/a%2bb", "https://host:8443/~user/a%2Bb",
         "http https://host:8443 ~user/a%2Bb/x%20y"},
        {"http://host/a/../b", "no path", ""},
        {"http://host/a%2f..%2fb", "no path", ""},
        {"http://host/a%00b", "no path", ""},
        {"http://host/a%zz", "%", ""},
        {"http:///x", "no host", ""},
        {"http://host/x?y", "has no '?'", ""},
        {"http://me:pass@host/x", "a password does not belong into a URL", ""},
    };
    char *folder = temp_folder();
    struct stores *stores = stores_with(folder, "", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct store *store;
        if (!*cases[i].identity) {
            cr_assert_eq(store_open(stores, cases[i].url, &store, &err), -EINVAL, "%s", cases[i].url);
            cr_assert(strstr(err.text, cases[i].canonical) && !strstr(err.text, "pass@"), "%s", err.text);
            continue;
        }
        struct buf identity = BUF_INIT;
        cr_assert_eq(store_open(stores, cases[i].url, &store, &err), 0, "%s", err.text);
        cr_assert_str_eq(store_url(store), cases[i].canonical);
        cr_assert(store_is_read_only(store) && !store_is_local(store));
        store_object_identity(store, "x y", &identity);
        cr_assert_str_eq(buf_text(&identity), cases[i].identity);
        buf_done(&identity);
        store_unref(store);
    }
    stores_free(stores);
    temp_folder_done(folder);
    check_leaks();
}
