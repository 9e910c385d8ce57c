/*
 * The credentials of an app in a private directory, with OpenSSL: one folder a generation, and a file that points to the
 * one in use.
 *
 *     <directory>/current                      the number of the generation in use
 *     <directory>/<n>/app.csr                  the certificate request
 *     <directory>/<n>/privateKey.pem           its key
 *     <directory>/<n>/sonarCA.crt, device.crt  delivered by the desktop
 *     <directory>/<n>/connection_config.json   written last
 *
 * An exchange never touches what works: it makes a new generation, which is pointed to once a desktop has accepted it. The
 * files of an official client, which lie in the directory itself, are read as generation 0 and never changed.
 *
 * Each function does a job of the state machine, and waits for the disk. They return 0, or -1 with the fault.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "connection_config.h"

#include <openssl/ssl.h>
#include <stdint.h>

/* What is wrong: a `flipper_credential_problem`, and words for people. */
typedef struct credentials_fault {
    uint32_t problem;
    char why[512];
} credentials_fault;

typedef struct credentials {
    uint64_t generation;
    connection_config config;
    /* The certificate request, PEM, and the directory that it is in, with a slash at its end. */
    char *csr, *csr_path;
    /* How long the certificates are valid yet. */
    uint64_t valid_ms;
} credentials;

/*
 * Reads those in use: 1 if there are any, else 0. Where they are damaged, that is the fault, whose problem is 0 otherwise,
 * and the newest before them take their place.
 */
int credentials_load(const char *directory, credentials *found, credentials_fault *fault);

/* Makes a key and a certificate request in a new folder. Only `generation`, `csr` and `csr_path` are set. */
int credentials_prepare(const char *directory, const char *app_id, credentials *made, credentials_fault *fault);

/* Checks what the desktop delivered, and writes down what it granted, which becomes the result's own. */
int credentials_store(const char *directory, uint64_t generation, connection_config *granted, credentials *stored,
                      credentials_fault *fault);

/* Puts a generation in use, for good. */
int credentials_promote(const char *directory, uint64_t generation, credentials_fault *fault);

/* Removes a generation that is not in use. */
int credentials_discard(const char *directory, uint64_t generation, credentials_fault *fault);

/* Removes what is older than the generation in use, and what a crash left behind. */
int credentials_prune(const char *directory, credentials_fault *fault);

/* What a connection with these credentials needs; NULL with the fault. */
SSL_CTX *credentials_tls(const char *directory, uint64_t generation, credentials_fault *fault);

void credentials_free(credentials *credentials);

#endif
