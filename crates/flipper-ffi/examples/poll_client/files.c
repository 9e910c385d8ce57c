#define _POSIX_C_SOURCE 200809L

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0600, DIRECTORY_MODE = 0700 };

char *files_read(const char *path, size_t *len) {
    struct stat found;
    char *content;
    ssize_t got = -1;
    int fd;
    /* Asked before it is opened: opening a pipe that nobody writes to would wait for ever. */
    if (stat(path, &found) != 0) return NULL;
    if (!S_ISREG(found.st_mode) || found.st_size > FILES_MAX) {
        errno = S_ISREG(found.st_mode) ? EFBIG : EINVAL;
        return NULL;
    }
    content = malloc(FILES_MAX + 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    *len = 0;
    while (content != NULL && fd >= 0 && (got = read(fd, content + *len, FILES_MAX - *len)) > 0) *len += (size_t)got;
    if (fd >= 0) close(fd);
    if (got < 0) {
        free(content);
        return NULL;
    }
    content[*len] = '\0';
    return content;
}

static int write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno != EINTR) return -1;
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

/* A name beside `path` that nobody else uses: in a container every run of a program is process 1. */
static int temporary_beside(const char *path, char temporary[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - path) + 1;
    uint64_t random;
    int len;
    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1) random = (uint64_t)getpid();
    len = snprintf(temporary, PATH_MAX, "%.*s" FILES_TEMPORARY "%016llx", folder, path, (unsigned long long)random);
    errno = ENAMETOOLONG;
    return len > 0 && len < PATH_MAX ? 0 : -1;
}

int files_write(const char *path, const void *content, size_t len) {
    char temporary[PATH_MAX];
    int fd, result, reason;
    if (temporary_beside(path, temporary) != 0) return -1;
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) return -1;
    /* The umask may have taken bits away that the owner needs. */
    result = fchmod(fd, FILE_MODE) == 0 && write_all(fd, content, len) == 0 && fsync(fd) == 0 ? 0 : -1;
    if (close(fd) != 0) result = -1;
    if (result == 0 && rename(temporary, path) == 0) return 0;
    reason = errno;
    unlink(temporary);
    errno = reason;
    return -1;
}

int files_sync(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC), result;
    if (fd < 0) return -1;
    result = fsync(fd);
    close(fd);
    return result;
}

int files_make_directories(const char *path) {
    char part[PATH_MAX];
    struct stat found;
    char *at;
    if (strlen(path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(part, path);
    for (at = part + 1;; at++) {
        char end = *at;
        if (end != '/' && end != '\0') continue;
        *at = '\0';
        if (mkdir(part, DIRECTORY_MODE) != 0 && errno != EEXIST) return -1;
        *at = end;
        if (end == '\0') break;
    }
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) return 0;
    errno = ENOTDIR;
    return -1;
}

int files_remove_directory(const char *path) {
    DIR *directory = opendir(path);
    const struct dirent *entry;
    if (directory == NULL) return errno == ENOENT ? 0 : -1;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0 && errno != ENOENT) {
            int reason = errno;
            closedir(directory);
            errno = reason;
            return -1;
        }
    }
    closedir(directory);
    return rmdir(path) == 0 || errno == ENOENT ? 0 : -1;
}
