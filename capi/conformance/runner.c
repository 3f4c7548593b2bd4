/*
 * The runner of the conformance scripts in C, over stele.h and nothing else: the one that the scripts' answers are made with. README.md has the form.
 *
 *     runner SCRIPT DIRECTORY
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* Commands whose new handle is all they give. */
static void run_new(stele_result r, const char *name, uint64_t handle) {
    if (r == STELE_OK)
        bind_name(name, handle);
    answer(r);
}

static void run_open(void) {
    const char *name = word();
    text path = text_of(word());
    stele_options o;
    stele_store store;
    stele_result r;
    STELE_INIT(o);
    o.flags = (uint32_t)option_number("flags");
    o.event_bytes = (uint32_t)option_number("event_bytes");
    o.batch_bytes = option_number("batch_bytes");
    o.memory_bytes = option_number("memory_bytes");
    o.journal_bytes = option_number("journal_bytes");
    o.cache_bytes = option_number("cache_bytes");
    o.document_bytes = option_number("document_bytes");
    o.min_free_bytes = (int64_t)option_number("min_free_bytes");
    o.open_files = (uint32_t)option_number("open_files");
    r = stele_open(path.p, path.len, more() ? &o : NULL, &store);
    run_new(r, name, store);
}

static void run_write_begin(void) {
    const char *name = word();
    stele_store store = handle_of(word());
    stele_write_options o;
    stele_writer writer;
    stele_result r;
    text id = option_text("id");
    STELE_INIT(o);
    o.flags = (uint32_t)option_number("flags");
    o.id = id.p;
    o.id_len = id.len;
    r = stele_write_begin(store, more() ? &o : NULL, &writer);
    run_new(r, name, writer);
}

static void run_write_end(void) {
    stele_writer writer = handle_of(word());
    size_t capacity = 2, count;
    stele_key *keys = take(capacity * sizeof *keys);
    stele_result r;
    while ((r = stele_write_end(writer, keys, capacity, &count)) == STELE_BUFFER_TOO_SMALL)
        keys = take((capacity = count) * sizeof *keys);
    if (!good(r, 0))
        return;
    printf(" %zu\n", count);
    for (size_t i = 0; i < count; i++)
        show('|', key_text(&keys[i]), STELE_KEY_TEXT);
}

static void run_read_begin(void) {
    const char *name = word();
    stele_store store = handle_of(word());
    stele_read_options o;
    stele_reader reader;
    stele_result r;
    text filter = option_text("filter");
    STELE_INIT(o);
    o.range = range();
    o.filter = filter.p;
    o.filter_len = filter.len;
    o.limit = option_number("limit");
    o.ordering = (uint32_t)option_number("ordering");
    o.flags = (uint32_t)option_number("flags");
    r = stele_read_begin(store, more() ? &o : NULL, &reader);
    run_new(r, name, reader);
}

static void run_query_begin(void) {
    const char *name = word();
    stele_store store = handle_of(word());
    text query = text_of(word()), filter = option_text("filter");
    stele_query_options o;
    stele_rows rows;
    stele_result r;
    STELE_INIT(o);
    o.range = range();
    o.filter = filter.p;
    o.filter_len = filter.len;
    o.memory_bytes = option_number("memory_bytes");
    o.timeout_ms = (uint32_t)option_number("timeout_ms");
    o.flags = (uint32_t)option_number("flags");
    r = stele_query_begin(store, query.p, query.len, more() ? &o : NULL, &rows);
    run_new(r, name, rows);
}

static void run_tail_begin(void) {
    const char *name = word();
    stele_store store = handle_of(word());
    text filter = option_text("filter");
    stele_tail_options o;
    stele_tail tail;
    stele_result r;
    STELE_INIT(o);
    o.after = option_number("after");
    o.filter = filter.p;
    o.filter_len = filter.len;
    o.flags = (uint32_t)option_number("flags");
    r = stele_tail_begin(store, more() ? &o : NULL, &tail);
    run_new(r, name, tail);
}

static void run_serve_begin(void) {
    const char *name = word();
    stele_store store = handle_of(word());
    text urls = option_text("urls"), instance = option_text("instance");
    stele_serve_options o;
    stele_server server;
    stele_result r;
    STELE_INIT(o);
    o.urls = urls.p;
    o.urls_len = urls.len;
    o.instance = instance.p;
    o.instance_len = instance.len;
    r = stele_serve_begin(store, more() ? &o : NULL, &server);
    run_new(r, name, server);
}

/* What a buffer that grows from 16 bytes gets. */
typedef struct grown {
    char *buffer;
    size_t len, actual;
} grown;

static int again(stele_result r, grown *g) {
    if (g->buffer && r != STELE_BUFFER_TOO_SMALL)
        return 0;
    g->len = g->buffer ? g->actual : 16;
    g->buffer = take(g->len);
    return 1;
}

/* Calls with a buffer that grows until it is large enough. */
#define GROW(r, g, call)                                                                                                                             \
    do {                                                                                                                                             \
        while (again(r, &(g)))                                                                                                                       \
            r = call;                                                                                                                                \
    } while (0)

