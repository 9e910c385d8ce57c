/*
 * The poll client as a program of the conformance suite: what it is told on standard input it does, and what happens it
 * tells on standard output. `docs/conformance.md` has the contract.
 */
#define _POSIX_C_SOURCE 200809L

#include "../../examples/poll_client/poll_client.h"
#include "netstring.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A plugin, and the methods that it has, separated by spaces. */
typedef struct plugin {
    struct plugin *next;
    char *id, *methods;
} plugin;

typedef struct program {
    poll_client *client;
    plugin *plugins;
    int started, told_stopped, ended;
} program;

static char *copy(netstring text) {
    char *copied = malloc(text.len + 1);
    if (copied == NULL) abort();
    memcpy(copied, text.ptr, text.len);
    copied[text.len] = '\0';
    return copied;
}

static flipper_str str_of(const char *text) {
    flipper_str some = {text, strlen(text)};
    return some;
}

/* What is empty on the way is absent. */
static const char *optional(netstring text) { return text.len == 0 ? NULL : text.ptr; }

/* --- Events --- */

static void tell(const netstring *fields, size_t count) {
    /* Who does not listen any more has closed standard input as well. */
    (void)netstring_write(STDOUT_FILENO, fields, count);
}

static netstring text_of(const flipper_event *event, uint32_t field) {
    flipper_str text = {"", 0};
    netstring some;
    (void)flipper_event_text(event, field, &text);
    some.ptr = text.ptr;
    some.len = text.len;
    return some;
}

static void tell_text(const char *what, const flipper_event *event, uint32_t field) {
    netstring fields[2];
    fields[0] = netstring_of(what);
    fields[1] = text_of(event, field);
    tell(fields, 2);
}

static void tell_call(const flipper_event *event, uint64_t call, int expects_reply) {
    char number[24];
    netstring fields[6];
    snprintf(number, sizeof number, "%" PRIu64, call);
    fields[0] = netstring_of("call");
    fields[1] = netstring_of(number);
    fields[2] = text_of(event, FLIPPER_EVENT_FIELD_PLUGIN);
    fields[3] = text_of(event, FLIPPER_EVENT_FIELD_METHOD);
    fields[4] = text_of(event, FLIPPER_EVENT_FIELD_PARAMS);
    fields[5] = netstring_of(expects_reply ? "1" : "0");
    tell(fields, 6);
}

static int has_method(const program *program, netstring plugin_id, netstring method) {
    const plugin *plugin;
    const char *name;
    for (plugin = program->plugins; plugin != NULL; plugin = plugin->next) {
        if (!netstring_is(plugin_id, plugin->id)) continue;
        for (name = plugin->methods; *name != '\0'; name += strcspn(name, " "), name += strspn(name, " ")) {
            if (strcspn(name, " ") == method.len && memcmp(name, method.ptr, method.len) == 0) return 1;
        }
    }
    return 0;
}

/* Calls of methods that a plugin has not are refused here, as official clients do. */
static void on_call(program *program, flipper_client *core, const flipper_event *event, int expects_reply) {
    netstring method = text_of(event, FLIPPER_EVENT_FIELD_METHOD);
    uint64_t call = 0;
    char message[256];
    (void)flipper_event_number(event, FLIPPER_EVENT_FIELD_CALL, &call);
    if (has_method(program, text_of(event, FLIPPER_EVENT_FIELD_PLUGIN), method)) {
        tell_call(event, call, expects_reply);
        return;
    }
    snprintf(message, sizeof message, "Receiver %.*s not found.", method.len < 200 ? (int)method.len : 0, method.ptr);
    (void)flipper_client_fail(core, call, message, strlen(message), NULL, 0);
}

