// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Generated from the source of flipper-ffi by `cargo xtask header`. Changes belong there.
//
// Flipper for C, and for every language that can call C.
//
// `flipper_app_*` and `flipper_call_*` are a ready client on threads of its own, with credentials and TLS. They are in
// libraries that were built with the feature `threaded`, as the shared one is.
//
// `flipper_client_*` and `flipper_desktop_*` are the two ends as state machines, to be driven by any event loop: they do no
// IO and know no clock. One tells them facts (a socket is open, a message arrived, time has passed) and wishes (add a
// plugin, send an event, answer a call). After each of them, poll actions until FLIPPER_RESULT_DONE and carry them out, then
// poll events until FLIPPER_RESULT_DONE, then ask when the next timer is due.
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

// How a call ended. The numbers never change, and are far from those of `errno`. One that is not given any more stays where it
// is, as retired, so that it never means anything else.
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
    // The `size` of a record is none that this version of the library knows.
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
    // It was stopped, or was not started.
    FLIPPER_RESULT_STOPPED = 9110,
    // Another misuse.
    FLIPPER_RESULT_MISUSE = 9199,
    // It has not come to that within the time.
    FLIPPER_RESULT_TIMED_OUT = 9201,
    // A callback cannot wait for the end of its own app, which waits for the callback.
    FLIPPER_RESULT_IN_CALLBACK = 9202,
    // The app was started or stopped before, and starts only once.
    FLIPPER_RESULT_ALREADY_STARTED = 9203,
    // The app's name or its id is empty.
    FLIPPER_RESULT_NO_NAME = 9204,
    // FLIPPER_ALT_PORTS or FLIPPER_PORTS does not hold two ports, as 9089,9088.
    FLIPPER_RESULT_BAD_PORTS = 9205,
    // No directory was given, and there is no home directory to have one in.
    FLIPPER_RESULT_NO_DIRECTORY = 9206,
    // The pairing link cannot be read.
    FLIPPER_RESULT_BAD_PAIRING = 9207,
    // Certificates over the network need a pairing with the desktop.
    FLIPPER_RESULT_NOT_PAIRED = 9208,
    // The system starts no more threads, or has nothing for them to wait with.
    FLIPPER_RESULT_NO_THREADS = 9209,
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
    // Open a WebSocket: attempt, host, port, target; and generation, if it is to be mutual TLS with these credentials, trusting
    // their CA alone. Without a generation it is plain. Answer with `flipper_client_opened` or `flipper_client_closed`.
    FLIPPER_ACTION_KIND_CONNECT = 1,
    // Send a text message: attempt (a client) or connection (a desktop), and text.
    FLIPPER_ACTION_KIND_SEND = 2,
    // Send a ping: attempt or connection.
    FLIPPER_ACTION_KIND_PING = 3,
    // Send what was given before, then a close frame, and wait for the peer's: attempt or connection, code; and reason, where
    // it is a connection. Answer with `flipper_client_closed` or `flipper_desktop_closed`.
    FLIPPER_ACTION_KIND_CLOSE = 4,
    // Drop the socket, in whatever state it is: attempt or connection. No fact about it is wanted any more.
    FLIPPER_ACTION_KIND_ABORT = 5,
    // Do a piece of work: job, job kind, and what the kind needs. Answer, now or later, with the function of the kind or with
    // `flipper_client_job_failed`.
    FLIPPER_ACTION_KIND_JOB = 6,
} flipper_action_kind;

// What a piece of work is, as the field "job kind" says.
typedef enum flipper_job_kind {
    // Read the stored credentials. Answer with `flipper_client_job_loaded`.
    FLIPPER_JOB_KIND_LOAD = 1,
    // Make a key and a certificate request in a new directory. Answer with `flipper_client_job_prepared`.
    FLIPPER_JOB_KIND_PREPARE = 2,
    // Medium WWW: bring the certificates into the directory of this generation, wherever they are, once it is certain that they
    // come from the right desktop: generation, device id; and where the desktop's answer brought them along, of which nothing
    // was checked, CA, certificate, and proof if there is one. Answer with `flipper_client_job_done`.
    FLIPPER_JOB_KIND_FETCH = 3,
    // Check that the certificates are there and fit, and store what was granted: generation, device id, medium; and os, where it
    // is not the real one. Answer with `flipper_client_job_stored`.
    FLIPPER_JOB_KIND_STORE = 4,
    // Make these the credentials in use, as they are proven: generation. Answer with `flipper_client_job_done`.
    FLIPPER_JOB_KIND_PROMOTE = 5,
    // Delete these credentials, which will never be used: generation. Answer with `flipper_client_job_done`.
    FLIPPER_JOB_KIND_DISCARD = 6,
    // Delete all credentials older than those in use. Answer with `flipper_client_job_done`.
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
    // Number: a `flipper_medium`.
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
    // Text: the desktop's CA, PEM.
    FLIPPER_ACTION_FIELD_CA = 25,
    // Text: the app's certificate, PEM.
    FLIPPER_ACTION_FIELD_CERTIFICATE = 26,
    // Text: what proves that both come from a desktop that knows the pairing.
    FLIPPER_ACTION_FIELD_PROOF = 27,
    // Number: which connection of a desktop.
    FLIPPER_ACTION_FIELD_CONN = 51,
    // Text: why a connection is closed, 123 bytes at most, as a close frame has room for.
    FLIPPER_ACTION_FIELD_REASON = 71,
} flipper_action_field;

// How certificates travel from the desktop to the app.
typedef enum flipper_medium {
    // As the desktop serves it: FS_ACCESS in the exchange, and NONE in the session where the desktop answers no device id.
    // Only where a medium is chosen.
    FLIPPER_MEDIUM_AUTOMATIC = 0,
    // The desktop writes them into the app's directory.
    FLIPPER_MEDIUM_FS_ACCESS = 1,
    // The desktop uploads them, and the app fetches them by its device id.
    FLIPPER_MEDIUM_WWW = 2,
    // Not at all: the app uses the credentials that it has.
    FLIPPER_MEDIUM_NONE = 3,
} flipper_medium;

// Whether the desktop should show this app.
typedef enum flipper_foreground {
    // The desktop decides.
    FLIPPER_FOREGROUND_UNSAID = 0,
    // It should.
    FLIPPER_FOREGROUND_YES = 1,
    // It should not.
    FLIPPER_FOREGROUND_NO = 2,
} flipper_foreground;

// Which event goes when the buffer of a plugin is full.
typedef enum flipper_overflow {
    // The oldest.
    FLIPPER_OVERFLOW_DROP_OLDEST = 0,
    // The newest.
    FLIPPER_OVERFLOW_DROP_NEWEST = 1,
} flipper_overflow;

// What is wrong with credentials.
typedef enum flipper_credential_problem {
    // Their directory, or a file in it, cannot be read or written.
    FLIPPER_CREDENTIAL_PROBLEM_IO = 1,
    // A file is damaged, or does not fit the others.
    FLIPPER_CREDENTIAL_PROBLEM_INVALID = 2,
    // There are none, and medium NONE brings none.
    FLIPPER_CREDENTIAL_PROBLEM_MISSING = 3,
    // The desktop granted, but its files are not there.
    FLIPPER_CREDENTIAL_PROBLEM_NOT_DELIVERED = 4,
    // Those of medium WWW could not be fetched.
    FLIPPER_CREDENTIAL_PROBLEM_FETCH = 5,
    // They do not come from the desktop that the app is paired with.
    FLIPPER_CREDENTIAL_PROBLEM_NOT_AUTHENTIC = 6,
} flipper_credential_problem;

// What a client's next timer is for.
typedef enum flipper_client_timer {
    // The next attempt is due.
    FLIPPER_CLIENT_TIMER_RETRY = 1,
    // An attempt has taken too long to open.
    FLIPPER_CLIENT_TIMER_CONNECT = 2,
    // The desktop has taken too long to answer the certificate request.
    FLIPPER_CLIENT_TIMER_GRANT = 3,
    // A socket has taken too long to close.
    FLIPPER_CLIENT_TIMER_CLOSE = 4,
    // The desktop has been silent: a ping is due, or is missed.
    FLIPPER_CLIENT_TIMER_PING = 5,
    // The session counts as stable.
    FLIPPER_CLIENT_TIMER_STABLE = 6,
    // The pause after a burst of events is over, and others wait.
    FLIPPER_CLIENT_TIMER_EVENTS = 7,
} flipper_client_timer;

// A step on the way.
typedef enum flipper_client_step {
    // Stored credentials were found: generation.
    FLIPPER_CLIENT_STEP_CREDENTIALS_FOUND = 1,
    // Certificates have to be exchanged: exchange reason.
    FLIPPER_CLIENT_STEP_EXCHANGE_NEEDED = 2,
    // There is a new key, and a certificate request: generation.
    FLIPPER_CLIENT_STEP_REQUEST_MADE = 3,
    // The desktop was asked to issue a certificate.
    FLIPPER_CLIENT_STEP_CERTIFICATE_ASKED = 4,
    // The desktop refuses the operating system, and the client presents another.
    FLIPPER_CLIENT_STEP_OS_REPLACED = 5,
    // The desktop issued the certificate.
    FLIPPER_CLIENT_STEP_GRANTED = 6,
    // The certificates are there and fit: generation.
    FLIPPER_CLIENT_STEP_CERTIFICATES_STORED = 7,
    // A session is opened: generation.
    FLIPPER_CLIENT_STEP_SESSION_ATTEMPTED = 8,
    // The desktop accepted new credentials: generation.
    FLIPPER_CLIENT_STEP_CREDENTIALS_PROVEN = 9,
} flipper_client_step;

// Why certificates have to be exchanged.
typedef enum flipper_exchange_reason {
    // There are no usable credentials.
    FLIPPER_EXCHANGE_REASON_NO_CREDENTIALS = 1,
    // The stored ones came by another medium.
    FLIPPER_EXCHANGE_REASON_MEDIUM_CHANGED = 2,
    // The desktop and the stored ones do not fit each other.
    FLIPPER_EXCHANGE_REASON_REJECTED = 3,
    // The stored ones expire soon.
    FLIPPER_EXCHANGE_REASON_EXPIRING = 4,
} flipper_exchange_reason;

