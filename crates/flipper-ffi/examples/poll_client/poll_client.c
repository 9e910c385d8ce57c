#define _POSIX_C_SOURCE 200809L

#include "poll_client.h"

#include "connection.h"
#include "credentials.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* So many rounds make a turn: a desktop that never falls silent must not keep the program from its other work. */
enum { ROUNDS = 16 };

struct poll_client {
    flipper_client *core;
    poll_client_settings settings;
    char *directory, *app_id;
    /* One connection, and one that the desktop closes while the next may have begun. They never move. */
    connection connections[2];
    int current;
    int stopping;
    /* When the current turn began. */
    uint64_t now_ms;
};

/* --- Time --- */

static uint64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- Facts --- */

static connection *current(poll_client *client) { return &client->connections[client->current]; }
static connection *lingering(poll_client *client) { return &client->connections[!client->current]; }

static void on_text(void *user, const char *text, size_t len) {
    poll_client *client = user;
    (void)flipper_client_message(client->core, current(client)->attempt, text, len, client->now_ms);
}

static void on_binary(void *user, const char *bytes, size_t len) {
    poll_client *client = user;
    (void)flipper_client_binary(client->core, current(client)->attempt, bytes, len, client->now_ms);
}

/* Tells why the connection ended. One whose close frame is still to be answered lingers. */
static void closed(poll_client *client) {
    connection *connection = current(client);
    uint64_t attempt = connection->attempt;
    connection_end end;
    if (connection->stage == CONNECTION_OPEN) {
        connection_tell_end(connection);
        if (connection->websocket.end == WEBSOCKET_CLOSED && connection->stream.end == STREAM_OPEN) {
            client->current = !client->current;
        }
    }
    end = connection->end;
    connection_drop(current(client));
    if (flipper_client_closed(client->core, attempt, end.kind, end.code, end.reason, strlen(end.reason),
                              client->now_ms) == FLIPPER_RESULT_INVALID_UTF8) {
        (void)flipper_client_closed(client->core, attempt, end.kind, end.code, NULL, 0, client->now_ms);
    }
}

/* Goes on with the connection: whether there may be more to do at once. */
static int go_on(poll_client *client) {
    connection *connection = current(client);
    websocket *websocket = &connection->websocket;
    int more;
    if (lingering(client)->stage != CONNECTION_NONE && !websocket_lingers(&lingering(client)->websocket)) {
        connection_drop(lingering(client));
    }
    if (connection->stage == CONNECTION_NONE) return 0;
    if (connection->stage != CONNECTION_OPEN) {
        more = connection_go_on(connection, client->now_ms);
        if (more < 0) closed(client);
        if (more <= 0) return more < 0;
        (void)flipper_client_opened(client->core, connection->attempt, client->now_ms);
    }
    more = websocket_read(websocket);
    if (websocket->heard) (void)flipper_client_alive(client->core, connection->attempt, client->now_ms);
    websocket->heard = 0;
    if (more < 0) closed(client);
    return more != 0;
}

/* --- Jobs --- */

static char *copy(flipper_str text) {
    char *copied = malloc(text.len + 1);
    if (copied == NULL) return NULL;
    if (text.len > 0) memcpy(copied, text.ptr, text.len);
    copied[text.len] = '\0';
    return copied;
}

static flipper_str text_of(const char *text) {
    flipper_str some = {text, text == NULL ? 0 : strlen(text)};
    return some;
}

static uint64_t number(const flipper_action *action, uint32_t field) {
    uint64_t value = 0;
    (void)flipper_action_number(action, field, &value);
    return value;
}

static flipper_str text(const flipper_action *action, uint32_t field) {
    flipper_str value = {NULL, 0};
    (void)flipper_action_text(action, field, &value);
    return value;
}

static flipper_credentials record_of(const poll_client *client, const credentials *credentials) {
    flipper_credentials record;
    memset(&record, 0, sizeof record);
    record.size = sizeof record;
    record.generation = credentials->generation;
    record.device_id = text_of(credentials->config.device_id);
    record.os = text_of(credentials->config.os);
    record.csr = text_of(credentials->csr);
    record.csr_path = text_of(credentials->csr_path);
    record.valid_until_ms = client->now_ms + credentials->valid_ms;
    record.medium = credentials->config.medium;
    return record;
}

static flipper_result load(poll_client *client, uint64_t job, credentials_fault *fault) {
    credentials found;
    flipper_credentials record;
    flipper_result result;
    int any = credentials_load(client->directory, &found, fault);
    if (any) record = record_of(client, &found);
    result = flipper_client_job_loaded(client->core, job, any ? &record : NULL, fault->problem, fault->why,
                                       strlen(fault->why), client->now_ms);
    if (any) credentials_free(&found);
    return result;
}

