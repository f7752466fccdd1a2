// SPDX-License-Identifier: Apache-2.0
/*
 * An HTTP/1.1 proxy between a client and one server, for tests and benchmarks: it counts, delays and breaks.
 *
 *     proxy [--delay-ms N] [--log FILE] [--match TEXT] [--keep TEXT] [--fault FAULT]... PORT
 *           SERVER_ADDRESS:SERVER_PORT
 *
 * --keep: a GET whose path begins with TEXT is answered as before when it is asked again, without the server:
 * as if that were another machine, whose work costs this one nothing.
 *
 * Listens on 127.0.0.1; PORT 0 takes any free one. Prints "PORT\n" when it does. SIGTERM ends it when its
 * clients have closed their connections. The log has one line a request:
 *
 *     METHOD PATH RANGE STATUS BYTES FAULT FROM TO  (RANGE, FAULT "-": none; BYTES: of the body that went to
 * the client; FROM, TO: when, in ms of the monotonic clock)
 *
 * FAULT is KIND@FIRST[+COUNT][:ARGUMENT]: the requests number FIRST to FIRST+COUNT-1 are hit (COUNT absent:
 * one;
 * "+" alone: all from FIRST on). Counted are those whose "METHOD PATH" contains TEXT. Kinds:
 *
 *     400..599     this status instead of the server's answer; ARGUMENT: Retry-After in seconds
 *     reset        the connection is reset, nothing reaches the server
 *     lost         the server acts, then the connection is reset
 *     truncate     the connection ends after ARGUMENT bytes of the body
 *     stall        nothing more is sent after ARGUMENT bytes of the body
 *     corrupt      a bit of the body's byte ARGUMENT is flipped
 *     whole        the Range header is left out on the way to the server
 *     delay        ARGUMENT milliseconds more
 *
 * A thread serves each client connection and keeps a connection to the server of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "tests/proxy/head.h"
#include "tests/proxy/kept.h"
#include "tests/proxy/stream.h"

enum { BODY_BYTES = 1 << 30, FAULTS = 32, TEXT_BYTES = 4096 };

struct fault {
    char kind[16];
    unsigned first, count;
    uint64_t argument;
};

struct proxy {
    struct sockaddr_in server;
    unsigned delay_ms;
    const char *match;
    const char *keep; /* prefix of paths; NULL: none */
    struct kept *kept;
    struct fault faults[FAULTS];
    size_t faults_count;
    pthread_cond_t idle;
    pthread_mutex_t lock; /* guards what follows */
    FILE *log;
    unsigned seen, connections;
};

struct exchange {
    struct proxy *proxy;
    struct stream client, server;
    struct buf head, body, reply_head; /* of the request; of the reply */
    char method[16], path[TEXT_BYTES], range[128];
    struct fault fault; /* kind "": none */
    int status;
    uint64_t sent; /* body bytes that went to the client */
    double from_ms;
    bool keeping; /* what goes to the client is noted: */
    struct buf noted;
};

/* What to do with the client's connection after a step. */
enum next { KEEP, CLOSE, RESET };

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

/* ---- bodies ---- */

/* Where a reply's bytes go: to the client, with the fault on the way. False: stop here. */
static bool pass(struct exchange *x, const uint8_t *bytes, size_t len, bool counted)
{
    const char *kind = x->fault.kind;
    uint64_t at = x->fault.argument;
    bool cut = (!strcmp(kind, "truncate") || !strcmp(kind, "stall")) && counted && x->sent + len > at;
    if (cut)
        len = at > x->sent ? (size_t)(at - x->sent) : 0;
    if (!strcmp(kind, "corrupt") && counted && at >= x->sent && at < x->sent + len) {
        CLEANUP_FREE uint8_t *wrong = mem_copy(bytes, len);
        wrong[at - x->sent] ^= 1;
        if (!stream_send(x->client.fd, wrong, len))
            return false;
    } else if (!stream_send(x->client.fd, bytes, len)) {
        return false;
    }
    if (x->keeping)
        buf_append(&x->noted, bytes, len);
    x->sent += counted ? len : 0;
    return !cut;
}

static bool pass_counted(struct exchange *x, uint64_t len)
{
    struct stream *s = &x->server;
    while (len) {
        if (s->at == s->in.len && stream_fill(s) <= 0)
            return false;
        size_t n = s->in.len - s->at;
        n = n < len ? n : (size_t)len;
        if (!pass(x, s->in.data + s->at, n, true))
            return false;
        s->at += n;
        len -= n;
    }
    return true;
}

