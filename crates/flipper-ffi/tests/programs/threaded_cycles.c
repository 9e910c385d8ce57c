/*
 * Makes apps, uses them, and frees them in the midst of it: `threaded_cycles DIRECTORY CYCLES STARTS`. Of the cycles none has
 * threads; then so many apps are started, with nobody at their ports. Under a sanitizer it tells what is not freed, or is
 * used after that. It prints by how many KiB the process has grown after a tenth of the cycles, and of the starts.
 */
#define _POSIX_C_SOURCE 200809L

#include "flipper.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned long users, freed;

static void must(flipper_result result, flipper_result expected, const char *what) {
    if (result == expected) return;
    fprintf(stderr, "%s: %u instead of %u\n", what, (unsigned)result, (unsigned)expected);
    exit(1);
}

static void *new_user(void) {
    char *user = malloc(16);
    if (user == NULL) abort();
    strcpy(user, "a user");
    pthread_mutex_lock(&lock);
    users++;
    pthread_mutex_unlock(&lock);
    return user;
}

static void free_user(void *user) {
    if (strcmp(user, "a user") != 0) abort();
    free(user);
    pthread_mutex_lock(&lock);
    freed++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_event(void *user, const flipper_event *event) {
    flipper_str text;
    if (strcmp(user, "a user") != 0) abort();
    must(flipper_event_text(event, FLIPPER_EVENT_FIELD_TEXT, &text), FLIPPER_RESULT_OK, "an event has a text");
}

static void on_call(void *user, flipper_call *call) {
    (void)user;
    flipper_call_free(call);
}

static flipper_app *new_app(const char *directory) {
    flipper_app_config config = {0};
    flipper_app *app = NULL;
    config.size = sizeof config;
    config.app = (flipper_str){"Cycles", 6};
    config.app_id = (flipper_str){"com.example.cycles", 18};
    config.directory = (flipper_str){directory, strlen(directory)};
    config.insecure_port = config.secure_port = 1;
    config.on_event = on_event;
    config.user = new_user();
    config.free_user = free_user;
    must(flipper_app_new(&config, &app), FLIPPER_RESULT_OK, "new");
    return app;
}

static flipper_result add(flipper_app *app, const char *id) {
    flipper_plugin_callbacks callbacks = {0};
    flipper_result result;
    callbacks.size = sizeof callbacks;
    callbacks.user = new_user();
    callbacks.on_call = on_call;
    callbacks.free_user = free_user;
    result = flipper_app_add_plugin(app, id, strlen(id), 1, &callbacks);
    if (result != FLIPPER_RESULT_OK) free_user(callbacks.user);
    return result;
}

static void use(flipper_app *app) {
    must(add(app, "A"), FLIPPER_RESULT_OK, "add");
    must(add(app, "A"), FLIPPER_RESULT_DUPLICATE_PLUGIN, "add again");
    must(add(app, "B"), FLIPPER_RESULT_OK, "add another");
    must(flipper_app_remove_plugin(app, "B", 1), FLIPPER_RESULT_OK, "remove");
    must(flipper_app_send(app, "A", 1, "m", 1, "{\"a\":[1,2]}", 11), FLIPPER_RESULT_OK, "send");
    must(flipper_app_send(app, "A", 1, "m", 1, "{", 1), FLIPPER_RESULT_INVALID_JSON, "send no JSON");
    must(flipper_app_send(app, "B", 1, "m", 1, NULL, 0), FLIPPER_RESULT_UNKNOWN_PLUGIN, "send for nobody");
}

static long resident_kib(void) {
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) abort();
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void cycle(const char *directory, int is_started, unsigned long number) {
    flipper_app *app = new_app(directory);
    if (is_started) must(flipper_app_start(app), FLIPPER_RESULT_OK, "start");
    use(app);
    if (number % 2 == 0) {
        must(flipper_app_stop(app), FLIPPER_RESULT_OK, "stop");
        must(flipper_app_wait_stopped(app, FLIPPER_NEVER), FLIPPER_RESULT_OK, "wait");
        must(flipper_app_send(app, "A", 1, "m", 1, "1", 1), FLIPPER_RESULT_STOPPED, "send too late");
    }
    flipper_app_free(app);
    /* A thread of the app may be the last that has them. */
    pthread_mutex_lock(&lock);
    while (freed < users) pthread_cond_wait(&changed, &lock);
    if (freed > users) abort();
    pthread_mutex_unlock(&lock);
}

static long grown(const char *directory, int is_started, unsigned long cycles) {
    unsigned long number;
    long before = 0;
    for (number = 0; number < cycles; number++) {
        if (number == cycles / 10) before = resident_kib();
        cycle(directory, is_started, number);
    }
    return resident_kib() - before;
}

int main(int argc, char **argv) {
    long by_cycles;
    if (argc != 4) return 2;
    by_cycles = grown(argv[1], 0, strtoul(argv[2], NULL, 10));
    printf("%ld %ld\n", by_cycles, grown(argv[1], 1, strtoul(argv[3], NULL, 10)));
    return 0;
}
