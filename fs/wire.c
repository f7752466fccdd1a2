// SPDX-License-Identifier: Apache-2.0
/* Layouts: include/uapi/linux/fuse.h, 7.36. */
#include "fs/wire.h"

#include <linux/fuse.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/passthrough.h"

static ssize_t read_request(int fd, void *to, size_t len, void *userdata)
{
    struct fs *fs = userdata;
    ssize_t n = read(fd, to, len);
    const struct fuse_in_header *header = to;
    const struct fuse_init_in *init = (const void *)(header + 1);
    if (n < (ssize_t)(sizeof *header + sizeof *init) || header->opcode != FUSE_INIT)
        return n;
    if (init->flags & FUSE_PARALLEL_DIROPS)
        atomic_store(&fs->parallel_init, header->unique);
    passthrough_see_init(fs->passthrough, header->unique, init);
    return n;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
    struct fs *fs = userdata;
    const struct fuse_out_header *header = iov[0].iov_base;
    if (count == 2 && header->error == 0 && header->unique != 0) {
        if (header->unique == atomic_load_explicit(&fs->parallel_init, memory_order_relaxed) &&
            iov[1].iov_len >= sizeof(struct fuse_init_out)) {
            ((struct fuse_init_out *)iov[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS;
            atomic_store(&fs->parallel_init, 0);
        }
        passthrough_see_reply(fs->passthrough, header->unique, &iov[1]);
    }
    return writev(fd, iov, count);
}

bool wire_take(struct fuse_session *session, int fd)
{
    static const struct fuse_custom_io io = {.writev = write_reply, .read = read_request};
    return fuse_session_custom_io(session, &io, fd) == 0;
}
