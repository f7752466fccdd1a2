// SPDX-License-Identifier: Apache-2.0
/*
 * One thread owns the multi handle and every easy handle. Others only put requests into a queue, or mark
 * them, and wake it:
 *
 *     http_start -> queue -> [thread] active -> on_head, on_body... -> on_done
 *
 * No callback runs under the lock, which guards the queue alone.
 *
 * curl says which sockets matter (watch()) and when it wants to be called next (set_timer()), and is called
 * for those that are ready: curl_multi_perform() would look at every running transfer each time, which with
 * fifty of them is twenty system calls a request.
 */
#include "cache/store/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/answers.h"
#include "cache/store/sockets.h"
#include "cache/store/stores.h"

enum {
    CONNECTIONS = 64,
    CONNECT_MS = 5000,
    IDLE_MS = 15000,
    HEAD_BYTES = 65536,
    HEAD_USUAL_BYTES = 1024,
    BUFFER_LEAST_BYTES = 16384, /* curl makes a buffer a transfer */
    BUFFER_BYTES = 262144,
    WAIT_MS = 1000,
    READY = 64,
    SPARES = 64,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
};

struct transfer {
    struct transfer *next, **link; /* the pointer to this one, while it is active */
    struct http *http;
    struct http_request *request;
    CURL *easy;
    struct curl_slist *headers;
    bool head_seen;
    int64_t begun_ns;
    int rc; /* what a callback said */
    struct error err;
    char text[CURL_ERROR_SIZE];
};

struct http {
    struct stores *stores;
    CURLM *multi;
    /* The thread's own: */
    struct sockets *sockets;
    struct transfer *active;
    int64_t timer_ns;     /* clock at which curl wants to be called; INT64_MAX: not */
    CURL *spares[SPARES]; /* handles of transfers that went well, to be used again */
    size_t spares_count;
    pthread_t thread;
    bool started;
    atomic_bool stopping, ending, cancels;
    pthread_mutex_t lock;
    struct transfer *queue, **queue_end; /* guarded by `lock` */
};

/* ---- requests and replies ---- */

void http_request_header(struct http_request *request, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&line, format, args);
    va_end(args);
    if (len < 0)
        abort();
    mem_grow(&request->headers, &request->headers_cap, request->headers_count + 1, sizeof *request->headers);
    request->headers[request->headers_count++] = line;
}

void http_request_done(struct http_request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        explicit_bzero(request->headers[i], strlen(request->headers[i]));
        free(request->headers[i]);
    }
    free(request->headers);
    free(request->url);
    request->url = NULL;
    request->headers = NULL;
    request->headers_count = request->headers_cap = 0;
    buf_done(&request->reply.head);
}

bool http_reply_header(const struct http_reply *reply, const char *name, char *ret_value, size_t cap)
{
    size_t name_len = strlen(name);
    for (const char *line = buf_text(&reply->head), *end; *line; line = end) {
        end = strchrnul(line, '\n');
        size_t len = (size_t)(end - line);
        end += *end == '\n';
        if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len))
            continue;
        const char *value = line + name_len + 1;
        value += strspn(value, " \t");
        len = (size_t)(line + len - value);
        while (len && strchr(" \t\r", value[len - 1]))
            len--;
        if (len >= cap)
            return false;
        memcpy(ret_value, value, len);
        ret_value[len] = 0;
        return true;
    }
    return false;
}

int64_t http_date(const char *text)
{
    time_t seconds = curl_getdate(text, NULL);
    return seconds > 0 && seconds < INT64_MAX / NS_PER_S ? (int64_t)seconds * NS_PER_S : 0;
}

void http_date_print(int64_t seconds, char ret_text[HTTP_DATE_BYTES])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t time = (time_t)seconds;
    struct tm tm = {0};
    gmtime_r(&time, &tm);
    snprintf(ret_text, HTTP_DATE_BYTES, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * (tm.tm_wday % 7),
             tm.tm_mday % 32, months + 3 * (tm.tm_mon % 12), (tm.tm_year + 1900) % 10000, tm.tm_hour % 24,
             tm.tm_min % 60, tm.tm_sec % 61);
}

