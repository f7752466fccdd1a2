// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs import`: from the options to one request, and from what the import found to a commit and to the
 * sentences about it. How sources are read is in tools/import/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/count.h"
#include "cache/base/file.h"
#include "index/commit/commit.h"
#include "tools/commands.h"
#include "tools/import/import.h"
#include "tools/import_part.h"
#include "tools/import_tell.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"table", 't', "FILE", true,
     "join this table on its column key, else episode_index; its columns become attributes"},
    {"set", 0, "NAME=VALUE", true, "give every clip this attribute"},
    {"type", 0, "NAME=TYPE", true,
     "make this attribute boolean, integer, float, text, timestamp, duration or list, whatever its values "
     "look like"},
    {"stream", 0, "OLD=NEW", true, "call this stream NEW"},
    {"prefix", 0, "P", false, "put P- before every key"},
    {"multi", 0, "NAME", true, "this column holds several values, separated by ';'"},
    {"layout", 0, "L", false, "how paths spell clips: '{key}/{stream}.{ext}'"},
    {"renumbered", 0, NULL, false,
     "clips that are known under other keys have new keys: their labels go with them"},
    {"table-is-renumbered", 0, NULL, false,
     "with --renumbered: the tables name clips by their new numbers and keys"},
    {"replaces", 0, "SOURCE", false,
     "clips of SOURCE, which was imported before, are the earlier state of those with the same keys here"},
    {"restore", 0, NULL, false,
     "bring back clips that were removed from the data set, with the labels they had then"},
    {"copy", 0, "[=open|link]", false,
     "put the recordings into the data set's own folder; =open: only those that may still be written to, the "
     "last file of each series; =link: as hard links, which protect against deletion and rename, not against "
     "writing in place"},
    {"part", 0, "I/N", false,
     "read the recordings of the I-th of N parts, on any machine, and commit nothing: --merge does"},
    {"merge", 0, NULL, false, "import what the parts of this line have read, as one version"},
    {"dry-run", 'n', NULL, false, "tell what would happen, and write nothing"},
    {"skip-bad", 0, "[=LIMIT]", false,
     "import what is good where some of it is not, up to LIMIT bad clips (12, 1%); ends with status 3 then"},
    {"bad", 0, "FILE", false,
     "write all that is wrong into this file, one JSON object a line (with --skip-bad: bad.jsonl)"},
    {"message", 'm', "MESSAGE", false, "say what this version is"},
    {"json", 0, NULL, false, "print the result as one JSON object"},
    {NULL, 0, NULL, false, NULL},
};

struct importing {
    struct import_request *request;
    struct session *session;
    struct import_merge *merge; /* NULL: it is none */
};

static int say_nothing_new(const struct arguments *arguments, struct session *session,
                           const struct import_counts *found, struct error *err)
{
    const struct manifest *manifest;
    uint32_t version = dataset_head(session->dataset);
    int rc = dataset_manifest(session->dataset, version, &manifest, err);
    if (rc)
        return rc;
    struct apply_counts counts = {.clips = manifest->clips, .clips_unchanged = found->clips};
    fprintf(stderr, "nothing new: v%u stays\n", version);
    if (arguments_flag(arguments, "json"))
        import_print_json(found, version, &counts);
    else if (!arguments_flag(arguments, "dry-run"))
        printf("v%u\n", version);
    return 0;
}

static int commit(const struct arguments *arguments, struct importing *importing, const struct changeset *set,
                  const struct import_counts *found, struct error *err)
{
    struct session *session = importing->session;
    const struct import_merge *merge = importing->merge;
    CLEANUP_FREE char *source = import_source_name(arguments->positional[1]);
    struct dataset_commit info = {.message = arguments_text(arguments, "message"),
                                  .source = source,
                                  .based = true,
                                  .base = found->after,
                                  .id = merge ? merge->taken.commit : NULL,
                                  .id_after = merge ? merge->taken.base : 0,
                                  .dry = arguments_flag(arguments, "dry-run")};
    struct apply_counts counts = {0};
    uint32_t version = 0;
    if (!info.message)
        info.message = "";
    bool nothing = !changeset_clips(set) && !changeset_removals(set);
    int rc = nothing ? -EALREADY : dataset_commit(session->dataset, set, &info, &version, &counts, err);
    counts.clips_unchanged += found->growth.kept;
    if (rc == -EALREADY)
        rc = say_nothing_new(arguments, session, found, err);
    else if (!rc)
        import_tell(arguments, found, version, &counts);
    if (!rc)
        import_tell_labels(&counts);
    return rc;
}