// Why a client is not where it should be.
typedef enum flipper_client_failure {
    // The connection for an exchange failed or ended: close kind, and code where the kind has one.
    FLIPPER_CLIENT_FAILURE_EXCHANGE_CONNECTION = 1,
    // The connection for a session failed or ended: close kind, and code where the kind has one.
    FLIPPER_CLIENT_FAILURE_SESSION_CONNECTION = 2,
    // The desktop refused to issue a certificate.
    FLIPPER_CLIENT_FAILURE_EXCHANGE_REFUSED = 3,
    // The desktop did not answer the certificate request.
    FLIPPER_CLIENT_FAILURE_EXCHANGE_TIMEOUT = 4,
    // The desktop serves no apps of this operating system.
    FLIPPER_CLIENT_FAILURE_OS_REFUSED = 5,
    // The desktop does not understand the client's query, or does not serve it.
    FLIPPER_CLIENT_FAILURE_QUERY_REFUSED = 6,
    // Credentials could not be read, made or stored: credential problem.
    FLIPPER_CLIENT_FAILURE_CREDENTIALS = 7,
    // The desktop did not respond for so long that the session was given up.
    FLIPPER_CLIENT_FAILURE_UNRESPONSIVE = 8,
    // Session after session ended as soon as it began.
    FLIPPER_CLIENT_FAILURE_RECONNECT_LOOP = 9,
    // The desktop sent something that is not understood.
    FLIPPER_CLIENT_FAILURE_PROTOCOL = 10,
} flipper_client_failure;

// Why a socket ended, or never opened.
typedef enum flipper_close_kind {
    // The TCP connection was refused.
    FLIPPER_CLOSE_KIND_REFUSED = 1,
    // The host cannot be reached; the reason says how.
    FLIPPER_CLOSE_KIND_UNREACHABLE = 2,
    // There was no answer in time.
    FLIPPER_CLOSE_KIND_TIMEOUT = 3,
    // The peer's certificate was not issued by the pinned CA.
    FLIPPER_CLOSE_KIND_TLS_UNKNOWN_CA = 4,
    // The peer's certificate, or its CA's, has expired.
    FLIPPER_CLOSE_KIND_TLS_EXPIRED = 5,
    // The peer's certificate, or its CA's, is not valid yet.
    FLIPPER_CLOSE_KIND_TLS_NOT_YET_VALID = 6,
    // The peer refused our certificate and said so; the reason says how.
    FLIPPER_CLOSE_KIND_TLS_PEER_REFUSED = 7,
    // The TLS handshake failed for a reason that has nothing to do with certificates; the reason says how.
    FLIPPER_CLOSE_KIND_TLS_HANDSHAKE = 8,
    // It ended after the TLS handshake and before the upgrade was answered.
    FLIPPER_CLOSE_KIND_DROPPED = 9,
    // The upgrade was answered with an HTTP status: the code.
    FLIPPER_CLOSE_KIND_HTTP = 10,
    // The upgrade was answered with no WebSocket handshake; the reason says how.
    FLIPPER_CLOSE_KIND_BAD_UPGRADE = 11,
    // The peer closed with a code, 1005 where its close frame had none, and a reason.
    FLIPPER_CLOSE_KIND_CODE = 12,
    // The TCP connection ended without a close frame.
    FLIPPER_CLOSE_KIND_EOF = 13,
    // The TCP connection was reset, or failed in another way.
    FLIPPER_CLOSE_KIND_RESET = 14,
    // The peer's certificate is refused for another reason; the reason says how.
    FLIPPER_CLOSE_KIND_TLS_BAD_CERTIFICATE = 16,
    // The peer broke the WebSocket protocol; the reason says how.
    FLIPPER_CLOSE_KIND_WEB_SOCKET = 15,
    // A message arrived that is larger than the limit.
    FLIPPER_CLOSE_KIND_TOO_LARGE = 17,
    // This side closed.
    FLIPPER_CLOSE_KIND_LOCAL = 18,
} flipper_close_kind;

// The port that a connection came to.
typedef enum flipper_channel {
    // The plain port of the certificate exchange.
    FLIPPER_CHANNEL_INSECURE = 1,
    // The port with mutual TLS: the handshake is done, and the client's certificate was issued by this desktop's CA.
    FLIPPER_CHANNEL_SECURE = 2,
    // The plain port for browsers and Node.
    FLIPPER_CHANNEL_BROWSER = 3,
} flipper_channel;

// What a client's certificate says of whom it was issued to.
typedef enum flipper_certificate {
    // The app and the device: `common_name` and `device_id`. The query must name the same.
    FLIPPER_CERTIFICATE_BOUND = 1,
    // Nothing that is proven; `common_name` may be NULL.
    FLIPPER_CERTIFICATE_UNBOUND = 2,
    // Something that cannot be understood, which must not pass for nothing; `problem` says what.
    FLIPPER_CERTIFICATE_UNUSABLE = 3,
} flipper_certificate;

// What an admission is.
typedef enum flipper_admission_kind {
    // Answer 101: connection.
    FLIPPER_ADMISSION_KIND_ACCEPT = 1,
    // Answer with an HTTP status, and the reason as the body: status, reason. There is no connection.
    FLIPPER_ADMISSION_KIND_REJECT = 2,
    // Answer 101 and treat the connection as any other, an action that closes it waits already: connection, code, reason.
    FLIPPER_ADMISSION_KIND_ACCEPT_THEN_CLOSE = 3,
} flipper_admission_kind;

// A field of an admission.
typedef enum flipper_admission_field {
    // Number: the id that the connection has from now on.
    FLIPPER_ADMISSION_FIELD_CONN = 1,
    // Number: the HTTP status.
    FLIPPER_ADMISSION_FIELD_STATUS = 2,
    // Number: the code of the close frame.
    FLIPPER_ADMISSION_FIELD_CODE = 3,
    // Text: why the connection is refused, for people.
    FLIPPER_ADMISSION_FIELD_REASON = 20,
} flipper_admission_field;

// How a request ended, as the field "outcome" says.
typedef enum flipper_outcome {
    // The client answered with the JSON.
    FLIPPER_OUTCOME_SUCCESS = 1,
    // The client answered with an error: the JSON, and its message as text.
    FLIPPER_OUTCOME_ERROR = 2,
    // The client answered with neither a result nor an error.
    FLIPPER_OUTCOME_NEITHER = 3,
    // The client's answer cannot be understood: text.
    FLIPPER_OUTCOME_INVALID = 4,
    // No answer came in time. One that comes later is dropped.
    FLIPPER_OUTCOME_TIMED_OUT = 5,
    // The client is gone. Whether it got the request is not known.
    FLIPPER_OUTCOME_DISCONNECTED = 6,
} flipper_outcome;

// Why a client is gone, as the field "cause" says.
typedef enum flipper_gone_cause {
    // Its connection ended: close kind; and code, if it came with one.
    FLIPPER_GONE_CAUSE_CLOSED = 1,
    // A newer connection of the same identity took over.
    FLIPPER_GONE_CAUSE_REPLACED = 2,
    // It never told which plugins it has.
    FLIPPER_GONE_CAUSE_NOT_REGISTERED = 3,
    // It was silent for too long.
    FLIPPER_GONE_CAUSE_UNRESPONSIVE = 4,
    // This side wanted it so; code.
    FLIPPER_GONE_CAUSE_DISCONNECTED = 5,
} flipper_gone_cause;

// What a desktop's next timer is for.
typedef enum flipper_desktop_timer {
    // A connection has taken too long to close.
    FLIPPER_DESKTOP_TIMER_CLOSE = 1,
    // A connection on the exchange port asks for nothing.
    FLIPPER_DESKTOP_TIMER_EXCHANGE_IDLE = 2,
    // A client has not told which plugins it has.
    FLIPPER_DESKTOP_TIMER_REGISTRATION = 3,
    // A client may have been silent for a while; a ping is due, or is missed.
    FLIPPER_DESKTOP_TIMER_PING = 4,
    // A request has not been answered in time.
    FLIPPER_DESKTOP_TIMER_REQUEST = 5,
} flipper_desktop_timer;

// What is right or wrong with the proof of a pairing.
typedef enum flipper_verdict {
    // It was made with the pairing's secret, for this request, just now.
    FLIPPER_VERDICT_RIGHT = 1,
    // It was not made with the pairing's secret, or for another request, or it came before.
    FLIPPER_VERDICT_WRONG = 2,
    // There is no such pairing.
    FLIPPER_VERDICT_UNKNOWN = 3,
} flipper_verdict;

// What follows from a verdict.
typedef enum flipper_judgement {
    // The client may have its certificate.
    FLIPPER_JUDGEMENT_ACCEPTED = 1,
    // It may not. The detail is how many wrong proofs are left until no more are taken.
    FLIPPER_JUDGEMENT_REFUSED = 2,
    // It may not, whatever the verdict: there were too many wrong proofs. The detail is for how many milliseconds no more
    // are taken.
    FLIPPER_JUDGEMENT_LOCKED = 3,
} flipper_judgement;

