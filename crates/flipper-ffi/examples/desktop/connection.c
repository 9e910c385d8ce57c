#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How long a peer may take for TLS and its request, and for the end. */
enum { OPENING_MS = 10000, ENDING_MS = 1000 };

/* The largest message; the state machine's own limit is the same. */
enum { MAX_MESSAGE = 64 * 1024 * 1024 };

static flipper_str text_of(const char *text) {
    flipper_str some = {text, text == NULL ? 0 : strlen(text)};
    return some;
}

connection *connection_new(desk *desk, int fd, const char *peer, flipper_channel channel) {
    int secure = channel == FLIPPER_CHANNEL_SECURE;
    connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->desk = desk;
    connection->channel = channel;
    connection->deadline = desk_now() + OPENING_MS;
    strncpy(connection->peer, peer, sizeof connection->peer - 1);
    connection->phase = secure ? CONNECTION_HANDSHAKE : CONNECTION_HEAD;
    stream_init(&connection->stream, fd);
    if (secure && stream_secure(&connection->stream, desk->authority.context, 1) != 0) {
        connection->phase = CONNECTION_GONE;
    }
    return connection;
}

void connection_free(connection *connection) {
    if (connection->has_socket) websocket_free(&connection->socket);
    stream_close(&connection->stream);
    free(connection);
}

short connection_waits_for(const connection *connection) {
    switch (connection->phase) {
    case CONNECTION_HANDSHAKE:
    case CONNECTION_HEAD:
        return connection->stream.reads_after;
    case CONNECTION_ANSWER:
        return connection->stream.writes_after;
    case CONNECTION_OPEN:
        return websocket_waits_for(&connection->socket);
    case CONNECTION_ENDING:
        return connection->has_socket ? websocket_waits_for(&connection->socket) : connection->stream.reads_after;
    default:
        return 0;
    }
}

/* --- The request --- */

static void refuse(connection *connection, int status, flipper_str reason) {
    char text[MAX_ANSWER / 2] = "";
    memcpy(text, reason.ptr, reason.len < sizeof text ? reason.len : sizeof text - 1);
    connection->answer_len = upgrade_refuse(connection->answer, status, text);
}

/* What TLS told of the peer. */
static void identify(connection *connection, flipper_upgrade *request, char common_name[COMMON_NAME]) {
    X509 *certificate;
    if (connection->stream.ssl == NULL) return;
    request->certificate = FLIPPER_CERTIFICATE_UNUSABLE;
    request->problem = text_of("it does not say whom it was issued to");
    certificate = SSL_get1_peer_certificate(connection->stream.ssl);
    if (certificate != NULL && authority_issued_to(certificate, common_name) == 0) {
        request->certificate = FLIPPER_CERTIFICATE_BOUND;
        request->common_name = text_of(common_name);
    }
    X509_free(certificate);
}

static void admit(connection *connection, const upgrade *upgrade) {
    flipper_upgrade request;
    flipper_admission *admission;
    char common_name[COMMON_NAME];
    flipper_str reason;
    uint64_t status;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    request.channel = connection->channel;
    request.target = text_of(upgrade->target);
    request.host = text_of(upgrade->host);
    request.origin = text_of(upgrade->origin);
    request.peer = text_of(connection->peer);
    identify(connection, &request, common_name);
    if (flipper_desktop_upgrade(connection->desk->desktop, &request, desk_now(), &admission) != FLIPPER_RESULT_OK) {
        refuse(connection, 400, text_of("the request is no UTF-8"));
        return;
    }
    if (flipper_admission_number(admission, FLIPPER_ADMISSION_FIELD_CONN, &connection->id) == FLIPPER_RESULT_OK) {
        connection->accepted = 1;
        connection->answer_len = upgrade_accept(connection->answer, upgrade->key);
    } else if (flipper_admission_number(admission, FLIPPER_ADMISSION_FIELD_STATUS, &status) == FLIPPER_RESULT_OK &&
               flipper_admission_text(admission, FLIPPER_ADMISSION_FIELD_REASON, &reason) == FLIPPER_RESULT_OK) {
        refuse(connection, (int)status, reason);
    }
    flipper_admission_free(admission);
}

static void on_text(void *user, const char *text, size_t len) {
    connection *connection = user;
    flipper_desktop_message(connection->desk->desktop, connection->id, text, len, desk_now());
}

static void on_binary(void *user, const char *bytes, size_t len) {
    connection *connection = user;
    flipper_desktop_binary(connection->desk->desktop, connection->id, bytes, len, desk_now());
}

/* What came behind the request belongs to the WebSocket. */
static int open_socket(connection *connection, size_t head_len) {
    websocket_callbacks callbacks = {on_text, on_binary, connection};
    if (websocket_init(&connection->socket, &connection->stream, 1, MAX_MESSAGE, callbacks) != 0) return -1;
    connection->has_socket = 1;
    return websocket_feed(&connection->socket, connection->head + head_len, connection->head_len - head_len);
}

/* --- Phases: each gives whether the next one can begin at once --- */

static int go_on_with_handshake(connection *connection) {
    int done = stream_handshake(&connection->stream);
    if (done != 0) connection->phase = done > 0 ? CONNECTION_HEAD : CONNECTION_GONE;
    return done > 0;
}

