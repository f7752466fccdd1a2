// SPDX-License-Identifier: Apache-2.0
/* Golden manifests, and each of their fields made wrong. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/json.h"
#include "index/base/manifest.h"
#include "tests/test_leaks.h"

static void golden(const char *name, struct buf *buf)
{
    struct error err = {0};
    CLEANUP_FREE char *path = mem_printf("%s/%s", DATASET_GOLDEN, name);
    cr_assert_eq(file_read(path, 1 << 20, buf, &err), 0, "%s", err.text);
}

static struct manifest *parsed(const char *name)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct manifest *manifest = NULL;
    struct error err = {0};
    golden(name, &bytes);
    cr_assert_eq(manifest_parse(name, bytes.data, bytes.len, &manifest, &err), 0, "%s", err.text);
    return manifest;
}

Test(manifest, every_field_of_the_golden_file_is_read)
{
    struct manifest *m = parsed("manifest-v1.json");
    cr_assert_str_eq(m->uuid, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    cr_assert_eq(m->version, 1);
    cr_assert_eq(m->parent, 0);
    cr_assert_eq(m->time_ns, INT64_C(1772440200250000000));
    cr_assert_str_eq(m->author, "ada@lab");
    cr_assert_str_eq(m->message, "first \"night\" shift: Küche");
    cr_assert_str_eq(m->commit_id, "101112131415161718191a1b1c1d1e1f");
    cr_assert_null(m->unsupported);
    cr_assert_str_eq(m->program, "0.1.0");
    cr_assert_eq(m->catalog.pages, 300);
    cr_assert_eq(m->catalog.page_bytes, 8192);
    cr_assert_eq(m->catalog.sha256[0], 0x50);
    cr_assert_eq(m->catalog.root.id[15], 0x4f);
    cr_assert_eq(m->catalog.root.pack_size, 123456);
    cr_assert_eq(m->catalog.root.offset, 0);
    cr_assert_eq(m->catalog.root.len, 140);
    cr_assert_eq(m->catalog.hot_count, 2);
    cr_assert_eq(m->catalog.hot[0].id[0], 0x60);
    cr_assert_eq(m->catalog.hot[0].offset, 7);
    cr_assert_eq(m->catalog.hot[1].len, 40000);
    cr_assert_eq(m->rows, 12);
    cr_assert_eq(m->clips, 10);
    cr_assert_eq(m->added, 9);
    cr_assert_eq(m->replaced, 1);
    cr_assert_eq(m->unchanged, 2);
    cr_assert_eq(m->tag_count, 2);
    cr_assert_str_eq(m->tags[0].name, "best");
    cr_assert_eq(m->tags[0].seq, 2);
    manifest_free(m);
    check_leaks();
}

Test(manifest, printing_gives_the_golden_bytes)
{
    static const char *const names[] = {"manifest-v0.json", "manifest-v1.json", "manifest-v2.json",
                                        "manifest-stub.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP_BUF struct buf bytes = BUF_INIT, printed = BUF_INIT;
        CLEANUP_MANIFEST struct manifest *m = parsed(names[i]);
        golden(names[i], &bytes);
        manifest_print(&printed, m);
        cr_assert_str_eq(buf_text(&printed), buf_text(&bytes));
    }
    check_leaks();
}

Test(manifest, what_was_imported_is_read_back_and_no_version_without_it_says_so)
{
    struct manifest *m = parsed("manifest-v2.json"), *again = NULL;
    struct error err = {0};
    CLEANUP_BUF struct buf printed = BUF_INIT;
    cr_assert_null(m->source);
    m->source = mem_text("s3://lab/K\xc3\xbc/monday.jsonl");
    manifest_print(&printed, m);
    cr_assert_eq(manifest_parse("printed", printed.data, printed.len, &again, &err), 0, "%s", err.text);
    cr_assert_str_eq(again->source, m->source);
    manifest_free(again);
    manifest_free(m);
    buf_done(&printed);
    check_leaks();
}

Test(manifest, a_chain_holds_and_breaks_when_the_parent_is_another)
{
    struct manifest *parent = parsed("manifest-v0.json"), *child = parsed("manifest-v1.json");
    struct error err = {0};
    cr_assert_eq(manifest_check_parent(child, parent, &err), 0, "%s", err.text);
    parent->sha256[5] ^= 1;
    cr_assert_eq(manifest_check_parent(child, parent, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "the history is broken: v1 says"), "%s", err.text);
    manifest_free(parent);
    manifest_free(child);
    check_leaks();
}

Test(manifest, a_stub_stands_in_the_chain_for_the_manifest_that_was_there)
{
    struct manifest *m = parsed("manifest-stub.json"), *v0 = parsed("manifest-v0.json"), *child = NULL;
    struct error err = {0};
    cr_assert(m->stub);
    cr_assert_eq(m->version, 1);
    cr_assert_eq(m->sha256[0], 0x50, "of what was there, not of the stub");
    cr_assert_eq(manifest_check_parent(m, v0, &err), 0, "%s", err.text);
    cr_assert_eq(manifest_check_supported(m, &err), -ENOENT);
    cr_assert_str_eq(err.text, "v1 was forgotten on 2026-03-05 by lena@lab: the arm was not calibrated");
    child = parsed("manifest-v1.json");
    child->version = 2;
    child->parent = 1;
    memcpy(child->parent_sha256, m->sha256, SHA256_BYTES);
    cr_assert_eq(manifest_check_parent(child, m, &err), 0, "%s", err.text);
    m->sha256[5] ^= 1;
    cr_assert_eq(manifest_check_parent(child, m, &err), -EUCLEAN);
    manifest_free(m);
    manifest_free(v0);
    manifest_free(child);
    check_leaks();
}

/* The golden file with `from` replaced by `to`. */
static int parse_changed_of(const char *name, const char *from, const char *to, struct manifest **ret,
                            struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, changed = BUF_INIT;
    golden(name, &bytes);
    const char *at = strstr(buf_text(&bytes), from);
    cr_assert_not_null(at, "%s", from);
    buf_append(&changed, bytes.data, (size_t)(at - buf_text(&bytes)));
    buf_text_append(&changed, to);
    buf_text_append(&changed, at + strlen(from));
    return manifest_parse("x.json", changed.data, changed.len, ret, err);
}

