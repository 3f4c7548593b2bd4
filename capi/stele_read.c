// Streams: readers, tails and results. What Go has read lies in a buffer as records; most calls take the next one from there and never enter Go.
#include "enter.h"
#include "_cgo_export.h"

static stele_result flags_of_reader(const char *here, const stele_read_options *o)
{
    TRY(flags(here, o->flags, STELE_READ_AHEAD | STELE_BIND_THREAD));
    if (o->ordering > STELE_DESCENDING)
        return shim_failf(here, STELE_INVALID, "%u is no ordering", (unsigned)o->ordering);
    return STELE_OK;
}

// BEGIN makes a stream of a store by a call that is given the store's slot and the stream's.
#define BEGIN(kind, store, bind, out, call)                                \
    do {                                                                   \
        slot        *s, *made_;                                            \
        uint64_t     handle_;                                              \
        stele_result r_;                                                   \
        TRY(enter_shared(here, store, KIND_STORE, &s));                    \
        r_ = new_handle(here, kind, s, &made_, &handle_);                  \
        if (r_ != STELE_OK)                                                \
            return leave_shared(s, r_);                                    \
        if (bind)                                                          \
            slot_bind(made_);                                              \
        uint32_t into = made_->index;                                      \
        GO(r_ = call);                                                     \
        return leave_shared(s, made(made_, r_, handle_, out));             \
    } while (0)

