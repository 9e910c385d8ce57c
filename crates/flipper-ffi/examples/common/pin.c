#include "pin.h"

#include <openssl/x509v3.h>
#include <string.h>

/* As much as RSA of 2048 bits has; what is weaker, or signed with SHA-1, is refused. */
enum { MIN_SECURITY_BITS = 112 };

static int signature_fault(X509 *certificate, X509 *issuer) {
    int security_bits = 0;
    if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) != 0 ||
        X509_verify(certificate, X509_get0_pubkey(issuer)) != 1) {
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    }
    if (X509_get_signature_info(certificate, NULL, NULL, &security_bits, NULL) != 1) return X509_V_ERR_CA_MD_TOO_WEAK;
    return security_bits < MIN_SECURITY_BITS ? X509_V_ERR_CA_MD_TOO_WEAK : X509_V_OK;
}

static int time_fault(const X509 *certificate) {
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) return X509_V_ERR_CERT_NOT_YET_VALID;
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) return X509_V_ERR_CERT_HAS_EXPIRED;
    return X509_V_OK;
}

/* Whether nothing that the certificate says of itself is wrong. */
static int form_fault(X509 *certificate) {
    uint32_t flags = X509_get_extension_flags(certificate);
    if (X509_get_version(certificate) < 2 && X509_get_ext_count(certificate) > 0) return X509_V_ERR_INVALID_EXTENSION;
    if (flags & EXFLAG_INVALID) return X509_V_ERR_INVALID_EXTENSION;
    return flags & EXFLAG_CRITICAL ? X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION : X509_V_OK;
}

/*
 * The validity of the CA's certificate. A desktop may present a newer one of the same key and subject, and nothing else
 * beside its own.
 */
static int ca_time_fault(X509 *ca, X509 *leaf, STACK_OF(X509) *presented) {
    int fault = time_fault(ca), at, others = 0;
    for (at = 0; at < sk_X509_num(presented); at++) {
        X509 *other = sk_X509_value(presented, at);
        if (X509_cmp(other, leaf) == 0) continue;
        if (++others > 1 || pin_issue_fault(other, ca) != X509_V_OK || pin_ca_fault(other) != X509_V_OK) {
            return X509_V_ERR_CERT_CHAIN_TOO_LONG;
        }
        if (fault != X509_V_OK) fault = time_fault(other);
    }
    return fault;
}

static int has_host_names(X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int at, found = 0;
    for (at = 0; at < sk_GENERAL_NAME_num(names); at++) {
        int type = sk_GENERAL_NAME_value(names, at)->type;
        if (type == GEN_DNS || type == GEN_IPADD) found = 1;
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* Whether `localhost` is its only common name: the desktop's own where there are no other names. */
static int is_named_localhost(X509 *certificate) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *name;
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return 0;
    name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return ASN1_STRING_length(name) == 9 && memcmp(ASN1_STRING_get0_data(name), "localhost", 9) == 0;
}

/* Without purposes, as version 1 is, its name is what keeps an app from posing as the desktop. */
static int role_fault(X509 *leaf, int of_desktop) {
    uint32_t purpose = of_desktop ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
    int fits = !is_named_localhost(leaf);
    if (X509_get_extension_flags(leaf) & EXFLAG_CA) return X509_V_ERR_INVALID_CA;
    if (!(X509_get_extended_key_usage(leaf) & purpose)) return X509_V_ERR_INVALID_PURPOSE;
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE)) return X509_V_ERR_INVALID_PURPOSE;
    if (of_desktop) {
        int has_names = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
        fits = has_names ? has_host_names(leaf) : is_named_localhost(leaf);
    }
    return fits ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

/* A peer must not be able to play back the certificate that it was shown. */
static int key_fault(X509 *leaf, EVP_PKEY *own) {
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    if (key == NULL || EVP_PKEY_get_security_bits(key) < MIN_SECURITY_BITS) return X509_V_ERR_EE_KEY_TOO_SMALL;
    return own != NULL && EVP_PKEY_eq(key, own) == 1 ? X509_V_ERR_CERT_REJECTED : X509_V_OK;
}

/* Trust comes first: what an untrusted certificate says of itself, as that it has expired, decides nothing. */
static int fault_of(X509 *leaf, X509 *ca, STACK_OF(X509) *presented, const SSL *ssl) {
    int fault = pin_issue_fault(leaf, ca);
    if (fault == X509_V_OK) fault = time_fault(leaf);
    if (fault == X509_V_OK) fault = ca_time_fault(ca, leaf, presented);
    if (fault == X509_V_OK) fault = form_fault(leaf);
    if (fault == X509_V_OK) fault = role_fault(leaf, !SSL_is_server(ssl));
    if (fault == X509_V_OK) fault = key_fault(leaf, SSL_get_privatekey(ssl));
    return fault;
}

static int verify(X509_STORE_CTX *context, void *unused) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    STACK_OF(X509_OBJECT) *pinned = X509_STORE_get0_objects(X509_STORE_CTX_get0_store(context));
    X509 *ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(pinned, 0));
    X509 *leaf = X509_STORE_CTX_get0_cert(context);
    int fault = fault_of(leaf, ca, X509_STORE_CTX_get0_untrusted(context), ssl);
    (void)unused;
    X509_STORE_CTX_set_error(context, fault);
    return fault == X509_V_OK;
}

int pin_peers(SSL_CTX *context, X509 *ca) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) != 1) return 0;
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 1;
}

int pin_ca_fault(X509 *ca) {
    uint32_t flags = X509_get_extension_flags(ca);
    if (flags & EXFLAG_BCONS && !(flags & EXFLAG_CA)) return X509_V_ERR_INVALID_CA;
    if (form_fault(ca) != X509_V_OK) return form_fault(ca);
    return key_fault(ca, NULL) == X509_V_OK ? signature_fault(ca, ca) : X509_V_ERR_CA_KEY_TOO_SMALL;
}

int pin_issue_fault(X509 *certificate, X509 *ca) { return signature_fault(certificate, ca); }