// Something that a desktop counts, from its making on.
typedef enum flipper_desktop_counter {
    // Connections that were refused, before or after the upgrade.
    FLIPPER_DESKTOP_COUNTER_REFUSED_CONNECTIONS = 1,
    // Certificate requests that were refused because they came too fast.
    FLIPPER_DESKTOP_COUNTER_LIMITED_EXCHANGES = 2,
    // Certificate requests with a wrong proof of a pairing, or the proof of a pairing that there is not.
    FLIPPER_DESKTOP_COUNTER_WRONG_PROOFS = 3,
    // Certificate requests that were refused because of earlier ones with wrong proofs.
    FLIPPER_DESKTOP_COUNTER_LOCKED_EXCHANGES = 4,
    // Messages that broke the protocol.
    FLIPPER_DESKTOP_COUNTER_BAD_MESSAGES = 5,
    // Answers to requests that nobody sent, among the bad messages.
    FLIPPER_DESKTOP_COUNTER_UNEXPECTED_REPLIES = 6,
    // Answers that came after their request had ended, or for a second time.
    FLIPPER_DESKTOP_COUNTER_LATE_REPLIES = 7,
    // Binary messages that held text and were read as such.
    FLIPPER_DESKTOP_COUNTER_BINARY_MESSAGES = 8,
    // Facts about connections that were over.
    FLIPPER_DESKTOP_COUNTER_STALE_FACTS = 9,
} flipper_desktop_counter;

// What an event is. Each has the fields that are named there.
typedef enum flipper_event_kind {
    // The client is in another state: state, text; and what the state has.
    FLIPPER_EVENT_KIND_STATE = 1,
    // A step on the way: step, text; and what the step has.
    FLIPPER_EVENT_KIND_STEP = 2,
    // Something failed, and the client goes on by itself: failure, text; and what the failure has.
    FLIPPER_EVENT_KIND_FAILED = 3,
    // The desktop sent something that is not understood, and the session goes on: text.
    FLIPPER_EVENT_KIND_MISBEHAVED = 4,
    // The desktop initialised a plugin: plugin.
    FLIPPER_EVENT_KIND_CONNECTED = 5,
    // The desktop has left a plugin, or is gone: plugin.
    FLIPPER_EVENT_KIND_DISCONNECTED = 6,
    // The desktop calls a method and waits for an answer: call, plugin, method, and params if there are any.
    FLIPPER_EVENT_KIND_CALL = 7,
    // The same, and nobody waits. An error that it is answered with is sent all the same.
    FLIPPER_EVENT_KIND_TELL = 8,
    // The desktop asks whether there is a method: call, plugin, method.
    FLIPPER_EVENT_KIND_SUPPORTS = 9,
    // A desktop refused a connection, before or after the upgrade: channel, peer, text.
    FLIPPER_EVENT_KIND_REFUSED = 101,
    // A client asks a desktop for a certificate, to be answered with `flipper_desktop_grant` or `flipper_desktop_refuse`:
    // exchange, connection, peer, csr, destination, medium, the list of logs, what the client says of itself (app, os,
    // device, device id; and what else it tells); wall time, pairing id, nonce and proof, if it sends them. Nothing of it
    // is proven.
    FLIPPER_EVENT_KIND_EXCHANGE_REQUESTED = 102,
    // A client tells how its exchange went, which most never do: connection, is error, the list of logs, what the client
    // says of itself; and has required files, if it tells.
    FLIPPER_EVENT_KIND_EXCHANGE_ACKNOWLEDGED = 103,
    // Somebody gave so many wrong proofs of a pairing that no more are taken from there for a while: peer, pairing id,
    // wait.
    FLIPPER_EVENT_KIND_PAIRING_LOCKED = 104,
    // A client is there: client, connection, channel, peer, what the client says of itself.
    FLIPPER_EVENT_KIND_CLIENT_CONNECTED = 105,
    // A client is gone, and every request to it was told to have failed before: client, cause, text; and code, if there
    // is one.
    FLIPPER_EVENT_KIND_CLIENT_DISCONNECTED = 106,
    // A client leaves pings unanswered, perhaps because it is stopped at a breakpoint. Its session goes on: client.
    FLIPPER_EVENT_KIND_CLIENT_UNRESPONSIVE = 107,
    // A client that was unresponsive is back: client.
    FLIPPER_EVENT_KIND_CLIENT_RESPONSIVE = 108,
    // A client told which plugins it has: client, the lists of plugins and of background plugins.
    FLIPPER_EVENT_KIND_PLUGINS_CHANGED = 109,
    // An event of a client's plugin: client, plugin, method, and params if there are any.
    FLIPPER_EVENT_KIND_MESSAGE = 110,
    // A request to a client has ended, exactly once: request, client, outcome, and what the outcome has.
    FLIPPER_EVENT_KIND_REPLY = 111,
    // A client reports an error outside any call: client, json; and text, error name and stack trace, if it has them.
    FLIPPER_EVENT_KIND_CLIENT_ERROR = 112,
    // A peer sent a desktop something that is not understood. Its connection goes on: connection, text; and client, but on
    // the exchange port.
    FLIPPER_EVENT_KIND_PEER_MISBEHAVED = 113,
} flipper_event_kind;

// A field of an event.
typedef enum flipper_event_field {
    // Number: which call.
    FLIPPER_EVENT_FIELD_CALL = 1,
    // Number: a `flipper_state_kind`.
    FLIPPER_EVENT_FIELD_STATE = 2,
    // Number: when the next attempt is made, in a state that waits for it.
    FLIPPER_EVENT_FIELD_UNTIL = 3,
    // Number: 1 while the peer does not respond, else 0.
    FLIPPER_EVENT_FIELD_UNRESPONSIVE = 4,
    // Number: a `flipper_client_step`.
    FLIPPER_EVENT_FIELD_STEP = 5,
    // Number: a `flipper_client_failure`.
    FLIPPER_EVENT_FIELD_FAILURE = 6,
    // Number: which credentials.
    FLIPPER_EVENT_FIELD_GENERATION = 7,
    // Number: a `flipper_exchange_reason`.
    FLIPPER_EVENT_FIELD_EXCHANGE_REASON = 8,
    // Number: a `flipper_close_kind`.
    FLIPPER_EVENT_FIELD_CLOSE_KIND = 9,
    // Number: the code of the close frame, or the HTTP status.
    FLIPPER_EVENT_FIELD_CODE = 10,
    // Number: a `flipper_credential_problem`.
    FLIPPER_EVENT_FIELD_CREDENTIAL_PROBLEM = 11,
    // Text: whose.
    FLIPPER_EVENT_FIELD_PLUGIN = 20,
    // Text: the method.
    FLIPPER_EVENT_FIELD_METHOD = 21,
    // Text: the params, JSON as it came.
    FLIPPER_EVENT_FIELD_PARAMS = 22,
    // Text: what happened, for people. Failures say what to do, too.
    FLIPPER_EVENT_FIELD_TEXT = 23,
    // Number: which connection of a desktop.
    FLIPPER_EVENT_FIELD_CONN = 51,
    // Number: which certificate request.
    FLIPPER_EVENT_FIELD_EXCHANGE = 52,
    // Number: which request to a client.
    FLIPPER_EVENT_FIELD_REQUEST = 53,
    // Number: a `flipper_outcome`.
    FLIPPER_EVENT_FIELD_OUTCOME = 54,
    // Number: a `flipper_channel`.
    FLIPPER_EVENT_FIELD_CHANNEL = 55,
    // Number: how certificates travel: 1 through the file system, 2 through a store, 3 not at all.
    FLIPPER_EVENT_FIELD_MEDIUM = 56,
    // Number: the client's clock, in Unix milliseconds.
    FLIPPER_EVENT_FIELD_WALL_MS = 57,
    // Number: whether it failed, 0 or 1.
    FLIPPER_EVENT_FIELD_IS_ERROR = 58,
    // Number: whether the client has all its files now, 0 or 1.
    FLIPPER_EVENT_FIELD_HAS_REQUIRED_FILES = 59,
    // Number: for how many milliseconds.
    FLIPPER_EVENT_FIELD_WAIT_MS = 60,
    // Number: which version of the protocol the client speaks.
    FLIPPER_EVENT_FIELD_SDK_VERSION = 61,
    // Number: whether the client asks to be shown, 0 or 1.
    FLIPPER_EVENT_FIELD_FOREGROUND = 62,
    // Number: a `flipper_gone_cause`.
    FLIPPER_EVENT_FIELD_CAUSE = 63,
    // Number: since when a client is there, in milliseconds on the caller's clock.
    FLIPPER_EVENT_FIELD_CONNECTED_AT_MS = 65,
    // Number: whether a client has told which plugins it has, 0 or 1.
    FLIPPER_EVENT_FIELD_REGISTERED = 66,
    // Number: how many requests to a client have not ended yet.
    FLIPPER_EVENT_FIELD_PENDING_REQUESTS = 68,
    // Number: how many bytes wait for a client to read.
    FLIPPER_EVENT_FIELD_QUEUED_BYTES = 69,
    // Text: the client's id.
    FLIPPER_EVENT_FIELD_CLIENT = 71,
    // Text: the peer's address and port.
    FLIPPER_EVENT_FIELD_PEER = 72,
    // Text: the app's name.
    FLIPPER_EVENT_FIELD_APP = 73,
    // Text: the app's bundle id.
    FLIPPER_EVENT_FIELD_APP_ID = 74,
    // Text: the operating system.
    FLIPPER_EVENT_FIELD_OS = 75,
    // Text: the device's name.
    FLIPPER_EVENT_FIELD_DEVICE = 76,
    // Text: the device's id.
    FLIPPER_EVENT_FIELD_DEVICE_ID = 77,
    // Text: which process of the app it is.
    FLIPPER_EVENT_FIELD_INSTANCE_ID = 78,
    // Text: the directory of the app's credentials, as the app sees it.
    FLIPPER_EVENT_FIELD_CSR_PATH = 79,
    // Text: the certificate request, in PEM as the client says.
    FLIPPER_EVENT_FIELD_CSR = 80,
    // Text: where the client wants the certificates: file names are appended to it as they are.
    FLIPPER_EVENT_FIELD_DESTINATION = 81,
    // Text: the answer or the error, JSON as it came.
    FLIPPER_EVENT_FIELD_JSON = 82,
    // Text: the name of an error.
    FLIPPER_EVENT_FIELD_ERROR_NAME = 83,
    // Text: where an error happened.
    FLIPPER_EVENT_FIELD_STACKTRACE = 84,
    // Text: which pairing.
    FLIPPER_EVENT_FIELD_PAIRING_ID = 85,
    // Text: what makes a proof of a pairing fresh.
    FLIPPER_EVENT_FIELD_PAIRING_NONCE = 86,
    // Text: the proof of a pairing.
    FLIPPER_EVENT_FIELD_PAIRING_PROOF = 87,
    // List: the ids of all plugins.
    FLIPPER_EVENT_FIELD_PLUGINS = 91,
    // List: the ids of those that the client wants initialised as soon as it connects.
    FLIPPER_EVENT_FIELD_BACKGROUND = 92,
    // List: the ids of those that the desktop has initialised.
    FLIPPER_EVENT_FIELD_INITIALISED = 93,
    // List: the client's own log.
    FLIPPER_EVENT_FIELD_LOGS = 94,
} flipper_event_field;

