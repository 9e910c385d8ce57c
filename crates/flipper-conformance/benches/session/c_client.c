/*
 * The ready client for C as the app that is measured: `c_client DIRECTORY PORT`. It echoes, and emits events as it is told.
 */
#define _POSIX_C_SOURCE 200809L

#include <flipper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static flipper_app *app;

static int is(flipper_str text, const char *other) {
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

/* Sends so many events with so many bytes of data: `{"count":1000,"size":1000}`. */
static void emit(flipper_call *call) {
    flipper_str params = flipper_call_params(call);
    unsigned long long count = 0, index;
    size_t size = 0;
    char text[64] = "", *event;
    memcpy(text, params.ptr, params.len < sizeof text ? params.len : sizeof text - 1);
    sscanf(text, "{\"count\":%llu,\"size\":%zu}", &count, &size);
    event = malloc(size + 64);
    if (event == NULL) abort();
    for (index = 0; index < count; index++) {
        int head = sprintf(event, "{\"index\":%llu,\"data\":\"", index);
        memset(event + head, 'x', size);
        strcpy(event + head + size, "\"}");
        flipper_app_send(app, "Example", 7, "row", 3, event, (size_t)head + size + 2);
    }
    free(event);
    flipper_call_respond(call, NULL, 0);
}

static void on_call(void *user, flipper_call *call) {
    flipper_str method = flipper_call_method(call), params = flipper_call_params(call);
    (void)user;
    if (is(method, "echo")) flipper_call_respond(call, params.ptr, params.len);
    if (is(method, "emit")) emit(call);
    flipper_call_free(call);
}

int main(int argc, char **argv) {
    flipper_app_config config = {0};
    flipper_plugin_callbacks callbacks = {0};
    if (argc != 3) return 2;
    config.size = sizeof config;
    config.app = (flipper_str){"Bench", 5};
    config.app_id = (flipper_str){"com.example.bench", 17};
    config.directory = (flipper_str){argv[1], strlen(argv[1])};
    config.insecure_port = 1;
    config.secure_port = (uint16_t)atoi(argv[2]);
    callbacks.size = sizeof callbacks;
    callbacks.on_call = on_call;
    if (flipper_app_new(&config, &app) != FLIPPER_RESULT_OK) return 1;
    if (flipper_app_add_plugin(app, "Example", 7, 1, &callbacks) != FLIPPER_RESULT_OK) return 1;
    if (flipper_app_start(app) != FLIPPER_RESULT_OK) return 1;
    for (;;) pause();
}
