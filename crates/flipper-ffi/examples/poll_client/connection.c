#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include "flipper.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest head of an answer that is read. */
enum { MAX_HEAD = 16 * 1024 };

/* The largest message that is read: the state machine's own limit, unless it is told another. */
enum { MAX_MESSAGE = 64 * 1024 * 1024 };

/* How long an address that does not answer keeps the next one waiting. The state machine has the last word anyway. */
enum { NEXT_ADDRESS_MS = 2000 };

/* --- Ends --- */

static int ended(connection *connection, uint32_t kind, uint16_t code, const char *reason) {
    connection->end.kind = kind;
    connection->end.code = code;
    snprintf(connection->end.reason, sizeof connection->end.reason, "%s", reason);
    return -1;
}

static int dial_failed(connection *connection, int reason) {
    switch (reason) {
    case ECONNREFUSED:
        return ended(connection, FLIPPER_CLOSE_KIND_REFUSED, 0, "");
    case ETIMEDOUT:
        return ended(connection, FLIPPER_CLOSE_KIND_TIMEOUT, 0, "");
    case ECONNRESET:
        return ended(connection, FLIPPER_CLOSE_KIND_RESET, 0, "");
    default:
        return ended(connection, FLIPPER_CLOSE_KIND_UNREACHABLE, 0, strerror(reason));
    }
}

static int certificate_refused(connection *connection, long fault) {
    switch (fault) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_UNKNOWN_CA, 0, "");
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_EXPIRED, 0, "");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_NOT_YET_VALID, 0, "");
    default:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_BAD_CERTIFICATE, 0, X509_verify_cert_error_string(fault));
    }
}

/*
 * Over TLS 1.3 a client has shaken hands before the desktop has looked at its certificate. That it is refused shows as an
 * alert, or as an end, in the place of the answer to the upgrade.
 */
static int stream_failed(connection *connection) {
    int answer_is_due = connection->stage == CONNECTION_ASKING || connection->stage == CONNECTION_AWAITING_ANSWER;
    switch (connection->stream.end) {
    case STREAM_BAD_CERTIFICATE:
        return certificate_refused(connection, connection->stream.fault);
    case STREAM_PEER_REFUSED:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_PEER_REFUSED, 0, connection->stream.why);
    case STREAM_BAD_TLS:
        return ended(connection, FLIPPER_CLOSE_KIND_TLS_HANDSHAKE, 0, connection->stream.why);
    default:
        if (answer_is_due && connection->tls != NULL) return ended(connection, FLIPPER_CLOSE_KIND_DROPPED, 0, "");
        if (answer_is_due || connection->stream.end == STREAM_EOF) {
            return ended(connection, FLIPPER_CLOSE_KIND_EOF, 0, "");
        }
        return ended(connection, FLIPPER_CLOSE_KIND_RESET, 0, "");
    }
}

void connection_tell_end(connection *connection) {
    const websocket *websocket = &connection->websocket;
    switch (websocket->end) {
    case WEBSOCKET_CLOSED:
        ended(connection, FLIPPER_CLOSE_KIND_CODE, websocket->code, websocket->why);
        break;
    case WEBSOCKET_BROKEN:
        ended(connection, FLIPPER_CLOSE_KIND_WEB_SOCKET, 0, websocket->why);
        break;
    case WEBSOCKET_TOO_LARGE:
        ended(connection, FLIPPER_CLOSE_KIND_TOO_LARGE, 0, "");
        break;
    default:
        ended(connection,
              connection->stream.end == STREAM_EOF ? FLIPPER_CLOSE_KIND_EOF : FLIPPER_CLOSE_KIND_RESET, 0, "");
        break;
    }
}

/* --- Dialing --- */

static int make_socket(const struct addrinfo *address) {
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol), on = 1;
    if (fd < 0) return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) return fd;
    close(fd);
    return -1;
}

/* Tries the next address: 1 if it is connected, 0 if it has to wait, -1 with the end if there is no further one. */
static int dial_next(connection *connection, uint64_t now_ms) {
    int reason = EADDRNOTAVAIL;
    while (connection->next_address != NULL) {
        struct addrinfo *address = connection->next_address;
        int fd = make_socket(address);
        connection->next_address = address->ai_next;
        connection->next_at_ms = connection->next_address == NULL ? UINT64_MAX : now_ms + NEXT_ADDRESS_MS;
        if (fd >= 0) {
            stream_close(&connection->stream);
            stream_init(&connection->stream, fd);
            if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) return 1;
            if (errno == EINPROGRESS || errno == EINTR) return 0;
        }
        reason = errno;
    }
    return dial_failed(connection, reason);
}

