#define _POSIX_C_SOURCE 200809L

#include "desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FIELDS = 5, MAX_LINE = 64 * 1024 * 1024 };

static const char USAGE[] = "list | init APP PLUGIN | call APP PLUGIN METHOD [JSON] | stop";

/* The fields of a line: separated by tabs if it has any, else by blanks. The last one holds whatever is left. */
static size_t split(char *line, flipper_str fields[MAX_FIELDS]) {
    char separator = strchr(line, '\t') != NULL ? '\t' : ' ', *end;
    size_t count = 0;
    while (count < MAX_FIELDS && *line != '\0') {
        end = count + 1 < MAX_FIELDS ? strchr(line, separator) : NULL;
        fields[count].ptr = line;
        fields[count].len = end == NULL ? strlen(line) : (size_t)(end - line);
        count++;
        if (end == NULL) break;
        line = end + 1;
    }
    return count;
}

static int is(flipper_str text, const char *word) {
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static int same(flipper_str a, flipper_str b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

static void cannot(const char *why) { printf("cannot\t%s\n", why); }

static void check(flipper_result result) {
    char why[200];
    size_t len;
    if (result == FLIPPER_RESULT_OK) return;
    flipper_result_message(result, why, sizeof why, &len);
    cannot(why);
}

/* Where the app stands in a list, by its client id or its name; the end of the list if it is not there. */
static size_t find(const flipper_clients *clients, flipper_str app) {
    size_t at, count = flipper_clients_count(clients);
    flipper_str id, name;
    for (at = 0; at < count; at++) {
        if (flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_CLIENT, &id) == FLIPPER_RESULT_OK && same(id, app)) {
            break;
        }
        if (flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_APP, &name) == FLIPPER_RESULT_OK && same(name, app)) {
            break;
        }
    }
    return at;
}

static int is_initialised(const flipper_clients *clients, size_t at, flipper_str plugin) {
    uint32_t list = FLIPPER_EVENT_FIELD_INITIALISED;
    flipper_str known;
    size_t index;
    for (index = 0; flipper_clients_item(clients, at, list, index, &known) == FLIPPER_RESULT_OK; index++) {
        if (same(known, plugin)) return 1;
    }
    return 0;
}

static void init(desk *desk, const flipper_clients *clients, size_t at, flipper_str plugin) {
    flipper_str id;
    if (flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_CLIENT, &id) != FLIPPER_RESULT_OK) return;
    check(flipper_desktop_init_plugin(desk->desktop, id.ptr, id.len, plugin.ptr, plugin.len));
}

/* A plugin is initialised before its first call. */
static void call(desk *desk, const flipper_clients *clients, size_t at, const flipper_str *fields, size_t count) {
    flipper_request request;
    flipper_result result;
    uint64_t number;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    request.plugin = fields[2];
    request.method = fields[3];
    if (count > 4) request.params = fields[4];
    if (!is_initialised(clients, at, request.plugin)) init(desk, clients, at, request.plugin);
    flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_CLIENT, &request.client);
    result = flipper_desktop_call(desk->desktop, &request, desk_now(), &number);
    if (result == FLIPPER_RESULT_OK) printf("called\t%llu\n", (unsigned long long)number);
    check(result);
}

static void list(const flipper_clients *clients) {
    size_t at, index, count = flipper_clients_count(clients);
    flipper_str text;
    for (at = 0; at < count; at++) {
        printf("client");
        if (flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_CLIENT, &text) == FLIPPER_RESULT_OK) print_field(text);
        if (flipper_clients_text(clients, at, FLIPPER_EVENT_FIELD_APP, &text) == FLIPPER_RESULT_OK) print_field(text);
        for (index = 0;
             flipper_clients_item(clients, at, FLIPPER_EVENT_FIELD_PLUGINS, index, &text) == FLIPPER_RESULT_OK;
             index++) {
            print_field(text);
        }
        putchar('\n');
    }
    printf("clients\t%llu\n", (unsigned long long)count);
}

static void with_app(desk *desk, const flipper_str *fields, size_t count) {
    flipper_clients *clients;
    size_t at;
    if (flipper_desktop_clients(desk->desktop, &clients) != FLIPPER_RESULT_OK) return;
    if (is(fields[0], "list")) {
        list(clients);
    } else if (count < 3 || (is(fields[0], "call") && count < 4)) {
        cannot(USAGE);
    } else if ((at = find(clients, fields[1])) == flipper_clients_count(clients)) {
        cannot("no app of this name is connected");
    } else if (is(fields[0], "init")) {
        init(desk, clients, at, fields[2]);
    } else {
        call(desk, clients, at, fields, count);
    }
    flipper_clients_free(clients);
}

/* 0 if no command is to follow. */
static int carry_out(desk *desk, char *line) {
    flipper_str fields[MAX_FIELDS];
    size_t count = split(line, fields);
    if (count == 0) return 1;
    if (is(fields[0], "stop")) return 0;
    if (is(fields[0], "list") || is(fields[0], "init") || is(fields[0], "call")) {
        with_app(desk, fields, count);
    } else {
        cannot(USAGE);
    }
    return 1;
}

/* Makes room for more of the line; 0 if there is none. */
static int make_room(desk *desk) {
    size_t room = desk->line_room == 0 ? 64 * 1024 : desk->line_room * 2;
    char *line;
    if (desk->line_len < desk->line_room) return 1;
    if (room > MAX_LINE || (line = realloc(desk->line, room)) == NULL) return 0;
    desk->line = line;
    desk->line_room = room;
    return 1;
}

int desk_commands(desk *desk) {
    char *end;
    size_t from;
    ssize_t got;
    if (!make_room(desk)) {
        cannot("the line is too long");
        desk->line_len = 0;
    }
    from = desk->line_len;
    got = read(STDIN_FILENO, desk->line + from, desk->line_room - from);
    if (got < 0 && errno == EINTR) return 1;
    if (got <= 0) return 0;
    desk->line_len += (size_t)got;
    while ((end = memchr(desk->line + from, '\n', desk->line_len - from)) != NULL) {
        size_t used = (size_t)(end - desk->line) + 1;
        *end = '\0';
        if (!carry_out(desk, desk->line)) return 0;
        desk->line_len -= used;
        memmove(desk->line, desk->line + used, desk->line_len);
        from = 0;
    }
    return 1;
}
