/*
 * Puts certificates where an app wants them, if the app has shown that it can write there.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "authority.h"

/*
 * Checks a destination, and opens it. An app proves that it may write there by the request itself, which must lie there
 * as `app.csr`. The directory's descriptor, or -1 with a refusal.
 */
int delivery_open(const char *destination, size_t len, const char *request, size_t request_len, refusal *refusal);

/* Writes `sonarCA.crt` and `device.crt`, and nothing else. 0, or -1 with a refusal. */
int delivery_write(int directory, BIO *ca, BIO *certificate, refusal *refusal);

#endif
