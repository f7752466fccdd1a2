// SPDX-License-Identifier: Apache-2.0
/*
 * `elidefs mount`: checks all that can be refused before anything is mounted, then opens the data set behind
 * the guard and serves it until a signal or an unmount ends it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/guard.h"
#include "fs/mount.h"
#include "tools/commands.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"options", 'o', "NAME[=VALUE],...", true,
     "mount options: any long option below, with _ for -, as in fstab(5)"},
    {"foreground", 'f', NULL, false, "stay attached to the terminal; Ctrl-C unmounts"},
    {"allow-other", 0, NULL, false, "let other users in"},
    {"uid", 0, "NUMBER", false, "show files as owned by this user"},
    {"gid", 0, "NUMBER", false, "show files as owned by this group"},
    {"umask", 0, "OCTAL", false, "permission bits to take away"},
    {"poll", 0, "SECONDS", false, "look for new versions this often (default: 5)"},
    {"trust", 0, "URL", true, "let the data set read below this place, for this mount"},
    {"opens", 0, "HOW", false,
     "'free': opening a file costs no round trip, best for many small files, and one that cannot be had "
     "fails "
     "when it is read; 'asked': it asks the daemon, and fails then; 'auto' (default): asked where the kernel "
     "can read cached clips itself (root, Linux 6.9), else free"},
    {"no-passthrough", 0, NULL, false, "do not hand cached clips to the kernel"},
    {NULL, 0, NULL, false, NULL},
};

enum { POLL_MAX_S = 24 * 3600 };

struct mount_plan {
    const char *url;
    struct fs_options options;
    int ready_fd;
};

static int take_number(const struct arguments *arguments, const char *option, int base, unsigned long *ret,
                       struct error *err)
{
    const char *text = arguments_text(arguments, option);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, base);
    if (errno || *text < '0' || *text > '9' || *end || value > 0x7fffffff)
        return error_set(err, EINVAL, "--%s '%s': expected %s number", option, text,
                         base == 8 ? "an octal" : "a");
    *ret = value;
    return 0;
}

static int take_opens(const struct arguments *arguments, enum fs_opens *ret, struct error *err)
{
    static const char *const names[] = {
        [FS_OPENS_AUTO] = "auto", [FS_OPENS_ASKED] = "asked", [FS_OPENS_FREE] = "free"};
    const char *text = arguments_text(arguments, "opens");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!text || !strcmp(text, names[i])) {
            *ret = (enum fs_opens)i;
            return 0;
        }
    return error_set(err, EINVAL, "--opens '%s': expected auto, asked or free", text);
}

static int fill_options(const struct arguments *arguments, const char *mountpoint, struct fs_options *ret,
                        struct error *err)
{
    unsigned long uid = (unsigned long)(uid_t)-1, gid = (unsigned long)(gid_t)-1, umask_bits = 0, poll = 5;
    enum fs_opens opens = FS_OPENS_AUTO;
    int rc = take_opens(arguments, &opens, err);
    if (!rc)
        rc = take_number(arguments, "uid", 10, &uid, err);
    if (!rc)
        rc = take_number(arguments, "gid", 10, &gid, err);
    if (!rc)
        rc = take_number(arguments, "umask", 8, &umask_bits, err);
    if (!rc)
        rc = take_number(arguments, "poll", 10, &poll, err);
    if (!rc && umask_bits > 0777)
        rc = error_set(err, EINVAL, "--umask '%s': has more than permission bits",
                       arguments_text(arguments, "umask"));
    if (!rc && (!poll || poll > POLL_MAX_S))
        rc = error_set(err, EINVAL, "--poll '%lu': expected 1 to %d seconds", poll, POLL_MAX_S);
    if (rc)
        return rc;
    *ret = (struct fs_options){.mountpoint = mountpoint,
                               .allow_other = arguments_flag(arguments, "allow-other"),
                               .uid = (uid_t)uid,
                               .gid = (gid_t)gid,
                               .umask = (mode_t)umask_bits & 0777,
                               .poll_ms = (unsigned)poll * 1000,
                               .passthrough = !arguments_flag(arguments, "no-passthrough"),
                               .opens = opens};
    return 0;
}

/* SIGINT and SIGTERM are taken by a thread of their own, so that they also end an opening that waits for the
 * network. */
