/*
 * The client's connection to a desktop: it dials, shakes hands over TLS where there is a context for it, and asks for the
 * upgrade, all without blocking. What ends it is told as the state machine wants to be told: the reconnect policy lives
 * on that.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "../common/stream.h"
#include "../common/websocket.h"

#include <netdb.h>
#include <poll.h>
#include <stdint.h>

typedef enum connection_stage {
    CONNECTION_NONE = 0,
    CONNECTION_DIALING,
    CONNECTION_SECURING,
    CONNECTION_ASKING,
    CONNECTION_AWAITING_ANSWER,
    CONNECTION_OPEN
} connection_stage;

/* Why it ended: a `flipper_close_kind`, with the code and the reason that some have. */
typedef struct connection_end {
    uint32_t kind;
    uint16_t code;
    char reason[192];
} connection_end;

typedef struct connection {
    connection_stage stage;
    uint64_t attempt;
    struct addrinfo *addresses, *next_address;
    /* When the next address is tried, whatever became of this one. */
    uint64_t next_at_ms;
    SSL_CTX *tls;
    stream stream;
    /* The request for the upgrade, then the head of its answer. */
    char *head;
    size_t head_len, head_at;
    char accept[WEBSOCKET_ACCEPT_SIZE];
    websocket websocket;
    websocket_callbacks callbacks;
    connection_end end;
} connection;

/*
 * Begins to connect; the context, NULL for none, is the connection's from now on. 0, or -1 with the end.
 *
 * It looks the host up with `getaddrinfo`, which blocks. Addresses, and names that the system has in a file, as
 * `localhost`, cost nothing; where another name's server does not answer, the loop stands still for as long as the system
 * waits for it. A program that minds looks names up on a thread and hands addresses in.
 */
int connection_begin(connection *connection, uint64_t attempt, const char *host, uint16_t port, const char *target,
                     SSL_CTX *tls, websocket_callbacks callbacks, uint64_t now_ms);

/* Goes on to open it: 1 once it is open, 0 if it has to wait, -1 with the end. */
int connection_go_on(connection *connection, uint64_t now_ms);

/* Why the WebSocket of an open connection ended. */
void connection_tell_end(connection *connection);

/* What `poll` is to wait for, and until when at the latest, UINT64_MAX if that makes no difference. */
struct pollfd connection_waits_for(const connection *connection);
uint64_t connection_waits_until(const connection *connection);

/* Drops it, whatever its stage. Only `end` is left. */
void connection_drop(connection *connection);

#endif
