#define _POSIX_C_SOURCE 200809L

#include "delivery.h"
#include "desk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- Fields --- */

static uint64_t number(const flipper_event *event, uint32_t field) {
    uint64_t value = 0;
    flipper_event_number(event, field, &value);
    return value;
}

static flipper_str text(const flipper_event *event, uint32_t field) {
    flipper_str value = {"", 0};
    flipper_event_text(event, field, &value);
    return value;
}

void print_field(flipper_str text) {
    size_t at;
    putchar('\t');
    for (at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.ptr[at];
        putchar(byte < 0x20 || byte == 0x7f ? ' ' : byte);
    }
}

void print_text(const char *text) {
    flipper_str some = {text, strlen(text)};
    print_field(some);
}

static void print(const char *word, const flipper_event *event, const uint32_t *fields, size_t count) {
    size_t at;
    printf("%s", word);
    for (at = 0; at < count; at++) print_field(text(event, fields[at]));
    putchar('\n');
}

#define PRINT(word, event, ...)                                            \
    do {                                                                   \
        static const uint32_t fields_[] = {__VA_ARGS__};                   \
        print((word), (event), fields_, sizeof fields_ / sizeof *fields_); \
    } while (0)

/* --- Exchanges --- */

/* Everything that may go wrong comes before the first file is written. */
static int grant(desk *desk, const flipper_event *event, refusal *refusal) {
    flipper_str csr = text(event, FLIPPER_EVENT_FIELD_CSR), to = text(event, FLIPPER_EVENT_FIELD_DESTINATION);
    BIO *certificate = NULL, *ca = NULL;
    int directory, result;
    if (number(event, FLIPPER_EVENT_FIELD_MEDIUM) != 1) {
        refusal->name = "MediumNotServed";
        refusal->message = "this desktop writes certificates to the app's directory, and does nothing else";
        refusal->hint = "ask with medium 1";
        return -1;
    }
    directory = delivery_open(to.ptr, to.len, csr.ptr, csr.len, refusal);
    if (directory < 0) return -1;
    result = authority_sign(&desk->authority, csr.ptr, csr.len, &certificate, &ca, refusal);
    if (result == 0) {
        result = delivery_write(directory, ca, certificate, refusal);
        BIO_free(certificate);
        BIO_free(ca);
    }
    close(directory);
    return result;
}

static flipper_str constant(const char *text) {
    flipper_str some = {text, text == NULL ? 0 : strlen(text)};
    return some;
}

static void answer_exchange(desk *desk, const flipper_event *event) {
    uint64_t exchange = number(event, FLIPPER_EVENT_FIELD_EXCHANGE);
    refusal refusal = {NULL, NULL, NULL};
    printf("exchange");
    print_field(text(event, FLIPPER_EVENT_FIELD_APP));
    if (grant(desk, event, &refusal) == 0) {
        flipper_grant granted;
        memset(&granted, 0, sizeof granted);
        granted.size = sizeof granted;
        /* An empty device id is this machine. */
        flipper_desktop_grant(desk->desktop, exchange, &granted, desk_now());
        print_text("granted");
    } else {
        flipper_refusal refused;
        memset(&refused, 0, sizeof refused);
        refused.size = sizeof refused;
        refused.message = constant(refusal.message);
        refused.name = constant(refusal.name);
        refused.hint = constant(refusal.hint);
        flipper_desktop_refuse(desk->desktop, exchange, &refused, desk_now());
        print_text("refused");
        print_text(refusal.message);
    }
    putchar('\n');
}

/* --- Clients --- */

/* Plugins that run in the background are wanted from the beginning. */
static void init_background(desk *desk, const flipper_event *event) {
    flipper_str client = text(event, FLIPPER_EVENT_FIELD_CLIENT), plugin;
    size_t at;
    for (at = 0; flipper_event_item(event, FLIPPER_EVENT_FIELD_BACKGROUND, at, &plugin) == FLIPPER_RESULT_OK; at++) {
        flipper_desktop_init_plugin(desk->desktop, client.ptr, client.len, plugin.ptr, plugin.len);
    }
}

static void print_plugins(const flipper_event *event) {
    flipper_str plugin;
    size_t at;
    printf("plugins");
    print_field(text(event, FLIPPER_EVENT_FIELD_CLIENT));
    for (at = 0; flipper_event_item(event, FLIPPER_EVENT_FIELD_PLUGINS, at, &plugin) == FLIPPER_RESULT_OK; at++) {
        print_field(plugin);
    }
    putchar('\n');
}

static void print_reply(const flipper_event *event) {
    static const char *const words[] = {"", "success", "error", "neither", "invalid", "timeout", "disconnected"};
    uint64_t outcome = number(event, FLIPPER_EVENT_FIELD_OUTCOME);
    printf("reply\t%llu\t%s", (unsigned long long)number(event, FLIPPER_EVENT_FIELD_REQUEST),
           outcome < sizeof words / sizeof *words ? words[outcome] : "");
    print_field(text(event, FLIPPER_EVENT_FIELD_JSON));
    putchar('\n');
}

void desk_event(desk *desk, const flipper_event *event) {
    switch (flipper_event_kind_of(event)) {
    case FLIPPER_EVENT_KIND_REFUSED:
        PRINT("refused", event, FLIPPER_EVENT_FIELD_PEER, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_EXCHANGE_REQUESTED:
        answer_exchange(desk, event);
        break;
    case FLIPPER_EVENT_KIND_CLIENT_CONNECTED:
        PRINT("connected", event, FLIPPER_EVENT_FIELD_CLIENT, FLIPPER_EVENT_FIELD_APP);
        break;
    case FLIPPER_EVENT_KIND_CLIENT_DISCONNECTED:
        PRINT("gone", event, FLIPPER_EVENT_FIELD_CLIENT, FLIPPER_EVENT_FIELD_TEXT);
        break;
    case FLIPPER_EVENT_KIND_CLIENT_UNRESPONSIVE:
        PRINT("unresponsive", event, FLIPPER_EVENT_FIELD_CLIENT);
        break;
    case FLIPPER_EVENT_KIND_CLIENT_RESPONSIVE:
        PRINT("responsive", event, FLIPPER_EVENT_FIELD_CLIENT);
        break;
    case FLIPPER_EVENT_KIND_PLUGINS_CHANGED:
        print_plugins(event);
        init_background(desk, event);
        break;
    case FLIPPER_EVENT_KIND_MESSAGE:
        PRINT("event", event, FLIPPER_EVENT_FIELD_CLIENT, FLIPPER_EVENT_FIELD_PLUGIN, FLIPPER_EVENT_FIELD_METHOD,
              FLIPPER_EVENT_FIELD_PARAMS);
        break;
    case FLIPPER_EVENT_KIND_REPLY:
        print_reply(event);
        break;
    case FLIPPER_EVENT_KIND_CLIENT_ERROR:
        PRINT("error", event, FLIPPER_EVENT_FIELD_CLIENT, FLIPPER_EVENT_FIELD_JSON);
        break;
    case FLIPPER_EVENT_KIND_PEER_MISBEHAVED:
        PRINT("misbehaved", event, FLIPPER_EVENT_FIELD_CLIENT, FLIPPER_EVENT_FIELD_TEXT);
        break;
    default:
        break;
    }
}
