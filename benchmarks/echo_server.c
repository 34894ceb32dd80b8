/* An echo server, as little as one can be: what the servers in Python are held against.
 *
 *     echo_server tcp|udp
 *
 * It prints the port on which it listens on 127.0.0.1. A line on its standard input is answered with the CPU time that
 * it has used, in nanoseconds; it ends with its standard input.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int epoll;
static char buffer[64 * 1024];

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static int open_socket(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0)
        err(1, "bind");
    if (type == SOCK_STREAM && listen(fd, 128) < 0)
        err(1, "listen");
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        err(1, "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_one(int listener)
{
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(fd);
}

static void echo_bytes(int fd)
{
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    /* The client has one small request on the way: that its answer does not fit into the socket is no case to handle. */
    if (size <= 0 || send(fd, buffer, size, MSG_NOSIGNAL) != size)
        close(fd);
}

static void echo_datagram(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    ssize_t size = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&address, &length);
    if (size >= 0)
        sendto(fd, buffer, size, 0, (struct sockaddr *)&address, length);
}

static void report_cpu_time(void)
{
    struct timespec spent;
    if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
        _exit(0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    printf("%lld\n", spent.tv_sec * 1000000000LL + spent.tv_nsec);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int udp = argc > 1 && !strcmp(argv[1], "udp");
    int server = open_socket(udp ? SOCK_DGRAM : SOCK_STREAM);
    struct epoll_event events[64];

    epoll = epoll_create1(0);
    watch(STDIN_FILENO);
    watch(server);
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO)
                report_cpu_time();
            else if (fd != server)
                echo_bytes(fd);
            else if (udp)
                echo_datagram(fd);
            else
                accept_one(fd);
        }
    }
}
