/*
 * Ends while its app runs: `threaded_exit DIRECTORY exit|return|fork`. A forked child that leaves the app alone ends as
 * well.
 */
#define _POSIX_C_SOURCE 200809L

#include "flipper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_ended_well(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv) {
    flipper_app_config config = {0};
    flipper_app *app = NULL;
    if (argc != 3) return 2;
    config.size = sizeof config;
    config.app = (flipper_str){"Exit", 4};
    config.app_id = (flipper_str){"com.example.exit", 16};
    config.directory = (flipper_str){argv[1], strlen(argv[1])};
    config.insecure_port = config.secure_port = 1;
    config.backoff_first_ms = config.backoff_ceiling_ms = 1;
    if (flipper_app_new(&config, &app) != FLIPPER_RESULT_OK) return 3;
    if (flipper_app_start(app) != FLIPPER_RESULT_OK) return 4;
    if (flipper_app_wait_connected(app, 20) != FLIPPER_RESULT_TIMED_OUT) return 5;
    if (strcmp(argv[2], "exit") == 0) exit(0);
    if (strcmp(argv[2], "fork") == 0 && !child_ended_well()) return 6;
    return 0;
}
