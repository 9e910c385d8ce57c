/*
 * A tiny desktop: libflipper's state machine decides, and this program has the sockets, the certificates and the clock.
 */
#ifndef DESK_H
#define DESK_H

#include "authority.h"
#include "flipper.h"

#include <stdint.h>

enum { MAX_CONNECTIONS = 256 };

struct connection;

typedef struct desk {
    flipper_desktop *desktop;
    authority authority;
    struct connection *connections[MAX_CONNECTIONS];
    size_t connection_count;
    /* What was read of standard input and is no whole line yet. */
    char *line;
    size_t line_len, line_room;
} desk;

/* Milliseconds, since whenever. */
uint64_t desk_now(void);

/* Does what the state machine wants done, and looks at what happened. To be called after whatever it was told. */
void desk_drive(desk *desk);

/* events.c: prints what happened, and answers those who ask for certificates. */
void desk_event(desk *desk, const flipper_event *event);

/* commands.c: reads commands from standard input. 0 at its end, or if the desktop is to stop. */
int desk_commands(desk *desk);

/* Print a line of fields. What could end a line, or play tricks on a terminal, becomes a blank. */
void print_field(flipper_str text);
void print_text(const char *text);

#endif
