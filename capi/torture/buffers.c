// Streams with buffers of every small size, odd ones and none, single calls and batches mixed: what comes is what comes with a large one.
#include "torture.h"

enum { EVENTS = 400 };

static char  *all; // the texts one after the other
static size_t all_len;

typedef enum { OF_READER, OF_TAIL, OF_ROWS } stream;

static uint64_t begin(stele_store s, stream k, uint32_t flags)
{
    return k == OF_READER ? a_reader(s, flags) : k == OF_TAIL ? a_tail(s, 0) : a_query(s, "select N, Pad from stream");
}

static stele_result end(stream k, uint64_t h) { return k == OF_READER ? CALL(stele_read_end, h) : k == OF_TAIL ? CALL(stele_tail_end, h) : CALL(stele_rows_end, h); }

static stele_result next(stream k, uint64_t h, void *p, size_t n, size_t *actual)
{
    return k == OF_READER ? CALL(stele_read_next, h, NULL, p, n, actual) : k == OF_TAIL ? CALL(stele_tail_next, h, 0, NULL, p, n, actual) : CALL(stele_rows_next, h, p, n, actual);
}

static stele_result next_batch(stream k, uint64_t h, void *p, size_t n, size_t *actual, size_t *count)
{
    return k == OF_READER ? CALL(stele_read_next_batch, h, p, n, actual, count) : k == OF_TAIL ? CALL(stele_tail_next_batch, h, 0, p, n, actual, count)
                                                                                        : CALL(stele_rows_next_batch, h, p, n, actual, count);
}

static size_t compare(size_t at, const void *text, size_t n)
{
    must(at + n <= all_len && memcmp(all + at, text, n) == 0, "at byte %zu other texts come", at);
    return at + n;
}

// whole reads everything with large buffers.
static void whole(stele_store s, stream k)
{
    static char text[4096];
    uint64_t    h = begin(s, k, 0);
    size_t      n = 0;
    all = realloc(all, EVENTS * 512);
    all_len = 0;
    unsigned     count = 0;
    stele_result r;
    while ((r = next(k, h, text, sizeof text, &n)) == STELE_OK) {
        memcpy(all + all_len, text, n);
        all_len += n;
        count++;
    }
    must(r == (k == OF_TAIL ? STELE_TIMED_OUT : STELE_DONE) && count == EVENTS, "%u items, then %s", count, stele_result_name(r));
    must(end(k, h) == STELE_OK, "it does not end well");
}

// parts reads everything with buffers of sizes that chance gives, at the edge of memory. With most at 0 a buffer has what was said to be needed, and not a byte more.
static void parts(stele_store s, stream k, uint32_t flags, size_t most)
{
    uint64_t h = begin(s, k, flags);
    size_t   at = 0, needed = 0, tried;
    bool     batch = false;
    for (;;) {
        size_t       n = needed ? needed : chance(most + 1), actual = 777777, count = 777777;
        stele_result r;
        if (!needed)
            batch = chance(2);
        if (batch)
            n = (n + 7) / 8 * 8;
        void *p = n ? at_the_edge(n) : NULL;
        tried = n;
        if (batch) {
            if (n && chance(4) == 0) {
                // one that is not aligned is refused
                must(next_batch(k, h, (char *)p + 1, n - 1, &actual, &count) == STELE_INVALID && actual == 777777 && count == 777777, "a buffer at an odd place");
            }
            r = next_batch(k, h, p, n, &actual, &count);
        } else {
            r = next(k, h, p, n, &actual);
        }
        if (r == STELE_OK && batch) {
            size_t used = 0;
            must(count > 0 && actual <= n, "%zu records in %zu of %zu bytes", count, actual, n);
            for (; count > 0; count--) {
                const stele_record *record = (const stele_record *)((char *)p + used);
                must(record->stride % 8 == 0 && record->stride >= sizeof *record + record->len && record->stride < sizeof *record + record->len + 8 && used + record->stride <= actual,
                     "a record of %u bytes has a stride of %u", record->len, record->stride);
                for (size_t i = sizeof *record + record->len; i < record->stride; i++)
                    must(((char *)record)[i] == 0, "what fills a record up is not zero");
                at = compare(at, record + 1, record->len);
                used += record->stride;
            }
            must(used == actual, "the records have %zu bytes of %zu", used, actual);
        } else if (r == STELE_OK) {
            must(actual <= n, "%zu bytes in a buffer of %zu", actual, n);
            at = compare(at, p, actual);
        }
        if (p)
            give_back(p, n);
        if (r == STELE_BUFFER_TOO_SMALL) {
            must(actual != 777777 && actual > tried && count == 777777, "a buffer of %zu bytes is too small and %zu are needed", tried, actual);
            needed = actual;
            continue;
        }
        needed = 0;
        if (r == STELE_DONE || r == STELE_TIMED_OUT)
            break;
        must(r == STELE_OK, "it gave %s", stele_result_name(r));
    }
    must(at == all_len, "%zu of %zu bytes came", at, all_len);
    must(end(k, h) == STELE_OK, "it does not end well");
}

