/*
 * The threaded client as a program under test: the suite plays the plugins over the standard streams. docs/conformance.md
 * has the commands and events.
 */
#define _POSIX_C_SOURCE 200809L

#include "netstring.h"

#include <flipper.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a shim says of what its language has not. */
enum { NOT_IMPLEMENTED = 89 };

/* A plugin that passes everything on. */
typedef struct plugin {
    char *id;
    char *methods;
} plugin;

/* A call that waits for its answer. */
typedef struct waiting_call {
    unsigned long long number;
    flipper_call *call;
    struct waiting_call *next;
} waiting_call;

static struct {
    pthread_mutex_t lock;
    unsigned long long last;
    waiting_call *first;
} calls = {PTHREAD_MUTEX_INITIALIZER, 0, NULL};

static flipper_app *app;
static pthread_t end_waiter;
static int end_is_awaited;

/* --- What the program says --- */

static void tell(const netstring *fields, size_t count) {
    /* Where nobody listens any more, nothing is to be told. */
    (void)netstring_write(STDOUT_FILENO, fields, count);
}

static void tell_two(const char *what, netstring about) {
    netstring fields[2];
    fields[0] = netstring_of(what);
    fields[1] = about;
    tell(fields, 2);
}

static void answer(flipper_result result) {
    char why[256];
    netstring done = netstring_of("done");
    if (result == FLIPPER_RESULT_OK) {
        tell(&done, 1);
    } else {
        flipper_result_message(result, why, sizeof why, NULL);
        tell_two("refused", netstring_of(why));
    }
}

static void refuse(const char *why) {
    tell_two("refused", netstring_of(why));
}

/* --- Texts --- */

static netstring borrowed(flipper_str text) {
    netstring field;
    field.ptr = text.ptr == NULL ? "" : text.ptr;
    field.len = text.len;
    return field;
}

static flipper_str given(const char *text) {
    flipper_str str;
    str.ptr = text;
    str.len = text == NULL ? 0 : strlen(text);
    return str;
}

/* The pointer of a field, or NULL where it is absent. */
static const char *pointer(netstring field) {
    return field.len == 0 ? NULL : field.ptr;
}

static char *copy(netstring field) {
    char *text = malloc(field.len + 1);
    if (text == NULL) abort();
    memcpy(text, field.ptr, field.len);
    text[field.len] = '\0';
    return text;
}

/* --- Callbacks --- */

static void on_event(void *user, const flipper_event *event) {
    static const char *const kinds[] = {"", "state", "step", "failed", "misbehaved"};
    uint32_t kind = flipper_event_kind_of(event);
    flipper_str text;
    (void)user;
    if (kind >= 1 && kind <= 4 && flipper_event_text(event, FLIPPER_EVENT_FIELD_TEXT, &text) == FLIPPER_RESULT_OK) {
        tell_two(kinds[kind], borrowed(text));
    }
}

static void on_connect(void *user) {
    tell_two("connected", netstring_of(((plugin *)user)->id));
}

static void on_disconnect(void *user) {
    tell_two("disconnected", netstring_of(((plugin *)user)->id));
}

static int has_method(void *user, const char *method, size_t len) {
    const char *word = ((plugin *)user)->methods;
    while (*word != '\0') {
        size_t word_len = strcspn(word, " ");
        if (word_len == len && memcmp(word, method, len) == 0) return 1;
        word += word_len + strspn(word + word_len, " ");
    }
    return 0;
}

static void on_call(void *user, flipper_call *call) {
    waiting_call *waiting = malloc(sizeof *waiting);
    char number[24];
    netstring fields[6];
    if (waiting == NULL) abort();
    fields[0] = netstring_of("call");
    fields[2] = netstring_of(((plugin *)user)->id);
    fields[3] = borrowed(flipper_call_method(call));
    fields[4] = borrowed(flipper_call_params(call));
    fields[5] = netstring_of(flipper_call_expects_reply(call) ? "1" : "0");

    pthread_mutex_lock(&calls.lock);
    waiting->number = ++calls.last;
    waiting->call = call;
    waiting->next = calls.first;
    calls.first = waiting;
    snprintf(number, sizeof number, "%llu", waiting->number);
    fields[1] = netstring_of(number);
    /* Under the lock, so that nobody answers and frees the call meanwhile. */
    tell(fields, 6);
    pthread_mutex_unlock(&calls.lock);
}

static void free_plugin(void *user) {
    free(((plugin *)user)->id);
    free(((plugin *)user)->methods);
    free(user);
}

/* --- Commands --- */

static flipper_result add(const netstring *fields) {
    plugin *added = malloc(sizeof *added);
    flipper_plugin_callbacks callbacks = {0};
    flipper_result result;
    if (added == NULL) abort();
    added->id = copy(fields[1]);
    added->methods = copy(fields[3]);
    callbacks.size = sizeof callbacks;
    callbacks.user = added;
    callbacks.on_connect = on_connect;
    callbacks.on_disconnect = on_disconnect;
    callbacks.has_method = has_method;
    callbacks.on_call = on_call;
    callbacks.free_user = free_plugin;
    result = flipper_app_add_plugin(app, fields[1].ptr, fields[1].len, netstring_is(fields[2], "1"), &callbacks);
    if (result != FLIPPER_RESULT_OK) free_plugin(added);
    return result;
}

