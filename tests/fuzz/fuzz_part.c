// SPDX-License-Identifier: Apache-2.0
/* What a part of an import has put into a store, whatever it holds. The first byte chooses: a record, whose
 * names of objects stay in their folder and which is printed and read again; a scan; an object that was
 * pinned. */
#include <string.h>

#include "cache/base/cursor.h"
#include "tools/import/part_record.h"
#include "tools/import/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_record(const struct buf *bytes)
{
    struct part_record record, again;
    CLEANUP_BUF struct buf printed = BUF_INIT, twice = BUF_INIT;
    if (part_record_parse("record", bytes, &record, NULL))
        return;
    bool ours = !strcmp(record.format, PART_FORMAT);
    for (size_t i = 0; ours && i < record.scan_count; i++)
        if (strspn(record.scans[i].id, "0123456789abcdef") != LAYOUT_ID_BYTES - 1)
            __builtin_trap();
    if (ours) {
        part_record_print(&record, &printed);
        if (part_record_parse("again", &printed, &again, NULL))
            __builtin_trap();
        part_record_print(&again, &twice);
        if (printed.len != twice.len || memcmp(printed.data, twice.data, twice.len) != 0)
            __builtin_trap();
        part_record_done(&again);
    }
    part_record_done(&record);
}

static void read_scan(const struct buf *bytes)
{
    enum { RECORDING_BYTES = 1 << 20 };
    CLEANUP_SCAN struct scan scan = SCAN_INIT, again = SCAN_INIT;
    CLEANUP_BUF struct buf encoded = BUF_INIT;
    if (!scan_decode(bytes->data, bytes->len, RECORDING_BYTES, &scan))
        return;
    for (size_t i = 0; i < scan.count; i++)
        if (scan.pieces[i].len && !scan_find(&scan, scan.pieces[i].offset, scan.pieces[i].len))
            __builtin_trap();
    scan_encode(&scan, &encoded);
    if (!scan_decode(encoded.data, encoded.len, RECORDING_BYTES, &again) || again.count != scan.count)
        __builtin_trap();
}

static void read_pinned(const struct buf *bytes)
{
    struct store_object pinned, again;
    CLEANUP_BUF struct buf encoded = BUF_INIT;
    if (!import_pinned_decode(bytes, &pinned))
        return;
    import_pinned_encode(&pinned, &encoded);
    if (!import_pinned_decode(&encoded, &again) || strcmp(again.pin, pinned.pin) != 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const struct buf *bytes) = {read_record, read_scan, read_pinned};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!size)
        return 0;
    buf_append(&bytes, data + 1, size - 1);
    readers[*data % 3](&bytes);
    return 0;
}