static void keys_of_writes(stele_store s)
{
    stele_key keys[3], again[3];
    size_t    n = 777777;
    for (unsigned room = 0; room < 3; room++) {
        stele_write_options o;
        stele_writer        w;
        char                id[32];
        snprintf(id, sizeof id, "batch %u", room);
        STELE_INIT(o);
        o.id = id;
        o.id_len = STELE_TEXT;
        for (int twice = 0; twice < 2; twice++) {
            want(STELE_OK, stele_write_begin, s, &o, &w);
            want(STELE_OK, stele_write_append, w, "{\"@t\":\"2020-01-01\"}\r\n\n{\"@t\":\"2020-01-02\"}\n{\"@t\":\"2020-01-03\"}", STELE_TEXT);
            n = 777777;
            memset(keys, 0, sizeof keys);
            want(STELE_BUFFER_TOO_SMALL, stele_write_end, w, keys, room, &n);
            must(n == 3, "%zu events", n);
            for (size_t i = 0; i < sizeof keys; i++)
                must(((uint8_t *)keys)[i] == 0, "keys were written");
            want(STELE_OK, stele_write_end, w, keys, 3, &n);
            must(n == 3 && memcmp(&keys[0], &keys[1], sizeof keys[0]) < 0 && memcmp(&keys[1], &keys[2], sizeof keys[0]) < 0, "keys in order");
            if (twice)
                must(memcmp(keys, again, sizeof keys) == 0, "a batch that was sent again has other keys");
            memcpy(again, keys, sizeof keys);
        }
    }
    uint64_t deleted = 777777;
    for (int i = 0; i < 3; i++) {
        want(STELE_OK, stele_delete_keys, s, &keys[i], 1, &deleted);
        must(deleted == 1, "%llu deleted", (unsigned long long)deleted);
    }
    want(STELE_OK, stele_delete_keys, s, keys, 3, &deleted);
    must(deleted == 0, "deleted twice");
    stele_range before;
    memset(&before, 0, sizeof before);
    before.to.kind = STELE_EXCLUSIVE_INSTANT;
    before.to.instant = INT64_C(1600000000) * 1000000000;
    want(STELE_OK, stele_delete, s, &before, NULL, 0, &deleted);
    must(deleted == 6, "%llu deleted", (unsigned long long)deleted);
}

void buffers(void)
{
    stele_store s = a_store("buffers", EVENTS);
    keys_of_writes(s);
    for (stream k = OF_READER; k <= OF_ROWS; k++) {
        whole(s, k);
        for (unsigned round = 0; round < size; round++) {
            static const size_t most[] = {0, 8, 40, 150, 400, 3000};
            for (size_t i = 0; i < sizeof most / sizeof most[0]; i++)
                for (uint32_t flags = 0; flags <= (k == OF_READER ? STELE_READ_AHEAD : 0); flags++)
                    parts(s, k, flags, most[i]);
        }
    }
    end_store(s);
    free(all);
}
