/*
 * What is remembered of an exchange beside the certificates, as official clients write it:
 * `{"deviceId":"…","medium":1}`, with an `os` where the real one was refused.
 */
#ifndef CONNECTION_CONFIG_H
#define CONNECTION_CONFIG_H

#include <stddef.h>

typedef struct connection_config {
    /* Not NULL. */
    char *device_id;
    /* NULL where it is the real one. */
    char *os;
    unsigned char medium;
} connection_config;

/* As JSON; NULL if there is no memory. To be freed. */
char *connection_config_write(const connection_config *config);

/* Reads JSON: 1, or 0 if it is no such thing. */
int connection_config_read(const char *json, connection_config *config);

void connection_config_free(connection_config *config);

#endif