char *http_location(const char *url, const char *location)
{
    CURLU *parts = curl_url();
    char *text = NULL, *copy = NULL;
    if (parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_set(parts, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_ALLOW_SPACE) &&
        !curl_url_get(parts, CURLUPART_URL, &text, 0))
        copy = mem_text(text);
    curl_free(text);
    curl_url_cleanup(parts);
    return copy;
}

/* ---- what curl calls ---- */

static size_t refuse(struct transfer *transfer, int rc)
{
    transfer->rc = rc;
    return CURL_WRITEFUNC_ERROR;
}

static size_t end_of_head(struct transfer *transfer, size_t len)
{
    struct http_request *request = transfer->request;
    if (request->reply.status < 200)
        return len;
    transfer->head_seen = true;
    answers_add(stores_answers_kept(transfer->http->stores), clock_now_ns() - transfer->begun_ns,
                request->reply.status);
    int rc = request->on_head ? request->on_head(request, &transfer->err) : 0;
    return rc < 0 ? refuse(transfer, rc) : len;
}

static size_t take_head(char *line, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct http_reply *reply = &transfer->request->reply;
    size_t len = size * count;
    if (transfer->head_seen) /* a trailer */
        return len;
    if (len >= 5 && !strncmp(line, "HTTP/", 5)) {
        long status = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        reply->status = (int)status;
        buf_clear(&reply->head);
        buf_room(&reply->head, HEAD_USUAL_BYTES);
        return len;
    }
    if (len <= 2 && (*line == '\r' || *line == '\n'))
        return end_of_head(transfer, len);
    if (reply->head.len + len > HEAD_BYTES)
        return refuse(transfer, error_set(&transfer->err, EIO, "the reply's header is too long"));
    buf_append(&reply->head, line, len);
    return len;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    struct http_request *request = transfer->request;
    size_t len = size * count;
    stores_count(transfer->http->stores, STORE_RECEIVED, len);
    if (atomic_load(&request->cancelled))
        return refuse(transfer, error_set(&transfer->err, ECANCELED, "cancelled"));
    int rc = request->on_body(request, bytes, len, &transfer->err);
    return rc < 0 ? refuse(transfer, rc) : len;
}

/* ---- one transfer ---- */

static long buffer_bytes(const struct http_request *request)
{
    if (!request->expected || request->expected > BUFFER_BYTES)
        return BUFFER_BYTES;
    return request->expected < BUFFER_LEAST_BYTES ? BUFFER_LEAST_BYTES : (long)request->expected;
}

