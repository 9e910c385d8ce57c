#define _POSIX_C_SOURCE 200809L

#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void stream_init(stream *stream, int fd) {
    memset(stream, 0, sizeof *stream);
    stream->fd = fd;
    stream->reads_after = POLLIN;
    stream->writes_after = POLLOUT;
}

int stream_secure(stream *stream, SSL_CTX *context, int as_server) {
    stream->ssl = SSL_new(context);
    if (stream->ssl == NULL || SSL_set_fd(stream->ssl, stream->fd) != 1) return -1;
    /* What waits is written from wherever it lies then, and as much of it as there is room for. */
    SSL_set_mode(stream->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (as_server) {
        SSL_set_accept_state(stream->ssl);
    } else {
        SSL_set_connect_state(stream->ssl);
    }
    return 0;
}

/* --- Ends --- */

static int ended(stream *stream, stream_end end) {
    if (stream->end == STREAM_OPEN) stream->end = end;
    return -1;
}

static int is_about_certificates(int alert) {
    switch (alert) {
    case SSL3_AD_NO_CERTIFICATE:
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return 1;
    default:
        return 0;
    }
}

static int tls_ended(stream *stream) {
    unsigned long error = ERR_peek_last_error();
    int reason = ERR_GET_REASON(error), alert = reason - SSL_AD_REASON_OFFSET;
    const char *text = ERR_reason_error_string(error);
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) alert = reason = -1;
    snprintf(stream->why, sizeof stream->why, "%s", text == NULL ? "unknown" : text);
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return ended(stream, STREAM_EOF);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        stream->fault = SSL_get_verify_result(stream->ssl);
        return ended(stream, STREAM_BAD_CERTIFICATE);
    }
    /* An alert that is about a certificate is about this side's: the peer has seen no other. */
    return ended(stream, is_about_certificates(alert) ? STREAM_PEER_REFUSED : STREAM_BAD_TLS);
}

/* What TLS has to say to a call that did nothing: 0 if it has to wait, with what for in `after`. */
static int tls_stopped(stream *stream, int result, short *after) {
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *after = POLLIN;
        return 0;
    case SSL_ERROR_WANT_WRITE:
        *after = POLLOUT;
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return ended(stream, STREAM_EOF);
    case SSL_ERROR_SSL:
        return tls_ended(stream);
    default:
        return ended(stream, STREAM_RESET);
    }
}

static int tcp_stopped(stream *stream) {
    int must_wait = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return must_wait ? 0 : ended(stream, STREAM_RESET);
}

/* --- Going on --- */

int stream_handshake(stream *stream) {
    int result;
    short after = 0;
    ERR_clear_error();
    result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        stream->reads_after = POLLIN;
        stream->writes_after = POLLOUT;
        return 1;
    }
    result = tls_stopped(stream, result, &after);
    stream->reads_after = stream->writes_after = after;
    return result;
}

ssize_t stream_read(stream *stream, void *bytes, size_t len) {
    ssize_t got;
    if (stream->end != STREAM_OPEN) return -1;
    stream->reads_after = POLLIN;
    if (len > INT_MAX) len = INT_MAX;
    if (stream->ssl != NULL) {
        ERR_clear_error();
        got = SSL_read(stream->ssl, bytes, (int)len);
        return got > 0 ? got : tls_stopped(stream, (int)got, &stream->reads_after);
    }
    got = read(stream->fd, bytes, len);
    if (got == 0) return ended(stream, STREAM_EOF);
    return got > 0 ? got : tcp_stopped(stream);
}

ssize_t stream_write(stream *stream, const void *bytes, size_t len) {
    ssize_t put;
    if (stream->end != STREAM_OPEN) return -1;
    stream->writes_after = POLLOUT;
    if (len > INT_MAX) len = INT_MAX;
    if (len == 0) return 0;
    if (stream->ssl != NULL) {
        ERR_clear_error();
        put = SSL_write(stream->ssl, bytes, (int)len);
        return put > 0 ? put : tls_stopped(stream, (int)put, &stream->writes_after);
    }
    put = write(stream->fd, bytes, len);
    return put >= 0 ? put : tcp_stopped(stream);
}

void stream_close(stream *stream) {
    if (stream->ssl != NULL) {
        /* After a failure OpenSSL must not be asked for more. */
        if ((stream->end == STREAM_OPEN || stream->end == STREAM_EOF) && SSL_is_init_finished(stream->ssl)) {
            (void)SSL_shutdown(stream->ssl);
        }
        SSL_free(stream->ssl);
        stream->ssl = NULL;
    }
    if (stream->fd >= 0) close(stream->fd);
    stream->fd = -1;
    ERR_clear_error();
}
