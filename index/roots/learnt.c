// SPDX-License-Identifier: Apache-2.0
/*
 * A log: each thing learnt is one line, appended by one write, the last line of an object counts, and a file
 * that is mostly lines of before is written anew when it is read. Two processes may append; who writes it
 * anew may lose what the other learns at that moment, which is learnt again.
 */
#include "index/roots/learnt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/home.h"
#include "cache/base/json.h"
#include "cache/base/strmap.h"

enum { OLD_LINES_MAX = 1000 };

struct fact {        /* one of an object */
    char *url, *pin; /* NULL: not found elsewhere */
    enum evidence_grounds grounds;
    bool whole;
    uint8_t sha256[SHA256_BYTES];
};

struct learnt {
    atomic_uint refs;
    char *path;           /* NULL: nowhere */
    pthread_mutex_t lock; /* guards what follows */
    struct strmap *facts; /* value: struct fact, owned */
    struct learnt_counts counts;
};

/* ---- the table ---- */

static void object_key(struct buf *buf, const struct learnt_object *object)
{
    buf_printf(buf, "%u\n%s\n%s", object->root, object->was, object->path);
}

static struct fact *find_locked(struct learnt *learnt, const struct learnt_object *object, bool make)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    object_key(&key, object);
    struct strmap_entry *entry = strmap_find(learnt->facts, buf_text(&key), key.len);
    if (!entry && make && strmap_count(learnt->facts) < LEARNT_OBJECTS_MAX) {
        entry = strmap_put(learnt->facts, buf_text(&key), key.len, NULL);
        entry->value = (uintptr_t)MEM_NEW(struct fact);
    }
    return entry ? (struct fact *)entry->value : NULL;
}

/* false: that was known. */
static bool place_locked(struct fact *fact, const char *url, const char *pin, enum evidence_grounds grounds)
{
    if (fact->url && !strcmp(fact->url, url) && !strcmp(fact->pin, pin) && fact->grounds == grounds)
        return false;
    fact->grounds = grounds;
    free(fact->url);
    free(fact->pin);
    fact->url = mem_text(url);
    fact->pin = mem_text(pin);
    return true;
}

static const char *const grounds_names[] = {[EVIDENCE_PIN] = "pin",
                                            [EVIDENCE_SEEN] = "seen",
                                            [EVIDENCE_SAMPLED] = "samples",
                                            [EVIDENCE_CONTENT] = "content",
                                            [EVIDENCE_ACCEPTED] = "word"};

/* What nobody can read any more proves least. */
static enum evidence_grounds grounds_parse(const char *name)
{
    for (size_t i = 0; name && i < sizeof grounds_names / sizeof *grounds_names; i++)
        if (!strcmp(name, grounds_names[i]))
            return (enum evidence_grounds)i;
    return EVIDENCE_ACCEPTED;
}

static void whole_locked(struct fact *fact, const uint8_t sha256[SHA256_BYTES])
{
    fact->whole = true;
    memcpy(fact->sha256, sha256, SHA256_BYTES);
}

/* ---- lines ---- */

static void print_line(struct buf *buf, const struct learnt_object *object, const struct fact *fact)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(fact->sha256, SHA256_BYTES, hex);
    const char *const members[][2] = {{"path", object->path},
                                      {"was", object->was},
                                      {"place", fact->url},
                                      {"now", fact->pin},
                                      {"by", fact->pin ? grounds_names[fact->grounds] : NULL},
                                      {"sha256", fact->whole ? hex : NULL}};
    buf_printf(buf, "{\"root\": %u", object->root);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!members[i][1])
            continue;
        buf_printf(buf, ", \"%s\": ", members[i][0]);
        json_write_text(buf, members[i][1], strlen(members[i][1]));
    }
    buf_text_append(buf, "}\n");
}

/* What is no line of ours, as one that was cut by a crash, is passed over. */
static void take_line(struct learnt *learnt, const char *line, size_t len)
{
    CLEANUP_JSON struct json *json = NULL;
    if (json_parse("", line, len, &json, NULL))
        return;
    int64_t root = json_as_integer(json_get(json, "root"));
    const struct learnt_object object = {(uint32_t)root, json_get_text(json, "path"),
                                         json_get_text(json, "was")};
    const char *url = json_get_text(json, "place"), *now = json_get_text(json, "now"),
               *hex = json_get_text(json, "sha256");
    uint8_t sha256[SHA256_BYTES];
    if (root < 1 || root > UINT32_MAX || !object.path || !object.was)
        return;
    struct fact *fact = find_locked(learnt, &object, true);
    if (fact && url && now && *now && strlen(now) < STORE_PIN_BYTES)
        place_locked(fact, url, now, grounds_parse(json_get_text(json, "by")));
    if (fact && hex && !hex_parse(hex, strlen(hex), sha256, SHA256_BYTES))
        whole_locked(fact, sha256);
}

static size_t take_lines(struct learnt *learnt, const struct buf *text)
{
    size_t lines = 0;
    for (const char *line = buf_text(text); *line; lines++) {
        size_t len = strcspn(line, "\n");
        take_line(learnt, line, len);
        line += len + (line[len] == '\n');
    }
    return lines;
}

/* ---- the file ---- */

static char *state_path(const char *uuid)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (state && *state == '/')
        return mem_printf("%s/elidefs/pins/%s", state, uuid);
    CLEANUP_FREE char *home = home_folder();
    return home ? mem_printf("%s/.local/state/elidefs/pins/%s", home, uuid) : NULL;
}

