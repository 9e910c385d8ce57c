/*
 * A WebSocket over a stream, after the upgrade: libwslay frames, and this says when to read, how much to hand over, and
 * how it ended.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "stream.h"

#include <stdint.h>
#include <wslay/wslay.h>

typedef enum websocket_end {
    WEBSOCKET_OPEN = 0,
    /* The peer sent a close frame: `code`, 1005 if it named none, and `why`. */
    WEBSOCKET_CLOSED,
    /* The peer broke the protocol: `why`. */
    WEBSOCKET_BROKEN,
    /* The peer sent a message over the limit. */
    WEBSOCKET_TOO_LARGE,
    /* The stream ended without a close frame: see there. */
    WEBSOCKET_STREAM
} websocket_end;

/* What is done with messages. Nothing in here may free the WebSocket. */
typedef struct websocket_callbacks {
    void (*on_text)(void *user, const char *text, size_t len);
    void (*on_binary)(void *user, const char *bytes, size_t len);
    void *user;
} websocket_callbacks;

typedef struct websocket {
    stream *stream;
    wslay_event_context_ptr wslay;
    websocket_callbacks callbacks;
    /* What came right behind the head of the upgrade, and is read first. */
    char *early;
    size_t early_at, early_len;
    size_t max_message, incoming;
    /* What may still be read in this turn, and whether anything was. */
    size_t budget;
    int heard;
    /* Bytes that were handed over since all was written, and those of them that answer pings. */
    size_t unsent, pongs;
    int closing;
    websocket_end end;
    uint16_t code;
    char why[124];
} websocket;

/* Begins, over a stream that it does not own. 0, or -1 if there is no memory. */
int websocket_init(websocket *socket, stream *stream, int as_server, size_t max_message, websocket_callbacks callbacks);

/* Has these bytes read before what the stream brings. 0, or -1 if there is no memory. */
int websocket_feed(websocket *socket, const char *bytes, size_t len);

/* Reads: 1 if there may be more at once, 0 if it has to wait, -1 once it has ended. */
int websocket_read(websocket *socket);

/* Writes what was queued: 0, or -1 if it has ended. */
int websocket_write(websocket *socket);

/* Queues a message, a ping, or a close frame, which is the last. 0, or -1 if that cannot be queued any more. */
int websocket_text(websocket *socket, const char *text, size_t len);
int websocket_ping(websocket *socket);
int websocket_close(websocket *socket, uint16_t code, const char *reason);

/* How many more bytes to hand over. */
size_t websocket_room(const websocket *socket);

/* What `poll` is to wait for. */
short websocket_waits_for(const websocket *socket);

/* Whether the peer has closed, and this side's close frame is still to be written or the stream still to end. */
int websocket_lingers(websocket *socket);

void websocket_free(websocket *socket);

/* What a server answers to a `Sec-WebSocket-Key`: 28 characters and a NUL. 1, or 0 if OpenSSL cannot. */
enum { WEBSOCKET_ACCEPT_SIZE = 29 };
int websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE]);

#endif
