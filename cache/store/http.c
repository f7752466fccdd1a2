// SPDX-License-Identifier: Apache-2.0
/*
 * One thread owns the multi handle and every easy handle. Others only put requests into a queue, or mark
 * them, and wake it:
 *
 *     http_start -> queue -> [thread] active -> on_head, on_body... -> on_done
 *
 * No callback runs under the lock, which guards the queue alone.
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
#include "cache/store/stores.h"

enum {
    CONNECTIONS = 64,
    CONNECT_MS = 5000,
    IDLE_MS = 15000,
    HEAD_BYTES = 65536,
    WAIT_MS = 1000,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
};

struct transfer {
    struct transfer *next;
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
    struct transfer *active; /* the thread's own */
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

static void set_limits(CURL *easy, const struct http_request *request, int64_t left_ms)
{
    int64_t idle_ms = request->idle_ns ? request->idle_ns / NS_PER_MS : IDLE_MS;
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(idle_ms < CONNECT_MS ? idle_ms : CONNECT_MS));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((idle_ms + 999) / 1000));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
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

static void free_transfer(struct transfer *transfer)
{
    if (transfer->easy)
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
    if (rc == -EAGAIN || rc == -ETIMEDOUT)
        answers_missed(stores_answers_kept(transfer->http->stores));
    request->on_done(request, rc, &transfer->err);
    free_transfer(transfer); /* last: it may wait for a name that is being resolved */
}

static void end_with(struct transfer *transfer, int code, const char *text)
{
    end_transfer(transfer, error_set(&transfer->err, code, "%s", text));
}

static void begin(struct http *http, struct transfer *transfer)
{
    struct http_request *request = transfer->request;
    int64_t left_ms = (request->deadline_ns - clock_now_ns()) / NS_PER_MS;
    if (left_ms <= 0) {
        end_with(transfer, ETIMEDOUT, "timed out");
        return;
    }
    transfer->easy = curl_easy_init();
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
    transfer->next = http->active;
    http->active = transfer;
    curl_multi_add_handle(http->multi, transfer->easy);
}

static int meaning(const struct transfer *transfer, CURLcode code, struct error *err)
{
    if (code == CURLE_OK)
        return transfer->head_seen ? 0 : error_set(err, EAGAIN, "no reply");
    if (transfer->rc < 0)
        return transfer->rc;
    const char *text = *transfer->text ? transfer->text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        if (clock_now_ns() >= transfer->request->deadline_ns - NS_PER_MS)
            return error_set(err, ETIMEDOUT, "timed out: %s", text);
        return error_set(err, EAGAIN, "%s", text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, EIO, "%s", text);
    default: /* resolving, connecting, sending, receiving */
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

static void unlink_active(struct http *http, struct transfer *transfer)
{
    struct transfer **at = &http->active;
    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
    curl_multi_remove_handle(http->multi, transfer->easy);
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

static void *run(void *ctx)
{
    struct http *http = ctx;
    while (!atomic_load(&http->ending)) {
        int running;
        begin_queued(http);
        end_cancelled(http);
        curl_multi_perform(http->multi, &running);
        end_finished(http);
        curl_multi_poll(http->multi, NULL, 0, WAIT_MS, NULL);
    }
    return NULL;
}

/* ---- the outside ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_new(struct stores *stores, struct http **ret, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct http *http = MEM_NEW(struct http);
    http->stores = stores;
    http->queue_end = &http->queue;
    pthread_mutex_init(&http->lock, NULL);
    http->multi = curl_multi_init();
    int rc = http->multi ? 0 : ENOMEM;
    if (!rc) {
        curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
        sigset_t all, old;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
        rc = pthread_create(&http->thread, NULL, run, http);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        http->started = !rc;
    }
    if (rc) {
        http_free(http);
        return error_set(err, rc, "cannot start the network thread: %s", strerror(rc));
    }
    *ret = http;
    return 0;
}

void http_stop(struct http *http)
{
    atomic_store(&http->stopping, true);
    curl_multi_wakeup(http->multi);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->started) {
        atomic_store(&http->ending, true);
        curl_multi_wakeup(http->multi);
        pthread_join(http->thread, NULL);
    }
    curl_multi_cleanup(http->multi);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

void http_start(struct http *http, struct http_request *request)
{
    struct transfer *transfer = MEM_NEW(struct transfer);
    transfer->http = http;
    transfer->request = request;
    pthread_mutex_lock(&http->lock);
    *http->queue_end = transfer;
    http->queue_end = &transfer->next;
    pthread_mutex_unlock(&http->lock);
    curl_multi_wakeup(http->multi);
}

void http_cancel(struct http *http, struct http_request *request)
{
    atomic_store(&request->cancelled, true);
    atomic_store(&http->cancels, true);
    curl_multi_wakeup(http->multi);
}
