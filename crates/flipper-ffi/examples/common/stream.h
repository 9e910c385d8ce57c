/*
 * A TCP connection that never blocks, with TLS over it or without.
 *
 * OpenSSL writes as `write` does: a program that uses this ignores SIGPIPE.
 */
#ifndef STREAM_H
#define STREAM_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

/* How a stream ended. */
typedef enum stream_end {
    STREAM_OPEN = 0,
    /* The peer has ended it. */
    STREAM_EOF,
    /* TCP failed. */
    STREAM_RESET,
    /* The peer's certificate was refused, for the X509_V_ERR_… of `fault`. */
    STREAM_BAD_CERTIFICATE,
    /* The peer refused our certificate: `why`. */
    STREAM_PEER_REFUSED,
    /* TLS failed in another way: `why`. */
    STREAM_BAD_TLS
} stream_end;

typedef struct stream {
    int fd;
    /* NULL where there is no TLS. */
    SSL *ssl;
    /* What `poll` is to wait for before the last read, and the last write, go on; TLS may read to write. */
    short reads_after, writes_after;
    stream_end end;
    long fault;
    char why[160];
} stream;

/* A stream over a connected socket, which does not block, and is the stream's from now on. */
void stream_init(stream *stream, int fd);

/* Puts TLS over it, as a client or as a server; `stream_handshake` is to follow. 0, or -1 if there is no memory. */
int stream_secure(stream *stream, SSL_CTX *context, int as_server);

/* Goes on with the handshake: 1 once it is done, 0 if it has to wait, -1 if the stream has ended. */
int stream_handshake(stream *stream);

/* Reads what there is: how many bytes, 0 if it has to wait, -1 if the stream has ended. */
ssize_t stream_read(stream *stream, void *bytes, size_t len);

/* Writes what there is room for: how many bytes, 0 if it has to wait, -1 if the stream has ended. */
ssize_t stream_write(stream *stream, const void *bytes, size_t len);

/* Tells a peer over TLS that nothing more comes, and closes the socket. */
void stream_close(stream *stream);

#endif
