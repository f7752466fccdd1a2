// SPDX-License-Identifier: Apache-2.0
/* The sentences of an import that went well: what it found, what has become of it, and what a person may not
 * have meant. */
#include "tools/import_tell.h"

#include <stdio.h>

#include "cache/base/count.h"

void import_print_json(const struct import_counts *found, uint32_t version, const struct apply_counts *counts)
{
    printf("{\"version\":%u,\"clips\":%llu,\"added\":%llu,\"replaced\":%llu,\"removed\":%llu,"
           "\"unchanged\":%llu,\"bad\":%llu}\n",
           version, (unsigned long long)counts->clips, (unsigned long long)counts->clips_added,
           (unsigned long long)counts->clips_replaced, (unsigned long long)counts->clips_removed,
           (unsigned long long)counts->clips_unchanged, (unsigned long long)found->bad);
}

void import_tell_serve(uint64_t objects, uint64_t bytes)
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

void import_tell(const struct arguments *arguments, const struct import_counts *found, uint32_t version,
                 const struct apply_counts *counts)
{
    bool dry = arguments_flag(arguments, "dry-run");
    fprintf(stderr, "%sv%u: %s added, %llu replaced, ", dry ? "would be " : "", version,
            COUNT(counts->clips_added, "clip"), (unsigned long long)counts->clips_replaced);
    if (counts->clips_removed)
        fprintf(stderr, "%llu removed, ", (unsigned long long)counts->clips_removed);
    fprintf(stderr, "%llu unchanged; %llu in all\n", (unsigned long long)counts->clips_unchanged,
            (unsigned long long)counts->clips);
    if (counts->sources_changed && !counts->clips_added)
        fprintf(stderr, "%s %s something else of %s now: `elidefs catalog sources` lists it\n",
                COUNT(counts->sources_changed, "source"), counts->sources_changed == 1 ? "says" : "say",
                counts->sources_changed == 1 ? "itself" : "themselves");
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
        import_print_json(found, version, counts);
    else if (!dry)
        printf("v%u\n", version);
}

/* What an import changes of what imports said before. */
void import_tell_labels(const struct apply_counts *counts)
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

void import_tell_found(const struct import_counts *found)
{
    fprintf(stderr, "found %s in %s (%.1f MiB)\n", COUNT(found->clips, "clip"), COUNT(found->objects, "file"),
            (double)found->bytes / (1 << 20));
}

void import_tell_left_out(const struct import_counts *found)
{
    uint64_t clips = found->bad - found->bad_loose;
    if (clips)
        fputs(COUNT(clips, "bad clip"), stderr);
    if (found->bad_loose)
        fprintf(stderr, "%s%s of no clip", clips ? " and " : "", COUNT(found->bad_loose, "bad entry"));
    fprintf(stderr, " %s left out; the next import tries %s again\n", found->bad == 1 ? "is" : "are",
            found->bad == 1 ? "it" : "them");
}
