#define _POSIX_C_SOURCE 200809L

#include "netstring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

/* Room for a length, its colon, the comma, and the NUL of `snprintf`. */
enum { FRAME = 24 };

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

/* --- Reading --- */

int netstring_fill(netstring_reader *reader) {
    ssize_t got;
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    if (reader->capacity - reader->end < READ_SIZE) {
        size_t capacity = reader->capacity + (reader->capacity > READ_SIZE ? reader->capacity : READ_SIZE);
        char *buffer = realloc(reader->buffer, capacity);
        if (buffer == NULL) return -1;
        reader->buffer = buffer;
        reader->capacity = capacity;
    }
    got = read(reader->fd, reader->buffer + reader->end, READ_SIZE);
    if (got < 0) return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1;
    reader->end += (size_t)got;
    return got > 0;
}

/* Reads the length of the field at `*at` and moves `*at` behind its colon: 1, 0 if it is cut off, -1 if it is none. */
static int read_length(const netstring_reader *reader, size_t *at, size_t *length) {
    size_t digits = 0;
    *length = 0;
    for (; *at < reader->end; ++*at, digits++) {
        char c = reader->buffer[*at];
        if (c == ':') {
            ++*at;
            return digits > 0 ? 1 : -1;
        }
        if (c < '0' || c > '9' || *length > (SIZE_MAX - 9) / 10) return -1;
        *length = *length * 10 + (size_t)(c - '0');
    }
    return 0;
}

static int add_field(netstring_reader *reader, size_t count, const char *ptr, size_t len) {
    if (count == reader->field_capacity) {
        size_t capacity = reader->field_capacity * 2 + 8;
        netstring *fields = realloc(reader->fields, capacity * sizeof *fields);
        if (fields == NULL) return -1;
        reader->fields = fields;
        reader->field_capacity = capacity;
    }
    reader->fields[count].ptr = ptr;
    reader->fields[count].len = len;
    return 0;
}

int netstring_next(netstring_reader *reader, netstring_message *message) {
    size_t at = reader->begin, count = 0, field, length;
    int found;
    while (at < reader->end && reader->buffer[at] != '\n') {
        found = read_length(reader, &at, &length);
        if (found <= 0) return found;
        if (reader->end - at <= length) return 0;
        if (reader->buffer[at + length] != ',' || add_field(reader, count, reader->buffer + at, length) != 0) return -1;
        at += length + 1;
        count++;
    }
    if (at == reader->end) return 0;
    /* Only now, for until it is whole a message is looked at again and again. */
    for (field = 0; field < count; field++) {
        reader->buffer[(size_t)(reader->fields[field].ptr - reader->buffer) + reader->fields[field].len] = '\0';
    }
    reader->begin = at + 1;
    message->fields = reader->fields;
    message->count = count;
    return 1;
}

void netstring_reader_free(netstring_reader *reader) {
    free(reader->buffer);
    free(reader->fields);
    reader->buffer = NULL;
    reader->fields = NULL;
    reader->begin = reader->end = reader->capacity = reader->field_capacity = 0;
}

netstring netstring_of(const char *text) {
    netstring field;
    field.ptr = text == NULL ? "" : text;
    field.len = strlen(field.ptr);
    return field;
}

int netstring_is(netstring field, const char *text) {
    return field.len == strlen(text) && memcmp(field.ptr, text, field.len) == 0;
}

/* --- Writing --- */

static int write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put >= 0) {
            bytes += put;
            len -= (size_t)put;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {fd, POLLOUT, 0};
            (void)poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int netstring_write(int fd, const netstring *fields, size_t count) {
    size_t size = 1, used = 0, at;
    char *text;
    int result;
    for (at = 0; at < count; at++) size += fields[at].len + FRAME;
    text = malloc(size);
    if (text == NULL) return -1;
    for (at = 0; at < count; at++) {
        used += (size_t)snprintf(text + used, FRAME, "%zu:", fields[at].len);
        if (fields[at].len > 0) memcpy(text + used, fields[at].ptr, fields[at].len);
        used += fields[at].len;
        text[used++] = ',';
    }
    text[used++] = '\n';
    pthread_mutex_lock(&writing);
    result = write_all(fd, text, used);
    pthread_mutex_unlock(&writing);
    free(text);
    return result;
}