struct serving {
    struct session session;
    _Atomic(struct stores *) stores;
    _Atomic(struct fs *) fs;
    atomic_bool ended;
};

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void *wait_for_signal(void *ctx)
{
    struct serving *serving = ctx;
    sigset_t set;
    int number;
    ending_signals(&set);
    sigwait(&set, &number);
    struct fs *fs = atomic_load(&serving->fs);
    struct stores *stores = atomic_load(&serving->stores);
    if (atomic_load(&serving->ended))
        return NULL;
    if (fs)
        fs_stop(fs);
    else if (stores)
        stores_stop(stores);
    return NULL;
}

static bool lies_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return !strncmp(path, folder, len) && (path[len] == '/' || !path[len]);
}

/* The daemon would wait for itself. */
static int check_apart(const char *what, const char *path, const char *mountpoint, struct error *err)
{
    if (path && lies_below(path, mountpoint))
        return error_set(err, EINVAL, "%s: the %s %s lies below it and would be hidden by the mount",
                         mountpoint, what, path);
    return 0;
}

static int check_root_apart(void *ctx, uint32_t id, const char *url, struct error *err)
{
    (void)id;
    return strstr(url, "://") ? 0 : check_apart("recordings' folder", url, ctx, err);
}

/* Nobody would find the versions any more, this mount included. */
static int check_outside(const char *folder, const char *mountpoint, struct error *err)
{
    CLEANUP_FREE char *kept = folder ? mem_printf("%s/elidefs", folder) : NULL;
    return kept && lies_below(mountpoint, kept)
               ? error_set(err, EINVAL, "%s: it lies in the data set %s, which the mount would hide",
                           mountpoint, folder)
               : 0;
}

/* What must not be read refuses the mount; what cannot be read now may come back, and only its clips need it.
 */
static int check_roots(struct dataset *dataset, struct error *err)
{
    int rc = dataset_check_roots(dataset, err);
    if (!rc || rc == -EPERM || rc == -ECANCELED)
        return rc;
    fprintf(stderr, "note: %s; its clips cannot be read until it can\n", err->text);
    return 0;
}

static int mount_and_serve(const struct arguments *arguments, struct serving *serving,
                           const char *const *trust, struct mount_plan *plan, struct error *err)
{
    struct session *session = &serving->session;
    session->for_paths = session->for_roots = true;
    int rc = session_open_stores(arguments, session, err);
    atomic_store(&serving->stores, session->stores);
    if (!rc)
        rc = session_open(arguments, plan->url, trust, session, err);
    if (!rc)
        rc = check_apart("cache folder", cache_folder(session->cache), plan->options.mountpoint, err);
    if (!rc)
        rc = dataset_roots(session->dataset, check_root_apart, (void *)(uintptr_t)plan->options.mountpoint,
                           err);
    if (!rc)
        rc = check_roots(session->dataset, err);
    struct fs *fs = NULL;
    if (!rc)
        rc = fs_mount(session->dataset, session->cache, &plan->options, &fs, err);
    atomic_store(&serving->fs, fs);
    if (rc)
        return rc;
    guard_ready(plan->ready_fd, arguments_flag(arguments, "foreground"));
    return fs_run(fs, err);
}

