// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Generated from the source of flipper-ffi by `cargo xtask header`. Changes belong there.
//
// Flipper for C: an app's side of it, to be driven by any event loop in any language.
//
// A client is a state machine. It is told facts (the socket is open, a message arrived, time has passed) and wishes (add a
// plugin, send an event, answer a call). After each of them, poll actions until FLIPPER_RESULT_DONE and carry them out,
// then poll events until FLIPPER_RESULT_DONE, then ask when the next timer is due.
//
// Rules that hold for every function:
//
// - Handles are opaque. They are made by functions that end in `_new` and by the polls, and freed by the function of their
//   type that ends in `_free`, which takes NULL.
// - Every function that can fail gives a `flipper_result`. What it gives besides is written through its last pointers, and
//   only if the result is FLIPPER_RESULT_OK. A pointer that must not be NULL and is gives FLIPPER_RESULT_NULL.
// - Text in is a pointer and a length in bytes. It must be UTF-8, or the result is FLIPPER_RESULT_INVALID_UTF8. It is
//   copied, and need live no longer than the call. An empty text may have a NULL pointer.
// - Text out is a `flipper_str` that points into the handle it was asked of, and is valid until that is freed. There is no
//   NUL at its end.
// - Records begin with their size, `sizeof` of them. In a record that is all zero otherwise, every zero and every NULL
//   stands for the default.
// - Numbers that stand for something have enumerations, and are plain `uint32_t`s where they go in: one that is not known
//   gives FLIPPER_RESULT_BAD_VALUE.
// - Times are milliseconds since an origin that the caller chooses, and must not go back. FLIPPER_NEVER stands for none.
// - Every function names its rule for threads. "One at a time" is meant for one handle, whatever the function: a thread
//   that comes while another one is in gets FLIPPER_RESULT_IN_USE, and nothing is done. Different handles have nothing to
//   do with each other.
// - A fault of this library gives FLIPPER_RESULT_PANIC. So does every later call with that handle; it can still be freed.
//   Nothing unwinds into the caller.
//
// There is no promise before version 1.0 that any of this stays as it is.

#ifndef FLIPPER_H
#define FLIPPER_H

#include <stddef.h>
#include <stdint.h>

// No time at all, where a time is asked for.
#define FLIPPER_NEVER UINT64_MAX

// How a call ended. The numbers never change, and are far from those of `errno`; one that is retired is not given again.
enum flipper_result
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It did what it says.
    FLIPPER_RESULT_OK = 0,
    // There is nothing more to be polled. This is no error.
    FLIPPER_RESULT_DONE = 9001,
    // A pointer is NULL that must not be.
    FLIPPER_RESULT_NULL = 9002,
    // A text is no UTF-8.
    FLIPPER_RESULT_INVALID_UTF8 = 9003,
    // A text is no JSON.
    FLIPPER_RESULT_INVALID_JSON = 9004,
    // An action or an event of this kind has no such field, or has it not this time.
    FLIPPER_RESULT_NOT_FOUND = 9005,
    // The `size` of a record is not that of this version of the library.
    FLIPPER_RESULT_BAD_SIZE = 9006,
    // A number has no meaning where it stands, or a length is larger than any text can be.
    FLIPPER_RESULT_BAD_VALUE = 9007,
    // A fault of this library; the handle can only be freed.
    FLIPPER_RESULT_PANIC = 9008,
    // Another thread is using the handle, or a callback of its own is.
    FLIPPER_RESULT_IN_USE = 9009,
    // No session is open.
    FLIPPER_RESULT_NOT_CONNECTED = 9101,
    // No plugin of this id was added.
    FLIPPER_RESULT_UNKNOWN_PLUGIN = 9102,
    // A plugin of this id was added before.
    FLIPPER_RESULT_DUPLICATE_PLUGIN = 9103,
    // The call was answered before, or its session has ended.
    FLIPPER_RESULT_UNKNOWN_CALL = 9104,
    // There are as many plugins as there may be.
    FLIPPER_RESULT_TOO_MANY_PLUGINS = 9105,
    // The message would be larger than the limit.
    FLIPPER_RESULT_TOO_LARGE = 9106,
    // The exchange was finished before, or its connection has ended.
    FLIPPER_RESULT_UNKNOWN_EXCHANGE = 9107,
    // As many requests wait for their answers as may.
    FLIPPER_RESULT_TOO_MANY_PENDING = 9108,
    // The peer does not read, and no more may wait for it.
    FLIPPER_RESULT_QUEUE_FULL = 9109,
    // It was stopped.
    FLIPPER_RESULT_STOPPED = 9110,
    // Another misuse.
    FLIPPER_RESULT_MISUSE = 9199,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum flipper_result flipper_result;
