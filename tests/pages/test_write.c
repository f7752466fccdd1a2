// SPDX-License-Identifier: Apache-2.0
/* What a commit stores, and what every version reads afterwards. */
#include <dirent.h>
#include <sys/stat.h>

#include "fixture.h"

CHECKED_TEST(write, every_page_comes_back, fixture_made, fixture_removed)
{
    struct map_top top = put_first(300);
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    for (uint32_t i = 0; i < 300; i++)
        check_page(pages, i, 1);
}

static uint64_t pack_bytes(void)
{
    uint64_t sum = 0;
    CLEANUP_FREE char *command = mem_printf("%s/store/elidefs/packs", paged.folder);
    DIR *dir = opendir(command);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (*entry->d_name != '.' && !fstatat(dirfd(dir), entry->d_name, &st, 0))
            sum += (uint64_t)st.st_size;
    }
    closedir(dir);
    return sum;
}

CHECKED_TEST(write, only_pages_that_differ_are_stored, fixture_made, fixture_removed)
{
    struct map_top v1 = put_first(1000);
    uint64_t before = pack_bytes();
    const uint32_t changed[] = {0, 500};
    struct map_top v2 = put_next(&v1, 2, changed, 2);
    uint64_t added = pack_bytes() - before;
    cr_assert(added > 2 * 2900 && added < 2 * 4096 + 4 * 128 * (2 + MAP_HASH_BYTES), "%llu bytes",
              (unsigned long long)added);
    before = pack_bytes();
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &v2, "of v2");
    cr_assert_eq(overlay_new(pages, PAGE_BYTES, &overlay, NULL), 0);
    write_page(overlay, 500, 2);
    write_page(overlay, 501, 1);
    struct map_top v3 = put(overlay, NULL, 0);
    cr_assert_lt(pack_bytes() - before, 1000, "pages that say what they said are not stored again");
    CLEANUP_PAGES struct pages *last = pages_new(paged.store, &v3, "of v3");
    check_page(last, 500, 2);
    check_page(last, 501, 1);
}

CHECKED_TEST(write, versions_keep_their_pages_whatever_comes_after, fixture_made, fixture_removed)
{
    enum { VERSIONS = 60, PAGES = 700 };
    struct map_top tops[VERSIONS + 1];
    unsigned of[VERSIONS + 1][PAGES];
    tops[1] = put_first(PAGES);
    for (uint32_t i = 0; i < PAGES; i++)
        of[1][i] = 1;
    unsigned seed = 4711;
    for (unsigned version = 2; version <= VERSIONS; version++) {
        uint32_t changed[10] = {0};
        memcpy(of[version], of[version - 1], sizeof of[version]);
        for (int i = 0; i < 10; i++) {
            changed[i] = i ? (uint32_t)rand_r(&seed) % PAGES : 0;
            of[version][changed[i]] = version;
        }
        tops[version] = put_next(&tops[version - 1], version, changed, 10);
        cr_assert_leq(tops[version].hot_count, MAP_HOT_MAX);
    }
    start_anew(true);
    for (unsigned version = 1; version <= VERSIONS; version += 7) {
        CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &tops[version], "of a version");
        for (uint32_t i = 0; i < PAGES; i++)
            check_page(pages, i, of[version][i]);
    }
}

/* Bytes of [offset, offset + len) of a pack lie in what a mount fetches at once. */
static bool is_near(const struct map_top *top, const struct map_pack *pack, const struct map_place *place)
{
    for (unsigned i = 0; i < top->hot_count; i++) {
        const struct map_extent *at = &top->hot[i];
        if (!memcmp(at->id, pack->id, MAP_ID_BYTES) && place->offset >= at->offset &&
            place->offset + place->len <= at->offset + at->len)
            return true;
    }
    return false;
}