static void set_limits(CURL *easy, const struct http_request *request, int64_t left_ms)
{
    int64_t idle_ms = request->idle_ns ? request->idle_ns / NS_PER_MS : IDLE_MS;
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(idle_ms < CONNECT_MS ? idle_ms : CONNECT_MS));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((idle_ms + 999) / 1000));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes(request));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver that hangs */
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void set_connection(CURL *easy, const struct http_request *request)
{
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* the path was signed as it is */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->ca_path)
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_path);
    if (request->no_proxy)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void set_method(CURL *easy, const struct http_request *request)
{
    if (!strcmp(request->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (!strcmp(request->method, "PUT") || !strcmp(request->method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_len ? request->body : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static void set_headers(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    for (size_t i = 0; i < request->headers_count; i++)
        transfer->headers = curl_slist_append(transfer->headers, request->headers[i]);
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/* One that went well resolves no name any more, so neither this nor what follows waits. */
static bool keep_handle(struct http *http, CURL *easy)
{
    if (http->spares_count == SPARES)
        return false;
    curl_easy_reset(easy);
    http->spares[http->spares_count++] = easy;
    return true;
}

static void free_transfer(struct transfer *transfer, bool well)
{
    if (transfer->easy && !(well && keep_handle(transfer->http, transfer->easy)))
        curl_easy_cleanup(transfer->easy);
    for (struct curl_slist *header = transfer->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

static void end_transfer(struct transfer *transfer, int rc)
{
    struct http_request *request = transfer->request;
    if (rc < 0)
        stores_count(transfer->http->stores, STORE_ERRORS, 1);
    if (rc == -EAGAIN || rc == -ECONNREFUSED || rc == -ETIMEDOUT)
        answers_missed(stores_answers_kept(transfer->http->stores));
    request->on_done(request, rc, &transfer->err);
    free_transfer(transfer, rc >= 0); /* last: it may wait for a name that is being resolved */
}

static void end_with(struct transfer *transfer, int code, const char *text)
{
    end_transfer(transfer, error_set(&transfer->err, code, "%s", text));
}

static void link_active(struct http *http, struct transfer *transfer)
{
    transfer->next = http->active;
    transfer->link = &http->active;
    if (http->active)
        http->active->link = &transfer->next;
    http->active = transfer;
}

static void unlink_active(struct http *http, struct transfer *transfer)
{
    *transfer->link = transfer->next;
    if (transfer->next)
        transfer->next->link = transfer->link;
    curl_multi_remove_handle(http->multi, transfer->easy);
}

static void begin(struct http *http, struct transfer *transfer)
{
    struct http_request *request = transfer->request;
    int64_t left_ms = (request->deadline_ns - clock_now_ns()) / NS_PER_MS;
    if (left_ms <= 0) {
        end_with(transfer, ETIMEDOUT, "timed out");
        return;
    }
    transfer->easy = http->spares_count ? http->spares[--http->spares_count] : curl_easy_init();
    if (!transfer->easy) {
        end_with(transfer, ENOMEM, "cannot make a curl handle");
        return;
    }
    set_limits(transfer->easy, request, left_ms);
    set_connection(transfer->easy, request);
    set_method(transfer->easy, request);
    set_callbacks(transfer);
    set_headers(transfer);
    stores_count(http->stores, STORE_REQUESTS, 1);
    stores_count(http->stores, STORE_SENT, request->body_len);
    transfer->begun_ns = clock_now_ns();
    link_active(http, transfer);
    curl_multi_add_handle(http->multi, transfer->easy);
}

static int meaning(const struct transfer *transfer, CURLcode code, struct error *err)
{
    if (code == CURLE_OK)
        return transfer->head_seen ? 0 : error_set(err, EAGAIN, "no reply");
    if (transfer->rc < 0)
        return transfer->rc;
    const char *text = *transfer->text ? transfer->text : curl_easy_strerror(code);
    curl_off_t sent_us = 0; /* when, after its beginning; 0: there was no connection to send it over */
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        if (clock_now_ns() >= transfer->request->deadline_ns - NS_PER_MS)
            return error_set(err, ETIMEDOUT, "timed out: %s", text);
        return error_set(err, sent_us ? EAGAIN : ECONNREFUSED, "%s", text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, EIO, "%s", text);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return error_set(err, ECONNREFUSED, "%s", text);
    default: /* sending, receiving */
        return error_set(err, EAGAIN, "%s", text);
    }
}

/* ---- the thread ---- */

static struct transfer *take_queue(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    struct transfer *first = http->queue;
    http->queue = NULL;
    http->queue_end = &http->queue;
    pthread_mutex_unlock(&http->lock);
    return first;
}

static void begin_queued(struct http *http)
{
    for (struct transfer *transfer = take_queue(http), *next; transfer; transfer = next) {
        next = transfer->next;
        if (atomic_load(&http->stopping) || atomic_load(&transfer->request->cancelled))
            end_with(transfer, ECANCELED, "cancelled");
        else
            begin(http, transfer);
    }
}

/* A callback may cancel others, never remove them, so the list is stable but for what is ended here. */
static void end_cancelled(struct http *http)
{
    bool all = atomic_load(&http->stopping);
    if (!atomic_exchange(&http->cancels, false) && !all)
        return;
    for (struct transfer *transfer = http->active, *next; transfer; transfer = next) {
        next = transfer->next;
        if (!all && !atomic_load(&transfer->request->cancelled))
            continue;
        unlink_active(http, transfer);
        end_with(transfer, ECANCELED, "cancelled");
    }
}

static void end_finished(struct http *http)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        unlink_active(http, transfer);
        end_transfer(transfer, meaning(transfer, code, &transfer->err));
    }
}

/* curl waits for other events of a socket; `known`: what was assigned below. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct http *http = ctx;
    int events = (what & CURL_POLL_IN ? SOCKETS_IN : 0) | (what & CURL_POLL_OUT ? SOCKETS_OUT : 0);
    if (what == CURL_POLL_REMOVE)
        events = 0;
    int rc = events || known ? sockets_watch(http->sockets, fd, events, known) : 0;
    curl_multi_assign(http->multi, fd, events && !rc ? http : NULL);
    return events ? rc : 0; /* one that is closed already is waited for no more */
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http *http = ctx;
    http->timer_ns = timeout_ms < 0 ? INT64_MAX : clock_now_ns() + timeout_ms * NS_PER_MS;
    return 0;
}

static void call_timer(struct http *http)
{
    int running;
    if (http->timer_ns == INT64_MAX || clock_now_ns() < http->timer_ns)
        return;
    http->timer_ns = INT64_MAX;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static int wait_ms(const struct http *http)
{
    if (http->timer_ns == INT64_MAX)
        return WAIT_MS;
    int64_t left_ns = http->timer_ns - clock_now_ns();
    if (left_ns <= 0)
        return 0;
    return left_ns < WAIT_MS * (int64_t)NS_PER_MS ? (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS) : WAIT_MS;
}

static void wait_and_act(struct http *http)
{
    struct sockets_ready ready[READY];
    size_t count = sockets_wait(http->sockets, wait_ms(http), ready, READY);
    for (size_t i = 0; i < count; i++) {
        int running, events = ready[i].events;
        int what = (events & SOCKETS_IN ? CURL_CSELECT_IN : 0) |
                   (events & SOCKETS_OUT ? CURL_CSELECT_OUT : 0) |
                   (events & SOCKETS_ERROR ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(http->multi, ready[i].fd, what, &running);
    }
}

static void *run(void *ctx)
{
    struct http *http = ctx;
    while (!atomic_load(&http->ending)) {
        begin_queued(http);
        end_cancelled(http);
        call_timer(http);
        end_finished(http);
        wait_and_act(http);
        end_finished(http);
    }
    return NULL;
}

/* ---- the outside ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_multi(struct http *http)
{
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
}

static int start_thread(struct http *http)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
    int rc = pthread_create(&http->thread, NULL, run, http);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    http->started = !rc;
    return -rc;
}

int http_new(struct stores *stores, struct http **ret, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct http *http = MEM_NEW(struct http);
    http->stores = stores;
    http->queue_end = &http->queue;
    http->timer_ns = INT64_MAX;
    pthread_mutex_init(&http->lock, NULL);
    http->multi = curl_multi_init();
    int rc = http->multi ? sockets_new(&http->sockets, err) : -ENOMEM;
    if (!rc) {
        set_multi(http);
        rc = start_thread(http);
    }
    if (rc < 0) {
        http_free(http);
        return error_set(err, -rc, "cannot start the network thread: %s", strerror(-rc));
    }
    *ret = http;
    return 0;
}

void http_stop(struct http *http)
{
    atomic_store(&http->stopping, true);
    sockets_wake(http->sockets);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->started) {
        atomic_store(&http->ending, true);
        sockets_wake(http->sockets);
        pthread_join(http->thread, NULL);
    }
    while (http->spares_count)
        curl_easy_cleanup(http->spares[--http->spares_count]);
    curl_multi_cleanup(http->multi); /* closes connections, and says so to watch() */
    sockets_free(http->sockets);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

void http_start(struct http *http, struct http_request *request)
{
    struct transfer *transfer = MEM_NEW(struct transfer);
    transfer->http = http;
    transfer->request = request;
    pthread_mutex_lock(&http->lock);
    bool first = !http->queue;
    *http->queue_end = transfer;
    http->queue_end = &transfer->next;
    pthread_mutex_unlock(&http->lock);
    if (first) /* else whoever was it wakes the thread, which takes the whole queue */
        sockets_wake(http->sockets);
}

void http_cancel(struct http *http, struct http_request *request)
{
    atomic_store(&request->cancelled, true);
    atomic_store(&http->cancels, true);
    sockets_wake(http->sockets);
}