/* A line with its CR LF, passed on; NULL at the end. Valid until the next call. */
static const char *pass_line(struct exchange *x)
{
    struct stream *s = &x->server;
    const uint8_t *end;
    while (s->at == s->in.len || !(end = memmem(s->in.data + s->at, s->in.len - s->at, "\r\n", 2)))
        if (s->in.len - s->at > TEXT_BYTES || stream_fill(s) <= 0)
            return NULL;
    const char *line = (const char *)s->in.data + s->at;
    size_t len = (size_t)(end + 2 - (s->in.data + s->at));
    s->at += len;
    return pass(x, (const uint8_t *)line, len, false) ? line : NULL;
}

static bool pass_chunked(struct exchange *x)
{
    for (;;) {
        const char *line = pass_line(x);
        if (!line)
            return false;
        uint64_t len = strtoull(line, NULL, 16);
        if (len && !pass_counted(x, len))
            return false;
        if (len && !pass_line(x))
            return false;
        if (len)
            continue;
        do /* trailers, up to the empty line */
            line = pass_line(x);
        while (line && *line != '\r');
        return line != NULL;
    }
}

static void pass_until_end(struct exchange *x)
{
    struct stream *s = &x->server;
    do {
        if (!pass(x, s->in.data + s->at, s->in.len - s->at, true))
            return;
        s->at = s->in.len;
    } while (stream_fill(s) > 0);
}

static bool take_body(struct stream *s, uint64_t len, struct buf *body)
{
    while (len) {
        if (s->at == s->in.len && stream_fill(s) <= 0)
            return false;
        size_t n = s->in.len - s->at;
        n = n < len ? n : (size_t)len;
        buf_append(body, s->in.data + s->at, n);
        s->at += n;
        len -= n;
    }
    return true;
}

/* ---- one request ---- */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool read_request(struct exchange *x)
{
    buf_clear(&x->body);
    x->status = 0;
    x->sent = 0;
    if (!head_read(&x->client, &x->head) ||
        sscanf(buf_text(&x->head), "%15s %4095s", x->method, x->path) != 2)
        return false;
    x->from_ms = now_ms();
    if (!head_find(&x->head, "range", x->range, sizeof x->range))
        strcpy(x->range, "-");
    char expects[32];
    if (head_find(&x->head, "expect", expects, sizeof expects) &&
        !stream_send(x->client.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    head_drop(&x->head, "expect");
    int64_t len = head_content_length(&x->head);
    if (len > BODY_BYTES || head_is_chunked(&x->head)) /* our clients send neither */
        return false;
    return len <= 0 || take_body(&x->client, (uint64_t)len, &x->body);
}

static void choose_fault(struct exchange *x)
{
    struct proxy *proxy = x->proxy;
    CLEANUP_BUF struct buf name = BUF_INIT;
    buf_printf(&name, "%s %s", x->method, x->path);
    x->fault = (struct fault){0};
    if (proxy->match && !strstr(buf_text(&name), proxy->match))
        return;
    pthread_mutex_lock(&proxy->lock);
    unsigned number = ++proxy->seen;
    pthread_mutex_unlock(&proxy->lock);
    for (size_t i = 0; i < proxy->faults_count; i++)
        if (number >= proxy->faults[i].first && number - proxy->faults[i].first < proxy->faults[i].count)
            x->fault = proxy->faults[i];
}

static void log_request(struct exchange *x)
{
    struct proxy *proxy = x->proxy;
    if (!proxy->log)
        return;
    pthread_mutex_lock(&proxy->lock);
    fprintf(proxy->log, "%s %s %s %d %llu %s %.3f %.3f\n", x->method, x->path, x->range, x->status,
            (unsigned long long)x->sent, *x->fault.kind ? x->fault.kind : "-", x->from_ms, now_ms());
    fflush(proxy->log);
    pthread_mutex_unlock(&proxy->lock);
}

static enum next answer(struct exchange *x, int status)
{
    CLEANUP_BUF struct buf reply = BUF_INIT;
    char body[160];
    snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>made by the proxy</Message></Error>",
             status == 503   ? "SlowDown"
             : status == 500 ? "InternalError"
             : status == 403 ? "AccessDenied"
                             : "Other");
    buf_printf(&reply, "HTTP/1.1 %d Fault\r\nContent-Type: application/xml\r\n", status);
    if (x->fault.argument)
        buf_printf(&reply, "Retry-After: %llu\r\n", (unsigned long long)x->fault.argument);
    buf_printf(&reply, "Content-Length: %zu\r\n\r\n%s", strlen(body), strcmp(x->method, "HEAD") ? body : "");
    x->status = status;
    return stream_send(x->client.fd, reply.data, reply.len) ? KEEP : CLOSE;
}

static bool connect_server(struct exchange *x)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&x->proxy->server, sizeof x->proxy->server)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    x->server.fd = fd;
    return true;
}

