#define _POSIX_C_SOURCE 200809L

#include "credentials.h"

#include "../common/pin.h"
#include "files.h"
#include "flipper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char REQUEST[] = "app.csr", KEY[] = "privateKey.pem", CA[] = "sonarCA.crt", CERTIFICATE[] = "device.crt",
                  CONFIG[] = "connection_config.json";

/* What nobody uses and nobody has touched for this long was left behind by a crash. */
enum { ABANDONED_AFTER_S = 600 };

/* Nobody writes into official clients' directories. */
enum { FLAT = 0 };

/* --- Paths and reasons --- */

typedef char path[PATH_MAX];

/* The path of a file of a generation, or of its folder if there is no name. */
static void path_of(path to, const char *directory, uint64_t generation, const char *name) {
    int len = generation == FLAT ? snprintf(to, PATH_MAX, "%s/%s", directory, name)
                                 : snprintf(to, PATH_MAX, "%s/%" PRIu64 "/%s", directory, generation, name);
    /* One that is too long is no path at all, and fails as such. */
    if (len < 0 || len >= PATH_MAX) to[0] = '\0';
}

/* Something is damaged, or does not fit. */
static int because(credentials_fault *fault, const char *format, ...) {
    va_list values;
    fault->problem = FLIPPER_CREDENTIAL_PROBLEM_INVALID;
    va_start(values, format);
    vsnprintf(fault->why, sizeof fault->why, format, values);
    va_end(values);
    return -1;
}

static int disk_failed(credentials_fault *fault, const char *what, const char *path) {
    int reason = errno;
    because(fault, "cannot %s %.300s: %s", what, path, strerror(reason));
    /* That a file is not there, or is something else, is no fault of the disk's. */
    if (reason != ENOENT && reason != EFBIG) fault->problem = FLIPPER_CREDENTIAL_PROBLEM_IO;
    return -1;
}

/* --- The parts of a generation --- */

typedef struct parts {
    X509 *ca, *certificate;
    EVP_PKEY *key;
    char *csr;
} parts;

static void parts_free(parts *parts) {
    X509_free(parts->ca);
    X509_free(parts->certificate);
    EVP_PKEY_free(parts->key);
    free(parts->csr);
    memset(parts, 0, sizeof *parts);
}

static char *read_part(const char *directory, uint64_t generation, const char *name, credentials_fault *fault) {
    path from;
    size_t len;
    char *content;
    path_of(from, directory, generation, name);
    content = files_read(from, &len);
    if (content == NULL) disk_failed(fault, "read", from);
    return content;
}

static X509 *read_certificate(const char *directory, uint64_t generation, const char *name, credentials_fault *fault) {
    char *pem = read_part(directory, generation, name, fault);
    BIO *bio = pem == NULL ? NULL : BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (pem != NULL && certificate == NULL) because(fault, "%s holds no certificate", name);
    BIO_free(bio);
    free(pem);
    return certificate;
}

static EVP_PKEY *read_key(const char *directory, uint64_t generation, credentials_fault *fault) {
    char *pem = read_part(directory, generation, KEY, fault);
    BIO *bio = pem == NULL ? NULL : BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (pem != NULL && key == NULL) because(fault, "%s holds no key", KEY);
    BIO_free(bio);
    if (pem != NULL) OPENSSL_cleanse(pem, strlen(pem));
    free(pem);
    return key;
}

/* Reads all parts and checks that they fit each other. */
static int read_parts(const char *directory, uint64_t generation, parts *parts, credentials_fault *fault) {
    memset(parts, 0, sizeof *parts);
    parts->csr = read_part(directory, generation, REQUEST, fault);
    if (parts->csr != NULL) parts->key = read_key(directory, generation, fault);
    if (parts->key != NULL) parts->ca = read_certificate(directory, generation, CA, fault);
    if (parts->ca != NULL) parts->certificate = read_certificate(directory, generation, CERTIFICATE, fault);
    if (parts->certificate == NULL) goto failed;
    if (pin_ca_fault(parts->ca) != X509_V_OK) {
        because(fault, "%s is no certificate of a CA", CA);
    } else if (EVP_PKEY_eq(X509_get0_pubkey(parts->certificate), parts->key) != 1) {
        because(fault, "%s is a certificate of another key than the app's", CERTIFICATE);
    } else if (pin_issue_fault(parts->certificate, parts->ca) != X509_V_OK) {
        because(fault, "%s was not issued by the CA in %s", CERTIFICATE, CA);
    } else {
        return 0;
    }
failed:
    parts_free(parts);
    return -1;
}

