/*
 * The desktop's certificate authority: it signs the requests of apps, and lets in those whose requests it signed.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <openssl/ssl.h>
#include <stddef.h>

typedef struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    /* For the port of sessions: this desktop's own certificate and the CA's, and apps need one of theirs. */
    SSL_CTX *context;
} authority;

/* Why something is refused, for the app's developer. All of it is constant text. */
typedef struct refusal {
    const char *name, *message, *hint;
} refusal;

/* The longest common name of a certificate, with its end. */
enum { COMMON_NAME = 65 };

/*
 * Reads key and certificate of the CA from a directory, or makes them there. 0, or -1 with a message on stderr.
 */
int authority_open(authority *authority, const char *directory);
void authority_close(authority *authority);

/*
 * Makes a certificate for the key and the common name of a request, and for nothing else of it. The PEM texts of the
 * certificate and of the CA are to be freed with BIO_free. 0, or -1 with a refusal.
 */
int authority_sign(authority *authority, const char *request, size_t len, BIO **certificate, BIO **ca,
                   refusal *refusal);

/* Whom a certificate of this CA was issued to. 0, or -1 if it does not say so as this CA does. */
int authority_issued_to(X509 *certificate, char common_name[COMMON_NAME]);

#endif
