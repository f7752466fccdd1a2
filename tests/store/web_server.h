// SPDX-License-Identifier: Apache-2.0
/* A web server for tests of many threads: a thread for each connection, kept open; ranges, and paths that
 * misbehave. */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WEB_SERVER_BYTES = 300000, WEB_SERVER_CONNECTIONS = 4096 };

struct web_server {
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_uint requests, unauthorized; /* those without "Authorization: Bearer token" */
    struct web_connection {
        struct web_server *server;
        int fd;
        pthread_t thread;
    } connections[WEB_SERVER_CONNECTIONS];
    unsigned count; /* the accepting thread's, until it has ended */
};

/* Byte number `at` of every file. */
static inline uint8_t web_server_byte(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

static inline int web_server_send(int fd, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

/* [first, last] of the file; `most`: so many bytes are sent, then the connection hangs or ends. */
static inline int web_server_file(int fd, uint64_t first, uint64_t last, uint64_t most, bool hangs)
{
    static const char format[] = "HTTP/1.1 206 Partial Content\r\nETag: \"1\"\r\nContent-Length: %llu\r\n"
                                 "Content-Range: bytes %llu-%llu/%d\r\n\r\n";
    char head[256];
    uint8_t piece[4096];
    int len = snprintf(head, sizeof head, format, (unsigned long long)(last - first + 1),
                       (unsigned long long)first, (unsigned long long)last, WEB_SERVER_BYTES);
    int rc = web_server_send(fd, head, (size_t)len);
    uint64_t end = last + 1 - first < most ? last + 1 : first + most;
    for (uint64_t at = first; !rc && at < end;) {
        size_t n = end - at < sizeof piece ? (size_t)(end - at) : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = web_server_byte(at + i);
        rc = web_server_send(fd, piece, n);
        at += n;
    }
    if (!rc && hangs)
        recv(fd, piece, sizeof piece, 0); /* until the client has gone, or the test ends */
    return rc || end <= last ? -1 : 0;
}

static inline int web_server_status(int fd, const char *status, const char *more)
{
    char head[256];
    int len = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: 0\r\n%s\r\n", status, more);
    return web_server_send(fd, head, (size_t)len);
}

/* /big is well; /cut ends after 1,000 bytes of a long range; /stall hangs after 10; /busy is so every other
 * time; /moved leads to /big; all else is not there. */
static inline int web_server_answer(struct web_server *server, int fd, const char *request)
{
    unsigned number = atomic_fetch_add(&server->requests, 1);
    const char *range = strcasestr(request, "\r\nrange: bytes="),
               *condition = strcasestr(request, "\r\nif-match: ");
    unsigned long long first = 0, last = WEB_SERVER_BYTES - 1;
    if (!strcasestr(request, "\r\nauthorization: Bearer token\r\n"))
        atomic_fetch_add(&server->unauthorized, 1);
    if (range)
        sscanf(range + 15, "%llu-%llu", &first, &last);
    if (condition && strncmp(condition + 12, "\"1\"", 3))
        return web_server_status(fd, "412 Precondition Failed", "");
    if (!strncmp(request, "GET /big ", 9))
        return web_server_file(fd, first, last, UINT64_MAX, false);
    if (!strncmp(request, "GET /cut ", 9))
        return web_server_file(fd, first, last, last - first > 100000 ? 100000 : UINT64_MAX, false);
    if (!strncmp(request, "GET /stall ", 11))
        return web_server_file(fd, first, last, 10, true);
    if (!strncmp(request, "GET /busy ", 10))
        return number % 2 ? web_server_status(fd, "503 Service Unavailable", "")
                          : web_server_file(fd, first, last, UINT64_MAX, false);
    if (!strncmp(request, "GET /moved ", 11))
        return web_server_status(fd, "302 Found", "Location: /big\r\n");
    return web_server_status(fd, "404 Not Found", "");
}

static inline void *web_server_connection(void *ctx)
{
    struct web_connection *connection = ctx;
    char text[8192];
    size_t len = 0;
    for (ssize_t got; (got = recv(connection->fd, text + len, sizeof text - 1 - len, 0)) > 0;) {
        text[len += (size_t)got] = 0;
        if (!strstr(text, "\r\n\r\n"))
            continue;
        len = 0; /* a client asks again only when it has its answer */
        if (web_server_answer(connection->server, connection->fd, text))
            break;
    }
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static inline void *web_server_accept(void *ctx)
{
    struct web_server *server = ctx;
    for (int fd;
         server->count < WEB_SERVER_CONNECTIONS && (fd = accept(server->listener, NULL, NULL)) >= 0;) {
        struct web_connection *connection = &server->connections[server->count++];
        *connection = (struct web_connection){.server = server, .fd = fd};
        if (pthread_create(&connection->thread, NULL, web_server_connection, connection))
            abort();
    }
    return NULL;
}

static inline struct web_server *web_server_new(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    struct web_server *server = calloc(1, sizeof *server);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) || listen(server->listener, 64))
        abort();
    getsockname(server->listener, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
    if (pthread_create(&server->thread, NULL, web_server_accept, server))
        abort();
    return server;
}

static inline void web_server_free(struct web_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->count; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    close(server->listener);
    free(server);
}
