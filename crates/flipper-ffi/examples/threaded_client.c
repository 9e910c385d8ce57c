#include <flipper.h>
#include <stdio.h>

/* The desktop calls a method of the plugin: it gets its params back. */
static void on_call(void *user, flipper_call *call) {
    flipper_str params = flipper_call_params(call);
    flipper_call_respond(call, params.ptr, params.len);
    flipper_call_free(call);
    (void)user;
}

int main(void) {
    flipper_app_config config = {0};
    flipper_plugin_callbacks callbacks = {0};
    flipper_app *app;
    config.size = sizeof config;
    config.app = (flipper_str){"My App", 6};
    config.app_id = (flipper_str){"com.example.app", 15};
    callbacks.size = sizeof callbacks;
    callbacks.on_call = on_call;
    if (flipper_app_new(&config, &app) != FLIPPER_RESULT_OK) return 1;
    flipper_app_add_plugin(app, "Example", 7, 1, &callbacks);
    flipper_app_start(app);
    flipper_app_send(app, "Example", 7, "started", 7, "{\"from\":\"C\"}", 12);
    if (flipper_app_wait_connected(app, 60000) == FLIPPER_RESULT_OK) puts("connected; Enter ends it");
    getchar();
    flipper_app_stop(app);
    flipper_app_wait_stopped(app, FLIPPER_NEVER);
    flipper_app_free(app);
    return 0;
}
