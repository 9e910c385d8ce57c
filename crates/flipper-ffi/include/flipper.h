/*
 * The app's side of Flipper as a state machine: facts and wishes in, actions and events out.
 *
 * After every fact and every wish, poll actions until FLIPPER_DONE and carry them out, then poll events until
 * FLIPPER_DONE, then ask when the next timer is due. The crate's documentation says what each function does; these rules
 * hold for all of them:
 *
 * - Handles are freed by the function of their name, which takes NULL. They may go from thread to thread, but only one
 *   thread at a time may use one.
 * - Text in is UTF-8, a pointer and a length, and is copied.
 * - Text out points into an action or an event, has no NUL at its end, and is valid until that is freed.
 * - What is written through pointers is only written if the result is FLIPPER_OK.
 * - Time is milliseconds since an origin of the caller's choice.
 *
 * There is no promise yet that any of this stays as it is.
 */
#ifndef FLIPPER_H
#define FLIPPER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flipper_client flipper_client;
typedef struct flipper_action flipper_action;
typedef struct flipper_event flipper_event;

/* No time at all. */
#define FLIPPER_NEVER UINT64_MAX

typedef uint32_t flipper_result;
enum {
    FLIPPER_OK = 0,
    FLIPPER_DONE = 9001,
    FLIPPER_NULL = 9002,
    FLIPPER_INVALID_UTF8 = 9003,
    FLIPPER_INVALID_JSON = 9004,
    FLIPPER_NOT_FOUND = 9005,
    FLIPPER_BAD_SIZE = 9006,
    FLIPPER_BAD_VALUE = 9007,
    FLIPPER_PANIC = 9008,
    FLIPPER_NOT_CONNECTED = 9101,
    FLIPPER_UNKNOWN_PLUGIN = 9102,
    FLIPPER_DUPLICATE_PLUGIN = 9103,
    FLIPPER_UNKNOWN_CALL = 9104,
    FLIPPER_TOO_MANY_PLUGINS = 9105,
    FLIPPER_TOO_LARGE = 9106,
    FLIPPER_MISUSE = 9199
};

/* A borrowed text. A NULL pointer stands for no text. */
typedef struct flipper_str {
    const char *ptr;
    size_t len;
} flipper_str;

typedef struct flipper_config {
    size_t size; /* sizeof(flipper_config) */
    flipper_str app;
    flipper_str app_id;
    flipper_str os;
    flipper_str device;
    flipper_str device_id;
    uint64_t seed;
} flipper_config;

typedef struct flipper_credentials {
    size_t size; /* sizeof(flipper_credentials) */
    uint64_t generation;
    flipper_str device_id;
    flipper_str os; /* NULL: the real one */
    flipper_str csr;
    flipper_str csr_path;
    uint64_t valid_until_ms;
    uint8_t medium;
} flipper_credentials;

flipper_result flipper_client_new(const flipper_config *config, flipper_client **out);
void flipper_client_free(flipper_client *client);

/* Wishes. */
flipper_result flipper_client_start(flipper_client *client, uint64_t now_ms);
flipper_result flipper_client_stop(flipper_client *client, uint64_t now_ms);
flipper_result flipper_client_add_plugin(flipper_client *client, const char *id, size_t len, uint8_t background);
flipper_result flipper_client_remove_plugin(flipper_client *client, const char *id, size_t len);
flipper_result flipper_client_send(flipper_client *client, const char *plugin, size_t plugin_len, const char *method,
                                   size_t method_len, const char *params, size_t params_len);
flipper_result flipper_client_respond(flipper_client *client, uint64_t call, const char *json, size_t len);
flipper_result flipper_client_respond_error(flipper_client *client, uint64_t call, const char *json, size_t len);
flipper_result flipper_client_respond_supported(flipper_client *client, uint64_t call, uint8_t supported);
flipper_result flipper_client_report(flipper_client *client, const char *message, size_t len);

/* Facts. */
enum {
    FLIPPER_CLOSE_REFUSED = 1,
    FLIPPER_CLOSE_UNREACHABLE = 2,
    FLIPPER_CLOSE_TIMEOUT = 3,
    FLIPPER_CLOSE_TLS_UNKNOWN_CA = 4,
    FLIPPER_CLOSE_TLS_EXPIRED = 5,
    FLIPPER_CLOSE_TLS_NOT_YET_VALID = 6,
    FLIPPER_CLOSE_TLS_PEER_REFUSED = 7,
    FLIPPER_CLOSE_TLS_HANDSHAKE = 8,
    FLIPPER_CLOSE_DROPPED = 9,
    FLIPPER_CLOSE_HTTP = 10,
    FLIPPER_CLOSE_BAD_UPGRADE = 11,
    FLIPPER_CLOSE_CODE = 12,
    FLIPPER_CLOSE_EOF = 13,
    FLIPPER_CLOSE_RESET = 14
};

flipper_result flipper_client_opened(flipper_client *client, uint64_t attempt, uint64_t now_ms);
flipper_result flipper_client_message(flipper_client *client, uint64_t attempt, const char *text, size_t len,
                                      uint64_t now_ms);
flipper_result flipper_client_binary(flipper_client *client, uint64_t attempt, const char *bytes, size_t len,
                                     uint64_t now_ms);