static int parse_changed(const char *from, const char *to, struct manifest **ret, struct error *err)
{
    return parse_changed_of("manifest-v1.json", from, to, ret, err);
}

Test(manifest, how_far_it_is_written_what_is_forgotten_is_read_back)
{
    struct manifest *m = NULL;
    struct error err = {0};
    CLEANUP_BUF struct buf printed = BUF_INIT;
    const char *said = "\"forgets\": {\"0\": 7},\n  \"tags\"";
    cr_assert_eq(parse_changed("\"tags\"", said, &m, &err), 0, "%s", err.text);
    cr_assert_eq(m->forgets_count, 1);
    cr_assert_eq(m->forgets[0].first, 0);
    cr_assert_eq(m->forgets[0].seq, 7);
    manifest_print(&printed, m);
    cr_assert(strstr(buf_text(&printed), "\"forgets\": {\"0\": 7}\n}\n"), "%s", buf_text(&printed));
    manifest_free(m);
    buf_done(&printed);
    check_leaks();
}

Test(manifest, what_is_wrong_with_a_stub_is_named)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"forgotten\": {", "\"forgotten\": 7, \"x\": {", "'forgotten' is missing or is not an object"},
        {"2026-03-05T", "2026-03-55T", "'forgotten.time' is not an RFC 3339 time"},
        {"\"lena@lab\"", "\"\\u001b[2J\"", "'forgotten.author' holds a control character"},
        {"505152", "5051", "'forgotten.sha256' is not a SHA-256"},
        {"\"8d7c6b", "\"8d7c6", "'commit' is not 32 hex digits"},
        {"\"commit\"", "\"x\"", "'commit' is missing or is not text"},
        {"\"version\": 1,", "\"version\": 2,", "'parent.version' is not the version before"},
        {"6f9619ff-", "6f9619fg-", "'dataset' is not a UUID"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest *m = NULL;
        struct error err = {0};
        cr_assert_eq(parse_changed_of("manifest-stub.json", cases[i].from, cases[i].to, &m, &err), -EUCLEAN,
                     "%s", cases[i].says);
        cr_assert_null(m);
        cr_assert(strstr(err.text, cases[i].says), "%s: %s", cases[i].says, err.text);
    }
    check_leaks();
}

