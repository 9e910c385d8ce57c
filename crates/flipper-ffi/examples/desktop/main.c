/*
 * A tiny desktop.
 *
 *     desktop --directory DIRECTORY [--ports INSECURE,SECURE[,BROWSER]]
 *
 * The CA lies in the directory. Apps of this machine ask for certificates on the first port (9089) and connect to the
 * second one (9088); pages and programs on Node connect to the third (8333). What apps tell is printed, a line each, fields separated by tabs; commands are read from standard
 * input, see commands.c, and its end is the desktop's.
 */
#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t desk_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- The state machine --- */

static connection *find(desk *desk, uint64_t id) {
    size_t at;
    for (at = 0; at < desk->connection_count; at++) {
        connection *connection = desk->connections[at];
        int is_known = connection->accepted && connection->phase != CONNECTION_ENDING;
        if (is_known && connection->id == id) return connection;
    }
    return NULL;
}

void desk_drive(desk *desk) {
    flipper_action *action;
    flipper_event *event;
    int again = 1;
    while (again) {
        again = 0;
        while (flipper_desktop_poll_action(desk->desktop, &action) == FLIPPER_RESULT_OK) {
            uint64_t id;
            connection *connection = NULL;
            if (flipper_action_number(action, FLIPPER_ACTION_FIELD_CONN, &id) == FLIPPER_RESULT_OK) {
                connection = find(desk, id);
            }
            if (connection != NULL) connection_act(connection, action);
            flipper_action_free(action);
        }
        while (flipper_desktop_poll_event(desk->desktop, &event) == FLIPPER_RESULT_OK) {
            desk_event(desk, event);
            flipper_event_free(event);
            /* An event may have been answered. */
            again = 1;
        }
    }
}

/* --- Sockets --- */

static int set_up(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -1;
}

