/*
 * A socket, from its TLS handshake and the request for a WebSocket to its end.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "../common/websocket.h"
#include "desk.h"
#include "upgrade.h"

typedef enum phase {
    /* TLS begins. */
    CONNECTION_HANDSHAKE,
    /* The request comes in. */
    CONNECTION_HEAD,
    /* The answer goes out: a WebSocket follows, or the end. */
    CONNECTION_ANSWER,
    /* The state machine knows it, by `id`. */
    CONNECTION_OPEN,
    /* Its last words go out. */
    CONNECTION_ENDING,
    CONNECTION_GONE
} phase;

typedef struct connection {
    desk *desk;
    /* The port that it came to. */
    flipper_channel channel;
    phase phase;
    stream stream;
    websocket socket;
    int has_socket, accepted;
    uint64_t id;
    /* When it has taken too long; FLIPPER_NEVER while it is open. */
    uint64_t deadline;
    char peer[64];
    char head[MAX_HEAD];
    size_t head_len;
    char answer[MAX_ANSWER];
    size_t answer_len, answer_at;
} connection;

/* Takes over a socket of a port; that of sessions has TLS. NULL if there is no memory. */
connection *connection_new(desk *desk, int fd, const char *peer, flipper_channel channel);

/* What `poll` is to wait for. */
short connection_waits_for(const connection *connection);

/* Goes on, as far as it can. */
void connection_go_on(connection *connection);

/* What the state machine wants done. */
void connection_act(connection *connection, const flipper_action *action);

void connection_free(connection *connection);

#endif
