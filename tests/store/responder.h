// SPDX-License-Identifier: Apache-2.0
/* A small HTTP server for tests: a thread that answers each request line with the text given for it, and
 * keeps what it was sent. */
#pragma once

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/base/buf.h"

struct responder_answer {
    const char *line; /* "GET /path"; NULL ends the list */
    const char *body;
    const char *head; /* further headers, each with its "\r\n"; or NULL */
};

struct responder {
    const struct responder_answer *answers;
    int listener;
    unsigned port;
    pthread_t thread;
    struct buf seen; /* all that came; read it after responder_done() or between requests */
};

static inline void responder_reply(struct responder *r, int fd, const char *request)
{
    const struct responder_answer *answer = r->answers;
    while (answer->line &&
           (strncmp(request, answer->line, strlen(answer->line)) || request[strlen(answer->line)] != ' '))
        answer++;
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s",
            answer->line ? "200 OK" : "404 Not Found", answer->line ? strlen(answer->body) : 0,
            answer->line && answer->head ? answer->head : "", answer->line ? answer->body : "");
}

static inline void *responder_run(void *ctx)
{
    struct responder *r = ctx;
    for (int fd; (fd = accept(r->listener, NULL, NULL)) >= 0; close(fd)) {
        char text[65536];
        size_t len = 0;
        for (;;) { /* up to the end of the body */
            ssize_t got = read(fd, text + len, sizeof text - 1 - len);
            if (got <= 0)
                break;
            text[len += (size_t)got] = 0;
            const char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "content-length:");
            if (end &&
                (size_t)(text + len - end - 4) >= (size < end && size ? strtoul(size + 15, NULL, 10) : 0))
                break;
        }
        buf_append(&r->seen, text, len);
        responder_reply(r, fd, text);
    }
    return NULL;
}

static inline void responder_init(struct responder *r, const struct responder_answer *answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    *r = (struct responder){.answers = answers, .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    cr_assert_eq(bind(r->listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(r->listener, 16), 0);
    getsockname(r->listener, (struct sockaddr *)&address, &len);
    r->port = ntohs(address.sin_port);
    pthread_create(&r->thread, NULL, responder_run, r);
}

static inline void responder_done(struct responder *r)
{
    shutdown(r->listener, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->listener);
    buf_done(&r->seen);
}
