#define _POSIX_C_SOURCE 200809L

#include "authority.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60, CA_DAYS = 3650, SERVER_DAYS = 90, APP_DAYS = 365 };

/* What binds a certificate to an app, as the desktops of this project write it; the device is this machine. */
static const char BINDING[] = "flipper:client?app=%s&device=";

/* --- Certificates --- */

static int add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509_EXTENSION *extension;
    int added;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static int set_serial(X509 *certificate) {
    unsigned char bytes[16];
    BIGNUM *number = NULL;
    int done;
    if (RAND_bytes(bytes, sizeof bytes) != 1) return 0;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

/* A certificate without name and extensions, valid since yesterday: the clocks of apps may be behind. */
static X509 *blank(EVP_PKEY *key, int days) {
    X509 *certificate = X509_new();
    if (certificate != NULL && X509_set_version(certificate, 2) && set_serial(certificate) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY) != NULL &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL) != NULL &&
        X509_set_pubkey(certificate, key)) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static int add_name(X509_NAME *name, const char *key, int kind, const char *value) {
    return X509_NAME_add_entry_by_txt(name, key, kind, (const unsigned char *)value, -1, -1, 0);
}

/* C=US, ST=CA, L=Menlo Park, and these two: so are all names of official desktops and apps. */
static int set_name(X509_NAME *name, const char *organization, const char *common_name) {
    return add_name(name, "C", MBSTRING_ASC, "US") && add_name(name, "ST", MBSTRING_UTF8, "CA") &&
           add_name(name, "L", MBSTRING_UTF8, "Menlo Park") && add_name(name, "O", MBSTRING_UTF8, organization) &&
           add_name(name, "CN", MBSTRING_UTF8, common_name);
}

/* What every certificate that is no CA's has; `role` is its extended key usage. */
static int issue(authority *authority, X509 *certificate, const char *role, const char *names) {
    X509 *ca = authority->certificate;
    return X509_set_issuer_name(certificate, X509_get_subject_name(ca)) &&
           add_extension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, ca, NID_ext_key_usage, role) &&
           add_extension(certificate, ca, NID_authority_key_identifier, "keyid") &&
           add_extension(certificate, ca, NID_subject_alt_name, names) &&
           X509_sign(certificate, authority->key, EVP_sha256()) > 0;
}

static X509 *make_ca(EVP_PKEY *key) {
    X509 *ca = blank(key, CA_DAYS);
    if (ca != NULL && set_name(X509_get_subject_name(ca), "Sonar", "SonarCA") &&
        X509_set_issuer_name(ca, X509_get_subject_name(ca)) &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") && X509_sign(ca, key, EVP_sha256()) > 0) {
        return ca;
    }
    X509_free(ca);
    return NULL;
}

static X509 *make_server(authority *authority, EVP_PKEY *key) {
    X509 *server = blank(key, SERVER_DAYS);
    if (server != NULL && add_name(X509_get_subject_name(server), "CN", MBSTRING_UTF8, "localhost") &&
        issue(authority, server, "serverAuth", "DNS:localhost,IP:127.0.0.1,IP:::1,IP:10.0.2.2")) {
        return server;
    }
    X509_free(server);
    return NULL;
}

/* --- The CA --- */

static int path_of(char path[PATH_MAX], const char *directory, const char *file) {
    int len = snprintf(path, PATH_MAX, "%s/%s", directory, file);
    return len > 0 && len < PATH_MAX;
}

static FILE *create(const char *path, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL && fd >= 0) close(fd);
    return file;
}

/* The key is written first: a certificate without its key would be of no use. */
static int make_and_store(authority *authority, const char *key_path, const char *certificate_path) {
    FILE *file = create(key_path, 0600);
    int stored;
    authority->key = EVP_EC_gen("P-256");
    stored = authority->key != NULL && file != NULL &&
             PEM_write_PKCS8PrivateKey(file, authority->key, NULL, NULL, 0, NULL, NULL);
    if (file != NULL && fclose(file) != 0) stored = 0;
    if (!stored || (authority->certificate = make_ca(authority->key)) == NULL) return 0;
    file = create(certificate_path, 0644);
    stored = file != NULL && PEM_write_X509(file, authority->certificate);
    if (file != NULL && fclose(file) != 0) stored = 0;
    return stored;
}

/* Both files, and they belong together. */
static int load(authority *authority, const char *key_path, const char *certificate_path) {
    FILE *file = fopen(key_path, "r");
    if (file == NULL) return 0;
    authority->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    file = fopen(certificate_path, "r");
    if (file == NULL) return 0;
    authority->certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    return authority->key != NULL && authority->certificate != NULL &&
           X509_check_private_key(authority->certificate, authority->key) == 1;
}

static int make_context(authority *authority) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *server = key == NULL ? NULL : make_server(authority, key);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    int made = server != NULL && context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
               SSL_CTX_use_certificate(context, server) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1 &&
               /* Exactly these two: official Android apps count them. */
               SSL_CTX_add1_chain_cert(context, authority->certificate) &&
               X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority->certificate) &&
               SSL_CTX_add_client_CA(context, authority->certificate);
    authority->context = context;
    if (made) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        /* Every connection shows its certificate. */
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_num_tickets(context, 0);
    }
    X509_free(server);
    EVP_PKEY_free(key);
    return made;
}