static void on_event(void *user, flipper_client *core, const flipper_event *event) {
    program *program = user;
    uint64_t call;
    switch (flipper_event_kind_of(event)) {
    case FLIPPER_EVENT_KIND_STATE:
        tell_text("state", event, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_STEP:
        tell_text("step", event, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_FAILED:
        tell_text("failed", event, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_MISBEHAVED:
        tell_text("misbehaved", event, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_CONNECTED:
        tell_text("connected", event, FLIPPER_EVENT_FIELD_PLUGIN);
        break;
    case FLIPPER_EVENT_KIND_DISCONNECTED:
        tell_text("disconnected", event, FLIPPER_EVENT_FIELD_PLUGIN);
        break;
    case FLIPPER_EVENT_KIND_CALL:
        on_call(program, core, event, 1);
        break;
    case FLIPPER_EVENT_KIND_TELL:
        on_call(program, core, event, 0);
        break;
    case FLIPPER_EVENT_KIND_SUPPORTS:
        (void)flipper_event_number(event, FLIPPER_EVENT_FIELD_CALL, &call);
        (void)flipper_client_respond_supported(core, call,
                                               has_method(program, text_of(event, FLIPPER_EVENT_FIELD_PLUGIN),
                                                          text_of(event, FLIPPER_EVENT_FIELD_METHOD)));
        break;
    default:
        break;
    }
}

/* --- Commands --- */

static void refuse(const char *why) {
    netstring fields[2];
    fields[0] = netstring_of("refused");
    fields[1] = netstring_of(why);
    tell(fields, 2);
}

static void end(flipper_result result) {
    char why[256];
    netstring done = netstring_of("done");
    if (result == FLIPPER_RESULT_OK) {
        tell(&done, 1);
        return;
    }
    (void)flipper_result_message(result, why, sizeof why, NULL);
    refuse(why);
}

static void remember(program *program, netstring id, netstring methods) {
    plugin *plugin = malloc(sizeof *plugin);
    if (plugin == NULL) abort();
    plugin->id = copy(id);
    plugin->methods = copy(methods);
    plugin->next = program->plugins;
    program->plugins = plugin;
}

static void forget(program *program, netstring id) {
    plugin **at = &program->plugins, *plugin;
    while ((plugin = *at) != NULL) {
        if (!netstring_is(id, plugin->id)) {
            at = &plugin->next;
            continue;
        }
        *at = plugin->next;
        free(plugin->id);
        free(plugin->methods);
        free(plugin);
    }
}

static void tell_waiting(flipper_client *core, netstring plugin) {
    uint64_t count, dropped;
    char numbers[2][24];
    netstring fields[3];
    flipper_result result = flipper_client_waiting(core, plugin.ptr, plugin.len, &count);
    if (result == FLIPPER_RESULT_OK) result = flipper_client_dropped(core, plugin.ptr, plugin.len, &dropped);
    if (result != FLIPPER_RESULT_OK) {
        end(result);
        return;
    }
    snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, count);
    snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, dropped);
    fields[0] = netstring_of("waiting");
    fields[1] = netstring_of(numbers[0]);
    fields[2] = netstring_of(numbers[1]);
    tell(fields, 3);
}

static void obey(program *program, netstring_message message) {
    static const netstring nothing = {"", 0};
    flipper_client *core = poll_client_core(program->client);
    netstring what = message.count > 0 ? message.fields[0] : nothing, a, b, c;
    a = message.count > 1 ? message.fields[1] : nothing;
    b = message.count > 2 ? message.fields[2] : nothing;
    c = message.count > 3 ? message.fields[3] : nothing;
    if (netstring_is(what, "add")) {
        flipper_result result = flipper_client_add_plugin(core, a.ptr, a.len, netstring_is(b, "1"));
        if (result == FLIPPER_RESULT_OK) remember(program, a, c);
        end(result);
    } else if (netstring_is(what, "remove")) {
        flipper_result result = flipper_client_remove_plugin(core, a.ptr, a.len);
        if (result == FLIPPER_RESULT_OK) forget(program, a);
        end(result);
    } else if (netstring_is(what, "start")) {
        program->started = 1;
        program->told_stopped = 0;
        poll_client_start(program->client);
        end(FLIPPER_RESULT_OK);
    } else if (netstring_is(what, "send")) {
        end(flipper_client_send(core, a.ptr, a.len, b.ptr, b.len, optional(c), c.len));
    } else if (netstring_is(what, "respond") && netstring_is(b, "error")) {
        end(flipper_client_respond_error(core, strtoull(a.ptr, NULL, 10), c.ptr, c.len));
    } else if (netstring_is(what, "respond")) {
        end(flipper_client_respond(core, strtoull(a.ptr, NULL, 10), c.ptr, c.len));
    } else if (netstring_is(what, "report")) {
        end(flipper_client_report_error(core, a.ptr, a.len, optional(b), b.len, optional(c), c.len));
    } else if (netstring_is(what, "waiting")) {
        tell_waiting(core, a);
    } else if (netstring_is(what, "stop")) {
        poll_client_stop(program->client);
        end(FLIPPER_RESULT_OK);
    } else {
        refuse("this program does not know the command");
    }
}

/* --- The program --- */

/* Reads `1,2`. */
static void read_pair(const char *text, unsigned long *first, unsigned long *second) {
    char *rest;
    *first = strtoul(text, &rest, 10);
    *second = *rest == ',' ? strtoul(rest + 1, NULL, 10) : 0;
}

static poll_client_settings read_arguments(int count, char **arguments) {
    poll_client_settings settings;
    flipper_client_config *config = &settings.config;
    unsigned long first, second;
    int at;
    memset(&settings, 0, sizeof settings);
    config->size = sizeof *config;
    config->os = str_of("Linux");
    config->device = str_of("localhost");
    config->device_id = str_of("localhost");
    (void)RAND_bytes((unsigned char *)&config->seed, sizeof config->seed);
    for (at = 1; at + 1 < count; at += 2) {
        const char *flag = arguments[at], *value = arguments[at + 1];
        if (strcmp(flag, "--host") == 0) config->host = str_of(value);
        if (strcmp(flag, "--directory") == 0) settings.directory = value;
        if (strcmp(flag, "--app") == 0) config->app = str_of(value);
        if (strcmp(flag, "--app-id") == 0) config->app_id = str_of(value);
        if (strcmp(flag, "--grant") == 0) config->grant_ms = strtoul(value, NULL, 10);
        if (strcmp(flag, "--ports") == 0) {
            read_pair(value, &first, &second);
            config->insecure_port = (uint16_t)first;
            config->secure_port = (uint16_t)second;
        }
        if (strcmp(flag, "--backoff") == 0) {
            read_pair(value, &first, &second);
            config->backoff_first_ms = first;
            config->backoff_ceiling_ms = second;
        }
    }
    return settings;
}

/* Reads and obeys: 0 at the end of the commands. */
static int listen_to(program *program, netstring_reader *commands) {
    netstring_message message;
    int result = netstring_fill(commands), next;
    while ((next = netstring_next(commands, &message)) > 0) obey(program, message);
    if (next < 0) fprintf(stderr, "a command makes no sense\n");
    return result > 0 && next == 0;
}

static void run(program *program) {
    netstring_reader commands = {STDIN_FILENO, NULL, 0, 0, 0, NULL, 0};
    netstring stopped = netstring_of("stopped");
    for (;;) {
        struct pollfd fds[POLL_CLIENT_FDS + 1];
        int timeout_ms = poll_client_turn(program->client, fds + 1);
        if (program->started && !program->told_stopped && poll_client_is_over(program->client)) {
            tell(&stopped, 1);
            program->told_stopped = 1;
        }
        if (program->ended && (!program->started || program->told_stopped)) break;
        fds[0].fd = program->ended ? -1 : STDIN_FILENO;
        fds[0].events = POLLIN;
        fds[0].revents = 0;
        (void)poll(fds, POLL_CLIENT_FDS + 1, timeout_ms);
        if (fds[0].revents != 0 && !listen_to(program, &commands)) {
            program->ended = 1;
            poll_client_stop(program->client);
        }
    }
    netstring_reader_free(&commands);
}

int main(int count, char **arguments) {
    program program = {NULL, NULL, 0, 0, 0};
    poll_client_settings settings = read_arguments(count, arguments);
    signal(SIGPIPE, SIG_IGN);
    settings.on_event = on_event;
    settings.user = &program;
    if (settings.directory == NULL || poll_client_new(&settings, &program.client) != FLIPPER_RESULT_OK) {
        fprintf(stderr, "--app, --app-id and --directory are needed\n");
        return 1;
    }
    run(&program);
    poll_client_free(program.client);
    while (program.plugins != NULL) forget(&program, netstring_of(program.plugins->id));
    return 0;
}
