/*
 * The disk, for small files that only their owner reads: each is replaced as a whole. Functions return 0, or -1 with
 * `errno`.
 */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>

/* No file has more bytes than this; a longer one is not what its name says. */
enum { FILES_MAX = 64 * 1024 };

/* How the names of temporary files begin. */
#define FILES_TEMPORARY ".tmp-"

/* The content of a regular file, with a NUL behind it; NULL with `errno` if it cannot be read. To be freed. */
char *files_read(const char *path, size_t *len);

/* Makes this the content of a file at once. It survives a loss of power once the directory was synced, too. */
int files_write(const char *path, const void *content, size_t len);

/* Makes the names in a directory survive a loss of power. */
int files_sync(const char *path);

/* Makes a directory for its owner, and those above it. That it is there is no error. */
int files_make_directories(const char *path);

/* Removes a directory with the files in it. That it is not there is no error. */
int files_remove_directory(const char *path);

#endif