static int go_on_with_head(connection *connection) {
    size_t room = sizeof connection->head - connection->head_len;
    ssize_t got = stream_read(&connection->stream, connection->head + connection->head_len, room);
    upgrade upgrade;
    int status;
    if (got <= 0) {
        if (got < 0) connection->phase = CONNECTION_GONE;
        return 0;
    }
    connection->head_len += (size_t)got;
    status = upgrade_read(connection->head, connection->head_len, &upgrade);
    if (status == 0) return 1;
    if (status != 101) {
        refuse(connection, status, text_of("this port is for WebSockets, and this is no good request for one"));
    } else {
        admit(connection, &upgrade);
        if (connection->accepted && open_socket(connection, upgrade.len) != 0) {
            flipper_desktop *desktop = connection->desk->desktop;
            flipper_desktop_closed(desktop, connection->id, FLIPPER_CLOSE_KIND_RESET, 0, NULL, 0, desk_now());
            connection->phase = CONNECTION_GONE;
            return 0;
        }
    }
    connection->phase = CONNECTION_ANSWER;
    return 1;
}

static int go_on_with_answer(connection *connection) {
    size_t rest = connection->answer_len - connection->answer_at;
    ssize_t put = stream_write(&connection->stream, connection->answer + connection->answer_at, rest);
    if (put < 0 && connection->accepted) {
        /* The state machine has to hear of it. */
        connection->phase = CONNECTION_OPEN;
        return 1;
    }
    if (put <= 0) {
        if (put < 0) connection->phase = CONNECTION_GONE;
        return 0;
    }
    connection->answer_at += (size_t)put;
    if (connection->answer_at < connection->answer_len) return 1;
    connection->phase = connection->accepted ? CONNECTION_OPEN : CONNECTION_ENDING;
    connection->deadline = connection->accepted ? FLIPPER_NEVER : desk_now() + ENDING_MS;
    return 1;
}

static void tell_end(connection *connection) {
    const websocket *socket = &connection->socket;
    flipper_desktop *desktop = connection->desk->desktop;
    flipper_str why = text_of(socket->why);
    uint32_t kind = FLIPPER_CLOSE_KIND_RESET;
    if (socket->end == WEBSOCKET_CLOSED) kind = FLIPPER_CLOSE_KIND_CODE;
    if (socket->end == WEBSOCKET_STREAM && socket->stream->end == STREAM_EOF) kind = FLIPPER_CLOSE_KIND_EOF;
    if (socket->end == WEBSOCKET_BROKEN) kind = FLIPPER_CLOSE_KIND_WEB_SOCKET;
    if (socket->end == WEBSOCKET_TOO_LARGE) kind = FLIPPER_CLOSE_KIND_TOO_LARGE;
    flipper_desktop_closed(desktop, connection->id, kind, socket->code, why.ptr, why.len, desk_now());
}

static int go_on_when_open(connection *connection) {
    websocket *socket = &connection->socket;
    flipper_desktop *desktop = connection->desk->desktop;
    int read = websocket_read(socket);
    if (socket->heard) flipper_desktop_alive(desktop, connection->id, desk_now());
    socket->heard = 0;
    /* Answers go out in the same turn. */
    desk_drive(connection->desk);
    if (connection->phase != CONNECTION_OPEN) return 0;
    if (read >= 0 && websocket_write(socket) == 0) {
        flipper_desktop_writable(desktop, connection->id, websocket_room(socket), desk_now());
        return read > 0;
    }
    tell_end(connection);
    connection->phase = CONNECTION_ENDING;
    connection->deadline = desk_now() + ENDING_MS;
    return 1;
}

static int go_on_with_end(connection *connection) {
    char rest[1024];
    ssize_t got;
    if (connection->has_socket) {
        int lingers = websocket_lingers(&connection->socket);
        int both_closed = connection->socket.end == WEBSOCKET_CLOSED && websocket_room(&connection->socket) > 0 &&
                          !wslay_event_want_write(connection->socket.wslay);
        if (!lingers || both_closed) connection->phase = CONNECTION_GONE;
        return 0;
    }
    while ((got = stream_read(&connection->stream, rest, sizeof rest)) > 0) continue;
    if (got < 0) connection->phase = CONNECTION_GONE;
    return 0;
}

void connection_go_on(connection *connection) {
    int again = 1;
    while (again) {
        switch (connection->phase) {
        case CONNECTION_HANDSHAKE:
            again = go_on_with_handshake(connection);
            break;
        case CONNECTION_HEAD:
            again = go_on_with_head(connection);
            break;
        case CONNECTION_ANSWER:
            again = go_on_with_answer(connection);
            break;
        case CONNECTION_OPEN:
            again = go_on_when_open(connection);
            break;
        case CONNECTION_ENDING:
            again = go_on_with_end(connection);
            break;
        default:
            again = 0;
        }
    }
    if (connection->phase != CONNECTION_OPEN && connection->deadline <= desk_now()) {
        if (connection->phase == CONNECTION_ANSWER && connection->accepted) tell_end(connection);
        connection->phase = CONNECTION_GONE;
    }
}

void connection_act(connection *connection, const flipper_action *action) {
    flipper_str text = {"", 0};
    uint64_t code = 0;
    char reason[124] = "";
    switch (flipper_action_kind_of(action)) {
    case FLIPPER_ACTION_KIND_SEND:
        flipper_action_text(action, FLIPPER_ACTION_FIELD_TEXT, &text);
        websocket_text(&connection->socket, text.ptr, text.len);
        break;
    case FLIPPER_ACTION_KIND_PING:
        websocket_ping(&connection->socket);
        break;
    case FLIPPER_ACTION_KIND_CLOSE:
        flipper_action_number(action, FLIPPER_ACTION_FIELD_CODE, &code);
        flipper_action_text(action, FLIPPER_ACTION_FIELD_REASON, &text);
        memcpy(reason, text.ptr, text.len < sizeof reason ? text.len : sizeof reason - 1);
        websocket_close(&connection->socket, (uint16_t)code, reason);
        break;
    case FLIPPER_ACTION_KIND_ABORT:
        connection->phase = CONNECTION_GONE;
        break;
    default:
        break;
    }
}