/* Of one fault that ends the import the error is enough. */
static void tell_faults(const struct import_request *request, int rc, const struct error *err)
{
    struct error first = {0};
    faults_first(request->faults, &first);
    if (rc && faults_count(request->faults) == 1 && !strncmp(first.text, err->text, strlen(first.text)))
        return;
    faults_print(request->faults, stderr);
}

/* Before the commit: what is left out must not be forgotten. */
static int write_bad(const struct arguments *arguments, const struct import_request *request,
                     struct error *err)
{
    const char *file = arguments_text(arguments, "bad");
    const struct buf *lines = faults_lines(request->faults);
    if (request->dry || !lines->len || (!file && !request->skip.on))
        return 0;
    file = file ? file : "bad.jsonl";
    int rc = file_replace(file, lines->data, lines->len, 0644, err);
    if (!rc)
        fprintf(stderr, "%s says what is bad, and why\n", file);
    return rc;
}

/* What the versions there are read is found where it was moved to, from now on. That is true whatever becomes
 * of this import, and is compared with the newest of them, so it comes before the commit. */
static void keep_readable(const struct import_request *request, struct session *session,
                          const struct moved *moved)
{
    struct dataset_compared compared = {0};
    struct error why = {0};
    int rc = request->dry ? 0 : dataset_root_add(session->dataset, moved->root, moved->url, &compared, &why);
    if (rc && rc != -EEXIST)
        fprintf(stderr, "note: older versions' recordings lie in %s now, but: %s\n", moved->url, why.text);
    else if (!rc)
        fprintf(stderr, "%s of older versions %s found in %s\n", COUNT(moved->objects, "recording"),
                moved->objects == 1 ? "is" : "are", moved->url);
}

static int finish(const struct arguments *arguments, struct importing *importing, const struct changeset *set,
                  const struct import_counts *found, struct error *err)
{
    const struct import_request *request = importing->request;
    import_tell_found(found);
    int rc = write_bad(arguments, request, err);
    if (!rc && found->moved.url)
        keep_readable(request, importing->session, &found->moved);
    if (!rc)
        rc = commit(arguments, importing, set, found, err);
    if (rc)
        return rc;
    notes_print(request->notes, stderr);
    if (!found->bad)
        return 0;
    import_tell_left_out(found);
    return EXIT_PARTLY;
}

/* What the source is called, wherever it is imported from. */
static struct scan_cache *open_scans(const struct import_request *request, const struct session *session)
{
    CLEANUP_FREE char *name = import_source_name(request->source);
    return scan_cache_open(cache_folder(session->cache), name, !request->dry);
}

static void tell_resumed(const struct importing *importing)
{
    const struct scan_cache *scans = importing->request->scans;
    if (importing->merge)
        import_merge_tell(importing->merge);
    else if (scan_cache_found(scans))
        fprintf(stderr, "not read again: %s, which an import that did not end has read\n",
                COUNT(scan_cache_found(scans), "file"));
}

static void tell_failed(const struct arguments *arguments, const struct import_request *request)
{
    struct error unwritten;
    notes_print(request->notes, stderr); /* they may say why */
    if (write_bad(arguments, request, &unwritten))
        fprintf(stderr, "note: %s\n", unwritten.text);
}

