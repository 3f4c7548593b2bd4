/*
 * Stores the lines of its standard input, each an event in CLEF:
 *
 *     writer DIRECTORY
 *
 * All of them or none: a line that is refused makes the end of the write fail.
 */
#include <stdio.h>

#include <stele.h>

static int failed(void) {
    char text[4096];
    size_t len;
    if (stele_last_error(NULL, NULL, text, sizeof text, &len) == STELE_OK)
        fprintf(stderr, "%.*s\n", (int)len, text);
    return 1;
}

int main(int argc, char **argv) {
    static char line[256 << 10];
    stele_store store;
    stele_writer writer;
    int code = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: writer DIRECTORY\n");
        return 2;
    }
    if (stele_open(argv[1], STELE_TEXT, NULL, &store) != STELE_OK)
        return failed();
    if (stele_write_begin(store, NULL, &writer) != STELE_OK)
        return failed();
    while (fgets(line, sizeof line, stdin) && code == 0)
        if (stele_write_append(writer, line, STELE_TEXT) != STELE_OK)
            code = failed();
    if (code)
        stele_write_abandon(writer);
    else if (stele_write_end(writer, NULL, 0, NULL) != STELE_OK)
        code = failed();
    stele_close(store);
    return code;
}
