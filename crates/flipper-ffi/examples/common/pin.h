/*
 * Trust in exactly one CA, known by its key and its subject: the one that a certificate exchange delivered.
 *
 * Official desktops issue certificates of X.509 version 1, without extensions, so the usual checks do not do. Names of
 * hosts are not compared: the pin is the identity.
 */
#ifndef PIN_H
#define PIN_H

#include <openssl/ssl.h>

/*
 * Has the peers of this context's connections present certificates of this CA, and no others: desktops to a client, apps
 * to a server. 1, or 0 if there is no memory. What is wrong with a certificate that is refused is the verify result.
 */
int pin_peers(SSL_CTX *context, X509 *ca);

/* What keeps a certificate from being this CA's own, or its issue: an X509_V_ERR_…, or X509_V_OK. */
int pin_ca_fault(X509 *ca);
int pin_issue_fault(X509 *certificate, X509 *ca);

#endif