#else
typedef uint32_t flipper_result;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What an action is. Each has the fields that are named there.
typedef enum flipper_action_kind {
    // Open a WebSocket: attempt, host, port, target; and generation, if it is to be mutual TLS.
    FLIPPER_ACTION_KIND_CONNECT = 1,
    // Send a text message: attempt, text.
    FLIPPER_ACTION_KIND_SEND = 2,
    // Send a ping: attempt.
    FLIPPER_ACTION_KIND_PING = 3,
    // Send a close frame: attempt, code.
    FLIPPER_ACTION_KIND_CLOSE = 4,
    // Drop the socket: attempt.
    FLIPPER_ACTION_KIND_ABORT = 5,
    // Do a piece of work: job, job kind, and what the kind needs.
    FLIPPER_ACTION_KIND_JOB = 6,
} flipper_action_kind;

// What a piece of work is, as the field "job kind" says.
typedef enum flipper_job_kind {
    // Read the stored credentials.
    FLIPPER_JOB_KIND_LOAD = 1,
    // Make a key and a certificate request.
    FLIPPER_JOB_KIND_PREPARE = 2,
    // Fetch certificates: generation, device id.
    FLIPPER_JOB_KIND_FETCH = 3,
    // Check and store what was granted: generation, device id, medium; and os, where it is not the real one.
    FLIPPER_JOB_KIND_STORE = 4,
    // Put credentials in use: generation.
    FLIPPER_JOB_KIND_PROMOTE = 5,
    // Delete credentials: generation.
    FLIPPER_JOB_KIND_DISCARD = 6,
    // Delete older credentials.
    FLIPPER_JOB_KIND_PRUNE = 7,
} flipper_job_kind;

// A field of an action.
typedef enum flipper_action_field {
    // Number: which socket.
    FLIPPER_ACTION_FIELD_ATTEMPT = 1,
    // Number: the TCP port.
    FLIPPER_ACTION_FIELD_PORT = 2,
    // Number: which credentials.
    FLIPPER_ACTION_FIELD_GENERATION = 3,
    // Number: the close code.
    FLIPPER_ACTION_FIELD_CODE = 4,
    // Number: which job.
    FLIPPER_ACTION_FIELD_JOB = 5,
    // Number: a `flipper_job_kind`.
    FLIPPER_ACTION_FIELD_JOB_KIND = 6,
    // Number: the medium.
    FLIPPER_ACTION_FIELD_MEDIUM = 7,
    // Text: the host's name or address.
    FLIPPER_ACTION_FIELD_HOST = 20,
    // Text: the request target.
    FLIPPER_ACTION_FIELD_TARGET = 21,
    // Text: the message.
    FLIPPER_ACTION_FIELD_TEXT = 22,
    // Text: the device id.
    FLIPPER_ACTION_FIELD_DEVICE_ID = 23,
    // Text: the operating system.
    FLIPPER_ACTION_FIELD_OS = 24,
} flipper_action_field;

// Why a socket ended.
typedef enum flipper_close_kind {
    // The TCP connection was refused.
    FLIPPER_CLOSE_KIND_REFUSED = 1,
    // The host cannot be reached; the reason says how.
    FLIPPER_CLOSE_KIND_UNREACHABLE = 2,
    // There was no answer in time.
    FLIPPER_CLOSE_KIND_TIMEOUT = 3,
    // The desktop's certificate was not issued by the pinned CA.
    FLIPPER_CLOSE_KIND_TLS_UNKNOWN_CA = 4,
    // The desktop's certificate has expired.
    FLIPPER_CLOSE_KIND_TLS_EXPIRED = 5,
    // The desktop's certificate is not valid yet.
    FLIPPER_CLOSE_KIND_TLS_NOT_YET_VALID = 6,
    // The desktop refused our certificate; the reason says how.
    FLIPPER_CLOSE_KIND_TLS_PEER_REFUSED = 7,
    // The handshake failed in another way; the reason says how.
    FLIPPER_CLOSE_KIND_TLS_HANDSHAKE = 8,
    // It ended after the TLS handshake and before the upgrade was answered.
    FLIPPER_CLOSE_KIND_DROPPED = 9,
    // The upgrade was answered with an HTTP status: the code.
    FLIPPER_CLOSE_KIND_HTTP = 10,
    // The upgrade was answered with no WebSocket handshake; the reason says how.
    FLIPPER_CLOSE_KIND_BAD_UPGRADE = 11,
    // The desktop closed with a code and a reason.
    FLIPPER_CLOSE_KIND_CODE = 12,
    // The TCP connection ended without a close frame.
    FLIPPER_CLOSE_KIND_EOF = 13,
    // The TCP connection was reset.
    FLIPPER_CLOSE_KIND_RESET = 14,
} flipper_close_kind;