/* Takes a call out of those that wait; NULL if it is not there. */
static flipper_call *take_call(unsigned long long number) {
    flipper_call *call = NULL;
    waiting_call **at;
    pthread_mutex_lock(&calls.lock);
    for (at = &calls.first; *at != NULL && (*at)->number != number; at = &(*at)->next) {}
    if (*at != NULL) {
        waiting_call *found = *at;
        call = found->call;
        *at = found->next;
        free(found);
    }
    pthread_mutex_unlock(&calls.lock);
    return call;
}

static void respond(const netstring *fields) {
    flipper_call *call = take_call(strtoull(fields[1].ptr, NULL, 10));
    if (call == NULL) {
        refuse("there is no such call");
        return;
    }
    answer(netstring_is(fields[2], "ok") ? flipper_call_respond(call, pointer(fields[3]), fields[3].len)
                                         : flipper_call_respond_error(call, fields[3].ptr, fields[3].len));
    flipper_call_free(call);
}

static void tell_waiting(netstring plugin) {
    uint64_t waiting, dropped;
    char numbers[2][24];
    netstring fields[3];
    flipper_result result = flipper_app_waiting(app, plugin.ptr, plugin.len, &waiting);
    if (result == FLIPPER_RESULT_OK) result = flipper_app_dropped(app, plugin.ptr, plugin.len, &dropped);
    if (result != FLIPPER_RESULT_OK) {
        answer(result);
        return;
    }
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)waiting);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)dropped);
    fields[0] = netstring_of("waiting");
    fields[1] = netstring_of(numbers[0]);
    fields[2] = netstring_of(numbers[1]);
    tell(fields, 3);
}

static void *wait_for_the_end(void *unused) {
    netstring stopped = netstring_of("stopped");
    (void)unused;
    if (flipper_app_wait_stopped(app, FLIPPER_NEVER) == FLIPPER_RESULT_OK) tell(&stopped, 1);
    return NULL;
}

static void stop(void) {
    answer(flipper_app_stop(app));
    if (!end_is_awaited) end_is_awaited = pthread_create(&end_waiter, NULL, wait_for_the_end, NULL) == 0;
}

static void carry_out(const netstring *fields, size_t count) {
    if (count == 4 && netstring_is(fields[0], "add")) {
        answer(add(fields));
    } else if (count == 2 && netstring_is(fields[0], "remove")) {
        answer(flipper_app_remove_plugin(app, fields[1].ptr, fields[1].len));
    } else if (count == 1 && netstring_is(fields[0], "start")) {
        answer(flipper_app_start(app));
    } else if (count == 4 && netstring_is(fields[0], "send")) {
        answer(flipper_app_send(app, fields[1].ptr, fields[1].len, fields[2].ptr, fields[2].len, pointer(fields[3]),
                                fields[3].len));
    } else if (count == 4 && netstring_is(fields[0], "respond")) {
        respond(fields);
    } else if (count == 4 && netstring_is(fields[0], "report")) {
        answer(flipper_app_report_error(app, fields[1].ptr, fields[1].len, pointer(fields[2]), fields[2].len,
                                        pointer(fields[3]), fields[3].len));
    } else if (count == 2 && netstring_is(fields[0], "waiting")) {
        tell_waiting(fields[1]);
    } else if (count == 1 && netstring_is(fields[0], "stop")) {
        stop();
    } else {
        refuse("this command is not known");
    }
}

/* --- From beginning to end --- */

static void read_flag(flipper_app_config *config, const char *flag, const char *value) {
    unsigned long long first, second;
    if (strcmp(flag, "--host") == 0) config->host = given(value);
    if (strcmp(flag, "--directory") == 0) config->directory = given(value);
    if (strcmp(flag, "--app") == 0) config->app = given(value);
    if (strcmp(flag, "--app-id") == 0) config->app_id = given(value);
    if (strcmp(flag, "--grant") == 0) config->grant_ms = strtoull(value, NULL, 10);
    if (strcmp(flag, "--backoff") == 0 && sscanf(value, "%llu,%llu", &first, &second) == 2) {
        config->backoff_first_ms = first;
        config->backoff_ceiling_ms = second;
    }
    if (strcmp(flag, "--ports") == 0 && sscanf(value, "%llu,%llu", &first, &second) == 2) {
        config->insecure_port = (uint16_t)first;
        config->secure_port = (uint16_t)second;
    }
    /* That is where pages go, without certificates. */
    if (strcmp(flag, "--browser-port") == 0) exit(NOT_IMPLEMENTED);
}

static void free_calls(void) {
    while (calls.first != NULL) flipper_call_free(take_call(calls.first->number));
}

int main(int argc, char **argv) {
    flipper_app_config config = {0};
    netstring_reader reader = {0};
    netstring_message message;
    flipper_result result;
    int at;

    config.size = sizeof config;
    config.on_event = on_event;
    for (at = 1; at + 1 < argc; at += 2) read_flag(&config, argv[at], argv[at + 1]);
    result = flipper_app_new(&config, &app);
    if (result != FLIPPER_RESULT_OK) {
        char why[256];
        flipper_result_message(result, why, sizeof why, NULL);
        fprintf(stderr, "the app is not made: %s\n", why);
        return 1;
    }

    reader.fd = STDIN_FILENO;
    while (netstring_fill(&reader) > 0) {
        while ((at = netstring_next(&reader, &message)) > 0) carry_out(message.fields, message.count);
        if (at < 0) {
            fputs("this is no command\n", stderr);
            return 1;
        }
    }
    netstring_reader_free(&reader);

    flipper_app_stop(app);
    if (end_is_awaited) pthread_join(end_waiter, NULL);
    flipper_app_wait_stopped(app, FLIPPER_NEVER);
    free_calls();
    flipper_app_free(app);
    return 0;
}
