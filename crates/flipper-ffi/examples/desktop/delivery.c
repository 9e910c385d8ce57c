#define _POSIX_C_SOURCE 200809L

#include "delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(refusal *refusal, const char *name, const char *message, const char *hint) {
    refusal->name = name;
    refusal->message = message;
    refusal->hint = hint;
    return -1;
}

static int read_all(int fd, char *bytes, size_t len) {
    size_t done = 0;
    while (done < len) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

/* Whether `app.csr` there is a plain file that holds this request and nothing else. */
static int proves(int directory, const char *request, size_t len) {
    /* A pipe would wait for its other end. */
    int fd = openat(directory, "app.csr", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), good = 0;
    struct stat status;
    char *found;
    if (fd < 0) return 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == (off_t)len &&
        (found = malloc(len + 1)) != NULL) {
        good = read_all(fd, found, len) && memcmp(found, request, len) == 0;
        free(found);
    }
    close(fd);
    return good;
}

int delivery_open(const char *destination, size_t len, const char *request, size_t request_len, refusal *refusal) {
    char path[PATH_MAX];
    int directory;
    if (len == 0 || len >= sizeof path || memchr(destination, '\0', len) != NULL || destination[0] != '/' ||
        destination[len - 1] != '/') {
        return refuse(refusal, "BadDestination", "the destination is no absolute path that ends with a separator",
                      "send the directory that app.csr lies in, with / at its end");
    }
    memcpy(path, destination, len);
    path[len] = '\0';
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return refuse(refusal, "BadDestination", "the destination is no directory that this desktop can open",
                      "make the directory before the request, on the machine of the desktop");
    }
    if (request_len > 0 && proves(directory, request, request_len)) return directory;
    close(directory);
    return refuse(refusal, "NoProof", "the destination has no app.csr, or one that is not the csr of the message",
                  "write the csr to app.csr in the destination before the request");
}

/* Under another name first: nobody reads half a file, and a link that lies there is replaced, and not followed. */
static int write_file(int directory, const char *name, BIO *text) {
    static const char NEW[] = ".flipper-new";
    char *bytes;
    long len = BIO_get_mem_data(text, &bytes);
    int fd, good;
    unlinkat(directory, NEW, 0);
    fd = openat(directory, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return 0;
    /* It is small enough for one write. */
    good = write(fd, bytes, (size_t)len) == (ssize_t)len && fsync(fd) == 0;
    if (close(fd) != 0) good = 0;
    if (good && renameat(directory, NEW, directory, name) == 0) return 1;
    unlinkat(directory, NEW, 0);
    return 0;
}

int delivery_write(int directory, BIO *ca, BIO *certificate, refusal *refusal) {
    if (write_file(directory, "sonarCA.crt", ca) && write_file(directory, "device.crt", certificate)) return 0;
    return refuse(refusal, "NotDelivered", "the certificates cannot be written to the destination",
                  "let the user of this desktop write there");
}
