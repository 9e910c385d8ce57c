/*
 * Messages between a program under test and the suite: a list of netstrings, then a newline, as in
 * `3:add,7:Example,1:1,\n`. A field may hold any bytes, and a message is as long as memory allows.
 */
#ifndef NETSTRING_H
#define NETSTRING_H

#include <stddef.h>

/* A field, borrowed. Where it was read, a NUL follows it that `len` does not count. */
typedef struct netstring {
    const char *ptr;
    size_t len;
} netstring;

/* A message that was read. Its fields are good until the next `netstring_fill`. */
typedef struct netstring_message {
    netstring *fields;
    size_t count;
} netstring_message;

/* What comes in at a file descriptor, which may be blocking or not. To be zeroed but for `fd`. */
typedef struct netstring_reader {
    int fd;
    char *buffer;
    size_t begin, end, capacity;
    netstring *fields;
    size_t field_capacity;
} netstring_reader;

/* Reads once: 1 if that brought something, or has to be tried again; 0 at the end; -1 if it failed, as `errno` says. */
int netstring_fill(netstring_reader *reader);

/* The next message of what was read: 1; 0 if there is none yet; -1 if what was read is none, or memory ran out. */
int netstring_next(netstring_reader *reader, netstring_message *message);

/* Frees what the reader has; the file descriptor stays open. */
void netstring_reader_free(netstring_reader *reader);

/* The text of a C string; of NULL, the empty one. */
netstring netstring_of(const char *text);

/* Whether a field is this text. */
int netstring_is(netstring field, const char *text);

/*
 * Writes a message whole, from whatever thread: no other thread's comes in between. Waits until it is written. 0, or -1
 * if it failed.
 */
int netstring_write(int fd, const netstring *fields, size_t count);

#endif