// Where a client is on its way.
typedef enum flipper_state_kind {
    // Not started, or stopped.
    FLIPPER_STATE_KIND_STOPPED = 1,
    // Reading the stored credentials.
    FLIPPER_STATE_KIND_PREPARING = 2,
    // On the plain port, to have certificates issued.
    FLIPPER_STATE_KIND_EXCHANGING = 3,
    // On the way to a session.
    FLIPPER_STATE_KIND_CONNECTING = 4,
    // In a session.
    FLIPPER_STATE_KIND_CONNECTED = 5,
    // In a session, and the desktop has left pings unanswered. It goes on.
    FLIPPER_STATE_KIND_UNRESPONSIVE = 6,
    // After a failure, before the next attempt.
    FLIPPER_STATE_KIND_WAITING = 7,
    // Closing the connection: before a new one, or for good.
    FLIPPER_STATE_KIND_CLOSING = 8,
} flipper_state_kind;

// What is counted, from the moment that a client was made.
typedef enum flipper_counter {
    // Messages that broke the protocol.
    FLIPPER_COUNTER_BAD_MESSAGES = 1,
    // Answers to nobody, among the bad messages.
    FLIPPER_COUNTER_UNEXPECTED_REPLIES = 2,
    // Binary messages that held text and were read as such.
    FLIPPER_COUNTER_BINARY_MESSAGES = 3,
    // Events that found their plugin's buffer full.
    FLIPPER_COUNTER_EVENTS_DROPPED = 4,
    // Answers that were replaced by an error, because the desktop does not read or because they were too large.
    FLIPPER_COUNTER_ANSWERS_REPLACED = 5,
    // Answers for which not even that error found room.
    FLIPPER_COUNTER_ANSWERS_DROPPED = 6,
    // Facts about attempts or jobs that were over; 0 for those that drive themselves.
    FLIPPER_COUNTER_STALE_FACTS = 7,
    // Of `flipper_app_counter` alone: what the observer was not told, because callbacks have blocked for so long that too much waits.
    FLIPPER_COUNTER_MISSED_NOTICES = 20,
} flipper_counter;

// A decision, to be carried out.
typedef struct flipper_action flipper_action;

// The answer to an upgrade.
typedef struct flipper_admission flipper_admission;

// An app with its Flipper, which has threads of its own; opaque to C.
//
// Any thread may call its functions at any time, several at once, and so may its callbacks; only
// `flipper_app_free` comes last. A process that was forked must not use the apps of its parent, and the library must not be
// unloaded before `flipper_app_wait_stopped` was FLIPPER_RESULT_OK. `exit` may come at any time.
typedef struct flipper_app flipper_app;

// A call of the desktop; opaque to C. It outlives its session and its app.
typedef struct flipper_call flipper_call;

// The app's state machine; opaque to C. One thread at a time may use it.
typedef struct flipper_client flipper_client;

// The clients of a desktop at the moment when it was asked, in the order of their ids.
typedef struct flipper_clients flipper_clients;

// The desktop's state machine; opaque to C. One thread at a time may use it.
typedef struct flipper_desktop flipper_desktop;

// An event, with the words for it where it is to be shown to people.
typedef struct flipper_event flipper_event;

// A borrowed text: `ptr` may be NULL, which stands for no text.
typedef struct flipper_str {
    // Where it begins.
    const char *ptr;
    // How many bytes it has.
    size_t len;
} flipper_str;

// What an app tells a client before it starts. Zero and NULL stand for the default, but the app's name and id are needed.
typedef struct flipper_client_config {
    // `sizeof(flipper_client_config)`.
    size_t size;
    // The app's name, as people see it.
    struct flipper_str app;
    // The app's bundle id, in reverse-DNS form. The certificate is issued to it.
    struct flipper_str app_id;
    // The operating system. Where a desktop refuses it, the client presents another, unless `os_fixed` is not 0. Default:
    // Linux.
    struct flipper_str os;
    // The device's name, as people see it. Default: localhost.
    struct flipper_str device;
    // A stable id of the device, for desktops that answer none. Default: localhost.
    struct flipper_str device_id;
    // The desktop's host name or address, without a port. Default: localhost.
    struct flipper_str host;
    // Tells two processes of one app apart: random, and other for each process. Default: none.
    struct flipper_str instance_id;
    // Where the jitter of waits comes from: random, and other for each process.
    uint64_t seed;
    // How long the first wait after a failure is; each further one is twice as long. Default: 250 ms.
    uint64_t backoff_first_ms;
    // How long a wait is at most. Default: 10 s.
    uint64_t backoff_ceiling_ms;
    // How long a session lasts until the next wait is the first again. Default: 10 s.
    uint64_t backoff_stable_ms;
    // How long opening a WebSocket may take, TCP and TLS included. Default: 10 s.
    uint64_t connect_ms;
    // How long the desktop may take to answer the certificate request. Default: 20 s.
    uint64_t grant_ms;
    // How long closing a WebSocket may take. Default: 2 s.
    uint64_t close_ms;
    // How long the desktop may be silent before it is pinged, and how long it has to answer. Default: 10 s.
    uint64_t ping_ms;
    // How long a desktop that does not respond is waited for. Default: 10 min.
    uint64_t unresponsive_ms;
    // How long before its certificates expire a client asks for new ones. Default: 1 day.
    uint64_t renew_before_ms;
    // How long the pauses between bursts of events are at least. Default: there are none. The official UI shows nothing of
    // an app that is never silent for 250 ms.
    uint64_t event_pause_ms;
    // The largest message in bytes, in and out. Default: 64 MiB.
    uint64_t message_bytes;
    // How many bytes the events of one plugin that wait may have together. Default: 8 MiB.
    uint64_t buffered_event_bytes;
    // How many bytes of answers wait for a desktop that does not read. Default: 128 MiB.
    uint64_t queued_answer_bytes;
    // The largest message of a certificate exchange in bytes. Default: 64 KiB.
    uint64_t exchange_message_bytes;
    // How many calls of the desktop may wait for their answers. Default: 16,384.
    uint32_t pending_calls;
    // How many plugins there may be. Default: 1,024.
    uint32_t plugins;
    // How many events of one plugin wait for a desktop that wants them. Default: 10,000.
    uint32_t buffered_events;
    // A `flipper_overflow`. Default: the oldest event goes.
    uint32_t overflow;
    // A `flipper_medium`. Default: automatic.
    uint32_t medium;
    // A `flipper_foreground`. Default: the desktop decides.
    uint32_t foreground;
    // After how many sessions in a row that were not stable the client waits for the ceiling. Default: 4.
    uint32_t loop_sessions;
    // How many pings go unanswered until the desktop counts as unresponsive. Default: 2.
    uint32_t missed_pings;
    // The desktop's port for certificate exchanges. Default: 9089.
    uint16_t insecure_port;
    // The desktop's port for sessions. Default: 9088.
    uint16_t secure_port;
    // Whether `os` is presented whatever the desktop says: 0 or 1. Default: 0.
    uint32_t os_fixed;
} flipper_client_config;

// What a client knows of credentials.
typedef struct flipper_credentials {
    // `sizeof(flipper_credentials)`.
    size_t size;
    // Which ones: a number of the driver's, larger for newer ones.
    uint64_t generation;
    // The device id that the desktop answered. May be empty.
    struct flipper_str device_id;
    // The operating system that was presented, where it was not the real one; else NULL.
    struct flipper_str os;
    // The certificate request, PEM.
    struct flipper_str csr;
    // The directory that the desktop finds it in, with a trailing separator.
    struct flipper_str csr_path;
    // When the first of the certificates expires, as a time of the caller's origin.
    uint64_t valid_until_ms;
    // The `flipper_medium` that they came by, which is not the automatic one.
    uint32_t medium;
} flipper_credentials;

// A key and a certificate request that a driver has made.
typedef struct flipper_prepared {
    // `sizeof(flipper_prepared)`.
    size_t size;
    // Which ones: a number of the driver's, larger for newer ones.
    uint64_t generation;
    // The certificate request, PEM.
    struct flipper_str csr;
    // Where the desktop is to write the certificates: a directory with a trailing separator, in which the request lies as
    // `app.csr`.
    struct flipper_str destination;
    // The calendar time, in milliseconds since 1970.
    uint64_t wall_ms;
    // Medium WWW: which pairing. NULL where the app is not paired.
    struct flipper_str pairing_id;
    // Random, and other for each request: base64url of 16 bytes.
    struct flipper_str pairing_nonce;
    // What proves the pairing: base64url of 32 bytes.
    struct flipper_str pairing_proof;
} flipper_prepared;

// The HTTP request that opens a WebSocket, and what TLS told before.
typedef struct flipper_upgrade {
    // `sizeof(flipper_upgrade)`.
    size_t size;
    // The port: a `flipper_channel`.
    uint32_t channel;
    // On the port with TLS: a `flipper_certificate`. It has no default: who forgets it lets nobody in. Elsewhere unused.
    uint32_t certificate;
    // The request target: any path, and the query in which the client says who it is.
    struct flipper_str target;
    // The `Host` header; NULL if there is none. A driver refuses a request with two of them by itself.
    struct flipper_str host;
    // The `Origin` header; NULL if there is none. With two of them, both, joined by a comma, which no rule lets pass.
    struct flipper_str origin;
    // The peer's address and port: `127.0.0.1:50000`, `[::1]:50000`.
    struct flipper_str peer;
    // The certificate's CN.
    struct flipper_str common_name;
    // The device id that the certificate carries. May be empty.
    struct flipper_str device_id;
    // What is wrong with the certificate, for people.
    struct flipper_str problem;
} flipper_upgrade;