/* *ret_again: others have committed what changes what the source means. */
static int import_once(const struct arguments *arguments, struct importing *importing, bool *ret_again,
                       struct error *err)
{
    struct import_request *request = importing->request;
    CLEANUP_CHANGESET struct changeset *set = NULL;
    struct import_counts found;
    request->stores = importing->session->stores;
    request->dataset = importing->session->dataset;
    request->progress = progress_new("scanned", "files", 0);
    int rc = import_scan(request, &set, &found, err);
    progress_free(request->progress);
    if (rc != -EALREADY)
        tell_resumed(importing);
    tell_faults(request, rc, err);
    if (!rc) {
        rc = finish(arguments, importing, set, &found, err);
        *ret_again = rc == -EREMCHG;
        if (rc >= 0)
            scan_cache_forget(request->scans);
    } else {
        tell_failed(arguments, request);
    }
    free(found.moved.url);
    return rc;
}

/* Not what comes through a pipe. */
static bool can_be_read_again(const struct import_request *request)
{
    struct stat at;
    for (size_t i = 0; i < request->table_count; i++)
        if (!strcmp(request->tables[i], "-") || (!stat(request->tables[i], &at) && !S_ISREG(at.st_mode)))
            return false;
    return true;
}

/* Where it must be looked at again, no recording is read again: what was read is kept. */
static int import(const struct arguments *arguments, struct importing *importing, struct error *err)
{
    enum { TIMES = 5 };
    struct import_request *request = importing->request;
    bool again = true;
    int rc = 0;
    for (int i = 0; again && i < TIMES; i++) {
        again = false;
        CLEANUP_SCAN_CACHE struct scan_cache *scans =
            importing->merge ? NULL : open_scans(request, importing->session);
        request->scans = importing->merge ? importing->merge->scans : scans;
        request->notes = notes_new();
        request->faults = faults_new();
        rc = import_once(arguments, importing, &again, err);
        notes_free(request->notes);
        faults_free(request->faults);
        again &= can_be_read_again(request) && !dataset_refresh(importing->session->dataset, NULL, NULL);
        if (again && i + 1 < TIMES)
            fprintf(stderr, "%s; looking again\n", err->text);
    }
    return rc == -EREMCHG ? error_within(err, rc, "nothing was committed, import again") : rc;
}

static int say_landed(const struct arguments *arguments, struct session *session, uint32_t version,
                      struct error *err)
{
    const struct manifest *is;
    int rc = dataset_manifest(session->dataset, version, &is, err);
    if (rc)
        return rc;
    struct apply_counts counts = {.clips = is->clips,
                                  .clips_added = is->added,
                                  .clips_replaced = is->replaced,
                                  .clips_removed = is->removed,
                                  .clips_unchanged = is->unchanged};
    fprintf(stderr, "landed already as v%u\n", version);
    if (arguments_flag(arguments, "json"))
        import_print_json(&(struct import_counts){0}, version, &counts);
    else if (!arguments_flag(arguments, "dry-run"))
        printf("v%u\n", version);
    return 0;
}

static int merge_parts(const struct arguments *arguments, struct importing *importing, struct error *err)
{
    struct import_merge merge;
    int rc = import_merge_begin(importing->request, importing->session, &merge, err);
    importing->merge = &merge;
    if (!rc)
        rc = import(arguments, importing, err);
    if (rc == -EALREADY && merge.landed)
        rc = say_landed(arguments, importing->session, merge.landed, err);
    import_merge_done(&merge);
    return rc;
}

/* All of it, one part, or all parts. */
static int import_asked(const struct arguments *arguments, struct import_request *request,
                        struct session *session, struct error *err)
{
    struct importing importing = {.request = request, .session = session};
    const char *text = arguments_text(arguments, "part");
    bool merge = arguments_flag(arguments, "merge");
    struct import_part part;
    if (text && merge)
        return error_set(err, EINVAL, "--part and --merge: one or the other");
    if (text && request->dry)
        return error_set(err, EINVAL,
                         "--part and --dry-run: the merge can tell what would happen, --merge -n");
    int rc = text ? import_part_parse(text, &part, err) : 0;
    if (!rc)
        rc = dataset_check_writable(session->dataset, err);
    if (!rc)
        rc = dataset_check_extendable(session->dataset, err);
    if (rc)
        return rc;
    if (text)
        return import_part_run(&part, request, session, arguments_flag(arguments, "json"), err);
    return merge ? merge_parts(arguments, &importing, err) : import(arguments, &importing, err);
}