static int serve(const struct arguments *arguments, struct mount_plan *plan, struct error *err)
{
    struct serving serving = {0};
    sigset_t set;
    pthread_t waiter;
    ending_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int rc = pthread_create(&waiter, NULL, wait_for_signal, &serving);
    if (rc)
        return error_set(err, rc, "cannot start a thread: %s", strerror(rc));
    size_t trust_count;
    const char **trust = arguments_list(arguments, "trust", &trust_count);
    rc = mount_and_serve(arguments, &serving, trust, plan, err);
    atomic_store(&serving.ended, true);
    pthread_kill(waiter, SIGINT);
    pthread_join(waiter, NULL);
    if (serving.session.stores)
        stores_stop(serving.session.stores); /* what is under way ends now, whatever the network does */
    if (serving.fs)
        fs_free(serving.fs);
    session_close(&serving.session);
    free(trust);
    return rc;
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *url = NULL;
    int rc = session_dataset_url(arguments->positional[0], &url, err);
    if (rc)
        return rc;
    /* The daemon leaves the current folder: relative paths are made absolute first. */
    CLEANUP_FREE char *mountpoint = realpath(arguments->positional[1], NULL);
    int code = mountpoint ? 0 : errno;
    CLEANUP_FREE char *folder = strstr(url, "://") ? NULL : realpath(url, NULL);
    if (code && code != ENOTCONN)
        return error_set(err, code, "%s: %s", arguments->positional[1], strerror(code));
    if (!mountpoint) /* a daemon died and left it: fs_mount() cleans it up */
        mountpoint = mem_text(arguments->positional[1]);
    struct mount_plan plan = {.url = folder ? folder : url, .ready_fd = -1};
    rc = fill_options(arguments, mountpoint, &plan.options, err);
    if (!rc)
        rc = check_apart("data set", folder, mountpoint, err);
    if (!rc)
        rc = check_outside(folder, mountpoint, err);
    if (!rc)
        rc = guard_fork(mountpoint, arguments_flag(arguments, "foreground"), &plan.ready_fd, err);
    return rc ? rc : serve(arguments, &plan, err);
}

static const struct command_example examples[] = {
    {"elidefs mount s3://lab-data/kitchen /mnt/kitchen", "Mount a data set from a bucket"},
    {"elidefs mount /data/kitchen /mnt/kitchen --foreground --cache /nvme/cache --cache-size 200G",
     "Stay in the foreground, with a large cache"},
    {"s3://lab-data/kitchen /mnt/kitchen fuse.elidefs ro,_netdev,allow_other,cache_size=200G 0 0",
     "A line of fstab(5)"},
    {NULL, NULL},
};

const struct command command_mount = {
    .name = "mount",
    .synopsis = "DATASET MOUNTPOINT [OPTION]...",
    .summary = "mounts a data set as a file system",
    .description =
        "Mounts DATASET on the folder MOUNTPOINT, read-only. Every version is a folder (v1, v2 "
        "...; latest and tags are "
        "symbolic links), and below it every path is a query: v1/arm=left/outcome.ne=success "
        "holds the files of the "
        "clips that match. .by/, which is not listed, is in each of them for exploring: .by/arm/left holds "
        "what arm=left does. Neither is .as/, with the same clips in other layouts: .as/webdataset holds "
        "tars. Bytes are fetched when they are read, once, into the cache.\n\n"
        "The command returns when the mount serves. A guard process unmounts if the daemon dies. "
        "Also as `mount -t "
        "fuse.elidefs`. An ordinary user needs fusermount3, and user_allow_other in "
        "/etc/fuse.conf for --allow-other.\n\n"
        "`systemctl enable --now elidefs@NAME` mounts the data set that /etc/elidefs/config calls NAME on "
        "/mnt/NAME for everybody, with the options in MOUNT_OPTIONS of /etc/elidefs/NAME.env. Such a "
        "mount, and one of fstab(5), is root's: recordings outside the data set must be trusted by root "
        "(elidefs-trust(1)). In a container, as root and without systemd, --foreground can be the only "
        "process."
        "\n\nA store that does not answer is no obstacle where the data set was mounted before with this "
        "cache: "
        "what is cached is shown, and the rest as soon as the store answers again."
        "\n\nA version that a newer elidefs has made may need what this one does not know. It is listed, and "
        "refused when it is entered, and so is latest as long as it means that one: versions before it are "
        "read as ever. .elidefs/errors and `elidefs status` tell which is the newest that can be read."
        "\n\n`elidefs status` tells what makes reads slow; .elidefs/errors in any folder tells why a path of "
        "yours does not exist.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .mount_words = true,
    .least = 2,
    .most = 2,
    .examples = examples,
    .run = run,
};