/* Prints the records of a batch, with their keys or without. */
static void show_batch(stele_result r, const char *buffer, size_t actual, size_t count, int keys) {
    size_t at = 0;
    if (!good(r, actual))
        return;
    printf(" %zu\n", count);
    for (size_t i = 0; i < count; i++) {
        stele_record record;
        text line = {0};
        memcpy(&record, buffer + at, sizeof record);
        if (at % 8 || record.stride % 8 || at + sizeof record + record.len > actual)
            fail("record %zu is not within the batch", i);
        if (keys) {
            add(&line, key_text(&record.key), STELE_KEY_TEXT);
            add(&line, " ", 1);
        }
        add(&line, buffer + at + sizeof record, record.len);
        show('|', line.p, line.len);
        at += record.stride;
    }
}

static void run_text(const char *command) {
    uint64_t h = handle_of(word());
    stele_key key;
    uint32_t timeout = 0;
    stele_result r = STELE_OK;
    grown g = {0};
    char **picks;
    int keyed = 0, n;
    if (!strcmp(command, "statistics")) {
        GROW(r, g, stele_statistics(h, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "read_next")) {
        keyed = 1;
        GROW(r, g, stele_read_next(h, &key, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "tail_next")) {
        keyed = 1;
        timeout = (uint32_t)number_of(word());
        GROW(r, g, stele_tail_next(h, timeout, &key, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "get")) {
        key = key_of(word());
        GROW(r, g, stele_get(h, &key, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "document_get")) {
        text name = text_of(word());
        GROW(r, g, stele_document_get(h, name.p, name.len, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "rows_describe")) {
        GROW(r, g, stele_rows_describe(h, g.buffer, g.len, &g.actual));
    } else if (!strcmp(command, "rows_next")) {
        GROW(r, g, stele_rows_next(h, g.buffer, g.len, &g.actual));
    } else {
        GROW(r, g, stele_serve_urls(h, g.buffer, g.len, &g.actual));
        if (r == STELE_OK)
            learn_port(g.buffer, g.actual);
    }
    if (!good(r, 0))
        return;
    if (keyed)
        printf(" %s", key_text(&key));
    putchar('\n');
    picks = rest(&n);
    show_picks(g.buffer, g.actual, picks, n);
}


/* Commands that end something, or ask for nothing else. */
static stele_result (*const plain[])(uint64_t) = {stele_close,     stele_flush,    stele_write_abandon, stele_read_end,
                                                  stele_rows_end, stele_tail_end, stele_serve_end,     stele_cancel};
static const char *const plain_names[] = {"close", "flush", "write_abandon", "read_end", "rows_end", "tail_end", "serve_end", "cancel"};

static int run_plain(const char *command) {
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(command, plain_names[i])) {
            answer(plain[i](handle_of(word())));
            return 1;
        }
    return 0;
}

static int run_beginning(const char *command) {
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {{"open", run_open},
               {"write_begin", run_write_begin},
               {"write_end", run_write_end},
               {"read_begin", run_read_begin},
               {"query_begin", run_query_begin},
               {"tail_begin", run_tail_begin},
               {"serve_begin", run_serve_begin}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(command, all[i].name)) {
            all[i].run();
            return 1;
        }
    return 0;
}

static int run_key(const char *command) {
    stele_key key;
    stele_result r;
    if (!strcmp(command, "key_parse")) {
        text t = text_of(word());
        r = stele_key_parse(t.p, t.len, &key);
        if (good(r, 0))
            printf(" %s\n", key_text(&key));
    } else if (!strcmp(command, "key_format")) {
        key = key_of(word());
        printf("= STELE_OK \"%s\"\n", key_text(&key));
    } else if (!strcmp(command, "key_parts")) {
        int64_t instant;
        uint64_t arrival;
        key = key_of(word());
        if (good(stele_key_parts(&key, &instant, &arrival), 0))
            printf(" %" PRId64 " %" PRIu64 "\n", instant, arrival);
    } else {
        return 0;
    }
    return 1;
}

static int run_library(const char *command) {
    if (!strcmp(command, "version")) {
        stele_version_info info;
        STELE_INIT(info);
        if (good(stele_version(&info), 0))
            printf(" %u\n", (unsigned)info.abi);
    } else if (!strcmp(command, "result_name")) {
        printf("= STELE_OK \"%s\"\n", stele_result_name((stele_result)number_of(word())));
    } else if (!strcmp(command, "last_error")) {
        stele_result code;
        size_t actual;
        if (stele_last_error(&code, NULL, NULL, 0, &actual) == STELE_DONE) {
            answer(STELE_DONE);
        } else {
            printf("= STELE_OK %s\n", stele_result_name(code));
            show_last_error('|');
        }
    } else if (!strcmp(command, "host")) {
        answer(stele_host((uint32_t)number_of(word())));
    } else {
        return 0;
    }
    return 1;
}

/* Batches, positions, deletes, documents, verify and backup. */
static int run_rest(const char *command) {
    const char *name = NULL;
    uint64_t h, n = 0, made = 0;
    size_t actual = 0, count = 0, len;
    stele_result r;
    if (!strcmp(command, "verify") || !strcmp(command, "backup") || !strcmp(command, "document_list"))
        name = word();
    h = handle_of(word());
    if (!strcmp(command, "write_append")) {
        text t = text_of(word());
        answer(stele_write_append(h, t.p, t.len));
    } else if (!strcmp(command, "read_next_batch")) {
        char *buffer = take(len = (size_t)number_of(word()));
        r = stele_read_next_batch(h, buffer, len, &actual, &count);
        show_batch(r, buffer, actual, count, 1);
    } else if (!strcmp(command, "rows_next_batch")) {
        char *buffer = take(len = (size_t)number_of(word()));
        r = stele_rows_next_batch(h, buffer, len, &actual, &count);
        show_batch(r, buffer, actual, count, 0);
    } else if (!strcmp(command, "tail_next_batch")) {
        uint32_t timeout = (uint32_t)number_of(word());
        char *buffer = take(len = (size_t)number_of(word()));
        r = stele_tail_next_batch(h, timeout, buffer, len, &actual, &count);
        show_batch(r, buffer, actual, count, 1);
    } else if (!strcmp(command, "tail_position")) {
        if (good(stele_tail_position(h, &n), 0))
            printf(" %" PRIu64 "\n", n);
    } else if (!strcmp(command, "delete_keys")) {
        text keys = {0};
        while (more()) {
            const char *w = word();
            stele_key key = key_of(w);
            for (size_t i = repeats(w + STELE_KEY_TEXT); i > 0; i--)
                add(&keys, (const char *)key.bytes, sizeof key.bytes);
        }
        if (good(stele_delete_keys(h, (const stele_key *)(const void *)keys.p, keys.len / sizeof(stele_key), &n), 0))
            printf(" %" PRIu64 "\n", n);
    } else if (!strcmp(command, "delete")) {
        text filter = option_text("filter");
        if (good(stele_delete(h, range(), filter.p, filter.len, &n), 0))
            printf(" %" PRIu64 "\n", n);
    } else if (!strcmp(command, "document_set")) {
        text key = text_of(word()), value = text_of(word());
        answer(stele_document_set(h, key.p, key.len, value.p, value.len));
    } else if (!strcmp(command, "document_delete")) {
        text key = text_of(word());
        answer(stele_document_delete(h, key.p, key.len));
    } else if (!strcmp(command, "document_list")) {
        text prefix = text_of(word());
        r = stele_document_list(h, prefix.p, prefix.len, &made);
        run_new(r, name, made);
    } else if (!strcmp(command, "verify")) {
        r = stele_verify(h, &made);
        run_new(r, name, made);
    } else if (!strcmp(command, "backup")) {
        text target = text_of(word());
        r = stele_backup(h, target.p, target.len, (uint32_t)option_number("keep"), &made);
        run_new(r, name, made);
    } else {
        return 0;
    }
    return 1;
}

static int run_files(const char *command) {
    FILE *f;
    const char *path;
    if (strcmp(command, "damage") && strcmp(command, "file"))
        return 0;
    path = text_of(word()).p;
    f = fopen(path, *command == 'd' ? "r+b" : "wb");
    if (!f)
        fail("cannot open %s", path);
    if (*command == 'd') {
        long at = (long)number_of(word());
        int c;
        if (fseek(f, -at, SEEK_END))
            fail("%s is shorter than %ld bytes", path, at);
        c = fgetc(f);
        fseek(f, -at, SEEK_END);
        fputc(c ^ (int)number_of(word()), f);
    } else {
        text content = text_of(word());
        fwrite(content.p, 1, content.len, f);
    }
    if (fclose(f))
        fail("cannot write %s", path);
    puts("= STELE_OK");
    return 1;
}

static int run_texts(const char *command) {
    static const char *const all[] = {"statistics", "read_next", "tail_next", "get", "document_get", "rows_describe", "rows_next", "serve_urls"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(command, all[i])) {
            run_text(command);
            return 1;
        }
    return 0;
}

static void run(char *line) {
    const char *command;
    split(line);
    command = word();
    if (!run_around(command) && !run_files(command) && !run_library(command) && !run_key(command) && !run_beginning(command) && !run_texts(command) &&
        !run_plain(command) && !run_rest(command))
        fail("no such command: %s", command);
    give_back(held);
    held = NULL;
}

int main(int argc, char **argv) {
    FILE *f;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (argc != 3) {
        fprintf(stderr, "usage: runner SCRIPT DIRECTORY\n");
        return 2;
    }
    directory = argv[2];
    f = fopen(argv[1], "rb");
    if (!f)
        fail("cannot open %s", argv[1]);
    while ((n = getline(&line, &room, f)) > 0) {
        line_number++;
        if (line[n - 1] == '\n')
            line[--n] = 0;
        if (n > 0 && strchr("=|!", *line))
            continue;
        puts(line);
        fflush(stdout);
        if (n > 0 && *line != '#')
            run(line);
        fflush(stdout);
    }
    free(line);
    fclose(f);
    return ferror(stdout) ? 2 : 0;
}