// What a desktop is told before it starts. In every number 0 stands for the default.
typedef struct flipper_desktop_config {
    // `sizeof(flipper_desktop_config)`.
    size_t size;
    // The hosts that clients may name in their requests, besides those that everybody has: `localhost`, 127.0.0.0/8,
    // `[::1]` and 10.0.2.2. A desktop that listens to the network must be told its own names and addresses.
    const struct flipper_str *known_hosts;
    // How many they are.
    size_t known_host_count;
    // The origins of web pages that may use the browser port, besides those of this machine, as `scheme://host:port`.
    const struct flipper_str *allowed_origins;
    // How many they are.
    size_t allowed_origin_count;
    // How many certificate requests are taken up a second, all together. Default: 5.
    uint32_t exchanges_per_second;
    // How many of them at once, after a pause. Default: 20.
    uint32_t exchange_burst;
    // How many certificate requests of one connection are taken up a second. Default: 1.
    uint32_t connection_exchanges_per_second;
    // How many of them at once, after a pause. Default: 5.
    uint32_t connection_exchange_burst;
    // How long the answer to a call is waited for that names no deadline. Default: 45,000.
    uint64_t call_ms;
    // How long a client may take to tell its plugins before it is asked again. Default: 5,000.
    uint64_t registration_ms;
    // How long a client may be silent before it is pinged, and how long it has to answer. Default: 10,000.
    uint64_t ping_ms;
    // How long an unresponsive client is kept. Default: 600,000.
    uint64_t unresponsive_ms;
    // How long a connection on the exchange port may ask for nothing. Default: 60,000.
    uint64_t exchange_idle_ms;
    // How long the end of a connection may take that this side closes. Default: 2,000.
    uint64_t close_ms;
    // The largest message, in and out. Default: 64 MiB.
    uint64_t message_bytes;
    // The largest message on the exchange port. Default: 64 KiB.
    uint64_t exchange_message_bytes;
    // How many calls of one client may wait for their answers. Default: 16,384.
    uint64_t pending_calls;
    // How many bytes may wait for a client that does not read. Default: 128 MiB.
    uint64_t queued_bytes;
    // How many plugins a client may have. Default: 1,024.
    uint64_t plugins;
    // How many clients are served at once, and how many connections on the exchange port. Default: 1,024.
    uint64_t clients;
} flipper_desktop_config;

// What a client is told whose certificate request is granted.
typedef struct flipper_grant {
    // `sizeof(flipper_grant)`.
    size_t size;
    // The id of the device that the client runs on, which it presents from then on; empty for the desktop's own machine.
    struct flipper_str device_id;
    // The desktop's CA in PEM, where the certificates are to travel in the answer itself; else NULL.
    struct flipper_str ca;
    // The client's certificate in PEM, where there is a CA.
    struct flipper_str certificate;
    // The proof that both come from a desktop that knows the pairing's secret: base64url of 32 bytes, or NULL.
    struct flipper_str proof;
} flipper_grant;

// Why a certificate request is refused: the client shows it to people.
typedef struct flipper_refusal {
    // `sizeof(flipper_refusal)`.
    size_t size;
    // What is wrong.
    struct flipper_str message;
    // The kind of error, as `NoRequestInDestination`; NULL if it has no name.
    struct flipper_str name;
    // What to do about it; or NULL.
    struct flipper_str hint;
} flipper_refusal;

// What a client is asked, or told.
typedef struct flipper_request {
    // `sizeof(flipper_request)`.
    size_t size;
    // The client's id.
    struct flipper_str client;
    // The plugin. `flipper_desktop_request` has no use for it.
    struct flipper_str plugin;
    // The method.
    struct flipper_str method;
    // The params, JSON; NULL if there are none.
    struct flipper_str params;
    // How long to wait for the answer, in milliseconds; 0 for as long as the desktop's `call_ms`.
    uint64_t deadline_ms;
} flipper_request;

// What an app says before it starts. Zero it, then set its size, the app's name and its id: everything else has a
// default that needs no change on a desktop machine.
typedef struct flipper_app_config {
    // `sizeof(flipper_app_config)`.
    size_t size;
    // The app's name, as people see it.
    struct flipper_str app;
    // The app's bundle id in reverse-DNS form, such as com.example.app.
    struct flipper_str app_id;
    // The desktop's host name or address. Default: localhost.
    struct flipper_str host;
    // The app's private directory for keys and certificates. Default: apps/ID in FLIPPER_STATE_DIR, else in ~/.flipper.
    struct flipper_str directory;
    // The operating system to present. Default: the real one, or MacOS to a desktop that refuses that.
    struct flipper_str os;
    // The device's name. Default: the host name.
    struct flipper_str device;
    // A stable id of the device, which is presented where the desktop has none for it. Default: the host name.
    struct flipper_str device_id;
    // Pairs the app with a desktop on another machine, by the link that `flipper pair` prints there. It holds a secret.
    // Default: what the variable FLIPPER_PAIRING says.
    struct flipper_str pairing;
    // How long the first wait after a failure is; each further one is twice as long. Default: 250 ms.
    uint64_t backoff_first_ms;
    // How long a wait is at most. Default: 10 s.
    uint64_t backoff_ceiling_ms;
    // How long the desktop may take to answer the certificate request. Default: 20 s.
    uint64_t grant_ms;
    // How long the pauses between bursts of events are at least. Default: there are none. The official UI shows nothing of
    // an app that is never silent for 250 ms.
    uint64_t event_pause_ms;
    // The largest message in bytes, in and out. Default: 64 MiB.
    uint64_t message_bytes;
    // How many bytes the calls of the desktop that wait for their answers may have together. Default: 128 MiB.
    uint64_t pending_call_bytes;
    // How many bytes the events of one plugin that wait may have together. Default: 8 MiB.
    uint64_t buffered_event_bytes;
    // How many calls of the desktop may wait for their answers. Default: 16,384.
    uint32_t pending_calls;
    // How many events of one plugin wait for a desktop that wants them. Default: 10,000.
    uint32_t buffered_events;
    // How many plugins there may be. Default: 1,024.
    uint32_t plugins;
    // A `flipper_overflow`. Default: the oldest event goes.
    uint32_t overflow;
    // A `flipper_medium`. Default: FS_ACCESS, or WWW where there is a pairing, without which there is no WWW.
    uint32_t medium;
    // How many threads make callbacks, up to 1,024. Default: 1, and then everything comes one after the other. With more,
    // calls come side by side, also those of one plugin.
    uint32_t handlers;
    // The desktop's port for certificate exchanges. Both ports are given, or none; then they are what the variables
    // FLIPPER_ALT_PORTS or FLIPPER_PORTS say, else 9089 and 9088.
    uint16_t insecure_port;
    // The desktop's port for sessions.
    uint16_t secure_port;
    // Is told, one after the other, of every state, step, failure and misbehaviour: `flipper_event_kind`s 1 to 4. The event
    // is good until the callback returns, and is not to be freed.
    void (*on_event)(void *user, const struct flipper_event *event);
    // What `on_event` gets as its `user`.
    void *user;
    // Frees `user`, when `on_event` will not be called any more.
    void (*free_user)(void *user);
} flipper_app_config;

// What a plugin does. All of it may be NULL.
//
// Callbacks come from threads of the app, one after the other unless it was given several handlers. They may call every
// function, also to remove their own plugin, and stop or free their own app. They must return: neither an exception nor
// `longjmp` may leave them.
typedef struct flipper_plugin_callbacks {
    // `sizeof(flipper_plugin_callbacks)`.
    size_t size;
    // What every callback gets back.
    void *user;
    // The desktop has initialised the plugin. Where a user interface is reloaded this comes again, after `on_disconnect`.
    void (*on_connect)(void *user);
    // The desktop has left the plugin, or is gone.
    void (*on_disconnect)(void *user);
    // Whether the plugin has a method: 0 is no, and its calls are answered with an error. NULL says yes to all, where there
    // is `on_call`. The text has no NUL, and is good until the callback returns.
    int (*has_method)(void *user, const char *method, size_t len);
    // The desktop calls a method. The call is the callback's from now on: it is to be answered, there or later and from any
    // thread, and then freed.
    void (*on_call)(void *user, struct flipper_call *call);
    // Frees `user`, when no callback will come any more.
    void (*free_user)(void *user);
} flipper_plugin_callbacks;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Explains a result, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
//
// FLIPPER_RESULT_BAD_VALUE: there is no such result in this version of the library. Of the buffer, nothing is touched.
//
// Threads: any, several at once.
flipper_result flipper_result_message(uint32_t result,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *length);

// The version of the library, as 0x00MMmmpp: major, minor, patch.
//
// Threads: any, several at once.
uint32_t flipper_version(void);

// The version of the library, as a text that is always good.
//
// Threads: any, several at once.
struct flipper_str flipper_version_text(void);

// Frees an action, with all texts that were taken from it.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_action_free(struct flipper_action *action);

// What an action is: a `flipper_action_kind`, or 0 for NULL.
//
// Threads: any, several at once.
uint32_t flipper_action_kind_of(const struct flipper_action *action);

// A field that is a number. `field` is a `flipper_action_field`.
//
// FLIPPER_RESULT_NOT_FOUND: the action has no such field, or has it not this time.
//
// Threads: any, several at once.
flipper_result flipper_action_number(const struct flipper_action *action, uint32_t field, uint64_t *out);

// A field that is a text, valid until the action is freed. `field` is a `flipper_action_field`.
//
// FLIPPER_RESULT_NOT_FOUND: the action has no such field, or has it not this time.
//
// Threads: any, several at once.
flipper_result flipper_action_text(const struct flipper_action *action,
                                   uint32_t field,
                                   struct flipper_str *out);

