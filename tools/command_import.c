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
    {"dry-run", 'n', NULL, false, "tell what would happen, and write nothing"},
    {"skip-bad", 0, "[=LIMIT]", false,
     "import what is good where some of it is not, up to LIMIT bad clips (12, 1%); ends with status 3 then"},
    {"bad", 0, "FILE", false,
     "write all that is wrong into this file, one JSON object a line (with --skip-bad: bad.jsonl)"},
    {"message", 'm', "MESSAGE", false, "say what this version is"},
    {"json", 0, NULL, false, "print the result as one JSON object"},
    {NULL, 0, NULL, false, NULL},
};

static void print_json(const struct import_counts *found, uint32_t version, const struct apply_counts *counts)
{
    printf("{\"version\":%u,\"clips\":%llu,\"added\":%llu,\"replaced\":%llu,\"removed\":%llu,"
           "\"unchanged\":%llu,\"bad\":%llu}\n",
           version, (unsigned long long)counts->clips, (unsigned long long)counts->clips_added,
           (unsigned long long)counts->clips_replaced, (unsigned long long)counts->clips_removed,
           (unsigned long long)counts->clips_unchanged, (unsigned long long)found->bad);
}

static void tell_serve(uint64_t objects, uint64_t bytes)
{
    fprintf(stderr, "copying on the server: up to %s (%.1f MiB)\n", COUNT(objects, "recording"),
            (double)bytes / (1 << 20));
}

static void tell_copied(const struct copy_counts *copied, bool dry)
{
    if (!copied->objects)
        return;
    bool served = copied->served == copied->objects;
    const char *did = copied->linked ? "linked" : dry ? "would copy" : "copied";
    fprintf(stderr, "%s %s (%.1f MiB)%s\n", did, COUNT(copied->objects, "recording"),
            (double)copied->bytes / (1 << 20), served ? " on the server" : "");
    if (copied->shared)
        fprintf(stderr,
                "note: %s %s blocks with the recordings: du and quotas count them twice, the disk does not, "
                "until one is changed\n",
                COUNT(copied->shared, "copy"), copied->shared == 1 ? "shares its" : "share their");
    if (copied->linked)
        fprintf(stderr,
                "note: hard links protect against deletion and rename, not against writing in place\n");
}

static void tell(const struct arguments *arguments, const struct import_counts *found, uint32_t version,
                 const struct apply_counts *counts)
{
    bool dry = arguments_flag(arguments, "dry-run");
    fprintf(stderr, "%sv%u: %s added, %llu replaced, ", dry ? "would be " : "", version,
            COUNT(counts->clips_added, "clip"), (unsigned long long)counts->clips_replaced);
    if (counts->clips_removed)
        fprintf(stderr, "%llu removed, ", (unsigned long long)counts->clips_removed);
    fprintf(stderr, "%llu unchanged; %llu in all\n", (unsigned long long)counts->clips_unchanged,
            (unsigned long long)counts->clips);
    if (found->growth.renumbered)
        fprintf(stderr, "the labels of %s went with their content to other keys\n",
                COUNT(found->growth.renumbered, "clip"));
    tell_copied(&found->copied, dry);
    if (found->pinned_weakly)
        fprintf(
            stderr,
            "note: the recordings stay where they are and are not versioned there: one that is overwritten "
            "can no longer be read in this version (--copy, --copy=open)\n");
    if (arguments_flag(arguments, "json"))
        print_json(found, version, counts);
    else if (!dry)
        printf("v%u\n", version);
}

/* What an import changes of what imports said before. */
static void tell_labels(const struct apply_counts *counts)
{
    char versions[64] = "";
    if (counts->taken_first && counts->taken_first < counts->taken_last)
        snprintf(versions, sizeof versions, " in v%u to v%u", counts->taken_first, counts->taken_last);
    else if (counts->taken_last)
        snprintf(versions, sizeof versions, " in v%u", counts->taken_last);
    if (counts->values_changed)
        fprintf(stderr, "note: a table changes %s of known clips: %s%s\n",
                COUNT(counts->values_changed, "value"), counts->changed_shown,
                counts->values_changed > APPLY_SHOWN ? "; ..." : "");
    if (counts->values_taken)
        fprintf(stderr,
                "note: takes %s of %s back, set by an import%s: the source, or their row in a table, has "
                "none now\n",
                COUNT(counts->values_taken, "value"), COUNT(counts->clips_taken, "clip"), versions);
    if (counts->clips_kept)
        fprintf(stderr,
                "note: %s without a row in a table: what earlier imports said stays (an empty field takes it "
                "back)\n",
                COUNT(counts->clips_kept, "clip"));
}

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
        print_json(found, version, &counts);
    else if (!arguments_flag(arguments, "dry-run"))
        printf("v%u\n", version);
    return 0;
}