static flipper_result prepare(poll_client *client, uint64_t job, credentials_fault *fault) {
    credentials made;
    flipper_prepared record;
    flipper_result result;
    if (credentials_prepare(client->directory, client->app_id, &made, fault) != 0) return FLIPPER_RESULT_NOT_FOUND;
    memset(&record, 0, sizeof record);
    record.size = sizeof record;
    record.generation = made.generation;
    record.csr = text_of(made.csr);
    record.destination = text_of(made.csr_path);
    record.wall_ms = wall_ms();
    result = flipper_client_job_prepared(client->core, job, &record, client->now_ms);
    credentials_free(&made);
    return result;
}

static flipper_result store(poll_client *client, uint64_t job, const flipper_action *action, credentials_fault *fault) {
    connection_config granted;
    credentials stored;
    flipper_credentials record;
    flipper_result result = FLIPPER_RESULT_NOT_FOUND;
    flipper_str os = text(action, FLIPPER_ACTION_FIELD_OS);
    granted.device_id = copy(text(action, FLIPPER_ACTION_FIELD_DEVICE_ID));
    granted.os = os.ptr == NULL ? NULL : copy(os);
    granted.medium = (unsigned char)number(action, FLIPPER_ACTION_FIELD_MEDIUM);
    if (granted.device_id != NULL && credentials_store(client->directory, number(action, FLIPPER_ACTION_FIELD_GENERATION),
                                                       &granted, &stored, fault) == 0) {
        record = record_of(client, &stored);
        result = flipper_client_job_stored(client->core, job, &record, client->now_ms);
        credentials_free(&stored);
    }
    connection_config_free(&granted);
    return result;
}

static flipper_result done(poll_client *client, uint64_t job, int failed) {
    return failed ? FLIPPER_RESULT_NOT_FOUND : flipper_client_job_done(client->core, job, client->now_ms);
}

static flipper_result work(poll_client *client, uint64_t job, const flipper_action *action, credentials_fault *fault) {
    uint64_t generation = number(action, FLIPPER_ACTION_FIELD_GENERATION);
    switch (number(action, FLIPPER_ACTION_FIELD_JOB_KIND)) {
    case FLIPPER_JOB_KIND_LOAD:
        return load(client, job, fault);
    case FLIPPER_JOB_KIND_PREPARE:
        return prepare(client, job, fault);
    case FLIPPER_JOB_KIND_STORE:
        return store(client, job, action, fault);
    case FLIPPER_JOB_KIND_PROMOTE:
        return done(client, job, credentials_promote(client->directory, generation, fault));
    case FLIPPER_JOB_KIND_DISCARD:
        return done(client, job, credentials_discard(client->directory, generation, fault));
    case FLIPPER_JOB_KIND_PRUNE:
        return done(client, job, credentials_prune(client->directory, fault));
    default:
        snprintf(fault->why, sizeof fault->why, "this client fetches no certificates: they come as files");
        return FLIPPER_RESULT_NOT_FOUND;
    }
}

/*
 * Does a job at once. They are few and take milliseconds; a program that minds does them on a thread: the state machine
 * waits for the answer however long that takes.
 */
static void do_job(poll_client *client, const flipper_action *action) {
    uint64_t job = number(action, FLIPPER_ACTION_FIELD_JOB);
    credentials_fault fault = {FLIPPER_CREDENTIAL_PROBLEM_INVALID, "there is no memory, or a text is no UTF-8"};
    if (work(client, job, action, &fault) != FLIPPER_RESULT_OK) {
        (void)flipper_client_job_failed(client->core, job, fault.problem, fault.why, strlen(fault.why), client->now_ms);
    }
}

/* --- Actions --- */

static void dial(poll_client *client, const flipper_action *action) {
    connection *connection = current(client);
    websocket_callbacks callbacks = {on_text, on_binary, NULL};
    char *host = copy(text(action, FLIPPER_ACTION_FIELD_HOST)), *target = copy(text(action, FLIPPER_ACTION_FIELD_TARGET));
    uint64_t attempt = number(action, FLIPPER_ACTION_FIELD_ATTEMPT), generation;
    SSL_CTX *tls = NULL;
    credentials_fault fault;
    int failed = 0;
    callbacks.user = client;
    /* A desktop must never see two sockets of one app: the official one then forgets the newer. */
    connection_drop(lingering(client));
    if (flipper_action_number(action, FLIPPER_ACTION_FIELD_GENERATION, &generation) == FLIPPER_RESULT_OK) {
        tls = credentials_tls(client->directory, generation, &fault);
        failed = tls == NULL;
    }
    if (failed) {
        (void)flipper_client_closed(client->core, attempt, FLIPPER_CLOSE_KIND_TLS_HANDSHAKE, 0, fault.why,
                                    strlen(fault.why),
                                    client->now_ms);
        SSL_CTX_free(tls);
    } else if (connection_begin(connection, attempt, host, (uint16_t)number(action, FLIPPER_ACTION_FIELD_PORT), target,
                                tls, callbacks, client->now_ms) != 0) {
        closed(client);
    }
    free(host);
    free(target);
}