static const struct {
    const char *from, *to, *says;
} wrong[] = {
    {"\"rows\": 12,", "", "'rows' is missing"},
    {"\"rows\": 12", "\"rows\": -1", "'rows'"},
    {"\"rows\": 12", "\"rows\": 4294967296", "'rows' is too large"},
    {"\"rows\": 12", "\"rows\": 9", "'clips' is more than 'rows'"},
    {"6f9619ff-", "6f9619fg-", "'dataset' is not a UUID"},
    {"6f9619ff-", "6f9619ff", "'dataset' is not a UUID"},
    {"\"version\": 1,", "\"version\": 1048576,", "'version' is too large"},
    {"\"version\": 1,", "\"version\": 2,", "'parent.version' is not the version before"},
    {"\"version\": 1,", "\"version\": 0,", "'parent' is not null"},
    {"2026-03-02T", "2026-13-02T", "'time' is not an RFC 3339 time"},
    {"\"ada@lab\"", "7", "'author' is missing or is not text"},
    {"\"ada@lab\"", "\"\\u001b[2J\"", "'author' holds a control character"},
    {"K\xc3\xbc", "K\xc2\x9b", "'message' holds a control character"},
    {"101112", "10111", "'commit' is not 32 hex digits"},
    {"[\"catalog-6\"]", "\"catalog-6\"", "'requires' is missing or is not a list"},
    {"[\"catalog-6\"]", "[3]", "'requires' holds something that is not the name of a feature"},
    {"[\"catalog-6\"]", "[\"\\u001b[2J\"]", "'requires' holds something that is not the name"},
    {"[\"catalog-6\"]", "[\"a,b\"]", "'requires' holds something that is not the name"},
    {"[\"catalog-6\"]", "[\"\"]", "'requires' holds something that is not the name"},
    {"[\"catalog-6\"]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "is not a list of at most 16"},
    {"\"0.1.0\"", "\"0.1\\n\"", "'program' is not the number of a version"},
    {"\"0.1.0\"", "1", "'program' is missing or is not text"},
    {"\"pages\": 300", "\"pages\": 0", "'catalog.pages' is 0"},
    {"\"pages\": 300", "\"pages\": 4294967295", "'catalog.pages' is too large"},
    {"8192", "8191", "'catalog.page_size' is not a power of two"},
    {"8192", "2048", "'catalog.page_size' is not a power of two"},
    {"8192", "65536", "'catalog.page_size' is too large"},
    {"\"404142", "\"../../40", "'catalog.map.pack' is not 32 hex digits"},
    {"\"404142", "\"4041", "'catalog.map.pack' is not 32 hex digits"},
    {"\"size\": 123456", "\"size\": 1073741825", "'catalog.map.size' is too large"},
    {"\"length\": 140", "\"length\": 0", "'catalog.map.length' is 0"},
    {"\"length\": 140", "\"length\": 123457", "'catalog.map.length' is too large"},
    {"\"offset\": 7,", "\"offset\": 5000001,", "'catalog.hot.offset' is too large"},
    {"\"length\": 300000", "\"length\": 4999994", "'catalog.hot.length' is too large"},
    {"\"hot\": [", "\"hot\": [7, ", "'catalog.hot' holds something that is not an object"},
    {"\"hot\": [", "\"hot\": [1,2,3,4,5,6,7,8,9,", "'catalog.hot' is missing or is not a list of at most 8"},
    {"\"hot\"", "\"cold\"", "'catalog.hot' is missing"},
    {"505152", "50515", "'catalog.map.sha256' is not a SHA-256"},
    {"\"best\"", "\"latest\"", "is not a tag"},
    {"{\"version\": 1, \"seq\": 2}", "{\"version\": 2, \"seq\": 2}", "'tags.*.version' is too large"},
    {"\"tags\": {", "\"rows\": {", "not valid JSON"},
    {"\"tags\"", "\"forgets\": {\"1\": 0}, \"tags\"", "is not how far a series goes"},
    {"\"tags\"", "\"forgets\": {\"x\": 1}, \"tags\"", "is not how far a series goes"},
    {"\"tags\"", "\"forgets\": {\"1024\": 1}, \"tags\"", "is not how far a series goes"},
    {"\"tags\"", "\"forgets\": [], \"tags\"", "'forgets' is missing or is not an object"},
};

Test(manifest, what_is_wrong_is_named)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct manifest *m = NULL;
        struct error err = {0};
        cr_assert_eq(parse_changed(wrong[i].from, wrong[i].to, &m, &err), -EUCLEAN, "%s", wrong[i].says);
        cr_assert_null(m);
        cr_assert(strstr(err.text, wrong[i].says) && !strncmp(err.text, "x.json: ", 8), "%s: %s",
                  wrong[i].says, err.text);
    }
    check_leaks();
}

/* The golden v1, its `requires` and `program` these. */
static struct manifest *parsed_requiring(const char *requires, const char *program)
{
    struct manifest *m = NULL;
    struct error err = {0};
    CLEANUP_FREE char *to = mem_printf("%s,\n  %s", requires, program);
    cr_assert_eq(parse_changed("[\"catalog-6\"],\n  \"program\": \"0.1.0\",", to, &m, &err), 0, "%s",
                 err.text);
    return m;
}