/* Sends the request and reads the reply's head; once more if a kept connection has gone stale. */
static bool ask_server(struct exchange *x)
{
    for (int tries = 0; tries < 2; tries++) {
        bool kept = x->server.fd >= 0;
        if (!kept && !connect_server(x))
            return false;
        if (stream_send(x->server.fd, x->head.data, x->head.len) &&
            stream_send(x->server.fd, x->body.data, x->body.len) && head_read(&x->server, &x->reply_head))
            return sscanf(buf_text(&x->reply_head), "HTTP/%*s %d", &x->status) == 1;
        stream_close(&x->server);
        if (!kept)
            return false;
    }
    return false;
}

static void wait_for_close(int fd)
{
    char byte;
    struct pollfd closed = {.fd = fd, .events = POLLIN | POLLRDHUP};
    while (poll(&closed, 1, -1) < 0 || !(closed.revents & (POLLRDHUP | POLLHUP | POLLERR)))
        if (recv(fd, &byte, 1, MSG_DONTWAIT) == 0)
            return;
}

static enum next pass_reply(struct exchange *x)
{
    const struct buf *head = &x->reply_head;
    int64_t len = head_content_length(head);
    bool bodiless = !strcmp(x->method, "HEAD") || x->status == 204 || x->status == 304;
    bool ended = false, whole = true;
    bool goes_on = !*x->fault.kind && !bodiless && len > 0; /* with its body it wakes the client once */
    if (!(goes_on ? stream_send_part : stream_send)(x->client.fd, head->data, head->len))
        return CLOSE;
    if (!bodiless && head_is_chunked(head)) {
        whole = pass_chunked(x);
    } else if (!bodiless && len >= 0) {
        whole = pass_counted(x, (uint64_t)len);
    } else if (!bodiless) {
        pass_until_end(x);
        ended = true;
    }
    if (!whole && !strcmp(x->fault.kind, "stall"))
        wait_for_close(x->client.fd);
    if (!whole || ended || head_wants_close(head))
        stream_close(&x->server);
    return whole && !ended && !head_wants_close(head) && !head_wants_close(&x->head) ? KEEP : CLOSE;
}

static void name_request(const struct exchange *x, struct buf *ret)
{
    buf_printf(ret, "%s %s", x->path, x->range);
}

/* Was it answered from what is kept? */
static bool answer_kept(struct exchange *x, enum next *ret)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    name_request(x, &name);
    const struct kept_reply *reply = x->keeping ? kept_find(x->proxy->kept, buf_text(&name)) : NULL;
    if (!reply)
        return false;
    x->status = reply->status;
    x->sent = reply->body_len;
    *ret = stream_send(x->client.fd, reply->bytes.data, reply->bytes.len) ? KEEP : CLOSE;
    return true;
}

static void keep_reply(struct exchange *x)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    name_request(x, &name);
    struct kept_reply reply = {.status = x->status, .body_len = x->sent};
    buf_append(&reply.bytes, x->reply_head.data, x->reply_head.len);
    buf_append(&reply.bytes, x->noted.data, x->noted.len);
    kept_put(x->proxy->kept, buf_text(&name), &reply);
}

static enum next serve(struct exchange *x)
{
    const char *kind = x->fault.kind;
    int status = atoi(kind);
    if (!strcmp(kind, "reset"))
        return RESET;
    sleep_ms(x->proxy->delay_ms + (!strcmp(kind, "delay") ? x->fault.argument : 0));
    if (status)
        return answer(x, status);
    const char *keep = x->proxy->keep;
    enum next next;
    x->keeping = keep && !*kind && !strcmp(x->method, "GET") && !strncmp(x->path, keep, strlen(keep));
    buf_clear(&x->noted);
    if (answer_kept(x, &next))
        return next;
    if (!strcmp(kind, "whole"))
        head_drop(&x->head, "range");
    if (!ask_server(x)) {
        x->fault.argument = 0;
        return answer(x, 502);
    }
    if (!strcmp(kind, "lost")) {
        stream_close(&x->server);
        return RESET;
    }
    next = pass_reply(x);
    if (x->keeping && next == KEEP && x->status / 100 == 2)
        keep_reply(x);
    return next;
}

/* ---- connections ---- */

struct connection {
    struct proxy *proxy;
    int fd;
};

static void connection_ended(struct proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    if (!--proxy->connections)
        pthread_cond_broadcast(&proxy->idle);
    pthread_mutex_unlock(&proxy->lock);
}

