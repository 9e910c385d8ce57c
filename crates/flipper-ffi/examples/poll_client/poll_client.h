/*
 * A Flipper client for a program with a poll(2) loop of its own: the state machine of libflipper, and sockets, TLS,
 * WebSockets and credentials that it does not need to know about.
 *
 *     for (;;) {
 *         struct pollfd fds[POLL_CLIENT_FDS + 1] = {...};
 *         int timeout_ms = poll_client_turn(client, fds);
 *         poll(fds, POLL_CLIENT_FDS + 1, timeout_ms);
 *     }
 *
 * A turn tries whatever may be possible, so what `poll` found need not be told. The program ignores SIGPIPE.
 */
#ifndef POLL_CLIENT_H
#define POLL_CLIENT_H

#include "flipper.h"

#include <poll.h>

typedef struct poll_client poll_client;

typedef struct poll_client_settings {
    /* Where keys and certificates are kept. */
    const char *directory;
    flipper_client_config config;
    /*
     * Called in turns with what happens, which is freed afterwards. It may use the state machine, and stop the client, but
     * not free it.
     */
    void (*on_event)(void *user, flipper_client *core, const flipper_event *event);
    void *user;
} poll_client_settings;

/* How many file descriptors a client waits for at most. One that is not in use is negative, which poll(2) ignores. */
enum { POLL_CLIENT_FDS = 2 };

/* Makes a client that is stopped; FLIPPER_RESULT_OK, or what the state machine has against the configuration. */
flipper_result poll_client_new(const poll_client_settings *settings, poll_client **out);

/* The state machine, for `flipper_client_add_plugin` and the like; what they lead to is done in the next turn. */
flipper_client *poll_client_core(poll_client *client);

void poll_client_start(poll_client *client);

/* Begins a clean stop. Turns have to go on until it is over. */
void poll_client_stop(poll_client *client);
int poll_client_is_over(const poll_client *client);

/* Does everything that can be done; then says what to wait for, and for how many milliseconds, -1 for ever. */
int poll_client_turn(poll_client *client, struct pollfd fds[POLL_CLIENT_FDS]);

/* Frees a client, and drops what is left of its connections. NULL is nothing to free. */
void poll_client_free(poll_client *client);

#endif