static int dial(connection *connection, uint64_t now_ms) {
    struct pollfd ready = {connection->stream.fd, POLLOUT, 0};
    int reason = 0;
    socklen_t size = sizeof reason;
    if (poll(&ready, 1, 0) <= 0) return now_ms >= connection->next_at_ms ? dial_next(connection, now_ms) : 0;
    if (getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0) reason = errno;
    if (reason == 0) return 1;
    return connection->next_address != NULL ? dial_next(connection, now_ms) : dial_failed(connection, reason);
}

static int connected(connection *connection) {
    if (connection->tls == NULL) {
        connection->stage = CONNECTION_ASKING;
        return 0;
    }
    connection->stage = CONNECTION_SECURING;
    if (stream_secure(&connection->stream, connection->tls, 0) == 0) return 0;
    return ended(connection, FLIPPER_CLOSE_KIND_TLS_HANDSHAKE, 0, "there is no memory");
}

/* --- The upgrade --- */

static int make_request(connection *connection, const char *host, uint16_t port, const char *target) {
    static const char format[] = "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n";
    unsigned char nonce[16];
    char key[25];
    size_t size = sizeof format + strlen(target) + strlen(host) + sizeof key + 16;
    int is_v6 = strchr(host, ':') != NULL;
    connection->head = malloc(size > MAX_HEAD ? size : MAX_HEAD);
    if (connection->head == NULL || RAND_bytes(nonce, sizeof nonce) != 1) return -1;
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
    if (!websocket_accept(key, connection->accept)) return -1;
    connection->head_len = (size_t)snprintf(connection->head, size, format, target, is_v6 ? "[" : "", host,
                                            is_v6 ? "]" : "", (unsigned)port, key);
    return 0;
}

static int ask(connection *connection) {
    while (connection->head_at < connection->head_len) {
        ssize_t put = stream_write(&connection->stream, connection->head + connection->head_at,
                                   connection->head_len - connection->head_at);
        if (put < 0) return stream_failed(connection);
        if (put == 0) return 0;
        connection->head_at += (size_t)put;
    }
    connection->head_len = 0;
    connection->stage = CONNECTION_AWAITING_ANSWER;
    return 1;
}

/* The value of a field in a head of whole lines, with its length; NULL if there is none. */
static const char *field(const char *head, const char *name, size_t *len) {
    size_t name_len = strlen(name);
    const char *line;
    for (line = strstr(head, "\r\n") + 2; line[0] != '\r'; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':') continue;
        line += name_len + 1;
        line += strspn(line, " \t");
        *len = strcspn(line, "\r");
        while (*len > 0 && isspace((unsigned char)line[*len - 1])) --*len;
        return line;
    }
    return NULL;
}

static int is_field(const char *head, const char *name, const char *value, int any_case) {
    size_t len = 0, wanted = strlen(value);
    const char *found = field(head, name, &len);
    if (found == NULL || len != wanted) return 0;
    return any_case ? strncasecmp(found, value, len) == 0 : strncmp(found, value, len) == 0;
}

static int read_answer(connection *connection, const char *end) {
    const char *head = connection->head;
    int status = 0;
    size_t early = connection->head_len - (size_t)(end - head);
    if (strlen(head) < (size_t)(end - head) || sscanf(head, "HTTP/1.%*1d %3d", &status) != 1) {
        return ended(connection, FLIPPER_CLOSE_KIND_BAD_UPGRADE, 0, "it is no HTTP");
    }
    if (status != 101) return ended(connection, FLIPPER_CLOSE_KIND_HTTP, (uint16_t)status, "");
    if (!is_field(head, "Upgrade", "websocket", 1) || !is_field(head, "Connection", "upgrade", 1) ||
        !is_field(head, "Sec-WebSocket-Accept", connection->accept, 0)) {
        return ended(connection, FLIPPER_CLOSE_KIND_BAD_UPGRADE, 0, "its fields are not those of a WebSocket");
    }
    if (websocket_init(&connection->websocket, &connection->stream, 0, MAX_MESSAGE, connection->callbacks) != 0 ||
        websocket_feed(&connection->websocket, end, early) != 0) {
        return ended(connection, FLIPPER_CLOSE_KIND_RESET, 0, "there is no memory");
    }
    free(connection->head);
    connection->head = NULL;
    connection->stage = CONNECTION_OPEN;
    return 1;
}