static void *serve_connection(void *ctx)
{
    struct connection *connection = ctx;
    struct exchange *x = MEM_NEW(struct exchange);
    x->proxy = connection->proxy;
    x->client.fd = connection->fd;
    x->server.fd = -1;
    free(connection);
    enum next next = KEEP;
    while (next == KEEP && read_request(x)) {
        choose_fault(x);
        next = serve(x);
        log_request(x);
    }
    if (next == RESET) /* closing with this set sends RST */
        setsockopt(x->client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    stream_close(&x->client);
    stream_close(&x->server);
    buf_done(&x->client.in), buf_done(&x->server.in);
    buf_done(&x->head), buf_done(&x->body), buf_done(&x->reply_head), buf_done(&x->noted);
    connection_ended(x->proxy);
    free(x);
    return NULL;
}

static void start_connection(struct proxy *proxy, int fd)
{
    int on = 1;
    pthread_t thread;
    pthread_attr_t attr;
    struct connection *connection = MEM_NEW(struct connection);
    *connection = (struct connection){.proxy = proxy, .fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&proxy->lock);
    proxy->connections++;
    pthread_mutex_unlock(&proxy->lock);
    if (pthread_create(&thread, &attr, serve_connection, connection)) {
        close(fd);
        free(connection);
        connection_ended(proxy);
    }
    pthread_attr_destroy(&attr);
}

/* SIGTERM: ends when the clients have closed their connections, so that the log is whole. */
static void *end_when_asked(void *ctx)
{
    struct proxy *proxy = ctx;
    int number;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &number);
    pthread_mutex_lock(&proxy->lock);
    while (proxy->connections)
        pthread_cond_wait(&proxy->idle, &proxy->lock);
    pthread_mutex_unlock(&proxy->lock);
    exit(0);
}

static void take_signals(struct proxy *proxy)
{
    pthread_t thread;
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* in every thread: the one that waits gets it */
    if (pthread_create(&thread, NULL, end_when_asked, proxy))
        exit(1);
}

static int listen_on(unsigned port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        fprintf(stderr, "proxy: port %u: %s\n", port, strerror(errno));
        exit(1);
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* ---- options ---- */

static void usage(void)
{
    fprintf(stderr,
            "usage: proxy [--delay-ms N] [--log FILE] [--match TEXT] [--keep TEXT] [--fault FAULT]... PORT "
            "ADDRESS:PORT\n");
    exit(2);
}

static void add_fault(struct proxy *proxy, const char *text)
{
    struct fault fault = {.count = 1};
    int used = 0;
    if (proxy->faults_count == FAULTS ||
        sscanf(text, "%15[a-z0-9]@%u%n", fault.kind, &fault.first, &used) != 2)
        usage();
    text += used;
    if (*text == '+') {
        char *end;
        unsigned long count = strtoul(text + 1, &end, 10);
        fault.count = end == text + 1 ? UINT32_MAX : (unsigned)count;
        text = end;
    }
    if (*text == ':')
        fault.argument = strtoull(text + 1, NULL, 10);
    else if (*text)
        usage();
    proxy->faults[proxy->faults_count++] = fault;
}

static void set_option(struct proxy *proxy, const char *name, const char *value)
{
    if (!strcmp(name, "--delay-ms"))
        proxy->delay_ms = (unsigned)atoi(value);
    else if (!strcmp(name, "--match"))
        proxy->match = value;
    else if (!strcmp(name, "--keep"))
        proxy->keep = value;
    else if (!strcmp(name, "--fault"))
        add_fault(proxy, value);
    else if (strcmp(name, "--log") || !(proxy->log = fopen(value, "we")))
        usage();
}

static void set_server(struct proxy *proxy, const char *text)
{
    char address[64];
    unsigned port;
    proxy->server.sin_family = AF_INET;
    if (sscanf(text, "%63[0-9.]:%u", address, &port) != 2 ||
        inet_pton(AF_INET, address, &proxy->server.sin_addr) != 1)
        usage();
    proxy->server.sin_port = htons((uint16_t)port);
}

int main(int argc, char **argv)
{
    struct proxy proxy = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};
    int at = 1;
    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2)
        set_option(&proxy, argv[at], argv[at + 1]);
    if (argc - at != 2)
        usage();
    proxy.kept = kept_new();
    take_signals(&proxy);
    set_server(&proxy, argv[at + 1]);
    for (int listener = listen_on((unsigned)atoi(argv[at]));;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            start_connection(&proxy, fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            sleep_ms(10); /* out of descriptors: wait for connections to end */
    }
}