/* What fails is tried again, and finds what was copied; but a full disk would stay full. */
static void make_room(const struct import_request *request, const struct session *session, int rc)
{
    struct store *store;
    if ((rc != -ENOSPC && rc != -EDQUOT) || !strmap_count(request->copies) ||
        store_open(session->stores, dataset_url(session->dataset), &store, NULL))
        return;
    size_t removed = copy_take_back(store, request->copies);
    fprintf(stderr, "note: removed %s again, made by this import\n", COUNT(removed, "copy"));
    store_unref(store);
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct import_request request = {.source = arguments->positional[1],
                                     .prefix = arguments_text(arguments, "prefix"),
                                     .layout = arguments_text(arguments, "layout"),
                                     .replaces = arguments_text(arguments, "replaces"),
                                     .renumbered = arguments_flag(arguments, "renumbered"),
                                     .table_is_renumbered = arguments_flag(arguments, "table-is-renumbered"),
                                     .restore = arguments_flag(arguments, "restore"),
                                     .serve = import_tell_serve,
                                     .dry = arguments_flag(arguments, "dry-run")};
    const char *copy = arguments_text(arguments, "copy");
    const char *skip = arguments_text(arguments, "skip-bad");
    int rc = copy ? copy_mode_parse(copy, &request.copy, err) : 0;
    if (!rc && skip)
        rc = import_skip_parse(skip, &request.skip, err);
    if (rc)
        return rc;
    request.copies = strmap_new();
    const char **tables = arguments_list(arguments, "table", &request.table_count);
    const char **sets = arguments_list(arguments, "set", &request.set_count);
    const char **multi = arguments_list(arguments, "multi", &request.multi_count);
    const char **types = arguments_list(arguments, "type", &request.type_count);
    const char **streams = arguments_list(arguments, "stream", &request.stream_count);
    request.tables = tables, request.sets = sets, request.multi = multi;
    request.types = types, request.streams = streams;
    CLEANUP_SESSION struct session session = {0};
    rc = session_open(arguments, arguments->positional[0], NULL, &session, err);
    if (!rc)
        rc = import_asked(arguments, &request, &session, err);
    make_room(&request, &session, rc);
    strmap_free(request.copies);
    free(tables);
    free(sets);
    free(multi);
    free(types);
    free(streams);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs import s3://lab-data/kitchen /robots/kitchen --table labels.csv -m 'first week'",
     "A LeRobot data set, with a table of labels beside it"},
    {"elidefs import s3://lab-data/kitchen /robots/kitchen --copy=open",
     "The same the next day; the file that the recorder still writes to is copied"},
    {"elidefs import /data/set s3://recordings/2026 --layout '{key}/{stream}.{ext}' --set site=b",
     "Any files in a bucket, one clip a folder"},
    {"elidefs import /data/set clips.jsonl --stream observation.images.top=top --type operator=text",
     "Clips that a manifest names, one stream renamed, an attribute's type said"},
    {"elidefs import /data/set s3://recordings/2026 --part 3/8",
     "The third of eight shares of the recordings, read and kept for the merge"},
    {"elidefs import /data/set s3://recordings/2026 --merge -m 'all of 2026'", "All eight as one version"},
    {"elidefs import s3://lab-data/kitchen /robots/kitchen --dry-run", "What would happen"},
    {"elidefs import s3://lab-data/kitchen /robots/kitchen --skip-bad=1%",
     "The good clips, unless more than one in a hundred is bad; bad.jsonl says which and why"},
    {NULL, NULL},
};

