#define _POSIX_C_SOURCE 200809L

#include "connection_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Writing --- */

/* The most that one byte becomes. */
enum { ESCAPED = 6 };

static char *write_string(char *to, const char *text) {
    *to++ = '"';
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = *text;
        } else if (c < 0x20) {
            to += sprintf(to, "\\u%04x", c);
        } else {
            *to++ = *text;
        }
    }
    *to++ = '"';
    return to;
}

char *connection_config_write(const connection_config *config) {
    size_t texts = strlen(config->device_id) + (config->os == NULL ? 0 : strlen(config->os));
    char *json = malloc(texts * ESCAPED + 64), *to = json;
    if (json == NULL) return NULL;
    to = write_string(to + sprintf(to, "{\"deviceId\":"), config->device_id);
    to += sprintf(to, ",\"medium\":%u", config->medium);
    if (config->os != NULL) to = write_string(to + sprintf(to, ",\"os\":"), config->os);
    strcpy(to, "}");
    return json;
}

/* --- Reading: one object, and in it texts, numbers and words --- */

static const char *skip_space(const char *at) { return at + strspn(at, " \t\r\n"); }

static char *put_utf8(char *to, unsigned long c) {
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | (c >> 6));
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | (c >> 12));
        } else {
            *to++ = (char)(0xf0 | (c >> 18));
            *to++ = (char)(0x80 | ((c >> 12) & 0x3f));
        }
        *to++ = (char)(0x80 | ((c >> 6) & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* Four hexadecimal digits; 0 for what is none, which no text here may hold either. */
static unsigned long read_unit(const char *at) {
    char digits[5] = {0};
    if (strspn(at, "0123456789abcdefABCDEF") < 4) return 0;
    memcpy(digits, at, 4);
    return strtoul(digits, NULL, 16);
}

/* Reads `\uXXXX`, or two of them for one character: what follows, or NULL. */
static const char *read_unicode(const char *at, char **to) {
    unsigned long c = read_unit(at + 2), low;
    at += 6;
    if (c == 0 || (c >= 0xdc00 && c < 0xe000)) return NULL;
    if (c >= 0xd800 && c < 0xdc00) {
        low = at[0] == '\\' && at[1] == 'u' ? read_unit(at + 2) : 0;
        if (low < 0xdc00 || low >= 0xe000) return NULL;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
    }
    *to = put_utf8(*to, c);
    return at;
}

/* Reads a text into memory that is to be freed: what follows, or NULL. */
static const char *read_string(const char *at, char **text) {
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    char *to = *text = NULL;
    if (*at++ != '"') return NULL;
    to = *text = malloc(strlen(at) + 1);
    if (to == NULL) return NULL;
    while (at != NULL && *at != '"') {
        if ((unsigned char)*at < 0x20) {
            at = NULL;
        } else if (*at != '\\') {
            *to++ = *at++;
        } else if (at[1] == 'u') {
            at = read_unicode(at, &to);
        } else {
            size_t known = 0;
            while (escapes[known] != '\0' && escapes[known] != at[1]) known += 2;
            if (escapes[known] != '\0') *to++ = escapes[known + 1];
            at = escapes[known] == '\0' ? NULL : at + 2;
        }
    }
    *to = '\0';
    if (at == NULL) {
        free(*text);
        *text = NULL;
        return NULL;
    }
    return at + 1;
}

/* Reads what stands behind a key: what follows, or NULL. */
static const char *read_value(const char *at, const char *key, connection_config *config) {
    char *text = NULL, *end;
    size_t word;
    if (*at == '"') {
        char **field = strcmp(key, "deviceId") == 0 ? &config->device_id : strcmp(key, "os") == 0 ? &config->os : NULL;
        at = read_string(at, &text);
        if (field == NULL || *field != NULL) {
            free(text);
        } else {
            *field = text;
        }
        return at;
    }
    if (strcmp(key, "medium") == 0) {
        unsigned long medium = strtoul(at, &end, 10);
        if (end == at || medium < 1 || medium > 3) return NULL;
        config->medium = (unsigned char)medium;
        return end;
    }
    word = strspn(at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    return word == 0 ? NULL : at + word;
}

static const char *read_members(const char *at, connection_config *config) {
    do {
        char *key = NULL;
        at = read_string(skip_space(at + 1), &key);
        if (at != NULL) at = skip_space(at);
        if (at != NULL) at = *at == ':' ? read_value(skip_space(at + 1), key, config) : NULL;
        if (at != NULL) at = skip_space(at);
        free(key);
    } while (at != NULL && *at == ',');
    return at;
}

int connection_config_read(const char *json, connection_config *config) {
    const char *at = skip_space(json);
    memset(config, 0, sizeof *config);
    /* Clients from before there were media wrote none. */
    config->medium = 1;
    at = *at == '{' ? read_members(at, config) : NULL;
    if (at != NULL && *at == '}' && *skip_space(at + 1) == '\0' && config->device_id != NULL) return 1;
    connection_config_free(config);
    return 0;
}

void connection_config_free(connection_config *config) {
    free(config->device_id);
    free(config->os);
    memset(config, 0, sizeof *config);
}