static uint64_t valid_ms(const X509 *certificate) {
    int days = 0, seconds = 0;
    int64_t left;
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) != 1) return 0;
    left = ((int64_t)days * 86400 + seconds) * 1000;
    return left > 0 ? (uint64_t)left : 0;
}

/* The directory as a desktop is told it, which appends names of files to it as they are. */
static char *told(const char *directory, uint64_t generation) {
    path relative, here, absolute;
    path_of(relative, directory, generation, "");
    if (relative[0] == '/' || getcwd(here, sizeof here) == NULL) return strdup(relative);
    if (snprintf(absolute, sizeof absolute, "%s/%s", here, relative) >= PATH_MAX) absolute[0] = '\0';
    return strdup(absolute);
}

static int fill(const char *directory, uint64_t generation, connection_config *config, credentials *found, credentials_fault *fault) {
    parts parts;
    uint64_t of_ca;
    memset(found, 0, sizeof *found);
    if (read_parts(directory, generation, &parts, fault) != 0) return -1;
    found->generation = generation;
    found->config = *config;
    memset(config, 0, sizeof *config);
    found->csr = parts.csr;
    parts.csr = NULL;
    found->csr_path = told(directory, generation);
    found->valid_ms = valid_ms(parts.certificate);
    of_ca = valid_ms(parts.ca);
    if (of_ca < found->valid_ms) found->valid_ms = of_ca;
    parts_free(&parts);
    return 0;
}

static int load_generation(const char *directory, uint64_t generation, credentials *found, credentials_fault *fault) {
    connection_config config;
    char *json = read_part(directory, generation, CONFIG, fault);
    int readable, result;
    if (json == NULL) return -1;
    readable = connection_config_read(json, &config);
    free(json);
    if (!readable) return because(fault, "%s does not hold the device id and the medium of an exchange", CONFIG);
    result = fill(directory, generation, &config, found, fault);
    connection_config_free(&config);
    return result;
}

/* --- The directory --- */

/* A number as it is written here, so that every generation has one folder; 0 for anything else. */
static uint64_t read_number(const char *text) {
    char again[32];
    uint64_t number = isdigit((unsigned char)text[0]) ? strtoull(text, NULL, 10) : 0;
    snprintf(again, sizeof again, "%" PRIu64, number);
    return strcmp(again, text) == 0 ? number : 0;
}

/* The generation that is in use: 1; 0 if there is no pointer; -1 if it is damaged. */
static int read_pointer(const char *directory, uint64_t *generation, credentials_fault *fault) {
    path from;
    size_t len;
    char *text;
    path_of(from, directory, FLAT, "current");
    text = files_read(from, &len);
    *generation = 0;
    if (text == NULL) return errno == ENOENT ? 0 : disk_failed(fault, "read", from);
    text[strcspn(text, "\n")] = '\0';
    *generation = read_number(text);
    free(text);
    return *generation == 0 ? because(fault, "%.300s names no generation", from) : 1;
}

static int is_there(const char *directory, uint64_t generation, const char *name) {
    path at;
    struct stat found;
    path_of(at, directory, generation, name);
    return stat(at, &found) == 0;
}

/* The greatest generation below `limit` that has a folder; 0 if there is none. */
static uint64_t newest_below(const char *directory, uint64_t limit) {
    DIR *opened = opendir(directory);
    const struct dirent *entry;
    uint64_t newest = 0;
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        uint64_t generation = read_number(entry->d_name);
        if (generation < limit && generation > newest) newest = generation;
    }
    if (opened != NULL) closedir(opened);
    return newest;
}

int credentials_load(const char *directory, credentials *found, credentials_fault *fault) {
    credentials_fault of_older;
    uint64_t generation;
    int pointer;
    fault->problem = 0;
    pointer = read_pointer(directory, &generation, fault);
    if (pointer == 0) {
        if (!is_there(directory, FLAT, CONFIG)) return 0;
        return load_generation(directory, FLAT, found, fault) == 0;
    }
    if (pointer > 0 && load_generation(directory, generation, found, fault) == 0) return 1;
    if (pointer < 0) generation = UINT64_MAX;
    while ((generation = newest_below(directory, generation)) > 0) {
        if (load_generation(directory, generation, found, &of_older) == 0) return 1;
    }
    return load_generation(directory, FLAT, found, &of_older) == 0;
}