// The WebSocket of `attempt` is open: the upgrade was answered with 101.
//
// Threads: any, one at a time.
flipper_result flipper_client_opened(struct flipper_client *client, uint64_t attempt, uint64_t now_ms);

// A text message arrived, the whole of it.
//
// Threads: any, one at a time.
flipper_result flipper_client_message(struct flipper_client *client,
                                      uint64_t attempt,
                                      const char *text,
                                      size_t len,
                                      uint64_t now_ms);

// A binary message arrived. One that holds text is read like a text message.
//
// Threads: any, one at a time.
flipper_result flipper_client_binary(struct flipper_client *client,
                                     uint64_t attempt,
                                     const char *bytes,
                                     size_t len,
                                     uint64_t now_ms);

// The desktop gave a sign of life that is no message: a pong, a ping, or part of a long message.
//
// Threads: any, one at a time.
flipper_result flipper_client_alive(struct flipper_client *client, uint64_t attempt, uint64_t now_ms);

// The socket takes `room` more bytes. Actions of kind FLIPPER_ACTION_KIND_SEND are given only while there is room: tell this
// once the socket is open, and whenever it takes more again.
//
// Threads: any, one at a time.
flipper_result flipper_client_writable(struct flipper_client *client,
                                       uint64_t attempt,
                                       size_t room,
                                       uint64_t now_ms);

// Every message that was given for `attempt` is with the system. Needed for `flipper_client_is_flushed` alone: tell it
// whenever it is so, before actions are polled.
//
// Threads: any, one at a time.
flipper_result flipper_client_flushed(struct flipper_client *client,
                                      uint64_t attempt,
                                      uint64_t now_ms);

// The socket has ended, or could not be opened. `kind` is a `flipper_close_kind`; where that names a code or a reason, they
// are given, too, and else 0 and nothing.
//
// Threads: any, one at a time.
flipper_result flipper_client_closed(struct flipper_client *client,
                                     uint64_t attempt,
                                     uint32_t kind,
                                     uint16_t code,
                                     const char *reason,
                                     size_t len,
                                     uint64_t now_ms);

// Time has passed. Needed when the time of `flipper_client_poll_timeout` has come, and harmless at any other.
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

// A job of kind FLIPPER_JOB_KIND_LOAD is done. `credentials` are those in use, NULL if there are none. `problem` is a
// `flipper_credential_problem` and `text` the words for it, where some could not be read; 0 where all is well.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_loaded(struct flipper_client *client,
                                         uint64_t job,
                                         const struct flipper_credentials *credentials,
                                         uint32_t problem,
                                         const char *text,
                                         size_t text_len,
                                         uint64_t now_ms);

// A job of kind FLIPPER_JOB_KIND_PREPARE is done.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_prepared(struct flipper_client *client,
                                           uint64_t job,
                                           const struct flipper_prepared *prepared,
                                           uint64_t now_ms);

// A job of kind FLIPPER_JOB_KIND_STORE is done: the certificates are there and fit.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_stored(struct flipper_client *client,
                                         uint64_t job,
                                         const struct flipper_credentials *credentials,
                                         uint64_t now_ms);

// A job of another kind is done.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_done(struct flipper_client *client, uint64_t job, uint64_t now_ms);

// A job failed, whatever its kind. `problem` is a `flipper_credential_problem`, and `text` says what, where and what to do
// about it, for people. The client tries again by itself.
//
// Threads: any, one at a time.
flipper_result flipper_client_job_failed(struct flipper_client *client,
                                         uint64_t job,
                                         uint32_t problem,
                                         const char *text,
                                         size_t text_len,
                                         uint64_t now_ms);

// The next thing to do, in order; FLIPPER_RESULT_DONE if there is none. Poll it until then after every fact and every wish.
// What it gives is to be freed by `flipper_action_free`.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_action(struct flipper_client *client,
                                          struct flipper_action **out);

// The next thing that happened; FLIPPER_RESULT_DONE if there is none. Poll it until then once there are no more actions.
// What it gives is to be freed by `flipper_event_free`.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_event(struct flipper_client *client,
                                         struct flipper_event **out);

// When to call `flipper_client_timeout`; FLIPPER_NEVER if not at all. Ask anew after every fact and every wish. `timer`,
// which may be NULL, is given why: a `flipper_client_timer`, or 0.
//
// Threads: any, one at a time.
flipper_result flipper_client_poll_timeout(struct flipper_client *client,
                                           uint32_t *timer,
                                           uint64_t *at_ms);

// Where a client is: a `flipper_state_kind`.
//
// Threads: any, one at a time.
flipper_result flipper_client_state(struct flipper_client *client, uint32_t *out);

// Where a client is, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
//
// Threads: any, one at a time.
flipper_result flipper_client_state_text(struct flipper_client *client,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *length);

// What failed last, also when it is over, for people: what happened, where, and what to do. The buffer is as that of
// `flipper_client_state_text`.
//
// FLIPPER_RESULT_NOT_FOUND: nothing has failed.
//
// Threads: any, one at a time.
flipper_result flipper_client_last_failure(struct flipper_client *client,
                                           char *buffer,
                                           size_t capacity,
                                           size_t *length);

// How much was lost, refused or ignored so far, for a `flipper_counter`.
//
// Threads: any, one at a time.
flipper_result flipper_client_counter(struct flipper_client *client, uint32_t counter, uint64_t *out);

// Whether the desktop has initialised a plugin: 0 or 1.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
//
// Threads: any, one at a time.
flipper_result flipper_client_is_plugin_connected(struct flipper_client *client,
                                                  const char *plugin,
                                                  size_t plugin_len,
                                                  uint8_t *out);

// Whether everything that a plugin has sent, and every answer and error, has left the app: 0 or 1. That is known only to
// those who tell `flipper_client_flushed`.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
//
// Threads: any, one at a time.
flipper_result flipper_client_is_flushed(struct flipper_client *client,
                                         const char *plugin,
                                         size_t plugin_len,
                                         uint8_t *out);

// How many events of a plugin wait to be sent.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
//
// Threads: any, one at a time.
flipper_result flipper_client_waiting(struct flipper_client *client,
                                      const char *plugin,
                                      size_t plugin_len,
                                      uint64_t *out);

// How many events of a plugin were dropped because its buffer was full.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
//
// Threads: any, one at a time.
flipper_result flipper_client_dropped(struct flipper_client *client,
                                      const char *plugin,
                                      size_t plugin_len,
                                      uint64_t *out);

// Begins to look for the desktop, and goes on until `flipper_client_stop`. Does nothing if it has begun.
//
// Threads: any, one at a time.
flipper_result flipper_client_start(struct flipper_client *client, uint64_t now_ms);

// Ends whatever is going on. A session sends the answers and events that are queued before it closes, as far as the desktop
// reads them in time. Everything has ended when an event tells FLIPPER_STATE_KIND_STOPPED; it may start again.
//
// Threads: any, one at a time.
flipper_result flipper_client_stop(struct flipper_client *client,
                                   uint64_t now_ms);

// Adds a plugin, before or after the start. A background plugin, where `background` is not 0, is initialised by a desktop
// whether anybody looks at it or not.
//
// FLIPPER_RESULT_DUPLICATE_PLUGIN: there is one of this id. FLIPPER_RESULT_TOO_MANY_PLUGINS: it would be one too many.
//
// Threads: any, one at a time.
flipper_result flipper_client_add_plugin(struct flipper_client *client,
                                         const char *id,
                                         size_t len,
                                         uint8_t background);

// Removes a plugin, with the events that wait in it. Its calls that are not answered yet are answered with an error.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
//
// Threads: any, one at a time.
flipper_result flipper_client_remove_plugin(struct flipper_client *client,
                                            const char *id,
                                            size_t len);

// Sends an event of a plugin. Its params are JSON, which goes out as it is; NULL if it has none. Until the desktop has
// initialised the plugin, and while it does not read, events wait in the plugin's buffer.
//
// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is no plugin of this id. FLIPPER_RESULT_INVALID_JSON: the params are none.
// FLIPPER_RESULT_TOO_LARGE: the message would be larger than the limit.
//
// Threads: any, one at a time.
flipper_result flipper_client_send(struct flipper_client *client,
                                   const char *plugin,
                                   size_t plugin_len,
                                   const char *method,
                                   size_t method_len,
                                   const char *params,
                                   size_t params_len);

// Answers a call with a result, which is JSON, at any time after its event.
//
// FLIPPER_RESULT_UNKNOWN_CALL: it was answered before, or its session has ended. FLIPPER_RESULT_INVALID_JSON: the result is
// none.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond(struct flipper_client *client,
                                      uint64_t call,
                                      const char *json,
                                      size_t len);

// Answers a call with an error, which is JSON of any shape.
//
// FLIPPER_RESULT_UNKNOWN_CALL and FLIPPER_RESULT_INVALID_JSON as `flipper_client_respond`.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond_error(struct flipper_client *client,
                                            uint64_t call,
                                            const char *json,
                                            size_t len);

// Answers a call with an error that has this message, for people, and this name, for programs, which may be NULL.
//
// FLIPPER_RESULT_UNKNOWN_CALL as `flipper_client_respond`.
//
// Threads: any, one at a time.
flipper_result flipper_client_fail(struct flipper_client *client,
                                   uint64_t call,
                                   const char *message,
                                   size_t message_len,
                                   const char *name,
                                   size_t name_len);

// Answers an event of kind FLIPPER_EVENT_KIND_SUPPORTS: whether the plugin has the method, 0 or 1.
//
// FLIPPER_RESULT_UNKNOWN_CALL as `flipper_client_respond`.
//
// Threads: any, one at a time.
flipper_result flipper_client_respond_supported(struct flipper_client *client,
                                                uint64_t call,
                                                uint8_t supported);