const struct command command_import = {
    .name = "import",
    .synopsis = "DATASET SOURCE [OPTION]...",
    .summary =
        "adds what is found below a folder or bucket prefix, or what a manifest names, as one new version",
    .description =
        "Searches SOURCE and commits what it finds as the next version of DATASET, whose name (such as v1) "
        "is printed. "
        "Nothing is copied, unless --copy says so: recordings stay where they are, only headers, footers and "
        "indices are read. "
        "Left out: names that start with '.', symbolic links, what is neither file nor folder.\n\n"
        "A folder with meta/info.json is a LeRobot data set (v2.0 to v3.0, as its path templates say): each "
        "episode becomes a clip ep000123 with one "
        "MP4 a camera, its rows as state.parquet, and its attributes. Its frames are those that LeRobot's "
        "readers would show: a span that lies off the video's frames by more than 0.0001 s, shares frames "
        "with another episode's, or a video whose rate is not the data set's fps, is an error of that clip; "
        "one that is in already stays as it is, which is said. Any other files: those directly in "
        "SOURCE are "
        "one clip a stem; a folder below it is one clip whose files are the streams, or, if two of its files "
        "share a "
        "stem, one clip a stem.\n\n"
        "SOURCE may be a manifest: a table (.jsonl, .csv, .tsv, .parquet) with one clip a row. Its column "
        "key is "
        "the "
        "clip's key. A stream NAME is spelled by NAME.url, relative to the manifest's folder, with "
        "NAME.start "
        "and NAME.end in seconds, to cut an MP4 at the nearest frames (of one whose pictures begin late: "
        "with a pause before the first one, and the sound of it), or NAME.offset and NAME.length in "
        "bytes, and NAME.ext where the file shall not have the URL's extension. In JSON Lines "
        "\"front\": {\"url\": \"run7.mp4\", \"start\": 3.5, \"end\": 9} says the same, and "
        "\"streams\": {\"front\": \"run7.mp4\"} is short for whole files (streams.front in CSV). All other "
        "columns are "
        "attributes. What lies outside the manifest's folder becomes a root that others must trust to read "
        "it: its bucket, or the deepest local folder that holds all such files.\n\n"
        "Times in a video, a manifest's and LeRobot's, count on the presentation timeline, which players, "
        "ffprobe and PyAV show: after an edit list, from the start of its pause if it begins with one; "
        "without one, of composition times. So a video that begins late has no frame at 0.\n\n"
        "A table is CSV (.csv; .tsv with tabs), JSON Lines (.jsonl) or Parquet (.parquet), a file or an "
        "s3:// URL, or - "
        "for standard input, where its first bytes tell. A CSV header without commas may have semicolons or "
        "tabs "
        "for them. A CSV column has the type that its attribute has in the data set, else the narrowest that "
        "all its values have: boolean (true, True, TRUE), integer (64 bits; no leading zeros), float (inf, "
        "too), timestamp, duration; so one 'n/a' makes it text, which is said. What the known type would not "
        "keep as it is spelled fails, and --type NAME=text keeps it. An empty field is a missing one, \"\" "
        "is the empty text, and 'nan' is missing and counted where the column is not text; JSON and Parquet "
        "say types themselves. A list of numbers there is one value, of type "
        "list: kept as it is, in its order, with null for NaN, up to 65,536 of them; in CSV, a text such as "
        "[40,10.5] in a column that --type makes a list. Paths ask for it by NAME.null only. A list of texts "
        "(in CSV: a column of --multi, separated by ';') is several labels, and these are a set: they have "
        "no order, and none is there twice. With --multi this also holds for a list of numbers. Lists of "
        "anything else are left out, which is said. Decimals of Parquet are integers where all of a column "
        "are, else the nearest floats, and it is said where digits are lost; a column that cannot be values "
        "(maps, intervals, a compression that is not known, a damaged page) is left out, with the reason, "
        "unless it is the key or a stream's. The labels beside a file, KEY.json, are read the same "
        "way. A row says all of the table's columns of its clip: what it replaces, or, with an "
        "empty "
        "field, takes back, is what imports have said, never what people or models set "
        "(elidefs-annotate(1)). A clip without a row keeps what it has, so tonight's table may hold "
        "tonight's "
        "rows only.\n\n"
        "A source that was imported before is compared with the newest version: what is new is added, what "
        "changed is replaced under its key with the labels that it has, and what has the same size and pin "
        "(ETag, version, or time, ctime and inode) is not read again; a file that was copied with its time, "
        "restored or mounted anew is recognised by its headers and samples, and one that was copied without "
        "it where all of its bytes are known. Older versions stay as they are. Where "
        "nothing "
        "is new there is no new version. What the source no longer has is said, and stays; what "
        "elidefs-remove(1) removed stays away. A clip is what its content is: if clips that are known have "
        "other keys now, their source was renumbered, and the import fails, unless --renumbered lets "
        "their labels go with them. A table in that import may have been made for the old numbers: it is "
        "refused, unless a column that the source knows, too (length, task), fits the new numbers in all "
        "rows and would not fit the old ones, or --table-is-renumbered is given. Keys of clips from another "
        "source, or of another manifest beside this "
        "one, fail it, too: --prefix, or --replaces SOURCE where they take the place of those of SOURCE, "
        "such as an edited copy of it in another folder: they keep their labels, and replace what has "
        "changed.\n\n"
        "Others may commit at the same time, and the import lands behind them, without a recording read "
        "again. "
        "What would undo theirs (another content under the same key, another value of what an import set, a "
        "clip that was removed meanwhile) fails it, with the clip and the versions.\n\n"
        "Everything that does not add up is an error that names file, place and reason. All of the source is "
        "looked at, all errors are told (the first 20 of a kind, and how many more), and nothing is "
        "committed "
        "then. With --skip-bad "
        "the good clips are committed all the same, unless more than LIMIT are bad; bad.jsonl in the current "
        "folder, or the file that --bad names, has a line for each error "
        "({\"file\", \"place\", \"reason\", \"clip\"}), the status is 3, and the next import tries "
        "what is missing again. A folder, and a LeRobot data set among others, that cannot be read at all "
        "are left out, too, "
        "the latter not where a LIMIT is given, which is one of clips. A --table that cannot be read at all "
        "fails the import.\n\n"
        "While a recorder is running, the last file of each kind in a LeRobot data set has no end yet. That "
        "is nothing bad: what is finished is imported, the rest is tried again the next time, and a note "
        "says so.\n\n"
        "Copies (--copy) are clones that share blocks with the recordings where the file system has them "
        "(reflinks): "
        "du and quotas count both, the disk only what is changed later. From a bucket to a data set on the "
        "same server, that server copies, and what it will copy is told before. All else is read and "
        "written, and hashed on the way. A data set with its copies can be moved, restored or synced into a "
        "bucket. --copy=link makes hard links, within one file system: they take no room and stay when the "
        "recording is deleted or renamed, but a program that writes into the recording writes into the data "
        "set, whose versions then refuse it.\n\n"
        "An import with --copy that fails keeps its copies for the next try, unless there is no room left: "
        "then it "
        "removes those it has made.\n\n"
        "An import that is killed leaves what it has read of recordings in a file in the cache folder; the "
        "same import goes on from there.\n\n"
        "A large source can be read by many processes, on any machines that see it under the same name: each "
        "runs the same line with --part I/N, I from 1 to N, and reads the recordings that fall to it by a "
        "hash "
        "of their paths (with --copy, it copies them, too; hard links are made by the merge). Nothing is "
        "committed. The same line with --merge in the place of --part then imports what all parts have read, "
        "as one version, which is the one a plain import would have made, with the same notes and faults; "
        "recordings are not read again. It fails while parts are missing, and says which; parts of a line "
        "with other options, or from when the source listed other files, do not count, and are run again. A "
        "part that was killed is missing, and goes on where it was if it runs on the same machine; of one "
        "that "
        "runs twice the first stands. A merge that was killed is run again; one that has landed says so, "
        "with "
        "the same version. So a source should not change between the first part and the merge: what is still "
        "recorded goes into the next, plain import. What parts have read lies below elidefs/parts/ in "
        "DATASET.\n\n"
        "With --dry-run all of this is done but the writing, with the same status.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 2,
    .examples = examples,
    .run = run,
};
