#define _POSIX_C_SOURCE 200809L

#include "websocket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much may wait to be written: enough to fill a socket's buffer twice. */
enum { ROOM = 256 * 1024 };

/* How much is read in a turn, so that answers leave meanwhile. */
enum { TURN = 1024 * 1024 };

/* Who pings and does not read must not fill the memory: nothing more is read while so many answers wait. */
enum { MAX_PONGS = 64 * 1024 };

/* The most bytes in the head of a control frame. */
enum { CONTROL_HEAD = 6 };

/* --- What libwslay asks for --- */

static ssize_t would_block(websocket *socket) {
    wslay_event_set_error(socket->wslay, WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t failed(websocket *socket) {
    wslay_event_set_error(socket->wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t receive(wslay_event_context_ptr wslay, uint8_t *bytes, size_t len, int flags, void *user) {
    websocket *socket = user;
    ssize_t got;
    (void)wslay, (void)flags;
    if (socket->early_at < socket->early_len) {
        size_t rest = socket->early_len - socket->early_at;
        if (len > rest) len = rest;
        memcpy(bytes, socket->early + socket->early_at, len);
        socket->early_at += len;
        return (ssize_t)len;
    }
    if (socket->budget == 0 || socket->pongs >= MAX_PONGS) return would_block(socket);
    got = stream_read(socket->stream, bytes, len);
    if (got < 0) return failed(socket);
    if (got == 0) return would_block(socket);
    socket->heard = 1;
    socket->budget -= (size_t)got < socket->budget ? (size_t)got : socket->budget;
    return got;
}

static ssize_t transmit(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags, void *user) {
    websocket *socket = user;
    ssize_t put = stream_write(socket->stream, bytes, len);
    (void)wslay, (void)flags;
    if (put < 0) return failed(socket);
    return put == 0 ? would_block(socket) : put;
}

static int make_mask(wslay_event_context_ptr wslay, uint8_t *mask, size_t len, void *user) {
    (void)wslay, (void)user;
    return RAND_bytes(mask, (int)len) == 1 ? 0 : -1;
}

static void on_frame(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *frame,
                     void *user) {
    websocket *socket = user;
    (void)wslay;
    if (wslay_is_ctrl_frame(frame->opcode)) return;
    if (frame->opcode != WSLAY_CONTINUATION_FRAME) socket->incoming = 0;
    if (frame->payload_length > socket->max_message - socket->incoming) {
        socket->end = WEBSOCKET_TOO_LARGE;
    } else {
        socket->incoming += (size_t)frame->payload_length;
    }
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message, void *user) {
    websocket *socket = user;
    const char *bytes = (const char *)message->msg;
    (void)wslay;
    switch (message->opcode) {
    case WSLAY_TEXT_FRAME:
        socket->callbacks.on_text(socket->callbacks.user, bytes, message->msg_length);
        break;
    case WSLAY_BINARY_FRAME:
        socket->callbacks.on_binary(socket->callbacks.user, bytes, message->msg_length);
        break;
    case WSLAY_PING:
        /* libwslay has queued the answer. */
        socket->pongs += CONTROL_HEAD + message->msg_length;
        socket->unsent += CONTROL_HEAD + message->msg_length;
        break;
    case WSLAY_CONNECTION_CLOSE:
        socket->end = WEBSOCKET_CLOSED;
        socket->code = message->status_code == 0 ? 1005 : message->status_code;
        if (message->msg_length > 2) {
            snprintf(socket->why, sizeof socket->why, "%.*s", (int)message->msg_length - 2, bytes + 2);
        }
        break;
    default:
        break;
    }
}

/* --- From outside --- */

int websocket_init(websocket *socket, stream *stream, int as_server, size_t max_message,
                   websocket_callbacks callbacks) {
    struct wslay_event_callbacks asked = {receive, transmit, make_mask, on_frame, NULL, NULL, on_message};
    int result;
    memset(socket, 0, sizeof *socket);
    socket->stream = stream;
    socket->max_message = max_message;
    socket->callbacks = callbacks;
    result = as_server ? wslay_event_context_server_init(&socket->wslay, &asked, socket)
                       : wslay_event_context_client_init(&socket->wslay, &asked, socket);
    if (result != 0) return -1;
    wslay_event_config_set_max_recv_msg_length(socket->wslay, max_message);
    return 0;
}

int websocket_feed(websocket *socket, const char *bytes, size_t len) {
    if (len == 0) return 0;
    socket->early = malloc(len);
    if (socket->early == NULL) return -1;
    memcpy(socket->early, bytes, len);
    socket->early_at = 0;
    socket->early_len = len;
    return 0;
}

static int ended(websocket *socket, websocket_end end, const char *why) {
    if (socket->end == WEBSOCKET_OPEN) {
        socket->end = end;
        snprintf(socket->why, sizeof socket->why, "%s", why);
    }
    return -1;
}

/* After the close frames nothing is of interest but the end of the stream. */
static int read_to_the_end(websocket *socket) {
    char rest[1024];
    ssize_t got;
    while ((got = stream_read(socket->stream, rest, sizeof rest)) > 0) continue;
    return got < 0 ? -1 : 0;
}

int websocket_read(websocket *socket) {
    if (!wslay_event_get_read_enabled(socket->wslay)) return read_to_the_end(socket);
    socket->budget = TURN;
    if (wslay_event_recv(socket->wslay) != 0) {
        return ended(socket, WEBSOCKET_STREAM, socket->stream->end == STREAM_OPEN ? "there is no memory" : "");
    }
    if (wslay_event_get_read_enabled(socket->wslay)) return socket->budget == 0;
    if (socket->end == WEBSOCKET_CLOSED) return socket->closing ? read_to_the_end(socket) : -1;
    /* libwslay has queued a close frame that says so. */
    (void)wslay_event_send(socket->wslay);
    return ended(socket, WEBSOCKET_BROKEN, "a frame that makes no sense, or a text that is no UTF-8");
}

int websocket_write(websocket *socket) {
    if (wslay_event_want_write(socket->wslay) && wslay_event_send(socket->wslay) != 0) {
        return ended(socket, WEBSOCKET_STREAM, socket->stream->end == STREAM_OPEN ? "there is no memory" : "");
    }
    if (!wslay_event_want_write(socket->wslay)) socket->unsent = socket->pongs = 0;
    return 0;
}

static int queue(websocket *socket, uint8_t opcode, const char *bytes, size_t len) {
    struct wslay_event_msg message;
    message.opcode = opcode;
    message.msg = (const uint8_t *)bytes;
    message.msg_length = len;
    socket->unsent += len + 1;
    return wslay_event_queue_msg(socket->wslay, &message) == 0 ? 0 : -1;
}

int websocket_text(websocket *socket, const char *text, size_t len) {
    return queue(socket, WSLAY_TEXT_FRAME, text, len);
}

int websocket_ping(websocket *socket) { return queue(socket, WSLAY_PING, NULL, 0); }

int websocket_close(websocket *socket, uint16_t code, const char *reason) {
    size_t len = strlen(reason);
    socket->closing = 1;
    return wslay_event_queue_close(socket->wslay, code, (const uint8_t *)reason, len) == 0 ? 0 : -1;
}

size_t websocket_room(const websocket *socket) { return socket->unsent < ROOM ? ROOM - socket->unsent : 0; }

short websocket_waits_for(const websocket *socket) {
    short events = 0;
    if (socket->pongs < MAX_PONGS) events |= socket->stream->reads_after;
    if (wslay_event_want_write(socket->wslay)) events |= socket->stream->writes_after;
    return events;
}

int websocket_lingers(websocket *socket) {
    if (socket->stream->end != STREAM_OPEN || websocket_write(socket) != 0) return 0;
    return read_to_the_end(socket) == 0;
}

void websocket_free(websocket *socket) {
    wslay_event_context_free(socket->wslay);
    free(socket->early);
    memset(socket, 0, sizeof *socket);
}

int websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE]) {
    char text[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len;
    int used = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (used < 0 || (size_t)used >= sizeof text) return 0;
    if (EVP_Digest(text, (size_t)used, digest, &len, EVP_sha1(), NULL) != 1) return 0;
    return EVP_EncodeBlock((unsigned char *)accept, digest, (int)len) == WEBSOCKET_ACCEPT_SIZE - 1;
}