static int await_answer(connection *connection) {
    for (;;) {
        size_t room = MAX_HEAD - 1 - connection->head_len;
        char *end;
        ssize_t got;
        if (room == 0) return ended(connection, FLIPPER_CLOSE_KIND_BAD_UPGRADE, 0, "its head is too long");
        got = stream_read(&connection->stream, connection->head + connection->head_len, room);
        if (got < 0) return stream_failed(connection);
        if (got == 0) return 0;
        connection->head_len += (size_t)got;
        connection->head[connection->head_len] = '\0';
        end = strstr(connection->head, "\r\n\r\n");
        if (end != NULL) return read_answer(connection, end + 4);
    }
}

/* --- From outside --- */

int connection_begin(connection *connection, uint64_t attempt, const char *host, uint16_t port, const char *target,
                     SSL_CTX *tls, websocket_callbacks callbacks, uint64_t now_ms) {
    struct addrinfo hints;
    char service[8];
    int failure;
    memset(connection, 0, sizeof *connection);
    connection->attempt = attempt;
    connection->tls = tls;
    connection->callbacks = callbacks;
    connection->stage = CONNECTION_DIALING;
    stream_init(&connection->stream, -1);
    if (make_request(connection, host, port, target) != 0) {
        return ended(connection, FLIPPER_CLOSE_KIND_UNREACHABLE, 0, "OpenSSL has no random numbers");
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    failure = getaddrinfo(host, service, &hints, &connection->addresses);
    if (failure != 0) return ended(connection, FLIPPER_CLOSE_KIND_UNREACHABLE, 0, gai_strerror(failure));
    connection->next_address = connection->addresses;
    failure = dial_next(connection, now_ms);
    return failure > 0 ? connected(connection) : failure;
}

int connection_go_on(connection *connection, uint64_t now_ms) {
    int went_on = 1;
    while (went_on > 0) {
        switch (connection->stage) {
        case CONNECTION_DIALING:
            went_on = dial(connection, now_ms);
            if (went_on > 0 && connected(connection) != 0) went_on = -1;
            break;
        case CONNECTION_SECURING:
            went_on = stream_handshake(&connection->stream);
            if (went_on < 0) return stream_failed(connection);
            if (went_on > 0) connection->stage = CONNECTION_ASKING;
            break;
        case CONNECTION_ASKING:
            went_on = ask(connection);
            break;
        case CONNECTION_AWAITING_ANSWER:
            went_on = await_answer(connection);
            break;
        default:
            return connection->stage == CONNECTION_OPEN;
        }
    }
    return went_on;
}

struct pollfd connection_waits_for(const connection *connection) {
    struct pollfd wait = {-1, 0, 0};
    wait.fd = connection->stage == CONNECTION_NONE ? -1 : connection->stream.fd;
    switch (connection->stage) {
    case CONNECTION_NONE:
        break;
    case CONNECTION_DIALING:
        wait.events = POLLOUT;
        break;
    case CONNECTION_OPEN:
        wait.events = websocket_waits_for(&connection->websocket);
        break;
    case CONNECTION_ASKING:
        wait.events = connection->stream.writes_after;
        break;
    default:
        wait.events = connection->stream.reads_after;
        break;
    }
    return wait;
}

uint64_t connection_waits_until(const connection *connection) {
    return connection->stage == CONNECTION_DIALING ? connection->next_at_ms : UINT64_MAX;
}

void connection_drop(connection *connection) {
    connection_end end = connection->end;
    if (connection->stage == CONNECTION_NONE) return;
    if (connection->stage == CONNECTION_OPEN) websocket_free(&connection->websocket);
    stream_close(&connection->stream);
    SSL_CTX_free(connection->tls);
    if (connection->addresses != NULL) freeaddrinfo(connection->addresses);
    free(connection->head);
    memset(connection, 0, sizeof *connection);
    connection->end = end;
}
