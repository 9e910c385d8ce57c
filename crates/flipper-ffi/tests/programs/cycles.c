/*
 * Makes clients, leads each a little way, and frees them in the midst of it: `cycles COUNT`. Under a sanitizer or valgrind
 * it tells what is not freed, or is used after that.
 */
#include "flipper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static flipper_str text_of(const char *text) {
    flipper_str some;
    some.ptr = text;
    some.len = strlen(text);
    return some;
}

static void must(flipper_result result, const char *what) {
    if (result == FLIPPER_RESULT_OK) return;
    fprintf(stderr, "%s: %lu\n", what, (unsigned long)result);
    exit(1);
}

/* Answers the jobs that lead to a connection, and gives its attempt. */
static uint64_t carry_out_all(flipper_client *client) {
    flipper_action *action;
    flipper_prepared prepared;
    uint64_t job = 0, kind = 0, attempt = UINT64_MAX;
    memset(&prepared, 0, sizeof prepared);
    prepared.size = sizeof prepared;
    prepared.generation = 1;
    prepared.csr = text_of("a request");
    prepared.destination = text_of("/nowhere/");
    while (flipper_client_poll_action(client, &action) == FLIPPER_RESULT_OK) {
        (void)flipper_action_number(action, FLIPPER_ACTION_FIELD_ATTEMPT, &attempt);
        if (flipper_action_number(action, FLIPPER_ACTION_FIELD_JOB_KIND, &kind) == FLIPPER_RESULT_OK) {
            must(flipper_action_number(action, FLIPPER_ACTION_FIELD_JOB, &job), "a job has a number");
            if (kind == FLIPPER_JOB_KIND_LOAD) {
                must(flipper_client_job_loaded(client, job, NULL, 0, NULL, 0, 0), "loaded");
            } else if (kind == FLIPPER_JOB_KIND_PREPARE) {
                must(flipper_client_job_prepared(client, job, &prepared, 0), "prepared");
            }
        }
        flipper_action_free(action);
    }
    return attempt;
}

static void cycle(uint64_t number) {
    static const char plugin[] = "Example", method[] = "row", params[] = "{\"index\":1}";
    flipper_client_config config;
    flipper_client *client = NULL;
    flipper_event *event;
    uint64_t attempt;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.app = text_of("Cycles");
    config.app_id = text_of("com.example.cycles");
    config.seed = number;
    must(flipper_client_new(&config, &client), "new");
    must(flipper_client_add_plugin(client, plugin, strlen(plugin), 1), "add");
    must(flipper_client_send(client, plugin, strlen(plugin), method, strlen(method), params, strlen(params)), "send");
    must(flipper_client_start(client, 0), "start");
    attempt = carry_out_all(client);
    if (attempt == UINT64_MAX) must(FLIPPER_RESULT_NOT_FOUND, "an attempt to connect");
    /* Every second one is freed with a socket that is open, and the others with what came of its end. */
    if (number % 2 == 0) {
        must(flipper_client_opened(client, attempt, 1), "opened");
        must(flipper_client_writable(client, attempt, 1000, 1), "writable");
    } else {
        must(flipper_client_closed(client, attempt, FLIPPER_CLOSE_KIND_UNREACHABLE, 0, method, strlen(method), 1), "closed");
    }
    if (flipper_client_poll_event(client, &event) == FLIPPER_RESULT_OK) flipper_event_free(event);
    flipper_client_free(client);
}

int main(int count, char **arguments) {
    uint64_t cycles = count > 1 ? strtoull(arguments[1], NULL, 10) : 1, at;
    for (at = 0; at < cycles; at++) cycle(at);
    return 0;
}