// What an event is. Each has the fields that are named there.
typedef enum flipper_event_kind {
    // The client is in another state: text.
    FLIPPER_EVENT_KIND_STATE = 1,
    // A step on the way: text.
    FLIPPER_EVENT_KIND_STEP = 2,
    // Something failed: text.
    FLIPPER_EVENT_KIND_FAILED = 3,
    // The desktop sent something that is not understood: text.
    FLIPPER_EVENT_KIND_MISBEHAVED = 4,
    // The desktop initialised a plugin: plugin.
    FLIPPER_EVENT_KIND_CONNECTED = 5,
    // The desktop has left a plugin: plugin.
    FLIPPER_EVENT_KIND_DISCONNECTED = 6,
    // The desktop calls a method and waits for an answer: call, plugin, method, and params if there are any.
    FLIPPER_EVENT_KIND_CALL = 7,
    // The same, and nobody waits.
    FLIPPER_EVENT_KIND_TELL = 8,
    // The desktop asks whether there is a method: call, plugin, method.
    FLIPPER_EVENT_KIND_SUPPORTS = 9,
} flipper_event_kind;

// A field of an event.
typedef enum flipper_event_field {
    // Number: which call.
    FLIPPER_EVENT_FIELD_CALL = 1,
    // Text: whose.
    FLIPPER_EVENT_FIELD_PLUGIN = 20,
    // Text: the method.
    FLIPPER_EVENT_FIELD_METHOD = 21,
    // Text: the params, JSON as it came.
    FLIPPER_EVENT_FIELD_PARAMS = 22,
    // Text: what happened, for people.
    FLIPPER_EVENT_FIELD_TEXT = 23,
} flipper_event_field;

// A decision, to be carried out.
typedef struct flipper_action flipper_action;

// The app's state machine; opaque to C. One thread at a time may use it.
typedef struct flipper_client flipper_client;

// An event, with the words for it where it is to be shown to people.
typedef struct flipper_event flipper_event;

// A borrowed text: `ptr` may be NULL, which stands for no text.
typedef struct flipper_str {
    // Where it begins.
    const char *ptr;
    // How many bytes it has.
    size_t len;
} flipper_str;

// What a client knows of credentials.
typedef struct flipper_credentials {
    // `sizeof(flipper_credentials)`.
    size_t size;
    // Which ones.
    uint64_t generation;
    // The device id that the desktop answered. May be empty.
    struct flipper_str device_id;
    // The operating system that was presented, where it was not the real one; else NULL.
    struct flipper_str os;
    // The certificate request, PEM.
    struct flipper_str csr;
    // The directory that the desktop finds it in, with a trailing separator.
    struct flipper_str csr_path;
    // When the first of the certificates expires, on the caller's clock.
    uint64_t valid_until_ms;
    // The medium that they came by: 1, 2 or 3.
    uint8_t medium;
} flipper_credentials;

// What an app tells a client before it starts.
typedef struct flipper_client_config {
    // `sizeof(flipper_client_config)`.
    size_t size;
    // The app's name.
    struct flipper_str app;
    // The app's bundle id.
    struct flipper_str app_id;
    // The operating system; presented unless a desktop refuses it.
    struct flipper_str os;
    // The device's name.
    struct flipper_str device;
    // A stable id of the device.
    struct flipper_str device_id;
    // Where the jitter of waits comes from.
    uint64_t seed;
} flipper_client_config;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Frees an action, with all texts that were taken from it.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_action_free(struct flipper_action *action);

// What an action is: an `flipper_action_kind`, or 0 for NULL.
//
// Threads: any, several at once.
uint32_t flipper_action_kind_of(const struct flipper_action *action);

// A field that is a number.
//
// Threads: any, several at once.
flipper_result flipper_action_number(const struct flipper_action *action, uint32_t field, uint64_t *out);

// A field that is a text.
//
// Threads: any, several at once.
flipper_result flipper_action_text(const struct flipper_action *action,
                                   uint32_t field,
                                   struct flipper_str *out);

// The socket is open.
//
// Threads: any, one at a time.
flipper_result flipper_client_opened(struct flipper_client *client, uint64_t attempt, uint64_t now_ms);

// A text message arrived.
//
// Threads: any, one at a time.
flipper_result flipper_client_message(struct flipper_client *client,
                                      uint64_t attempt,
                                      const char *text,
                                      size_t len,
                                      uint64_t now_ms);

// A binary message arrived.
//
// Threads: any, one at a time.
flipper_result flipper_client_binary(struct flipper_client *client,
                                     uint64_t attempt,
                                     const char *bytes,
                                     size_t len,
                                     uint64_t now_ms);

// The desktop gave a sign of life that is no message.
//
// Threads: any, one at a time.
flipper_result flipper_client_alive(struct flipper_client *client, uint64_t attempt, uint64_t now_ms);