/* Listens on this machine alone. The number of the port is written back, which matters for 0. */
static int listen_on(uint16_t *port) {
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(*port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && set_up(fd) == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    fprintf(stderr, "port %u: %s\n", *port, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

static void accept_one(desk *desk, int listener, flipper_channel channel) {
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    char host[INET_ADDRSTRLEN], peer[INET_ADDRSTRLEN + 8];
    int fd = accept(listener, (struct sockaddr *)&address, &len);
    connection *connection;
    if (fd < 0) return;
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    snprintf(peer, sizeof peer, "%s:%u", host, ntohs(address.sin_port));
    connection = set_up(fd) == 0 ? connection_new(desk, fd, peer, channel) : NULL;
    if (connection == NULL) {
        close(fd);
        return;
    }
    desk->connections[desk->connection_count++] = connection;
}

static void sweep(desk *desk) {
    size_t at = 0;
    while (at < desk->connection_count) {
        if (desk->connections[at]->phase == CONNECTION_GONE) {
            connection_free(desk->connections[at]);
            desk->connections[at] = desk->connections[--desk->connection_count];
        } else {
            at++;
        }
    }
}

/* --- The loop --- */

/* How long to wait for sockets, in milliseconds. */
static int patience(desk *desk) {
    uint64_t next = FLIPPER_NEVER, now = desk_now();
    size_t at;
    flipper_desktop_poll_timeout(desk->desktop, NULL, &next);
    for (at = 0; at < desk->connection_count; at++) {
        if (desk->connections[at]->deadline < next) next = desk->connections[at]->deadline;
    }
    if (next == FLIPPER_NEVER) return -1;
    if (next <= now) return 0;
    return next - now < 60000 ? (int)(next - now) : 60000;
}

enum { PORTS = 3, STDIN = PORTS, FIRST_CONNECTION };

static void turn(desk *desk, const int listeners[PORTS], int *reads_commands) {
    static const flipper_channel channels[PORTS] = {FLIPPER_CHANNEL_INSECURE, FLIPPER_CHANNEL_SECURE,
                                                    FLIPPER_CHANNEL_BROWSER};
    struct pollfd polled[FIRST_CONNECTION + MAX_CONNECTIONS];
    size_t at, count = desk->connection_count;
    int is_closed = !*reads_commands || count + PORTS > MAX_CONNECTIONS;
    for (at = 0; at < PORTS; at++) polled[at].fd = is_closed ? -1 : listeners[at];
    polled[STDIN].fd = *reads_commands ? STDIN_FILENO : -1;
    for (at = 0; at < FIRST_CONNECTION; at++) polled[at].events = POLLIN;
    for (at = 0; at < count; at++) {
        polled[FIRST_CONNECTION + at].fd = desk->connections[at]->stream.fd;
        polled[FIRST_CONNECTION + at].events = connection_waits_for(desk->connections[at]);
    }
    fflush(stdout);
    if (poll(polled, FIRST_CONNECTION + count, patience(desk)) < 0) return;
    flipper_desktop_timeout(desk->desktop, desk_now());
    desk_drive(desk);
    for (at = 0; at < count; at++) {
        connection *connection = desk->connections[at];
        if (polled[FIRST_CONNECTION + at].revents != 0 || connection->deadline <= desk_now()) {
            connection_go_on(connection);
        }
    }
    if (polled[STDIN].revents != 0 && !desk_commands(desk)) {
        *reads_commands = 0;
        flipper_desktop_stop(desk->desktop, desk_now());
    }
    for (at = 0; at < PORTS; at++) {
        if (polled[at].revents != 0) accept_one(desk, listeners[at], channels[at]);
    }
    desk_drive(desk);
    sweep(desk);
}

static void run(desk *desk, const int listeners[PORTS]) {
    uint64_t open = 1;
    int reads_commands = 1;
    while (reads_commands || open > 0) {
        turn(desk, listeners, &reads_commands);
        flipper_desktop_connections(desk->desktop, &open);
    }
    /* Close frames that are on their way still go. */
    while (desk->connection_count > 0) turn(desk, listeners, &reads_commands);
}

static int parse(int argc, char **argv, const char **directory, uint16_t ports[PORTS]) {
    unsigned int numbers[PORTS] = {9089, 9088, 8333};
    int at;
    for (at = 1; at + 1 < argc; at += 2) {
        const char *value = argv[at + 1];
        if (strcmp(argv[at], "--directory") == 0) {
            *directory = value;
        } else if (strcmp(argv[at], "--ports") != 0 ||
                   sscanf(value, "%u,%u,%u", &numbers[0], &numbers[1], &numbers[2]) < 2) {
            return 0;
        }
    }
    for (at = 0; at < PORTS; at++) {
        if (numbers[at] > 65535) return 0;
        ports[at] = (uint16_t)numbers[at];
    }
    return argc % 2 == 1 && *directory != NULL;
}

static int listen_on_all(uint16_t ports[PORTS], int listeners[PORTS]) {
    int at;
    for (at = 0; at < PORTS; at++) {
        listeners[at] = listen_on(&ports[at]);
        if (listeners[at] < 0) return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    const char *directory = NULL;
    uint16_t ports[PORTS];
    int listeners[PORTS] = {-1, -1, -1}, at, runs;
    static desk desk;
    if (!parse(argc, argv, &directory, ports)) {
        fprintf(stderr, "usage: %s --directory DIRECTORY [--ports INSECURE,SECURE[,BROWSER]]\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    runs = authority_open(&desk.authority, directory) == 0 && listen_on_all(ports, listeners) &&
           flipper_desktop_new(NULL, &desk.desktop) == FLIPPER_RESULT_OK;
    if (runs) {
        printf("listening\t%u\t%u\t%u\n", ports[0], ports[1], ports[2]);
        run(&desk, listeners);
    }
    flipper_desktop_free(desk.desktop);
    authority_close(&desk.authority);
    for (at = 0; at < PORTS; at++) {
        if (listeners[at] >= 0) close(listeners[at]);
    }
    free(desk.line);
    return runs ? 0 : 1;
}