// Tells the desktop of an error outside any call. The name, which is for programs, and the stack trace may be NULL.
//
// FLIPPER_RESULT_NOT_CONNECTED: there is no session, and errors do not wait. FLIPPER_RESULT_TOO_LARGE: the message would be
// larger than the limit.
//
// Threads: any, one at a time.
flipper_result flipper_client_report_error(struct flipper_client *client,
                                           const char *message,
                                           size_t message_len,
                                           const char *name,
                                           size_t name_len,
                                           const char *stacktrace,
                                           size_t stacktrace_len);

// Somebody wants to open a WebSocket; on the port with TLS, after the handshake. The answer says whether they may, and
// is to be freed with `flipper_admission_free`.
//
// Results: FLIPPER_RESULT_BAD_VALUE for a channel, a certificate or a peer's address that is none.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_upgrade(struct flipper_desktop *desktop,
                                       const struct flipper_upgrade *upgrade,
                                       uint64_t now_ms,
                                       struct flipper_admission **out);

// Frees an admission, with all texts that were taken from it. The connection goes on.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_admission_free(struct flipper_admission *admission);

// What an admission is: a `flipper_admission_kind`, or 0 for NULL.
//
// Threads: any, several at once.
uint32_t flipper_admission_kind_of(const struct flipper_admission *admission);

// A field that is a number: a `flipper_admission_field`. FLIPPER_RESULT_NOT_FOUND if this kind has it not.
//
// Threads: any, several at once.
flipper_result flipper_admission_number(const struct flipper_admission *admission,
                                        uint32_t field,
                                        uint64_t *out);

// A field that is a text: a `flipper_admission_field`. FLIPPER_RESULT_NOT_FOUND if this kind has it not.
//
// Threads: any, several at once.
flipper_result flipper_admission_text(const struct flipper_admission *admission,
                                      uint32_t field,
                                      struct flipper_str *out);

// Lists the clients that are connected. The list is a copy of its own, to be freed with `flipper_clients_free`; it does not
// change any more.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_clients(struct flipper_desktop *desktop,
                                       struct flipper_clients **out);

// Frees a list, with all texts that were taken from it. NULL is nothing to free.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_clients_free(struct flipper_clients *clients);

// How many clients a list has; 0 for NULL.
//
// Threads: any, several at once.
size_t flipper_clients_count(const struct flipper_clients *clients);

// A number of the client at a place of the list, which begins with 0: conn, channel, connected at, registered,
// unresponsive, pending requests, queued bytes; and sdk version, medium and foreground, if it tells.
//
// Results: FLIPPER_RESULT_NOT_FOUND if there is no such place, or nothing of that field in it.
//
// Threads: any, several at once.
flipper_result flipper_clients_number(const struct flipper_clients *clients,
                                      size_t at,
                                      uint32_t field,
                                      uint64_t *out);

// A text of the client at a place of the list: client, peer, app, os, device, device id; and app id, instance id and csr
// path, if it tells.
//
// Results: as `flipper_clients_number`.
//
// Threads: any, several at once.
flipper_result flipper_clients_text(const struct flipper_clients *clients,
                                    size_t at,
                                    uint32_t field,
                                    struct flipper_str *out);

// One of the plugins of the client at a place of the list: plugins, background, initialised. `index` begins with 0.
//
// Results: FLIPPER_RESULT_NOT_FOUND after the last one, and as `flipper_clients_number`.
//
// Threads: any, several at once.
flipper_result flipper_clients_item(const struct flipper_clients *clients,
                                    size_t at,
                                    uint32_t field,
                                    size_t index,
                                    struct flipper_str *out);

// A text message arrived on a connection.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_message(struct flipper_desktop *desktop,
                                       uint64_t conn,
                                       const char *text,
                                       size_t len,
                                       uint64_t now_ms);

// A binary message arrived on a connection.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_binary(struct flipper_desktop *desktop,
                                      uint64_t conn,
                                      const char *bytes,
                                      size_t len,
                                      uint64_t now_ms);

// The peer gave a sign of life that is no message: a pong, a ping, or part of a long message.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_alive(struct flipper_desktop *desktop, uint64_t conn, uint64_t now_ms);

// The socket takes `room` more bytes; `SIZE_MAX` is any number of them. Messages are given to be sent while there is room;
// one that is larger than the rest of it goes all the same, and leaves none. A new connection takes one message before
// its room is told.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_writable(struct flipper_desktop *desktop,
                                        uint64_t conn,
                                        size_t room,
                                        uint64_t now_ms);

// The socket has ended, for a reason of `flipper_close_kind`. No fact about it counts any more.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_closed(struct flipper_desktop *desktop,
                                      uint64_t conn,
                                      uint32_t kind,
                                      uint16_t code,
                                      const char *reason,
                                      size_t len,
                                      uint64_t now_ms);

// Time has passed. Wanted when the moment of `flipper_desktop_poll_timeout` has come; harmless at any other.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_timeout(struct flipper_desktop *desktop, uint64_t now_ms);

// Makes a desktop without clients. `config` may be NULL: then everything is as by default.
//
// Threads: any, several at once.
flipper_result flipper_desktop_new(const struct flipper_desktop_config *config, struct flipper_desktop **out);

// Frees a desktop. NULL is nothing to free. The driver's sockets are the driver's to close.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_desktop_free(struct flipper_desktop *desktop);

// The next thing to do; FLIPPER_RESULT_DONE if there is none. It is to be freed with `flipper_action_free`.
//
// Poll it until there is none after every fact and every wish.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_poll_action(struct flipper_desktop *desktop, struct flipper_action **out);

// The next thing that happened; FLIPPER_RESULT_DONE if there is none. It is to be freed with `flipper_event_free`.
//
// Poll it until there is none after the actions.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_poll_event(struct flipper_desktop *desktop,
                                          struct flipper_event **out);

// When to call `flipper_desktop_timeout`; FLIPPER_NEVER if not at all. Ask anew after every fact and every wish. `timer`,
// which may be NULL, is given why: a `flipper_desktop_timer`, or 0.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_poll_timeout(struct flipper_desktop *desktop,
                                            uint32_t *timer,
                                            uint64_t *at_ms);

// Says what follows from the verdict over the proof in a certificate request, which is an event of kind
// FLIPPER_EVENT_KIND_EXCHANGE_REQUESTED: whoever gave too many wrong ones is refused even with the right one, for a
// while. A request without a proof is accepted: whether it needs one is not decided here.
//
// `verdict` is a `flipper_verdict`; a `flipper_judgement` is written to `judgement`, and to `detail` what belongs to it.
//
// Results: FLIPPER_RESULT_NOT_FOUND for an event of another kind, FLIPPER_RESULT_BAD_VALUE for a verdict that is none.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_judge_proof(struct flipper_desktop *desktop,
                                           const struct flipper_event *request,
                                           uint32_t verdict,
                                           uint64_t now_ms,
                                           uint32_t *judgement,
                                           uint64_t *detail);

// How many connections there are, on all ports, those that are being closed included.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_connections(struct flipper_desktop *desktop, uint64_t *out);

// A counter: a `flipper_desktop_counter`. FLIPPER_RESULT_BAD_VALUE for a number that is none.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_counter_of(struct flipper_desktop *desktop, uint32_t counter, uint64_t *out);

// Grants a certificate request, at any time after the event that told of it.
//
// Results: FLIPPER_RESULT_UNKNOWN_EXCHANGE if it was answered before, or its connection has ended.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_grant(struct flipper_desktop *desktop,
                                     uint64_t exchange,
                                     const struct flipper_grant *grant,
                                     uint64_t now_ms);

// Refuses a certificate request, at any time after the event that told of it.
//
// Results: as `flipper_desktop_grant`.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_refuse(struct flipper_desktop *desktop,
                                      uint64_t exchange,
                                      const struct flipper_refusal *refusal,
                                      uint64_t now_ms);

// Initialises a plugin of a client: its events are wanted, and its methods will be called. One that is initialised already
// starts over. Whether the client has it is not checked: it answers with an error if not.
//
// Results: FLIPPER_RESULT_NOT_CONNECTED, FLIPPER_RESULT_TOO_LARGE, FLIPPER_RESULT_QUEUE_FULL.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_init_plugin(struct flipper_desktop *desktop,
                                           const char *client,
                                           size_t client_len,
                                           const char *plugin,
                                           size_t plugin_len);

// Leaves a plugin of a client: its events are not wanted any more.
//
// Results: as `flipper_desktop_init_plugin`.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_deinit_plugin(struct flipper_desktop *desktop,
                                             const char *client,
                                             size_t client_len,
                                             const char *plugin,
                                             size_t plugin_len);

// Calls a method of a plugin. How it ended is told by exactly one event of kind FLIPPER_EVENT_KIND_REPLY that carries the
// number which is written to `out`.
//
// Results: FLIPPER_RESULT_NOT_CONNECTED, FLIPPER_RESULT_TOO_LARGE; FLIPPER_RESULT_TOO_MANY_PENDING and
// FLIPPER_RESULT_QUEUE_FULL while the client does not keep up.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_call(struct flipper_desktop *desktop,
                                    const struct flipper_request *request,
                                    uint64_t now_ms,
                                    uint64_t *out);

// Asks whether a plugin has a method. The reply's JSON is `{"isSupported":true}`, or `false`. `params` and `deadline_ms`
// of the request are not looked at.
//
// Results: as `flipper_desktop_call`.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_is_method_supported(struct flipper_desktop *desktop,
                                                   const struct flipper_request *request,
                                                   uint64_t now_ms,
                                                   uint64_t *out);

// Sends a request of any method with params as they are, for programs that pass on the requests of others. Not for `init`
// and `deinit`, which have functions of their own and no answer.
//
// Results: as `flipper_desktop_call`.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_request(struct flipper_desktop *desktop,
                                       const struct flipper_request *request,
                                       uint64_t now_ms,
                                       uint64_t *out);

// Calls a method of a plugin whose answer nobody wants. The client reports an error if it fails.
//
// Results: as `flipper_desktop_init_plugin`.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_notify(struct flipper_desktop *desktop, const struct flipper_request *request);