flipper_result flipper_client_alive(flipper_client *client, uint64_t attempt, uint64_t now_ms);
flipper_result flipper_client_writable(flipper_client *client, uint64_t attempt, size_t room, uint64_t now_ms);
flipper_result flipper_client_closed(flipper_client *client, uint64_t attempt, uint32_t kind, uint16_t code,
                                     const char *reason, size_t len, uint64_t now_ms);
flipper_result flipper_client_job_loaded(flipper_client *client, uint64_t job, const flipper_credentials *credentials,
                                         uint64_t now_ms);
flipper_result flipper_client_job_prepared(flipper_client *client, uint64_t job, uint64_t generation, const char *csr,
                                           size_t csr_len, const char *destination, size_t destination_len,
                                           uint64_t wall_ms, uint64_t now_ms);
flipper_result flipper_client_job_stored(flipper_client *client, uint64_t job, const flipper_credentials *credentials,
                                         uint64_t now_ms);
flipper_result flipper_client_job_done(flipper_client *client, uint64_t job, uint64_t now_ms);
flipper_result flipper_client_job_failed(flipper_client *client, uint64_t job, const char *text, size_t len,
                                         uint64_t now_ms);
flipper_result flipper_client_timeout(flipper_client *client, uint64_t now_ms);

/* Decisions. */
flipper_result flipper_client_poll_action(flipper_client *client, flipper_action **out);
flipper_result flipper_client_poll_event(flipper_client *client, flipper_event **out);
flipper_result flipper_client_poll_timeout(flipper_client *client, uint64_t *out);

enum {
    FLIPPER_ACTION_CONNECT = 1, /* ATTEMPT, HOST, PORT, TARGET; GENERATION if it is to be mutual TLS */
    FLIPPER_ACTION_SEND = 2,    /* ATTEMPT, TEXT */
    FLIPPER_ACTION_PING = 3,    /* ATTEMPT */
    FLIPPER_ACTION_CLOSE = 4,   /* ATTEMPT, CODE */
    FLIPPER_ACTION_ABORT = 5,   /* ATTEMPT */
    FLIPPER_ACTION_JOB = 6      /* JOB, JOB_KIND, and what the kind needs */
};

enum {
    FLIPPER_JOB_LOAD = 1,
    FLIPPER_JOB_PREPARE = 2,
    FLIPPER_JOB_FETCH = 3,   /* GENERATION, DEVICE_ID */
    FLIPPER_JOB_STORE = 4,   /* GENERATION, DEVICE_ID, MEDIUM; OS if it is not the real one */
    FLIPPER_JOB_PROMOTE = 5, /* GENERATION */
    FLIPPER_JOB_DISCARD = 6, /* GENERATION */
    FLIPPER_JOB_PRUNE = 7
};

enum {
    FLIPPER_ACTION_ATTEMPT = 1,
    FLIPPER_ACTION_PORT = 2,
    FLIPPER_ACTION_GENERATION = 3,
    FLIPPER_ACTION_CODE = 4,
    FLIPPER_ACTION_JOB_ID = 5,
    FLIPPER_ACTION_JOB_KIND = 6,
    FLIPPER_ACTION_MEDIUM = 7,
    FLIPPER_ACTION_HOST = 20,
    FLIPPER_ACTION_TARGET = 21,
    FLIPPER_ACTION_TEXT = 22,
    FLIPPER_ACTION_DEVICE_ID = 23,
    FLIPPER_ACTION_OS = 24
};

uint32_t flipper_action_kind(const flipper_action *action);
flipper_result flipper_action_number(const flipper_action *action, uint32_t field, uint64_t *out);
flipper_result flipper_action_text(const flipper_action *action, uint32_t field, flipper_str *out);
void flipper_action_free(flipper_action *action);

enum {
    FLIPPER_EVENT_STATE = 1,        /* TEXT */
    FLIPPER_EVENT_STEP = 2,         /* TEXT */
    FLIPPER_EVENT_FAILED = 3,       /* TEXT */
    FLIPPER_EVENT_MISBEHAVED = 4,   /* TEXT */
    FLIPPER_EVENT_CONNECTED = 5,    /* PLUGIN */
    FLIPPER_EVENT_DISCONNECTED = 6, /* PLUGIN */
    FLIPPER_EVENT_CALL = 7,         /* CALL_ID, PLUGIN, METHOD; PARAMS if there are any */
    FLIPPER_EVENT_TELL = 8,         /* the same, and nobody waits for an answer */
    FLIPPER_EVENT_SUPPORTS = 9      /* CALL_ID, PLUGIN, METHOD */
};

enum {
    FLIPPER_EVENT_CALL_ID = 1,
    FLIPPER_EVENT_PLUGIN = 20,
    FLIPPER_EVENT_METHOD = 21,
    FLIPPER_EVENT_PARAMS = 22,
    FLIPPER_EVENT_TEXT = 23
};

uint32_t flipper_event_kind(const flipper_event *event);
flipper_result flipper_event_number(const flipper_event *event, uint32_t field, uint64_t *out);
flipper_result flipper_event_text(const flipper_event *event, uint32_t field, flipper_str *out);
void flipper_event_free(flipper_event *event);

#ifdef __cplusplus
}
#endif

#endif