/* --- Making --- */

/* The id where it can be a name that every desktop takes, which is not the desktop's own. */
static const char *common_name(const char *app_id) {
    size_t len = strlen(app_id);
    size_t allowed =
        strspn(app_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    int is_name = len > 0 && len < 64 && allowed == len && OPENSSL_strcasecmp(app_id, "localhost") != 0;
    return is_name ? app_id : "com.flipper";
}

static int write_pem(BIO *bio, const char *directory, uint64_t generation, const char *name, credentials_fault *fault) {
    path to;
    char *content;
    long len = BIO_get_mem_data(bio, &content);
    path_of(to, directory, generation, name);
    return files_write(to, content, (size_t)len) == 0 ? 0 : disk_failed(fault, "write", to);
}

static X509_REQ *make_request(EVP_PKEY *key, const char *app_id) {
    const char *const subject[][2] = {
        {"C", "US"}, {"ST", "CA"}, {"L", "Menlo Park"}, {"O", "Flipper"}, {"CN", common_name(app_id)}};
    X509_REQ *request = X509_REQ_new();
    X509_NAME *name = request == NULL ? NULL : X509_REQ_get_subject_name(request);
    int good = name != NULL && X509_REQ_set_version(request, 0) == 1;
    size_t at;
    for (at = 0; good && at < sizeof subject / sizeof *subject; at++) {
        const unsigned char *value = (const unsigned char *)subject[at][1];
        good = X509_NAME_add_entry_by_txt(name, subject[at][0], MBSTRING_UTF8, value, -1, -1, 0) == 1;
    }
    if (good && X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0) return request;
    X509_REQ_free(request);
    return NULL;
}

/* Makes a folder of the next number; that it is made by this process alone decides between processes. */
static int make_folder(const char *directory, uint64_t *generation, credentials_fault *fault) {
    credentials_fault ignored;
    uint64_t current, newest;
    path folder;
    if (files_make_directories(directory) != 0) return disk_failed(fault, "make the directory", directory);
    /* A damaged pointer must not keep the app from replacing what it points to. */
    (void)read_pointer(directory, &current, &ignored);
    newest = newest_below(directory, UINT64_MAX);
    *generation = newest > current ? newest : current;
    do {
        path_of(folder, directory, ++*generation, "");
    } while (mkdir(folder, 0700) != 0 && errno == EEXIST);
    return is_there(directory, *generation, "") ? 0 : disk_failed(fault, "make the directory", folder);
}

int credentials_prepare(const char *directory, const char *app_id, credentials *made, credentials_fault *fault) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *request = key == NULL ? NULL : make_request(key, app_id);
    BIO *key_pem = BIO_new(BIO_s_secmem()), *request_pem = BIO_new(BIO_s_mem());
    int result = -1;
    memset(made, 0, sizeof *made);
    if (request == NULL || key_pem == NULL || request_pem == NULL ||
        PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509_REQ(request_pem, request) != 1) {
        because(fault, "OpenSSL could not make a key and a certificate request");
    } else if (make_folder(directory, &made->generation, fault) == 0 &&
               write_pem(key_pem, directory, made->generation, KEY, fault) == 0 &&
               write_pem(request_pem, directory, made->generation, REQUEST, fault) == 0) {
        made->csr = read_part(directory, made->generation, REQUEST, fault);
        made->csr_path = told(directory, made->generation);
        result = made->csr == NULL || made->csr_path == NULL ? -1 : 0;
    }
    BIO_free(request_pem);
    BIO_free(key_pem);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    if (result != 0) credentials_free(made);
    return result;
}

/* Makes a file our own that the desktop wrote: others may have been able to read it, or may own it. */
static int adopt(const char *directory, uint64_t generation, const char *name, credentials_fault *fault) {
    path at;
    char *content = read_part(directory, generation, name, fault);
    int result;
    if (content == NULL) return -1;
    path_of(at, directory, generation, name);
    result = files_write(at, content, strlen(content));
    free(content);
    return result == 0 ? 0 : disk_failed(fault, "write", at);
}