CHECKED_TEST(write, what_a_mount_needs_lies_where_the_manifest_says_after_any_number_of_commits, fixture_made,
             fixture_removed)
{
    const struct catalog_patience patient = {0};
    struct map_top top = put_first(900);
    uint64_t most = 0;
    for (unsigned version = 2; version < 100; version++) {
        const uint32_t changed[] = {version % 3 ? version : 0, version * 7 % 900};
        top = put_next(&top, version, changed, 2);
        CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of a version");
        struct map_root root;
        struct map_place place;
        struct map_pack pack;
        cr_assert_eq(pages_place(pages, 0, &place, NULL), 0);
        cr_assert_eq(pages_pack(pages, place.pack, &patient, &pack, NULL), 0);
        cr_assert(is_near(&top, &pack, &place), "the hot page of v%u", version);
        cr_assert_eq(pages_root(pages, &patient, &root, NULL), 0);
        for (uint32_t i = 0; i < root.leaves; i++) {
            cr_assert_eq(map_root_leaf(&root, i, &place, NULL), 0);
            cr_assert_eq(pages_pack(pages, place.pack, &patient, &pack, NULL), 0);
            cr_assert(is_near(&top, &pack, &place), "leaf %u of v%u", i, version);
        }
        uint64_t bytes = 0;
        for (unsigned i = 0; i < top.hot_count; i++)
            bytes += top.hot[i].len;
        most = bytes > most ? bytes : most;
    }
    cr_assert_lt(most, 4 * (map_root_bytes(900, 100) + 900 * (2 + MAP_RUN_BYTES) + 4096), "%llu",
                 (unsigned long long)most);
}

/* The next version, in which pages `first` to `first` + `count` - 1 are written, and those before `hot` are
 * hot. */
static struct map_top put_hot(const struct map_top *parent, unsigned version, uint32_t first, uint32_t count,
                              uint32_t hot, uint64_t gather)
{
    enum { HOT_MAX = 900 };
    uint32_t list[HOT_MAX];
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, parent, "of the parent");
    struct pages_written written;
    struct error err = {0};
    cr_assert_eq(overlay_new(pages, PAGE_BYTES, &overlay, NULL), 0);
    for (uint32_t i = 0; i < hot; i++)
        list[i] = i;
    for (uint32_t i = first; i < first + count; i++)
        write_page(overlay, i, version);
    struct pages_write write = {.overlay = overlay, .hot = list, .hot_count = hot, .gather_bytes = gather};
    cr_assert_eq(pages_write(paged.store, &write, &written, &err), 0, "%s", err.text);
    struct map_top top = written.top;
    pages_written_done(&written);
    return top;
}

static uint64_t hot_bytes(const struct map_top *top)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < top->hot_count; i++)
        sum += top->hot[i].len;
    return sum;
}

/* Eight extents, each a little larger than the one before: without a budget the ninth takes the place of one,
 * with it of all. */
CHECKED_TEST(write, what_is_gathered_of_hot_pages_keeps_to_the_budget, fixture_made, fixture_removed)
{
    enum { EACH = 50, FRAME = 2900, HOT = 8 * (EACH + 30) };
    struct map_top top = put_first(900);
    uint64_t before, stored[2];
    uint32_t first = 1;
    for (unsigned version = 2; version < 9; version++) {
        top = put_hot(&top, version, first, EACH + 4 * version, HOT, version == 2 ? 1 << 30 : 0);
        first += EACH + 4 * version;
    }
    cr_assert_eq(top.hot_count, MAP_HOT_MAX);
    for (int all = 0; all < 2; all++) {
        before = pack_bytes();
        put_hot(&top, 9, 800, 1, HOT, all ? 1 << 30 : 0);
        stored[all] = pack_bytes() - before;
    }
    cr_assert(stored[0] > EACH * FRAME && stored[0] < 2 * EACH * FRAME, "%llu",
              (unsigned long long)stored[0]);
    cr_assert(stored[1] > 7 * EACH * FRAME, "%llu", (unsigned long long)stored[1]);
}

/* Of what a commit has written, the next one leaves a page. */
CHECKED_TEST(write, two_thirds_of_what_a_mount_fetches_count_where_the_budget_allows, fixture_made,
             fixture_removed)
{
    enum { HOT = 120, FRAME = 3200 };
    struct map_top top = put_first(400);
    top = put_hot(&top, 2, 0, HOT, HOT, 1 << 30);
    for (unsigned version = 3; version < 40; version++) {
        top = put_hot(&top, version, version, HOT - version, HOT, 1 << 30);
        cr_assert_lt(hot_bytes(&top), 5 * HOT * FRAME / 2, "v%u: %llu", version,
                     (unsigned long long)hot_bytes(&top));
    }
}

