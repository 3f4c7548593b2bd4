/*
 * Prints the events of a store, oldest first:
 *
 *     reader DIRECTORY [FILTER]
 *
 * The loop that every reader in C is: stele_read_next into a buffer of ours, and a larger buffer when it says that an event needs one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stele.h>

/* Tells of the last failure, with the chain of its causes, and gives the exit code. */
static int failed(void) {
    char text[4096];
    size_t len;
    stele_result code;
    if (stele_last_error(&code, NULL, text, sizeof text, &len) == STELE_OK)
        fprintf(stderr, "%s: %.*s\n", stele_result_name(code), (int)len, text);
    return 1;
}

static int print_events(stele_reader reader) {
    size_t room = 256, len;
    char *buffer = malloc(room);
    stele_key key;
    stele_result result = STELE_OK;

    while (buffer && (result = stele_read_next(reader, &key, buffer, room, &len)) != STELE_DONE) {
        char id[STELE_KEY_TEXT];
        size_t id_len;
        if (result == STELE_BUFFER_TOO_SMALL) { /* the event is still the next one */
            free(buffer);
            buffer = malloc(room = len);
            continue;
        }
        if (result != STELE_OK) /* CORRUPT comes after the last event that could be read */
            break;
        stele_key_format(&key, id, sizeof id, &id_len);
        printf("%.*s %.*s\n", (int)id_len, id, (int)len, buffer);
    }
    free(buffer);
    return result == STELE_DONE ? 0 : failed();
}

int main(int argc, char **argv) {
    stele_options options;
    stele_read_options read;
    stele_store store;
    stele_reader reader;
    int code;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: reader DIRECTORY [FILTER]\n");
        return 2;
    }

    STELE_INIT(options);
    options.flags = STELE_READ_ONLY | STELE_MUST_EXIST;
    if (stele_open(argv[1], STELE_TEXT, &options, &store) != STELE_OK)
        return failed();

    STELE_INIT(read);
    if (argc == 3) {
        read.filter = argv[2];
        read.filter_len = STELE_TEXT;
    }
    if (stele_read_begin(store, &read, &reader) != STELE_OK) {
        code = failed();
    } else {
        code = print_events(reader);
        if (stele_read_end(reader) != STELE_OK && code == 0) /* what was lost on the way is told here as well */
            code = failed();
    }
    stele_close(store);
    return code;
}
