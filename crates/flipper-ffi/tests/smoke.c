/*
 * Drives a client with facts and wishes from standard input, one a line, fields separated by tabs, and prints what the
 * client does and tells, as `flipper_model` does. Every fact begins with the time; `tests/smoke.rs` writes them.
 */
#include "flipper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 40, MAX_LINE = 1 << 20 };

static char *fields[MAX_FIELDS];
static int field_count;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static int has(int at) { return at < field_count; }
static uint64_t number(int at) { return has(at) ? strtoull(fields[at], NULL, 10) : 0; }
static flipper_str text(int at) {
    flipper_str none = {NULL, 0}, some;
    if (!has(at)) return none;
    some.ptr = fields[at];
    some.len = strlen(fields[at]);
    return some;
}

static void split(char *line) {
    line[strcspn(line, "\n")] = '\0';
    for (field_count = 0; line != NULL && field_count < MAX_FIELDS; field_count++) {
        fields[field_count] = line;
        line = strchr(line, '\t');
        if (line != NULL) *line++ = '\0';
    }
}

/* From hexadecimal, in place. */
static size_t unhex(char *hex) {
    size_t len = strlen(hex) / 2, at;
    for (at = 0; at < len; at++) {
        char digits[3] = {hex[2 * at], hex[2 * at + 1], '\0'};
        hex[at] = (char)strtoul(digits, NULL, 16);
    }
    return len;
}

static flipper_credentials credentials(int at) {
    flipper_credentials found = {0};
    found.size = sizeof found;
    found.generation = number(at);
    found.medium = (uint32_t)number(at + 1);
    found.valid_until_ms = number(at + 2);
    found.device_id = text(at + 3);
    found.csr = text(at + 4);
    found.csr_path = text(at + 5);
    found.os = text(at + 6);
    return found;
}

static flipper_result tell(flipper_client *client) {
    uint64_t now = number(0), id = number(2);
    const char *what = fields[1];
    flipper_str a = text(2), b = text(3), c = text(4);
    flipper_credentials found;
    if (!strcmp(what, "start")) return flipper_client_start(client, now);
    if (!strcmp(what, "stop")) return flipper_client_stop(client, now);
    if (!strcmp(what, "add")) return flipper_client_add_plugin(client, a.ptr, a.len, (uint8_t)number(3));
    if (!strcmp(what, "remove")) return flipper_client_remove_plugin(client, a.ptr, a.len);
    if (!strcmp(what, "send")) return flipper_client_send(client, a.ptr, a.len, b.ptr, b.len, c.ptr, c.len);
    if (!strcmp(what, "respond")) return flipper_client_respond(client, id, b.ptr, b.len);
    if (!strcmp(what, "error")) return flipper_client_respond_error(client, id, b.ptr, b.len);
    if (!strcmp(what, "supported")) return flipper_client_respond_supported(client, id, (uint8_t)number(3));
    if (!strcmp(what, "fail")) return flipper_client_fail(client, id, b.ptr, b.len, NULL, 0);
    if (!strcmp(what, "report")) return flipper_client_report_error(client, a.ptr, a.len, NULL, 0, NULL, 0);
    if (!strcmp(what, "opened")) return flipper_client_opened(client, id, now);
    if (!strcmp(what, "message")) return flipper_client_message(client, id, b.ptr, b.len, now);
    if (!strcmp(what, "binary")) return flipper_client_binary(client, id, b.ptr, unhex(fields[3]), now);
    if (!strcmp(what, "alive")) return flipper_client_alive(client, id, now);
    if (!strcmp(what, "writable")) return flipper_client_writable(client, id, (size_t)number(3), now);
    if (!strcmp(what, "closed")) {
        flipper_str reason = text(5);
        return flipper_client_closed(client, id, (uint32_t)number(3), (uint16_t)number(4), reason.ptr, reason.len, now);
    }
    if (!strcmp(what, "loaded")) {
        found = credentials(5);
        c = text(4);
        return flipper_client_job_loaded(client, id, has(5) ? &found : NULL, (uint32_t)number(3), c.ptr, c.len, now);
    }
    if (!strcmp(what, "prepared")) {
        flipper_prepared prepared = {0};
        prepared.size = sizeof prepared;
        prepared.generation = number(3);
        prepared.wall_ms = number(4);
        prepared.csr = text(5);
        prepared.destination = text(6);
        prepared.pairing_id = text(7);
        prepared.pairing_nonce = text(8);
        prepared.pairing_proof = text(9);
        return flipper_client_job_prepared(client, id, &prepared, now);
    }
    if (!strcmp(what, "stored")) {
        found = credentials(3);
        return flipper_client_job_stored(client, id, &found, now);
    }
    if (!strcmp(what, "done")) return flipper_client_job_done(client, id, now);
    if (!strcmp(what, "failed")) return flipper_client_job_failed(client, id, (uint32_t)number(3), c.ptr, c.len, now);
    if (!strcmp(what, "timeout")) return flipper_client_timeout(client, now);
    fail(what);
    return FLIPPER_RESULT_OK;
}

static void print_action_number(const flipper_action *action, uint32_t field) {
    uint64_t value;
    if (flipper_action_number(action, field, &value) != FLIPPER_RESULT_OK) fail("an action lacks a number");
    printf(" %" PRIu64, value);
}

/* A text that is not there is a dash. */
static void print_action_text(const flipper_action *action, uint32_t field) {
    flipper_str value = {"-", 1};
    flipper_result result = flipper_action_text(action, field, &value);
    if (result != FLIPPER_RESULT_OK && result != FLIPPER_RESULT_NOT_FOUND) fail("an action's text");
    printf(" %.*s", (int)value.len, value.ptr);
}

