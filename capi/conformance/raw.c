/* Calls made word by word, also on other threads. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner.h"

/* Every function as one of six 64-bit numbers: how the calling conventions of x86-64 and arm64 pass what they take. */
typedef stele_result (*any)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef void (*untyped)(void);

#define F(name) {#name, (untyped)stele_##name}
static const struct {
    const char *name;
    untyped call;
} functions[] = {
    F(version), F(last_error), F(host), F(cancel), F(key_parse), F(key_format), F(key_parts), F(open), F(close), F(flush), F(statistics), F(verify), F(backup),
    F(write_begin), F(write_append), F(write_end), F(write_abandon), F(read_begin), F(read_next), F(read_next_batch), F(read_end), F(get), F(delete_keys), F(delete),
    F(document_set), F(document_get), F(document_delete), F(document_list), F(query_begin), F(rows_describe), F(rows_next), F(rows_next_batch), F(rows_end),
    F(tail_begin), F(tail_next), F(tail_next_batch), F(tail_position), F(tail_end), F(serve_begin), F(serve_urls), F(serve_end)};
#undef F

typedef struct raw_call {
    any call;
    uint64_t args[6];
    char name[32];       /* of a spawned call */
    const char *made[6]; /* the name that the handle at args[i] gets */
    int width[6];        /* of the number at args[i] that is printed: 0, 4 or 8 */
    memory *own;         /* of a spawned call */
    pthread_t thread;
    stele_result result;
} raw_call;

static uint64_t address(const void *p) { return (uint64_t)(uintptr_t)p; }

/* Makes ready the raw call of the words that follow. */
static raw_call *prepare(void) {
    raw_call *c = take(sizeof *c);
    const char *name = word();
    if (!strcmp(name, "raw"))
        name = word();
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(functions[i].name, name))
            c->call = (any)functions[i].call;
    if (!c->call)
        fail("no such function: %s", name);
    for (int i = 0; more(); i++) {
        const char *w = word();
        if (i == 6)
            fail("too many words");
        if (!strcmp(w, "null")) {
            continue;
        } else if (*w == '"') {
            c->args[i] = address(text_of(w).p);
        } else if (!strncmp(w, "event-", 6)) {
            stele_key key = key_of(w);
            c->args[i] = address(memcpy(take(sizeof key), &key, sizeof key));
        } else if (!strncmp(w, "hex:", 4)) {
            size_t n = strlen(w += 4) / 2;
            unsigned char *bytes = take(n);
            for (size_t j = 0; j < n; j++)
                bytes[j] = (unsigned char)(hex_digit(w[2 * j]) << 4 | hex_digit(w[2 * j + 1]));
            c->args[i] = address(bytes);
        } else if (!strncmp(w, "buffer:", 7)) {
            c->args[i] = address(take((size_t)number_of(w + 7)));
        } else if (!strcmp(w, "u64") || !strcmp(w, "u32")) {
            uint64_t seven = 7;
            uint32_t narrow = 7;
            c->width[i] = w[1] == '6' ? 8 : 4;
            c->args[i] = address(memcpy(take(8), c->width[i] == 8 ? (void *)&seven : (void *)&narrow, (size_t)c->width[i]));
        } else if (!strncmp(w, "new:", 4)) {
            c->made[i] = w + 4;
            c->args[i] = address(take(8));
        } else {
            c->args[i] = strchr("-0123456789", *w) ? number_of(w) : handle_of(w);
        }
    }
    return c;
}

static void *perform(void *call) {
    raw_call *c = call;
    c->result = c->call(c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
    return NULL;
}

static void show_raw(raw_call *c, int errors) {
    begin(c->result);
    for (int i = 0; i < 6; i++) {
        uint64_t wide;
        uint32_t narrow;
        memcpy(&wide, c->width[i] == 8 || c->made[i] ? (void *)(uintptr_t)c->args[i] : (void *)&c->args[i], 8);
        memcpy(&narrow, c->width[i] == 4 ? (void *)(uintptr_t)c->args[i] : (void *)&c->args[i], 4);
        if (c->width[i])
            printf(" %" PRIu64, c->width[i] == 8 ? wide : narrow);
        if (c->made[i] && c->result == STELE_OK)
            bind_name(c->made[i], wide);
    }
    if (errors)
        finish(c->result);
    else
        putchar('\n');
}

static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static raw_call *spawned[4];

int run_around(const char *command) {
    raw_call *c;
    if (!strcmp(command, "raw")) {
        c = prepare();
        perform(c);
        show_raw(c, 1);
    } else if (!strcmp(command, "thread")) {
        c = prepare();
        if (pthread_create(&c->thread, NULL, perform, c))
            fail("no thread");
        pthread_join(c->thread, NULL);
        show_raw(c, 0);
    } else if (!strcmp(command, "spawn")) {
        int i = 0;
        const char *name = word();
        while (i < 4 && spawned[i])
            i++;
        c = prepare();
        if (i == 4 || strlen(name) >= sizeof c->name)
            fail("too much is spawned, or too long a name");
        strcpy(c->name, name);
        c->own = held;
        held = NULL;
        spawned[i] = c;
        if (pthread_create(&c->thread, NULL, perform, c))
            fail("no thread");
        sleep_ms(20);
    } else if (!strcmp(command, "join")) {
        const char *name = word();
        int i = 0;
        while (i < 4 && !(spawned[i] && !strcmp(spawned[i]->name, name)))
            i++;
        if (i == 4)
            fail("nothing of that name was spawned: %s", name);
        c = spawned[i];
        spawned[i] = NULL;
        pthread_join(c->thread, NULL);
        show_raw(c, 0);
        give_back(c->own);
    } else if (!strcmp(command, "until")) {
        const char *wanted = word();
        c = prepare();
        for (int i = 0; i < 5000; i++) {
            perform(c);
            if (!strcmp(stele_result_name(c->result), wanted))
                break;
            sleep_ms(2);
        }
        show_raw(c, 1);
    } else {
        return 0;
    }
    return 1;
}