// The socket takes `room` more bytes.
//
// Threads: any, one at a time.
flipper_result flipper_client_writable(struct flipper_client *client,
                                       uint64_t attempt,
                                       size_t room,
                                       uint64_t now_ms);

// The socket has ended, for a reason of `flipper_close_kind`.
//
// Threads: any, one at a time.
flipper_result flipper_client_closed(struct flipper_client *client,
                                     uint64_t attempt,
                                     uint32_t kind,
                                     uint16_t code,
                                     const char *reason,
                                     size_t len,
                                     uint64_t now_ms);

// The stored credentials were read; NULL if there are none.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_loaded(struct flipper_client *client,
                                         uint64_t job,
                                         const struct flipper_credentials *credentials,
                                         uint64_t now_ms);

// A key and a certificate request were made. `wall_ms` is the calendar time, in Unix milliseconds.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_prepared(struct flipper_client *client,
                                           uint64_t job,
                                           uint64_t generation,
                                           const char *csr,
                                           size_t csr_len,
                                           const char *destination,
                                           size_t destination_len,
                                           uint64_t wall_ms,
                                           uint64_t now_ms);

// The certificates are there and fit.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_stored(struct flipper_client *client,
                                         uint64_t job,
                                         const struct flipper_credentials *credentials,
                                         uint64_t now_ms);

// A job that brings nothing is done.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_done(struct flipper_client *client, uint64_t job, uint64_t now_ms);

// A job failed; the text says how.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_failed(struct flipper_client *client,
                                         uint64_t job,
                                         const char *text,
                                         size_t len,
                                         uint64_t now_ms);

// Time has passed.
//
// Threads: any, one at a time.
flipper_result flipper_client_timeout(struct flipper_client *client, uint64_t now_ms);

// Makes a client that is stopped and has no plugins.
//
// Threads: any, several at once.
flipper_result flipper_client_new(const struct flipper_client_config *config, struct flipper_client **out);

// Frees a client. NULL is nothing to free.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_client_free(struct flipper_client *client);

// The next thing to do; `FLIPPER_RESULT_DONE` if there is none. It is to be freed.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_action(struct flipper_client *client, struct flipper_action **out);

// The next thing that happened; `FLIPPER_RESULT_DONE` if there is none. It is to be freed.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_event(struct flipper_client *client, struct flipper_event **out);

// When to call `flipper_client_timeout`; `FLIPPER_NEVER` if not at all.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_timeout(struct flipper_client *client, uint64_t *out);

// Begins to look for the desktop.
//
// Threads: any, one at a time.
flipper_result flipper_client_start(struct flipper_client *client, uint64_t now_ms);

// Ends whatever is going on.
//
// Threads: any, one at a time.
flipper_result flipper_client_stop(struct flipper_client *client, uint64_t now_ms);

// Adds a plugin, which is a background plugin if `background` is not 0.
//
// Threads: any, one at a time.
flipper_result flipper_client_add_plugin(struct flipper_client *client,
                                         const char *id,
                                         size_t len,
                                         uint8_t background);

// Removes a plugin.
//
// Threads: any, one at a time.
flipper_result flipper_client_remove_plugin(struct flipper_client *client, const char *id, size_t len);

// Sends an event of a plugin. Its params are JSON; NULL if it has none.
//
// Threads: any, one at a time.
flipper_result flipper_client_send(struct flipper_client *client,
                                   const char *plugin,
                                   size_t plugin_len,
                                   const char *method,
                                   size_t method_len,
                                   const char *params,
                                   size_t params_len);

// Answers a call with a result, which is JSON.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond(struct flipper_client *client,
                                      uint64_t call,
                                      const char *json,
                                      size_t len);

// Answers a call with an error, which is JSON.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond_error(struct flipper_client *client,
                                            uint64_t call,
                                            const char *json,
                                            size_t len);

// Answers whether a plugin has a method.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond_supported(struct flipper_client *client,
                                                uint64_t call,
                                                uint8_t supported);

// Tells the desktop of an error outside any call.
//
// Threads: any, one at a time.
flipper_result flipper_client_report(struct flipper_client *client, const char *message, size_t len);

// Frees an event, with all texts that were taken from it.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_event_free(struct flipper_event *event);

// What an event is: an `flipper_event_kind`, or 0 for NULL.
//
// Threads: any, several at once.
uint32_t flipper_event_kind_of(const struct flipper_event *event);

// A field that is a number.
//
// Threads: any, several at once.
flipper_result flipper_event_number(const struct flipper_event *event, uint32_t field, uint64_t *out);

// A field that is a text.
//
// Threads: any, several at once.
flipper_result flipper_event_text(const struct flipper_event *event, uint32_t field, struct flipper_str *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLIPPER_H */
