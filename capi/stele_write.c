// Writers.
#include "enter.h"
#include "_cgo_export.h"

stele_result stele_write_begin(stele_store store, const stele_write_options *options, stele_writer *writer)
{
    static const char   here[] = "stele_write_begin";
    stele_write_options o;
    slot               *s, *made_;
    uint64_t            handle;
    stele_result        r;
    TRY(enter_plain(here));
    TRY(given(here, writer, "writer"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(text(here, o.id, &o.id_len, "id", true));
    TRY(flags(here, o.flags, STELE_WRITE_PARTIAL | STELE_BIND_THREAD));
    TRY(reserved(here, o.reserved));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    r = new_handle(here, KIND_WRITER, s, &made_, &handle);
    if (r != STELE_OK)
        return leave_shared(s, r);
    if (o.flags & STELE_BIND_THREAD)
        slot_bind(made_);
    GO(r = stelego_write_begin(s->index, made_->index, &o));
    return leave_shared(s, made(made_, r, handle, writer));
}

stele_result stele_write_append(stele_writer writer, const char *clef, size_t len)
{
    static const char here[] = "stele_write_append";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(text(here, clef, &len, "clef", false));
    TRY(enter_exclusive(here, writer, KIND_WRITER, &s));
    GO(r = stelego_write_append(s->index, (char *)clef, len));
    return leave_exclusive(s, r);
}

stele_result stele_write_end(stele_writer writer, stele_key *keys, size_t capacity, size_t *count)
{
    static const char here[] = "stele_write_end";
    slot             *s;
    stele_result      r;
    size_t            n = 0;
    TRY(enter_plain(here));
    if (keys || capacity) {
        TRY(given(here, keys, "keys"));
        TRY(given(here, count, "count"));
    }
    TRY(lock_in_any_state(here, writer, KIND_WRITER, &s));
    r = STELE_OK;
    if (keys && !s->poisoned) {
        GO(r = stelego_write_count(s->index, &n));
        if (r == STELE_OK && n > capacity) {
            *count = n;
            return leave_exclusive(s, STELE_BUFFER_TOO_SMALL);
        }
    }
    if (r != STELE_OK)
        ;
    else if (s->poisoned)
        r = shim_failf(here, STELE_INTERNAL, "a defect was met in this write; nothing of it was stored");
    else if (atomic_load(&s->canceled))
        r = shim_failf(here, STELE_CANCELED, "stele_cancel was called for this write; nothing of it was stored");
    else
        GO(r = stelego_write_end(s->index, keys, &n));
    if (count && r == STELE_OK)
        *count = n;
    end_quietly(s);
    return r;
}

stele_result stele_write_abandon(stele_writer writer) { return end_exclusive("stele_write_abandon", writer, KIND_WRITER); }
