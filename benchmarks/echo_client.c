/* The load for an echo server: some connections, each with one request on the way.
 *
 *     echo_client tcp|udp|tls PORT CONNECTIONS SIZE
 *
 * It prints "ready" when it is connected. For each number on its standard input it makes so many requests and prints
 * "done"; it ends with its standard input. It is written in C so that it does not slow down what it measures. TLS is in
 * it only if it is compiled with -DWITH_TLS, and then nothing else is.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, SILENCE_MS = 10000 };

struct connection {
    int fd;
    size_t missing; /* of the answer */
#ifdef WITH_TLS
    struct ssl_st *ssl;
#endif
};

static struct connection connections[MAX_CONNECTIONS];
static char request[64 * 1024], answer[64 * 1024];
static size_t size;

#ifdef WITH_TLS
#include <openssl/ssl.h>

static void secure(struct connection *c)
{
    static SSL_CTX *context;
    if (!context)
        context = SSL_CTX_new(TLS_client_method());
    c->ssl = SSL_new(context);
    if (!SSL_set_fd(c->ssl, c->fd) || SSL_connect(c->ssl) != 1)
        errx(1, "SSL_connect");
}

static ssize_t put(struct connection *c)
{
    return SSL_write(c->ssl, request, size);
}

static ssize_t take(struct connection *c)
{
    int got = SSL_read(c->ssl, answer, sizeof answer);
    if (got <= 0 && SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ)
        errno = EAGAIN, got = -1;
    return got;
}
#else
static void secure(struct connection *c)
{
    (void)c;
}

static ssize_t put(struct connection *c)
{
    return send(c->fd, request, size, MSG_NOSIGNAL);
}

static ssize_t take(struct connection *c)
{
    return recv(c->fd, answer, sizeof answer, 0);
}
#endif

static void open_connection(struct connection *c, int type, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, type, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        err(1, "connect");
    if (type == SOCK_STREAM)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    secure(c);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void ask(struct connection *c)
{
    c->missing = size;
    if (put(c) != (ssize_t)size)
        err(1, "send");
}

/* Whether the answer is complete. */
static int listen_to(struct connection *c)
{
    while (c->missing) {
        ssize_t got = take(c);
        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got <= 0 || (size_t)got > c->missing)
            errx(1, "the server closed the connection, or answered too much");
        c->missing -= got;
    }
    return 1;
}

static void make_requests(int epoll, int count, long requests)
{
    struct epoll_event events[64];
    long asked = 0, answered = 0;

    for (int i = 0; i < count && asked < requests; i++, asked++)
        ask(&connections[i]);
    while (answered < requests) {
        int ready = epoll_wait(epoll, events, 64, SILENCE_MS);
        if (ready == 0)
            errx(1, "no answer");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c->missing || !listen_to(c))
                continue;
            answered++;
            if (asked < requests)
                asked++, ask(c);
        }
    }
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 5 || atoi(argv[3]) > MAX_CONNECTIONS || (size = atoi(argv[4])) > sizeof request)
        errx(2, "usage: echo_client tcp|udp|tls PORT CONNECTIONS SIZE");
    int type = strcmp(argv[1], "udp") ? SOCK_STREAM : SOCK_DGRAM, count = atoi(argv[3]);
    int epoll = epoll_create1(0);
    char line[64];

    memset(request, 'x', sizeof request);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        open_connection(&connections[i], type, atoi(argv[2]));
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
            err(1, "epoll_ctl");
    }
    say("ready");
    while (fgets(line, sizeof line, stdin)) {
        make_requests(epoll, count, atol(line));
        say("done");
    }
    return 0;
}
