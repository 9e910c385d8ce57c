#define _POSIX_C_SOURCE 200809L

#include "upgrade.h"
#include "../common/websocket.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Where the empty line ends; 0 if it is not there. */
static size_t end_of_head(const char *head, size_t len) {
    size_t at;
    for (at = 4; at <= len; at++) {
        if (memcmp(head + at - 4, "\r\n\r\n", 4) == 0) return at;
    }
    return 0;
}

/* Whether a list that is separated by commas has this word. */
static int has_word(const char *list, const char *word) {
    size_t len = strlen(word);
    while (list != NULL) {
        list += strspn(list, ", \t");
        if (strncasecmp(list, word, len) == 0 && strchr(", \t", list[len]) != NULL) return 1;
        list = strchr(list, ',');
    }
    return 0;
}

/* The value, without the blanks around it, if the line is a header of this name. */
static char *value_of(char *line, const char *name) {
    size_t len = strlen(name), end;
    char *value;
    if (strncasecmp(line, name, len) != 0 || line[len] != ':') return NULL;
    value = line + len + 1;
    value += strspn(value, " \t");
    for (end = strlen(value); end > 0 && strchr(" \t", value[end - 1]) != NULL; end--) {
    }
    value[end] = '\0';
    return value;
}

/* The target of `GET TARGET HTTP/1.1`. */
static char *target_of(char *line) {
    char *target = line + 4, *end = strrchr(line, ' ');
    if (strncmp(line, "GET ", 4) != 0 || end == NULL || end < target || strcmp(end, " HTTP/1.1") != 0) return NULL;
    *end = '\0';
    return target;
}

int upgrade_read(char *head, size_t len, upgrade *upgrade) {
    const char *version = NULL, *protocol = NULL, *connection = NULL;
    int hosts = 0, origins = 0;
    char *line, *next, *value;
    memset(upgrade, 0, sizeof *upgrade);
    upgrade->len = end_of_head(head, len);
    if (upgrade->len == 0) return len < MAX_HEAD ? 0 : 431;
    if (memchr(head, '\0', upgrade->len) != NULL) return 400;
    head[upgrade->len - 4] = '\0';
    next = strstr(head, "\r\n");
    if (next != NULL) *next = '\0', next += 2;
    upgrade->target = target_of(head);
    if (upgrade->target == NULL) return 400;
    while ((line = next) != NULL) {
        next = strstr(line, "\r\n");
        if (next != NULL) *next = '\0', next += 2;
        if ((value = value_of(line, "Host")) != NULL) hosts++, upgrade->host = value;
        if ((value = value_of(line, "Origin")) != NULL) origins++, upgrade->origin = value;
        if ((value = value_of(line, "Upgrade")) != NULL) protocol = value;
        if ((value = value_of(line, "Connection")) != NULL && has_word(value, "upgrade")) connection = value;
        if ((value = value_of(line, "Sec-WebSocket-Version")) != NULL) version = value;
        if ((value = value_of(line, "Sec-WebSocket-Key")) != NULL) upgrade->key = value;
    }
    /* Two hosts, or a page that hides behind a second origin, are nobody's honest request. */
    if (hosts != 1 || origins > 1) return 400;
    if (!has_word(protocol, "websocket") || connection == NULL) return 426;
    if (version == NULL || strcmp(version, "13") != 0) return 426;
    return upgrade->key != NULL && strlen(upgrade->key) == 24 ? 101 : 400;
}

size_t upgrade_accept(char answer[MAX_ANSWER], const char *key) {
    char accept[WEBSOCKET_ACCEPT_SIZE];
    if (!websocket_accept(key, accept)) return upgrade_refuse(answer, 500, "OpenSSL makes no answer");
    return (size_t)snprintf(answer, MAX_ANSWER,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}

static const char *words_for(int status) {
    switch (status) {
    case 401:
        return "Unauthorized";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    default:
        return "Bad Request";
    }
}

size_t upgrade_refuse(char answer[MAX_ANSWER], int status, const char *reason) {
    const char *more = status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "";
    int len = (int)strlen(reason), room = MAX_ANSWER / 2;
    if (len > room) len = room;
    return (size_t)snprintf(answer, MAX_ANSWER,
                            "HTTP/1.1 %d %s\r\n%sConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            "Content-Length: %d\r\n\r\n%.*s",
                            status, words_for(status), more, len, len, reason);
}