stele_result stele_read_begin(stele_store store, const stele_read_options *options, stele_reader *reader)
{
    static const char  here[] = "stele_read_begin";
    stele_read_options o;
    TRY(enter_plain(here));
    TRY(given(here, reader, "reader"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(text(here, o.filter, &o.filter_len, "filter", true));
    TRY(flags_of_reader(here, &o));
    BEGIN(KIND_READER, store, o.flags & STELE_BIND_THREAD, reader, stelego_read_begin(s->index, into, &o));
}

stele_result stele_query_begin(stele_store store, const char *query, size_t query_len, const stele_query_options *options, stele_rows *rows)
{
    static const char   here[] = "stele_query_begin";
    stele_query_options o;
    TRY(enter_plain(here));
    TRY(text(here, query, &query_len, "query", false));
    TRY(given(here, rows, "rows"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(text(here, o.filter, &o.filter_len, "filter", true));
    TRY(flags(here, o.flags, STELE_BIND_THREAD));
    BEGIN(KIND_ROWS, store, o.flags & STELE_BIND_THREAD, rows, stelego_query_begin(s->index, into, (char *)query, query_len, &o));
}

stele_result stele_tail_begin(stele_store store, const stele_tail_options *options, stele_tail *tail)
{
    static const char  here[] = "stele_tail_begin";
    stele_tail_options o;
    TRY(enter_plain(here));
    TRY(given(here, tail, "tail"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(text(here, o.filter, &o.filter_len, "filter", true));
    TRY(flags(here, o.flags, STELE_BIND_THREAD));
    TRY(reserved(here, o.reserved));
    BEGIN(KIND_TAIL, store, o.flags & STELE_BIND_THREAD, tail, stelego_tail_begin(s->index, into, &o));
}

static uint64_t arrival(const stele_record *r)
{
    uint64_t n = 0;
    for (int i = 8; i < 16; i++)
        n = n << 8 | r->key.bytes[i];
    return n;
}

// fetch has Go read on. The caller has the slot, and nothing is left in it.
static stele_result fetch(slot *s, kind k, uint32_t timeout_ms)
{
    stele_result r = STELE_OK;
    void        *next = NULL;
    size_t       len = 0;
    if (k == KIND_TAIL)
        GO(r = stelego_tail_position(s->index, &s->position));
    if (r != STELE_OK)
        return r;
    GO(r = stelego_fetch(s->index, timeout_ms, &next, &len));
    s->next = next;
    s->end = s->next + len;
    return r;
}

static inline stele_result next(const char *here, uint64_t handle, kind k, uint32_t timeout_ms, stele_key *key, void *buffer, size_t len, size_t *actual)
{
    slot *s;
    if (__builtin_expect(!actual || (!buffer && len), 0)) {
        TRY(enter_plain(here));
        TRY(given(here, actual, "actual"));
        TRY(given(here, buffer, "buffer"));
    }
    TRY(enter_exclusive(here, handle, k, &s));
    if (s->next == s->end) {
        stele_result r = fetch(s, k, timeout_ms);
        if (r != STELE_OK)
            return leave_exclusive(s, r);
    }
    const stele_record *record = (const stele_record *)s->next;
    *actual = record->len;
    if (record->len > len)
        return leave_exclusive(s, STELE_BUFFER_TOO_SMALL);
    memcpy(buffer, record + 1, record->len);
    if (key)
        *key = record->key;
    if (k == KIND_TAIL)
        s->position = arrival(record);
    s->next += record->stride;
    return leave_exclusive(s, STELE_OK);
}

static stele_result next_batch(const char *here, uint64_t handle, kind k, uint32_t timeout_ms, void *buffer, size_t len, size_t *actual, size_t *count)
{
    slot        *s;
    stele_result r = STELE_OK;
    size_t       size = 0, n = 0;
    TRY(enter_plain(here));
    TRY(given(here, actual, "actual"));
    TRY(given(here, count, "count"));
    if (len)
        TRY(given(here, buffer, "buffer"));
    if ((uintptr_t)buffer % 8)
        return shim_failf(here, STELE_INVALID, "buffer is not at a multiple of 8 bytes, as memory of malloc is");
    TRY(enter_exclusive(here, handle, k, &s));
    if (s->next == s->end) {
        GO(r = stelego_fetch_into(s->index, timeout_ms, buffer, len, &size, &n));
        if (r == STELE_OK && n == 0) // it reads ahead, and has a buffer of its own
            r = fetch(s, k, timeout_ms);
        if (r == STELE_BUFFER_TOO_SMALL)
            *actual = size;
        if (r != STELE_OK)
            return leave_exclusive(s, r);
    }
    if (n == 0) {
        const stele_record  *record = NULL;
        const unsigned char *p = s->next;
        for (; p < s->end && ((const stele_record *)p)->stride <= len - size; p += record->stride, n++) {
            record = (const stele_record *)p;
            size += record->stride;
        }
        if (n == 0) {
            *actual = ((const stele_record *)p)->stride;
            return leave_exclusive(s, STELE_BUFFER_TOO_SMALL);
        }
        memcpy(buffer, s->next, size);
        s->next = (unsigned char *)p;
        if (k == KIND_TAIL)
            s->position = arrival(record);
    }
    *actual = size;
    *count = n;
    return leave_exclusive(s, STELE_OK);
}

stele_result stele_read_next(stele_reader reader, stele_key *key, void *buffer, size_t len, size_t *actual)
{
    return next("stele_read_next", reader, KIND_READER, 0, key, buffer, len, actual);
}

stele_result stele_read_next_batch(stele_reader reader, void *buffer, size_t len, size_t *actual, size_t *count)
{
    return next_batch("stele_read_next_batch", reader, KIND_READER, 0, buffer, len, actual, count);
}

stele_result stele_read_end(stele_reader reader) { return end_exclusive("stele_read_end", reader, KIND_READER); }

stele_result stele_rows_describe(stele_rows rows, char *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_rows_describe";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(given(here, actual, "actual"));
    if (len)
        TRY(given(here, buffer, "buffer"));
    TRY(enter_exclusive(here, rows, KIND_ROWS, &s));
    GO(r = stelego_rows_describe(s->index, s->next == s->end, buffer, len, actual));
    return leave_exclusive(s, r);
}

stele_result stele_rows_next(stele_rows rows, char *buffer, size_t len, size_t *actual)
{
    return next("stele_rows_next", rows, KIND_ROWS, 0, NULL, buffer, len, actual);
}

stele_result stele_rows_next_batch(stele_rows rows, void *buffer, size_t len, size_t *actual, size_t *count)
{
    return next_batch("stele_rows_next_batch", rows, KIND_ROWS, 0, buffer, len, actual, count);
}

stele_result stele_rows_end(stele_rows rows) { return end_exclusive("stele_rows_end", rows, KIND_ROWS); }

stele_result stele_tail_next(stele_tail tail, uint32_t timeout_ms, stele_key *key, void *buffer, size_t len, size_t *actual)
{
    return next("stele_tail_next", tail, KIND_TAIL, timeout_ms, key, buffer, len, actual);
}

stele_result stele_tail_next_batch(stele_tail tail, uint32_t timeout_ms, void *buffer, size_t len, size_t *actual, size_t *count)
{
    return next_batch("stele_tail_next_batch", tail, KIND_TAIL, timeout_ms, buffer, len, actual, count);
}

stele_result stele_tail_position(stele_tail tail, uint64_t *position)
{
    static const char here[] = "stele_tail_position";
    slot             *s;
    TRY(enter_plain(here));
    TRY(given(here, position, "arrival"));
    TRY(lock_in_any_state(here, tail, KIND_TAIL, &s));
    stele_result r = STELE_OK;
    uint64_t     n = s->position;
    if (s->poisoned)
        r = shim_failf(here, STELE_INTERNAL, "a defect was met in this handle before; end it");
    else if (s->next == s->end) // then Go has nothing that was not given
        GO(r = stelego_tail_position(s->index, &n));
    if (r == STELE_OK)
        *position = n;
    return leave_exclusive(s, r);
}

stele_result stele_tail_end(stele_tail tail) { return end_exclusive("stele_tail_end", tail, KIND_TAIL); }