static void write_anew(const struct learnt *learnt)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < strmap_count(learnt->facts); i++) {
        const struct strmap_entry *entry = strmap_at(learnt->facts, i);
        char *path = NULL;
        CLEANUP_FREE char *was = mem_text(strchr(entry->key, '\n') + 1);
        struct learnt_object object = {.root = (uint32_t)strtoul(entry->key, NULL, 10), .was = was};
        path = strchr(was, '\n');
        *path = 0;
        object.path = path + 1;
        print_line(&text, &object, (const struct fact *)entry->value);
    }
    file_replace(learnt->path, text.data, text.len, 0600, NULL);
}

static void read_file(struct learnt *learnt)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = learnt->path ? file_read(learnt->path, LEARNT_FILE_BYTES_MAX, &text, NULL) : -ENOENT;
    if (rc == -EFBIG)
        unlink(learnt->path);
    if (rc < 0)
        return;
    size_t lines = take_lines(learnt, &text);
    if (lines > 2 * strmap_count(learnt->facts) + OLD_LINES_MAX)
        write_anew(learnt);
}

static void append(const struct learnt *learnt, const struct buf *line)
{
    if (!learnt->path)
        return;
    CLEANUP_FREE char *folder = mem_copy(learnt->path, (size_t)(strrchr(learnt->path, '/') - learnt->path));
    if (file_make_folders(folder, 0700, NULL) < 0)
        return;
    CLEANUP_CLOSE int fd = open(learnt->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        file_write_all(fd, line->data, line->len);
}

/* ---- from outside ---- */

struct learnt *learnt_open(const char *uuid)
{
    struct learnt *learnt = MEM_NEW(struct learnt);
    atomic_init(&learnt->refs, 1);
    pthread_mutex_init(&learnt->lock, NULL);
    learnt->facts = strmap_new();
    learnt->path = state_path(uuid);
    read_file(learnt);
    return learnt;
}

struct learnt *learnt_ref(struct learnt *learnt)
{
    atomic_fetch_add(&learnt->refs, 1);
    return learnt;
}

void learnt_unref(struct learnt *learnt)
{
    if (!learnt || atomic_fetch_sub(&learnt->refs, 1) != 1)
        return;
    for (size_t i = 0; i < strmap_count(learnt->facts); i++) {
        struct fact *fact = (struct fact *)strmap_at(learnt->facts, i)->value;
        free(fact->url);
        free(fact->pin);
        free(fact);
    }
    strmap_free(learnt->facts);
    pthread_mutex_destroy(&learnt->lock);
    free(learnt->path);
    free(learnt);
}

bool learnt_find(struct learnt *learnt, const struct learnt_object *object, char *const *urls, size_t count,
                 struct learnt_place *ret)
{
    bool found = false;
    pthread_mutex_lock(&learnt->lock);
    const struct fact *fact = find_locked(learnt, object, false);
    for (size_t i = 0; fact && fact->url && i < count && !found; i++) {
        found = !strcmp(urls[i], fact->url);
        if (found) {
            ret->place = i;
            ret->grounds = fact->grounds;
            memcpy(ret->pin, fact->pin, strlen(fact->pin) + 1);
        }
    }
    pthread_mutex_unlock(&learnt->lock);
    return found;
}

bool learnt_whole(struct learnt *learnt, const struct learnt_object *object, uint8_t ret[SHA256_BYTES])
{
    pthread_mutex_lock(&learnt->lock);
    const struct fact *fact = find_locked(learnt, object, false);
    bool known = fact && fact->whole;
    if (known)
        memcpy(ret, fact->sha256, SHA256_BYTES);
    pthread_mutex_unlock(&learnt->lock);
    return known;
}

static void count_locked(struct learnt_counts *counts, const char *path, enum evidence_grounds grounds)
{
    counts->objects += grounds != EVIDENCE_PIN;
    if (grounds == EVIDENCE_SAMPLED && !counts->sampled++)
        snprintf(counts->example, sizeof counts->example, "%s", path);
}

void learnt_keep(struct learnt *learnt, const struct learnt_object *object, const char *url, const char *pin,
                 enum evidence_grounds grounds)
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    pthread_mutex_lock(&learnt->lock);
    struct fact *fact = find_locked(learnt, object, true);
    count_locked(&learnt->counts, object->path, grounds);
    if (fact && place_locked(fact, url, pin, grounds))
        print_line(&line, object, fact);
    pthread_mutex_unlock(&learnt->lock);
    if (line.len)
        append(learnt, &line);
}

void learnt_keep_whole(struct learnt *learnt, const struct learnt_object *object,
                       const uint8_t sha256[SHA256_BYTES])
{
    CLEANUP_BUF struct buf line = BUF_INIT;
    pthread_mutex_lock(&learnt->lock);
    struct fact *fact = find_locked(learnt, object, true);
    bool excused = fact && fact->pin && strcmp(fact->pin, object->was) != 0;
    bool is_new = fact && !excused && !fact->whole;
    if (is_new) {
        whole_locked(fact, sha256);
        print_line(&line, object, fact);
    }
    pthread_mutex_unlock(&learnt->lock);
    if (line.len)
        append(learnt, &line);
}

void learnt_counts(struct learnt *learnt, struct learnt_counts *ret)
{
    pthread_mutex_lock(&learnt->lock);
    *ret = learnt->counts;
    pthread_mutex_unlock(&learnt->lock);
}