static void carry_out(poll_client *client, const flipper_action *action) {
    connection *connection = current(client);
    uint64_t attempt = number(action, FLIPPER_ACTION_FIELD_ATTEMPT);
    int is_open = connection->stage == CONNECTION_OPEN && connection->attempt == attempt;
    flipper_str message;
    switch (flipper_action_kind_of(action)) {
    case FLIPPER_ACTION_KIND_CONNECT:
        dial(client, action);
        break;
    case FLIPPER_ACTION_KIND_SEND:
        message = text(action, FLIPPER_ACTION_FIELD_TEXT);
        if (is_open) (void)websocket_text(&connection->websocket, message.ptr, message.len);
        break;
    case FLIPPER_ACTION_KIND_PING:
        if (is_open) (void)websocket_ping(&connection->websocket);
        break;
    case FLIPPER_ACTION_KIND_CLOSE:
        if (is_open) (void)websocket_close(&connection->websocket, (uint16_t)number(action, FLIPPER_ACTION_FIELD_CODE), "");
        break;
    case FLIPPER_ACTION_KIND_ABORT:
        if (connection->attempt == attempt) connection_drop(connection);
        break;
    case FLIPPER_ACTION_KIND_JOB:
        do_job(client, action);
        break;
    default:
        break;
    }
}

/* --- Turns --- */

/* Actions come first, then events, which may lead to further actions. Whether there were any. */
static int poll_core(poll_client *client) {
    connection *connection = current(client);
    flipper_action *action;
    flipper_event *event;
    int any = 0;
    if (connection->stage == CONNECTION_OPEN) {
        (void)flipper_client_writable(client->core, connection->attempt, websocket_room(&connection->websocket),
                                      client->now_ms);
    }
    for (; flipper_client_poll_action(client->core, &action) == FLIPPER_RESULT_OK; any = 1) {
        carry_out(client, action);
        flipper_action_free(action);
    }
    for (; flipper_client_poll_event(client->core, &event) == FLIPPER_RESULT_OK; any = 1) {
        client->settings.on_event(client->settings.user, client->core, event);
        flipper_event_free(event);
    }
    return any;
}

/* Writes what is queued: whether there may be more to do at once. */
static int write_out(poll_client *client) {
    connection *connection = current(client);
    size_t room;
    if (connection->stage != CONNECTION_OPEN) return 0;
    room = websocket_room(&connection->websocket);
    /* An end shows when it is read, after what the desktop said last. */
    (void)websocket_write(&connection->websocket);
    return websocket_room(&connection->websocket) > room;
}

static uint64_t timer_ms(const poll_client *client) {
    uint64_t timer = FLIPPER_NEVER;
    (void)flipper_client_poll_timeout(client->core, NULL, &timer);
    return timer;
}

int poll_client_turn(poll_client *client, struct pollfd fds[POLL_CLIENT_FDS]) {
    int more = 1, rounds;
    uint64_t until, left;
    for (rounds = 0; more && rounds < ROUNDS; rounds++) {
        client->now_ms = monotonic_ms();
        if (timer_ms(client) <= client->now_ms) (void)flipper_client_timeout(client->core, client->now_ms);
        more = go_on(client);
        more |= poll_core(client);
        more |= write_out(client);
    }
    fds[0] = connection_waits_for(current(client));
    fds[1] = connection_waits_for(lingering(client));
    if (more) return 0;
    until = timer_ms(client);
    if (connection_waits_until(current(client)) < until) until = connection_waits_until(current(client));
    if (until == FLIPPER_NEVER) return -1;
    left = until > client->now_ms ? until - client->now_ms : 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* --- From birth to death --- */

flipper_result poll_client_new(const poll_client_settings *settings, poll_client **out) {
    poll_client *client = calloc(1, sizeof *client);
    flipper_result result = FLIPPER_RESULT_NULL;
    if (client == NULL) return result;
    client->settings = *settings;
    client->directory = copy(text_of(settings->directory));
    client->app_id = copy(settings->config.app_id);
    if (client->directory != NULL && client->app_id != NULL) {
        result = flipper_client_new(&settings->config, &client->core);
    }
    if (result == FLIPPER_RESULT_OK) {
        *out = client;
    } else {
        poll_client_free(client);
    }
    return result;
}

flipper_client *poll_client_core(poll_client *client) { return client->core; }

void poll_client_start(poll_client *client) {
    client->stopping = 0;
    (void)flipper_client_start(client->core, monotonic_ms());
}

void poll_client_stop(poll_client *client) {
    client->stopping = 1;
    (void)flipper_client_stop(client->core, monotonic_ms());
}

int poll_client_is_over(const poll_client *client) {
    return client->stopping && client->connections[client->current].stage == CONNECTION_NONE &&
           timer_ms(client) == FLIPPER_NEVER;
}

void poll_client_free(poll_client *client) {
    if (client == NULL) return;
    connection_drop(current(client));
    connection_drop(lingering(client));
    flipper_client_free(client->core);
    free(client->directory);
    free(client->app_id);
    free(client);
}
