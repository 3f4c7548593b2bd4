// Reads a store through the C interface in each of its ways, and calls what enters Go and what does not.
#include "timing.h"
#include <stele.h>

static stele_store store;

static void fail(const char *what)
{
    char   text[4096];
    size_t n = 0;
    stele_last_error(NULL, NULL, text, sizeof text, &n);
    fprintf(stderr, "%s: %.*s\n", what, (int)(n < sizeof text ? n : sizeof text), text);
    exit(1);
}

static stele_reader reader(uint32_t flags)
{
    stele_read_options o;
    stele_reader       r;
    STELE_INIT(o);
    o.flags = flags;
    if (stele_read_begin(store, &o, &r) != STELE_OK)
        fail("stele_read_begin");
    return r;
}

static char   buffer[256 << 10];
static size_t sum; // of what was read, so that nothing is left out

static size_t one_by_one(uint32_t flags)
{
    stele_reader r = reader(flags);
    stele_key    key;
    size_t       n, count = 0;
    stele_result result;
    while ((result = stele_read_next(r, &key, buffer, sizeof buffer, &n)) == STELE_OK) {
        sum += n + key.bytes[15] + (unsigned char)buffer[n - 1];
        count++;
    }
    if (result != STELE_DONE || stele_read_end(r) != STELE_OK)
        fail("stele_read_next");
    return count;
}

static size_t batches(uint32_t flags)
{
    stele_reader r = reader(flags);
    size_t       n, records, count = 0;
    stele_result result;
    while ((result = stele_read_next_batch(r, buffer, sizeof buffer, &n, &records)) == STELE_OK) {
        for (const char *p = buffer; p < buffer + n; p += ((const stele_record *)p)->stride)
            sum += ((const stele_record *)p)->len + (unsigned char)p[sizeof(stele_record)];
        count += records;
    }
    if (result != STELE_DONE || stele_read_end(r) != STELE_OK)
        fail("stele_read_next_batch");
    return count;
}

static void timed(const char *name, size_t (*read)(uint32_t), uint32_t flags)
{
    double begun = now_ns();
    tell(name, begun, (double)read(flags));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        die("usage: stele STORE");
    stele_options o;
    STELE_INIT(o);
    o.flags = STELE_READ_ONLY;
    if (stele_open(argv[1], STELE_TEXT, &o, &store) != STELE_OK)
        fail("stele_open");
    one_by_one(0); // the store's cache is as full as it gets
    timed("next", one_by_one, 0);
    timed("batch", batches, 0);
    timed("next-ahead", one_by_one, STELE_READ_AHEAD);
    timed("batch-ahead", batches, STELE_READ_AHEAD);

    stele_tail         tail;
    stele_tail_options to;
    uint64_t           position;
    STELE_INIT(to);
    to.after = STELE_FROM_NOW;
    if (stele_tail_begin(store, &to, &tail) != STELE_OK)
        fail("stele_tail_begin");
    enum { CALLS = 2000000 };
    double begun = now_ns();
    for (int i = 0; i < CALLS; i++)
        stele_tail_position(tail, &position);
    tell("call-go", begun, CALLS);
    stele_key key = {{0}};
    begun = now_ns();
    for (int i = 0; i < CALLS; i++)
        sum += (size_t)stele_cancel(0); // a handle that is none: looked up, refused, the error written
    tell("call-refused", begun, CALLS);
    int64_t instant;
    begun = now_ns();
    for (int i = 0; i < CALLS; i++) {
        key.bytes[8] = (uint8_t)i;
        stele_key_parts(&key, &instant, &position);
        sum += (size_t)position;
    }
    tell("call-shim", begun, CALLS);
    stele_tail_end(tail);
    stele_close(store);
    fprintf(stderr, "%zu\n", sum);
    return 0;
}
