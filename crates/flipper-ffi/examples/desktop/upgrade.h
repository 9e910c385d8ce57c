/*
 * The HTTP request that opens a WebSocket, read within bounds, and the answers to it.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include <stddef.h>

/* No request is longer. */
enum { MAX_HEAD = 16 * 1024, MAX_ANSWER = 1024 };

/* What a request says. Texts point into it, or are NULL. */
typedef struct upgrade {
    const char *target, *host, *origin;
    const char *key;
    size_t len;
} upgrade;

/*
 * Reads the request at the beginning of `head`, which it changes. 0 if its end is not there yet; 101 if it wants a
 * WebSocket, and `upgrade` is filled in; else the status to refuse it with.
 */
int upgrade_read(char *head, size_t len, upgrade *upgrade);

/* Write answers; they give their lengths. */
size_t upgrade_accept(char answer[MAX_ANSWER], const char *key);
size_t upgrade_refuse(char answer[MAX_ANSWER], int status, const char *reason);

#endif