Test(manifest, an_unknown_feature_refuses_the_contents_and_keeps_the_history_readable)
{
    static const struct {
        const char *requires, *program, *says;
    } cases[] = {
        {"[\"catalog-9\"]", "",
         "needs 'catalog-9', which this elidefs " ELIDEFS_VERSION " does not know (a newer one does)"},
        {"[\"catalog-6\", \"vectors-1\"]", "\"program\": \"0.5.2\",",
         "needs 'vectors-1', which this elidefs " ELIDEFS_VERSION
         " does not know (elidefs 0.5.2 and newer do)"},
        {"[\"vectors-1\", \"catalog-6\", \"words-2\"]", "\"program\": \"1.0\",",
         "needs 'vectors-1', 'words-2', which this elidefs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest *m = parsed_requiring(cases[i].requires, cases[i].program);
        struct error err = {0};
        cr_assert_str_eq(m->message, "first \"night\" shift: Küche");
        cr_assert_eq(m->clips, 10);
        cr_assert_eq(m->catalog.pages, 0);
        cr_assert_eq(manifest_check_supported(m, &err), -ENOTSUP);
        cr_assert(strstr(err.text, cases[i].says) && !strncmp(err.text, "v1 ", 3), "%s", err.text);
        manifest_free(m);
    }
    check_leaks();
}

Test(manifest, a_catalog_of_another_form_is_not_looked_at_where_a_feature_says_so)
{
    struct manifest *m = parsed_requiring("[\"catalog-9\"]", "\"catalog-9\": 7,");
    manifest_free(m);
    struct error err = {0};
    cr_assert_eq(parse_changed("\"pages\": 300", "\"segments\": [300]", &m, &err), -EUCLEAN);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    golden("manifest-v1.json", &bytes);
    memcpy(strstr(buf_text(&bytes), "catalog-6"), "catalog-9", 9);
    memcpy(strstr(buf_text(&bytes), "\"pages\""), "\"parts\"", 7);
    cr_assert_eq(manifest_parse("x.json", bytes.data, bytes.len, &m, &err), 0, "%s", err.text);
    manifest_free(m);
    check_leaks();
}

Test(manifest, fields_that_are_not_known_are_passed_over_wherever_they_stand)
{
    static const char *const places[] = {"{\n  \"dataset\"",           "{\"version\": 0",     "{\"pages\"",
                                         "{\"pack\": \"404142",        "{\"pack\": \"606162", "{\"added\"",
                                         "{\"version\": 1, \"seq\": 2"};
    static const char *const fields[] = {"\"later\": null, ", "\"later\": {\"requires\": [\"x\"]}, ",
                                         "\"\": [[], 1e9], "};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
            struct manifest *m = NULL;
            struct error err = {0};
            CLEANUP_FREE char *to = mem_printf("{%s%s", fields[k], places[i] + 1);
            cr_assert_eq(parse_changed(places[i], to, &m, &err), 0, "%s", err.text);
            cr_assert_eq(manifest_check_supported(m, &err), 0, "%s", err.text);
            cr_assert_eq(m->catalog.hot_count, 2);
            cr_assert_eq(m->tag_count, 2);
            manifest_free(m);
        }
    check_leaks();
}

Test(manifest, a_version_from_before_the_first_release_says_so_and_keeps_its_place_in_the_history)
{
    static const char *const before[] = {"[\"catalog-whole\"]",
                                         "[\"catalog-whole\", \"catalog-2\"]",
                                         "[\"catalog-whole\", \"catalog-3\"]",
                                         "[\"catalog-4\"]",
                                         "[\"catalog-5\"]",
                                         "[\"catalog-5\", \"catalog-6\"]"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct manifest *m = NULL;
        struct error err = {0};
        cr_assert_eq(parse_changed("[\"catalog-6\"]", before[i], &m, &err), 0, "%s", err.text);
        cr_assert_str_eq(m->author, "ada@lab");
        cr_assert_eq(m->catalog.pages, 0);
        cr_assert_eq(manifest_check_supported(m, &err), -ENOTSUP);
        cr_assert_str_eq(err.text, "v1 was made by an elidefs from before the first release: import its "
                                   "sources again, into a new data set");
        manifest_free(m);
    }
    check_leaks();
}

Test(manifest, a_tag_name_cannot_mean_something_else_in_a_path)
{
    static const char *const good[] = {"best", "v", "v1.2", "paper-2026_a", "0", "Latest"};
    static const char *const refused[] = {
        "",
        "latest",
        "tags",
        "v12",
        "-a",
        ".a",
        "a/b",
        "a b",
        "\xc3\xa9",
        "_q",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert_eq(manifest_check_tag(good[i], NULL), 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert_eq(manifest_check_tag(refused[i], NULL), -EINVAL, "%s", refused[i]);
}

Test(manifest, what_a_terminal_would_obey_becomes_blank)
{
    char text[] = "a\x1b[2J\tb\nK\xc3\xbc\xc2\x9b\x7f\xff";
    manifest_clean_text(text);
    cr_assert_str_eq(text, "a [2J\tb\nK\xc3\xbc    ");
    check_leaks();
}