int authority_open(authority *authority, const char *directory) {
    char key[PATH_MAX], certificate[PATH_MAX];
    memset(authority, 0, sizeof *authority);
    if (!path_of(key, directory, "ca.key") || !path_of(certificate, directory, "ca.crt")) {
        fprintf(stderr, "%s: the name is too long\n", directory);
        return -1;
    }
    if (!load(authority, key, certificate)) {
        authority_close(authority);
        if (access(key, F_OK) == 0 && access(certificate, F_OK) == 0) {
            fprintf(stderr, "%s: no key that belongs to ca.crt; delete both, and every app asks anew\n", key);
            return -1;
        }
        if (!make_and_store(authority, key, certificate)) {
            fprintf(stderr, "%s: a CA cannot be made here\n", directory);
            authority_close(authority);
            return -1;
        }
    }
    if (make_context(authority)) return 0;
    fprintf(stderr, "OpenSSL makes no TLS context\n");
    authority_close(authority);
    return -1;
}

void authority_close(authority *authority) {
    SSL_CTX_free(authority->context);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    memset(authority, 0, sizeof *authority);
}

/* --- Requests --- */

static int refuse(refusal *refusal, const char *name, const char *message, const char *hint) {
    refusal->name = name;
    refusal->message = message;
    refusal->hint = hint;
    return -1;
}

/* The only common name; 0 if there is none, or one that no certificate may carry. */
static int common_name_of(X509_NAME *subject, char common_name[COMMON_NAME]) {
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), len;
    unsigned char *text = NULL;
    int good;
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return 0;
    len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    good = len > 0 && len < COMMON_NAME;
    if (good) {
        memcpy(common_name, text, (size_t)len);
        common_name[len] = '\0';
        good = strspn(common_name, ALLOWED) == (size_t)len;
    }
    OPENSSL_free(text);
    return good;
}

static int is_strong(EVP_PKEY *key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return EVP_PKEY_get_bits(key) >= 2048;
    case EVP_PKEY_EC:
        return EVP_PKEY_get_bits(key) >= 256;
    case EVP_PKEY_ED25519:
        return 1;
    default:
        return 0;
    }
}

static X509 *issue_to(authority *authority, EVP_PKEY *key, const char *common_name) {
    char names[sizeof BINDING + COMMON_NAME + sizeof "URI:"] = "URI:";
    X509 *certificate = blank(key, APP_DAYS);
    snprintf(names + strlen(names), sizeof names - strlen(names), BINDING, common_name);
    if (certificate != NULL && set_name(X509_get_subject_name(certificate), "Flipper", common_name) &&
        issue(authority, certificate, "clientAuth", names)) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static int sign(authority *authority, X509_REQ *request, X509 **certificate, refusal *refusal) {
    char common_name[COMMON_NAME];
    EVP_PKEY *key = request == NULL ? NULL : X509_REQ_get0_pubkey(request);
    if (key == NULL) {
        return refuse(refusal, "BadRequest", "the csr is no certificate request in PEM",
                      "send the whole text from -----BEGIN CERTIFICATE REQUEST----- on");
    }
    if (!is_strong(key) || X509_REQ_verify(request, key) != 1) {
        return refuse(refusal, "BadRequest", "the csr is not signed by its own key, or with a weak one",
                      "make a request with RSA from 2048 bits on, ECDSA or Ed25519");
    }
    if (!common_name_of(X509_REQ_get_subject_name(request), common_name)) {
        return refuse(refusal, "BadCommonName", "the csr has no CN, several, or one with other characters than these: "
                      "A-Z a-z 0-9 _ . -", "use the app's bundle id, or com.flipper");
    }
    if (strcasecmp(common_name, "localhost") == 0) {
        return refuse(refusal, "BadCommonName", "the CN localhost is the desktop's own",
                      "use the app's bundle id, or com.flipper");
    }
    *certificate = issue_to(authority, key, common_name);
    if (*certificate == NULL) return refuse(refusal, "SigningFailed", "OpenSSL makes no certificate of the csr", NULL);
    return 0;
}

/* A text in memory; NULL if there is none left. */
static BIO *to_pem(X509 *certificate) {
    BIO *text = BIO_new(BIO_s_mem());
    if (text != NULL && PEM_write_bio_X509(text, certificate)) return text;
    BIO_free(text);
    return NULL;
}

int authority_sign(authority *authority, const char *request, size_t len, BIO **certificate, BIO **ca,
                   refusal *refusal) {
    BIO *pem = len > INT_MAX ? NULL : BIO_new_mem_buf(request, (int)len);
    X509_REQ *parsed = pem == NULL ? NULL : PEM_read_bio_X509_REQ(pem, NULL, NULL, NULL);
    X509 *issued = NULL;
    int result = sign(authority, parsed, &issued, refusal);
    if (result == 0) {
        *certificate = to_pem(issued);
        *ca = to_pem(authority->certificate);
        if (*certificate == NULL || *ca == NULL) {
            BIO_free(*certificate);
            BIO_free(*ca);
            result = refuse(refusal, "SigningFailed", "there is no memory", NULL);
        }
    }
    X509_free(issued);
    X509_REQ_free(parsed);
    BIO_free(pem);
    ERR_clear_error();
    return result;
}

int authority_issued_to(X509 *certificate, char common_name[COMMON_NAME]) {
    char expected[sizeof BINDING + COMMON_NAME];
    GENERAL_NAMES *names;
    int found = 0;
    if (!common_name_of(X509_get_subject_name(certificate), common_name)) return -1;
    snprintf(expected, sizeof expected, BINDING, common_name);
    names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names != NULL && sk_GENERAL_NAME_num(names) == 1) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
        if (name->type == GEN_URI) {
            const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
            found = (size_t)ASN1_STRING_length(uri) == strlen(expected) &&
                    memcmp(ASN1_STRING_get0_data(uri), expected, strlen(expected)) == 0;
        }
    }
    GENERAL_NAMES_free(names);
    return found ? 0 : -1;
}