// Closes the connection of a client with this code. What was sent to it before still goes, but for requests: they fail at
// once.
//
// Results: FLIPPER_RESULT_NOT_CONNECTED.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_disconnect(struct flipper_desktop *desktop,
                                          const char *client,
                                          size_t client_len,
                                          uint16_t code,
                                          uint64_t now_ms);

// Closes every connection, and refuses new ones from now on. Drive the desktop on until it has no connection left.
//
// Threads: any, one at a time.
flipper_result flipper_desktop_stop(struct flipper_desktop *desktop,
                                    uint64_t now_ms);

// Frees an event, with all texts that were taken from it.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_event_free(struct flipper_event *event);

// What an event is: a `flipper_event_kind`, or 0 for NULL.
//
// Threads: any, several at once.
uint32_t flipper_event_kind_of(const struct flipper_event *event);

// A field that is a number. `field` is a `flipper_event_field`.
//
// FLIPPER_RESULT_NOT_FOUND: the event has no such field, or has it not this time.
//
// Threads: any, several at once.
flipper_result flipper_event_number(const struct flipper_event *event, uint32_t field, uint64_t *out);

// A field that is a text, valid until the event is freed. `field` is a `flipper_event_field`.
//
// FLIPPER_RESULT_NOT_FOUND: the event has no such field, or has it not this time.
//
// Threads: any, several at once.
flipper_result flipper_event_text(const struct flipper_event *event, uint32_t field, struct flipper_str *out);

// A text at a place of a list, which begins with 0. FLIPPER_RESULT_NOT_FOUND after the last one.
//
// Threads: any, several at once.
flipper_result flipper_event_item(const struct flipper_event *event,
                                  uint32_t field,
                                  size_t index,
                                  struct flipper_str *out);

// Makes an app that has not started. Plugins can be added and events sent, which wait.
//
// Results: FLIPPER_RESULT_NO_NAME, NO_DIRECTORY, BAD_PORTS (of the environment), BAD_PAIRING, NOT_PAIRED, BAD_VALUE,
// BAD_SIZE. Only if it is FLIPPER_RESULT_OK will `user` be freed by `free_user`: on some thread, when the observer will not
// be called any more. `flipper_app_free` must follow.
//
// Threads: any.
flipper_result flipper_app_new(const struct flipper_app_config *config,
                               struct flipper_app **out);

// Stops an app as `flipper_app_stop` does, and frees it. NULL is nothing to free.
//
// It does not wait, so that a callback may free its own app. Callbacks that go on, or are due, still come after it;
// `free_user` tells when the last one has returned. To have that here, stop first and wait: `flipper_app_wait_stopped`.
// Calls that were not answered stay good until they are freed.
//
// Threads: any, also in a callback of this app. Calls of other threads that have begun end as after a stop; none may begin.
void flipper_app_free(struct flipper_app *app);

// Starts, and goes on looking for a desktop until it is stopped. Returns at once.
//
// Results: FLIPPER_RESULT_ALREADY_STARTED, also after a stop; NO_THREADS. Neither the network nor the disk is ever a
// reason.
//
// Threads: any, several at once.
flipper_result flipper_app_start(const struct flipper_app *app);

// Begins to stop: sends what is queued, closes the connection, and never comes back. Returns at once.
//
// Threads: any, several at once, also in a callback.
flipper_result flipper_app_stop(const struct flipper_app *app);

// Waits until there is a session with a desktop, for no longer than so many milliseconds; FLIPPER_NEVER is for ever.
//
// Results: FLIPPER_RESULT_TIMED_OUT; STOPPED, also where it was not started.
//
// Threads: any, several at once.
flipper_result flipper_app_wait_connected(const struct flipper_app *app,
                                          uint64_t timeout_ms);

// Waits until an app that was stopped has ended, for no longer than so many milliseconds; FLIPPER_NEVER is for ever. Then
// the desktop was told, every callback has returned, and no thread is left. One that was not started has ended.
//
// Results: FLIPPER_RESULT_TIMED_OUT; IN_CALLBACK, at once, in a callback of this app, which would wait for itself.
//
// Threads: any, several at once.
flipper_result flipper_app_wait_stopped(const struct flipper_app *app,
                                        uint64_t timeout_ms);

// Frees a call, with all texts that were taken from it. If it was not answered, the desktop is answered with an error.
// NULL is nothing to free.
//
// Threads: any, and no other call with it goes on or follows.
void flipper_call_free(struct flipper_call *call);

// The plugin that is called; NULL of NULL.
//
// Threads: any, several at once.
struct flipper_str flipper_call_plugin(const struct flipper_call *call);

// The method that is called; NULL of NULL.
//
// Threads: any, several at once.
struct flipper_str flipper_call_method(const struct flipper_call *call);

// The params, JSON as it came; NULL if there are none.
//
// Threads: any, several at once.
struct flipper_str flipper_call_params(const struct flipper_call *call);

// Whether the desktop waits for an answer: 1 or 0. An error is sent in any case.
//
// Threads: any, several at once.
int flipper_call_expects_reply(const struct flipper_call *call);

// Answers a call with a result, which is JSON; NULL stands for an empty object. The official UI never completes a call
// that is answered with null, false, 0 or an empty string: rather send an object that holds it.
//
// Results: FLIPPER_RESULT_INVALID_JSON, and the call can still be answered; UNKNOWN_CALL, if it was answered before, its
// session has ended, or its plugin was removed. The call is still to be freed.
//
// Threads: any, several at once: the first one answers.
flipper_result flipper_call_respond(const struct flipper_call *call,
                                    const char *result,
                                    size_t len);

// Answers a call with an error object, which is JSON as it is to be sent. Official ones have "message", "name" and
// "stacktrace": `flipper_call_fail` makes such a one.
//
// Results: as `flipper_call_respond`.
//
// Threads: any, several at once: the first one answers.
flipper_result flipper_call_respond_error(const struct flipper_call *call,
                                          const char *error,
                                          size_t len);

// Answers a call with an error that has this message, for people, and this name, for programs, which may be NULL.
//
// Results: as `flipper_call_respond`.
//
// Threads: any, several at once: the first one answers.
flipper_result flipper_call_fail(const struct flipper_call *call,
                                 const char *message,
                                 size_t message_len,
                                 const char *name,
                                 size_t name_len);

// Adds a plugin, before the start or later. `id` is the name that both ends know it by, such as Network. The desktop
// initialises a background plugin, which it is if `background` is not 0, as soon as the app connects; others while somebody
// looks at them.
//
// Results: FLIPPER_RESULT_DUPLICATE_PLUGIN, TOO_MANY_PLUGINS, BAD_SIZE, BAD_VALUE. Only if it is FLIPPER_RESULT_OK will `user`
// be freed by `free_user`, once: when the plugin was removed, or the app was freed and has ended, and the last callback has
// returned. That is on whatever thread comes last, perhaps in `flipper_app_remove_plugin` or `flipper_app_free`.
//
// Threads: any, several at once.
flipper_result flipper_app_add_plugin(const struct flipper_app *app,
                                      const char *id,
                                      size_t id_len,
                                      uint8_t background,
                                      const struct flipper_plugin_callbacks *callbacks);

// Removes a plugin. Its calls that are not answered yet are answered with an error; `on_disconnect` still comes where
// it is due.
//
// Results: FLIPPER_RESULT_UNKNOWN_PLUGIN.
//
// Threads: any, several at once, also in a callback of this plugin.
flipper_result flipper_app_remove_plugin(const struct flipper_app *app,
                                         const char *id,
                                         size_t id_len);

// Sends an event of a plugin. It never blocks: where no desktop has initialised the plugin the event waits, and the
// oldest go when too many do. Its params are JSON; NULL if it has none.
//
// Results: FLIPPER_RESULT_INVALID_JSON, UNKNOWN_PLUGIN, TOO_LARGE, STOPPED.
//
// Threads: any, several at once.
flipper_result flipper_app_send(const struct flipper_app *app,
                                const char *plugin,
                                size_t plugin_len,
                                const char *method,
                                size_t method_len,
                                const char *params,
                                size_t params_len);

// Tells the desktop of an error outside any call. The name, which is for programs, and the stack trace may be NULL.
//
// Results: FLIPPER_RESULT_NOT_CONNECTED, for errors do not wait; STOPPED, TOO_LARGE.
//
// Threads: any, several at once.
flipper_result flipper_app_report_error(const struct flipper_app *app,
                                        const char *message,
                                        size_t message_len,
                                        const char *name,
                                        size_t name_len,
                                        const char *stacktrace,
                                        size_t stacktrace_len);

// How many events of a plugin wait to be sent; 0 where there is no such plugin.
//
// Threads: any, several at once.
flipper_result flipper_app_waiting(const struct flipper_app *app,
                                   const char *plugin,
                                   size_t plugin_len,
                                   uint64_t *out);

// How many events of a plugin were dropped because too many waited; 0 where there is no such plugin. The desktop is told,
// too.
//
// Threads: any, several at once.
flipper_result flipper_app_dropped(const struct flipper_app *app,
                                   const char *plugin,
                                   size_t plugin_len,
                                   uint64_t *out);

// Where an app stands: a `flipper_state_kind`.
//
// Threads: any, several at once.
flipper_result flipper_app_state(const struct flipper_app *app, uint32_t *out);

// Where an app stands, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
//
// Threads: any, several at once.
flipper_result flipper_app_state_text(const struct flipper_app *app,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *length);

// What failed last, also when it is over, for people: what happened, where, and what to do. The buffer is as that of
// `flipper_app_state_text`.
//
// Results: FLIPPER_RESULT_NOT_FOUND where nothing has failed.
//
// Threads: any, several at once.
flipper_result flipper_app_last_failure(const struct flipper_app *app,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length);

// How much was lost, refused or ignored so far, for a `flipper_counter`.
//
// Threads: any, several at once.
flipper_result flipper_app_counter(const struct flipper_app *app, uint32_t counter, uint64_t *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLIPPER_H */