static int commit(const struct arguments *arguments, struct session *session, const struct changeset *set,
                  const struct import_counts *found, struct error *err)
{
    CLEANUP_FREE char *source = import_source_name(arguments->positional[1]);
    struct dataset_commit info = {.message = arguments_text(arguments, "message"),
                                  .source = source,
                                  .based = true,
                                  .base = found->after,
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
        tell(arguments, found, version, &counts);
    if (!rc)
        tell_labels(&counts);
    return rc;
}

static void tell_found(const struct import_counts *found)
{
    fprintf(stderr, "found %s in %s (%.1f MiB)\n", COUNT(found->clips, "clip"), COUNT(found->objects, "file"),
            (double)found->bytes / (1 << 20));
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

static void tell_left_out(const struct import_counts *found)
{
    uint64_t clips = found->bad - found->bad_loose;
    if (clips)
        fputs(COUNT(clips, "bad clip"), stderr);
    if (found->bad_loose)
        fprintf(stderr, "%s%s of no clip", clips ? " and " : "", COUNT(found->bad_loose, "bad entry"));
    fprintf(stderr, " %s left out; the next import tries %s again\n", found->bad == 1 ? "is" : "are",
            found->bad == 1 ? "it" : "them");
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

static int finish(const struct arguments *arguments, const struct import_request *request,
                  struct session *session, const struct changeset *set, const struct import_counts *found,
                  struct error *err)
{
    tell_found(found);
    int rc = write_bad(arguments, request, err);
    if (!rc && found->moved.url)
        keep_readable(request, session, &found->moved);
    if (!rc)
        rc = commit(arguments, session, set, found, err);
    if (rc)
        return rc;
    notes_print(request->notes, stderr);
    if (!found->bad)
        return 0;
    tell_left_out(found);
    return EXIT_PARTLY;
}

/* What the source is called, wherever it is imported from. */
static struct scan_cache *open_scans(const struct import_request *request, const struct session *session)
{
    CLEANUP_FREE char *name = import_source_name(request->source);
    return scan_cache_open(cache_folder(session->cache), name, !request->dry);
}

static void tell_resumed(const struct scan_cache *scans)
{
    if (scan_cache_found(scans))
        fprintf(stderr, "not read again: %s, which an import that did not end has read\n",
                COUNT(scan_cache_found(scans), "file"));
}

/* *ret_again: others have committed what changes what the source means. */
static int import_once(const struct arguments *arguments, struct import_request *request,
                       struct session *session, bool *ret_again, struct error *err)
{
    CLEANUP_SCAN_CACHE struct scan_cache *scans = open_scans(request, session);
    CLEANUP_CHANGESET struct changeset *set = NULL;
    struct import_counts found;
    request->stores = session->stores;
    request->dataset = session->dataset;
    request->scans = scans;
    request->progress = progress_new("scanned", "files", 0);
    int rc = import_scan(request, &set, &found, err);
    progress_free(request->progress);
    tell_resumed(scans);
    tell_faults(request, rc, err);
    if (!rc) {
        rc = finish(arguments, request, session, set, &found, err);
        *ret_again = rc == -EREMCHG;
        if (rc >= 0)
            scan_cache_forget(scans);
        free(found.moved.url);
        return rc;
    }
    free(found.moved.url);
    notes_print(request->notes, stderr); /* they may say why */
    struct error unwritten;
    if (write_bad(arguments, request, &unwritten))
        fprintf(stderr, "note: %s\n", unwritten.text);
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
static int import(const struct arguments *arguments, struct import_request *request, struct session *session,
                  struct error *err)
{
    enum { TIMES = 5 };
    bool again = true;
    int rc = 0;
    for (int i = 0; again && i < TIMES; i++) {
        again = false;
        request->notes = notes_new();
        request->faults = faults_new();
        rc = import_once(arguments, request, session, &again, err);
        notes_free(request->notes);
        faults_free(request->faults);
        again &= can_be_read_again(request) && !dataset_refresh(session->dataset, NULL, NULL);
        if (again && i + 1 < TIMES)
            fprintf(stderr, "%s; looking again\n", err->text);
    }
    return rc == -EREMCHG ? error_within(err, rc, "nothing was committed, import again") : rc;
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
                                     .serve = tell_serve,
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
        rc = dataset_check_writable(session.dataset, err);
    if (!rc)
        rc = dataset_check_extendable(session.dataset, err);
    if (!rc)
        rc = import(arguments, &request, &session, err);
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
        "With --dry-run all of this is done but the writing, with the same status.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 2,
    .examples = examples,
    .run = run,
};
