// Opens, writes, reads and closes a store through stele.dll, and says what came of it.
#include "stele.h"

#include <stdio.h>

static int check(const char *what, stele_result found, stele_result wanted)
{
    char   text[4096];
    size_t n = 0;
    if (found == wanted)
        return 0;
    stele_last_error(NULL, NULL, text, sizeof text, &n);
    printf("%s: %s: %.*s\n", what, stele_result_name(found), (int)(n < sizeof text ? n : sizeof text), text);
    return 1;
}

int main(void)
{
    static const char event[] = "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"Hello\"}";
    stele_store       store;
    stele_writer      writer;
    stele_reader      reader;
    stele_key         key;
    char              text[256];
    size_t            n = 0;
    int               failed = 0;
    failed += check("open", stele_open("store", STELE_TEXT, NULL, &store), STELE_OK);
    failed += check("begin", stele_write_begin(store, NULL, &writer), STELE_OK);
    failed += check("append", stele_write_append(writer, event, STELE_TEXT), STELE_OK);
    failed += check("end", stele_write_end(writer, NULL, 0, NULL), STELE_OK);
    failed += check("read", stele_read_begin(store, NULL, &reader), STELE_OK);
    failed += check("next", stele_read_next(reader, &key, text, sizeof text, &n), STELE_OK);
    if (n != sizeof event - 1 || memcmp(text, event, n) != 0) {
        printf("what was read is %.*s\n", (int)n, text);
        failed++;
    }
    failed += check("no more", stele_read_next(reader, &key, text, sizeof text, &n), STELE_DONE);
    failed += check("read end", stele_read_end(reader), STELE_OK);
    failed += check("close", stele_close(store), STELE_OK);
    failed += check("close again", stele_close(store), STELE_INVALID_HANDLE);
    return failed != 0;
}
