/*
 * An app with one plugin, `Example`, in a poll(2) loop of its own.
 *
 *     poll_client [--host HOST] [--ports INSECURE,SECURE] [--directory DIRECTORY]
 *
 * The plugin answers `uptime` and `echo`, and tells `tick` every second while a desktop has initialised it. Interrupt it
 * to stop it.
 */
#define _POSIX_C_SOURCE 200809L

#include "poll_client.h"

#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char PLUGIN[] = "Example";

static volatile sig_atomic_t interrupted;

typedef struct app {
    time_t began, ticked;
    int connected;
} app;

static void interrupt(int signal) {
    (void)signal;
    interrupted = 1;
}

static flipper_str text_of(const char *text) {
    flipper_str some = {text, strlen(text)};
    return some;
}

/* --- The plugin --- */

static int is(flipper_str text, const char *expected) {
    return text.len == strlen(expected) && memcmp(text.ptr, expected, text.len) == 0;
}

static void answer(const app *app, flipper_client *core, uint64_t call, const flipper_event *event) {
    static const char unknown[] = "{\"message\":\"this plugin has no such method\"}";
    flipper_str method, params = {"{}", 2};
    char json[64];
    (void)flipper_event_text(event, FLIPPER_EVENT_FIELD_METHOD, &method);
    (void)flipper_event_text(event, FLIPPER_EVENT_FIELD_PARAMS, &params);
    if (is(method, "uptime")) {
        snprintf(json, sizeof json, "{\"seconds\":%ld}", (long)(time(NULL) - app->began));
        (void)flipper_client_respond(core, call, json, strlen(json));
    } else if (is(method, "echo")) {
        (void)flipper_client_respond(core, call, params.ptr, params.len);
    } else {
        (void)flipper_client_respond_error(core, call, unknown, strlen(unknown));
    }
}

static void on_event(void *user, flipper_client *core, const flipper_event *event) {
    app *app = user;
    flipper_str text;
    uint64_t call;
    (void)flipper_event_number(event, FLIPPER_EVENT_FIELD_CALL, &call);
    switch (flipper_event_kind_of(event)) {
    case FLIPPER_EVENT_KIND_CONNECTED:
        app->connected = 1;
        break;
    case FLIPPER_EVENT_KIND_DISCONNECTED:
        app->connected = 0;
        break;
    case FLIPPER_EVENT_KIND_CALL:
    case FLIPPER_EVENT_KIND_TELL:
        answer(app, core, call, event);
        break;
    case FLIPPER_EVENT_KIND_SUPPORTS:
        (void)flipper_event_text(event, FLIPPER_EVENT_FIELD_METHOD, &text);
        (void)flipper_client_respond_supported(core, call, is(text, "uptime") || is(text, "echo"));
        break;
    default:
        if (flipper_event_text(event, FLIPPER_EVENT_FIELD_TEXT, &text) == FLIPPER_RESULT_OK) {
            printf("%.*s\n", (int)text.len, text.ptr);
            fflush(stdout);
        }
        break;
    }
}

static void tick(app *app, flipper_client *core) {
    static const char method[] = "tick";
    time_t now = time(NULL);
    char json[64];
    if (!app->connected || app->ticked == now) return;
    app->ticked = now;
    snprintf(json, sizeof json, "{\"seconds\":%ld}", (long)(now - app->began));
    (void)flipper_client_send(core, PLUGIN, strlen(PLUGIN), method, strlen(method), json, strlen(json));
}

/* --- The program --- */

static poll_client_settings read_arguments(int count, char **arguments) {
    poll_client_settings settings;
    int at;
    memset(&settings, 0, sizeof settings);
    settings.directory = "flipper-credentials";
    settings.config.size = sizeof settings.config;
    settings.config.app = text_of("Poll client");
    settings.config.app_id = text_of("com.example.poll-client");
    settings.config.os = text_of("Linux");
    settings.config.device = text_of("this machine");
    settings.config.device_id = text_of("poll-client-1");
    (void)RAND_bytes((unsigned char *)&settings.config.seed, sizeof settings.config.seed);
    for (at = 1; at + 1 < count; at += 2) {
        char *value = arguments[at + 1], *rest;
        if (strcmp(arguments[at], "--directory") == 0) {
            settings.directory = value;
        } else if (strcmp(arguments[at], "--host") == 0) {
            settings.config.host = text_of(value);
        } else if (strcmp(arguments[at], "--ports") == 0) {
            settings.config.insecure_port = (uint16_t)strtoul(value, &rest, 10);
            settings.config.secure_port = *rest == ',' ? (uint16_t)strtoul(rest + 1, NULL, 10) : 0;
        }
    }
    return settings;
}

int main(int count, char **arguments) {
    app app = {0, 0, 0};
    poll_client_settings settings = read_arguments(count, arguments);
    poll_client *client;
    struct sigaction on_interrupt;
    memset(&on_interrupt, 0, sizeof on_interrupt);
    on_interrupt.sa_handler = interrupt;
    sigaction(SIGINT, &on_interrupt, NULL);
    sigaction(SIGTERM, &on_interrupt, NULL);
    signal(SIGPIPE, SIG_IGN);
    app.began = time(NULL);
    settings.on_event = on_event;
    settings.user = &app;
    if (poll_client_new(&settings, &client) != FLIPPER_RESULT_OK) {
        fprintf(stderr, "there is no client\n");
        return 1;
    }
    (void)flipper_client_add_plugin(poll_client_core(client), PLUGIN, strlen(PLUGIN), 0);
    poll_client_start(client);
    while (!poll_client_is_over(client)) {
        struct pollfd fds[POLL_CLIENT_FDS];
        int timeout_ms;
        if (interrupted) poll_client_stop(client);
        tick(&app, poll_client_core(client));
        timeout_ms = poll_client_turn(client, fds);
        /* The next tick is the program's own timer. */
        if (timeout_ms < 0 || timeout_ms > 1000) timeout_ms = 1000;
        (void)poll(fds, POLL_CLIENT_FDS, timeout_ms);
    }
    poll_client_free(client);
    return 0;
}