static void print_job(const flipper_action *action) {
    static const char *const names[] = {"", "load", "prepare", "fetch", "store", "promote", "discard", "prune"};
    uint64_t kind = 0, generation;
    print_action_number(action, FLIPPER_ACTION_FIELD_JOB);
    if (flipper_action_number(action, FLIPPER_ACTION_FIELD_JOB_KIND, &kind) != FLIPPER_RESULT_OK) fail("a job of no kind");
    printf(" %s", names[kind]);
    if (flipper_action_number(action, FLIPPER_ACTION_FIELD_GENERATION, &generation) == FLIPPER_RESULT_OK) {
        printf(" %" PRIu64, generation);
    }
    if (kind == FLIPPER_JOB_KIND_STORE) {
        print_action_number(action, FLIPPER_ACTION_FIELD_MEDIUM);
        print_action_text(action, FLIPPER_ACTION_FIELD_OS);
    }
    if (kind == FLIPPER_JOB_KIND_STORE || kind == FLIPPER_JOB_KIND_FETCH) print_action_text(action, FLIPPER_ACTION_FIELD_DEVICE_ID);
}

static void print_action(const flipper_action *action) {
    static const char *const names[] = {"", "connect", "send", "ping", "close", "abort", "job"};
    uint32_t kind = flipper_action_kind_of(action);
    uint64_t generation;
    printf("%s", names[kind]);
    if (kind == FLIPPER_ACTION_KIND_JOB) {
        print_job(action);
    } else {
        print_action_number(action, FLIPPER_ACTION_FIELD_ATTEMPT);
    }
    if (kind == FLIPPER_ACTION_KIND_SEND) print_action_text(action, FLIPPER_ACTION_FIELD_TEXT);
    if (kind == FLIPPER_ACTION_KIND_CLOSE) print_action_number(action, FLIPPER_ACTION_FIELD_CODE);
    if (kind == FLIPPER_ACTION_KIND_CONNECT) {
        print_action_text(action, FLIPPER_ACTION_FIELD_HOST);
        print_action_number(action, FLIPPER_ACTION_FIELD_PORT);
        print_action_text(action, FLIPPER_ACTION_FIELD_TARGET);
        if (flipper_action_number(action, FLIPPER_ACTION_FIELD_GENERATION, &generation) == FLIPPER_RESULT_OK) {
            printf(" mutual %" PRIu64, generation);
        } else {
            printf(" exchange");
        }
    }
    printf("\n");
}

static void print_event(const flipper_event *event) {
    static const char *const names[] = {"",          "state",        "step", "failed", "misbehaved",
                                        "connected", "disconnected", "call", "tell",   "supports"};
    static const uint32_t texts[] = {FLIPPER_EVENT_FIELD_PLUGIN, FLIPPER_EVENT_FIELD_METHOD, FLIPPER_EVENT_FIELD_PARAMS,
                                     FLIPPER_EVENT_FIELD_TEXT};
    uint32_t kind = flipper_event_kind_of(event);
    uint64_t call;
    flipper_str value;
    size_t at;
    printf("%s", names[kind]);
    if (flipper_event_number(event, FLIPPER_EVENT_FIELD_CALL, &call) == FLIPPER_RESULT_OK) printf(" %" PRIu64, call);
    for (at = 0; at < sizeof texts / sizeof *texts; at++) {
        if (flipper_event_text(event, texts[at], &value) == FLIPPER_RESULT_OK) {
            printf(" %.*s", (int)value.len, value.ptr);
        } else if (texts[at] == FLIPPER_EVENT_FIELD_PARAMS && (kind == FLIPPER_EVENT_KIND_CALL || kind == FLIPPER_EVENT_KIND_TELL)) {
            printf(" -");
        }
    }
    printf("\n");
}

static void print_everything(flipper_client *client) {
    flipper_action *action;
    flipper_event *event;
    uint64_t timer;
    while (flipper_client_poll_action(client, &action) == FLIPPER_RESULT_OK) {
        print_action(action);
        flipper_action_free(action);
    }
    while (flipper_client_poll_event(client, &event) == FLIPPER_RESULT_OK) {
        print_event(event);
        flipper_event_free(event);
    }
    if (flipper_client_poll_timeout(client, NULL, &timer) != FLIPPER_RESULT_OK) fail("no timer");
    if (timer == FLIPPER_NEVER) {
        printf("timer none\n");
    } else {
        printf("timer %" PRIu64 "\n", timer);
    }
}

static flipper_client_config configuration(void) {
    flipper_client_config config = {0};
    config.size = sizeof config;
    config.app = text(0);
    config.app_id = text(1);
    config.os = text(2);
    config.device = text(3);
    config.device_id = text(4);
    config.host = text(5);
    config.os_fixed = (uint32_t)number(6);
    config.medium = (uint32_t)number(7);
    config.insecure_port = (uint16_t)number(8);
    config.secure_port = (uint16_t)number(9);
    config.message_bytes = number(10);
    config.buffered_event_bytes = number(11);
    config.buffered_events = (uint32_t)number(12);
    config.overflow = (uint32_t)number(13);
    config.event_pause_ms = number(14);
    config.seed = number(15);
    return config;
}

int main(void) {
    static char line[MAX_LINE];
    flipper_client_config config;
    flipper_client *client = NULL;
    if (fgets(line, sizeof line, stdin) == NULL) fail("no configuration");
    split(line);
    config = configuration();
    if (flipper_client_new(&config, &client) != FLIPPER_RESULT_OK) fail("no client");
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t used = strlen(line);
        split(line);
        if (tell(client) != FLIPPER_RESULT_OK) printf("refused\n");
        /* What the client was told is its own by now. */
        memset(line, 'x', used);
        print_everything(client);
    }
    flipper_client_free(client);
    return 0;
}