CHECKED_TEST(write, a_commit_of_many_packs_is_read_back, fixture_made, fixture_removed)
{
    enum { PAGES = 12000 }; /* about 37 MiB of frames, more than one pack takes */
    struct map_top top = put_first(PAGES);
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    struct map_root root;
    cr_assert_eq(pages_root(pages, &(struct catalog_patience){0}, &root, NULL), 0);
    cr_assert_eq(root.packs, 2);
    for (uint32_t i = 0; i < PAGES; i += 11)
        check_page(pages, i, 1);
    check_page(pages, PAGES - 1, 1);
}

CHECKED_TEST(write, pages_that_shall_lie_side_by_side_do_and_others_behind_them, fixture_made,
             fixture_removed)
{
    const uint32_t hot[] = {0, 7}, first[] = {250, 7, 3, 99, 400, 3},
                   order[] = {250, 3, 99, 1, 2, 4, 5, 6, 8};
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    struct error err = {0};
    cr_assert_eq(overlay_new(NULL, PAGE_BYTES, &overlay, NULL), 0);
    for (uint32_t i = 0; i < 300; i++)
        write_page(overlay, i, 1);
    struct pages_write write = {
        .overlay = overlay, .hot = hot, .hot_count = 2, .first = first, .first_count = 6};
    struct pages_written written;
    cr_assert_eq(pages_write(paged.store, &write, &written, &err), 0, "%s", err.text);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &written.top, "of v1");
    pages_written_done(&written);
    uint32_t end = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct map_place place;
        cr_assert_eq(pages_place(pages, order[i], &place, NULL), 0);
        cr_assert(!i || place.offset == end, "page %u", order[i]);
        end = place.offset + place.len;
    }
    for (uint32_t i = 0; i < 300; i++)
        check_page(pages, i, 1);
}

CHECKED_TEST(write, free_pages_are_not_stored_and_read_as_zeros, fixture_made, fixture_removed)
{
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    uint8_t bytes[PAGE_BYTES];
    cr_assert_eq(overlay_new(NULL, PAGE_BYTES, &overlay, NULL), 0);
    for (uint32_t i = 0; i < 10; i++)
        write_page(overlay, i, 1);
    fill_page(0, 1, bytes);
    bytes[35] = 3; /* the list begins in page 3 */
    cr_assert_eq(overlay_write(overlay, 0, bytes, NULL), 0);
    memset(bytes, 0, sizeof bytes);
    bytes[7] = 2, bytes[11] = 5, bytes[15] = 8; /* and names two pages, 5 and 8 */
    cr_assert_eq(overlay_write(overlay, 2, bytes, NULL), 0);
    struct map_top top = put(overlay, NULL, 0);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    for (uint32_t i = 4; i < 8; i += 3) {
        cr_assert_eq(read_page(pages, i, bytes, NULL), 0);
        for (size_t j = 0; j < sizeof bytes; j++)
            cr_assert_eq(bytes[j], 0);
    }
    check_page(pages, 5, 1);
}

CHECKED_TEST(write, nothing_stays_in_the_store_when_a_commit_fails, fixture_made, fixture_removed)
{
    struct map_top top = put_first(200);
    uint64_t before = pack_bytes();
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    struct pages_written written;
    const uint32_t hot = 0;
    uint8_t bytes[PAGE_BYTES];
    cr_assert_eq(overlay_new(pages, PAGE_BYTES, &overlay, NULL), 0);
    fill_page(0, 1, bytes);
    bytes[35] = 201; /* SQLite's list of free pages begins behind the end */
    cr_assert_eq(overlay_write(overlay, 0, bytes, NULL), 0);
    struct pages_write write = {.overlay = overlay, .hot = &hot, .hot_count = 1};
    struct error err = {0};
    cr_assert_eq(pages_write(paged.store, &write, &written, &err), -EUCLEAN, "%s", err.text);
    cr_assert_eq(pack_bytes(), before);
}