int credentials_store(const char *directory, uint64_t generation, connection_config *granted, credentials *stored,
                      credentials_fault *fault) {
    path folder, at;
    char *json;
    int result;
    path_of(folder, directory, generation, "");
    if (!is_there(directory, generation, CA) && !is_there(directory, generation, CERTIFICATE)) {
        because(fault, "the desktop answered, but %s and %s are not in %.300s: run it where it sees this directory", CA,
                CERTIFICATE, folder);
        fault->problem = FLIPPER_CREDENTIAL_PROBLEM_NOT_DELIVERED;
        return -1;
    }
    if (adopt(directory, generation, CA, fault) != 0 || adopt(directory, generation, CERTIFICATE, fault) != 0) return -1;
    json = connection_config_write(granted);
    if (json == NULL) return because(fault, "there is no memory");
    result = fill(directory, generation, granted, stored, fault);
    path_of(at, directory, generation, CONFIG);
    if (result == 0 && files_write(at, json, strlen(json)) != 0) {
        credentials_free(stored);
        result = disk_failed(fault, "write", at);
    }
    free(json);
    return result;
}

/* --- Putting in use, and away --- */

int credentials_promote(const char *directory, uint64_t generation, credentials_fault *fault) {
    credentials whole;
    char text[32];
    path folder, pointer;
    if (load_generation(directory, generation, &whole, fault) != 0) return -1;
    credentials_free(&whole);
    /* What is pointed to must be there after a loss of power, so it goes to the disk first. */
    path_of(folder, directory, generation, "");
    if (files_sync(folder) != 0) return disk_failed(fault, "sync", folder);
    if (files_sync(directory) != 0) return disk_failed(fault, "sync", directory);
    path_of(pointer, directory, FLAT, "current");
    snprintf(text, sizeof text, "%" PRIu64 "\n", generation);
    if (files_write(pointer, text, strlen(text)) != 0) return disk_failed(fault, "write", pointer);
    return files_sync(directory) == 0 ? 0 : disk_failed(fault, "sync", directory);
}

static int remove_folder(const char *directory, uint64_t generation, credentials_fault *fault) {
    path folder;
    path_of(folder, directory, generation, "");
    return files_remove_directory(folder) == 0 ? 0 : disk_failed(fault, "remove", folder);
}

int credentials_discard(const char *directory, uint64_t generation, credentials_fault *fault) {
    uint64_t current;
    if (generation == FLAT) return because(fault, "an official client's credentials are only read");
    if (read_pointer(directory, &current, fault) < 0) return -1;
    if (current == generation) return because(fault, "generation %" PRIu64 " is in use", generation);
    return remove_folder(directory, generation, fault);
}

static int is_abandoned(const char *at) {
    struct stat found;
    return stat(at, &found) == 0 && time(NULL) - found.st_mtime >= ABANDONED_AFTER_S;
}

int credentials_prune(const char *directory, credentials_fault *fault) {
    DIR *opened = opendir(directory);
    const struct dirent *entry;
    uint64_t current;
    int result = read_pointer(directory, &current, fault) < 0 ? -1 : 0;
    while (result == 0 && opened != NULL && (entry = readdir(opened)) != NULL) {
        uint64_t generation = read_number(entry->d_name);
        path at;
        path_of(at, directory, FLAT, entry->d_name);
        if (strncmp(entry->d_name, FILES_TEMPORARY, strlen(FILES_TEMPORARY)) == 0 && is_abandoned(at)) unlink(at);
        if (generation == 0 || generation == current) continue;
        /* What is younger may be an exchange of another process. */
        if ((generation < current && is_there(directory, generation, CONFIG)) || is_abandoned(at)) {
            result = remove_folder(directory, generation, fault);
        }
    }
    if (opened != NULL) closedir(opened);
    return result;
}

/* --- Using --- */

SSL_CTX *credentials_tls(const char *directory, uint64_t generation, credentials_fault *fault) {
    parts parts;
    SSL_CTX *context;
    if (read_parts(directory, generation, &parts, fault) != 0) return NULL;
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate(context, parts.certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, parts.key) != 1 || pin_peers(context, parts.ca) != 1) {
        because(fault, "OpenSSL does not take the credentials of generation %" PRIu64, generation);
        SSL_CTX_free(context);
        context = NULL;
    }
    parts_free(&parts);
    return context;
}

void credentials_free(credentials *credentials) {
    connection_config_free(&credentials->config);
    free(credentials->csr);
    free(credentials->csr_path);
    memset(credentials, 0, sizeof *credentials);
}
