// Stores: opening, closing, what is asked of one as a whole, single events, deletions, documents.
#include "enter.h"
#include "_cgo_export.h"

// A buffer that may be NULL if it is said to be empty, and the size that is always told.
static stele_result room(const char *function, const void *buffer, size_t len, const size_t *actual)
{
    TRY(given(function, actual, "actual"));
    return len ? given(function, buffer, "buffer") : STELE_OK;
}

stele_result stele_open(const char *path, size_t path_len, const stele_options *options, stele_store *store)
{
    static const char here[] = "stele_open";
    stele_options     o;
    TRY(enter_plain(here));
    TRY(text(here, path, &path_len, "path", false));
    TRY(given(here, store, "store"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(flags(here, o.flags, STELE_READ_ONLY | STELE_MUST_EXIST));
    TRY(reserved(here, o.reserved));
    slot        *s;
    uint64_t     handle;
    stele_result r;
    os_arrange();
    TRY(new_handle(here, KIND_STORE, NULL, &s, &handle));
    GO(r = stelego_open(s->index, (char *)path, path_len, &o));
    return made(s, r, handle, store);
}

stele_result stele_close(stele_store store)
{
    static const char here[] = "stele_close";
    slot             *s;
    TRY(enter_plain(here));
    stele_result r = slot_closing(store, KIND_STORE, &s);
    if (r != STELE_OK)
        return shim_failf(here, r, "%llu is not the handle of a store that is open; it may have been closed", (unsigned long long)store);
    GO(stelego_closing(s->index));
    slot_drain(s);
    slot_drain_children(s);
    GO(r = stelego_end(s->index));
    slot_free(s);
    return r;
}

stele_result stele_flush(stele_store store)
{
    slot        *s;
    stele_result r;
    TRY(enter_shared("stele_flush", store, KIND_STORE, &s));
    GO(r = stelego_flush(s->index));
    return leave_shared(s, r);
}

stele_result stele_statistics(stele_store store, char *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_statistics";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(room(here, buffer, len, actual));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_statistics(s->index, buffer, len, actual));
    return leave_shared(s, r);
}

// report makes a result of a call that is given the store's slot and the result's.
#define REPORT(store, rows, call)                                          \
    do {                                                                   \
        slot        *s, *made_;                                            \
        uint64_t     handle_;                                              \
        stele_result r_;                                                   \
        TRY(enter_shared(here, store, KIND_STORE, &s));                    \
        r_ = new_handle(here, KIND_ROWS, s, &made_, &handle_);             \
        if (r_ != STELE_OK)                                                \
            return leave_shared(s, r_);                                    \
        uint32_t into = made_->index;                                      \
        GO(r_ = call);                                                     \
        return leave_shared(s, made(made_, r_, handle_, rows));            \
    } while (0)

stele_result stele_verify(stele_store store, stele_rows *rows)
{
    static const char here[] = "stele_verify";
    TRY(enter_plain(here));
    TRY(given(here, rows, "rows"));
    REPORT(store, rows, stelego_verify(s->index, into));
}

stele_result stele_backup(stele_store store, const char *directory, size_t directory_len, uint32_t keep, stele_rows *rows)
{
    static const char here[] = "stele_backup";
    TRY(enter_plain(here));
    TRY(text(here, directory, &directory_len, "directory", false));
    TRY(given(here, rows, "rows"));
    REPORT(store, rows, stelego_backup(s->index, into, (char *)directory, directory_len, keep));
}

stele_result stele_get(stele_store store, const stele_key *key, void *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_get";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(given(here, key, "key"));
    TRY(room(here, buffer, len, actual));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_get(s->index, (stele_key *)key, buffer, len, actual));
    return leave_shared(s, r);
}

stele_result stele_delete_keys(stele_store store, const stele_key *keys, size_t count, uint64_t *deleted)
{
    static const char here[] = "stele_delete_keys";
    slot             *s;
    stele_result      r;
    uint64_t          n = 0;
    TRY(enter_plain(here));
    if (count)
        TRY(given(here, keys, "keys"));
    if (count > 1 << 20)
        return shim_failf(here, STELE_TOO_LARGE, "%llu keys at once; up to 1,048,576 are taken", (unsigned long long)count);
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_delete_keys(s->index, (stele_key *)keys, count, &n));
    if (r == STELE_OK && deleted)
        *deleted = n;
    return leave_shared(s, r);
}

stele_result stele_delete(stele_store store, const stele_range *range, const char *filter, size_t filter_len, uint64_t *deleted)
{
    static const char here[] = "stele_delete";
    slot             *s;
    stele_result      r;
    uint64_t          n = 0;
    TRY(enter_plain(here));
    TRY(text(here, filter, &filter_len, "filter", true));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_delete(s->index, (stele_range *)range, (char *)filter, filter_len, &n));
    if (r == STELE_OK && deleted)
        *deleted = n;
    return leave_shared(s, r);
}

stele_result stele_document_set(stele_store store, const char *key, size_t key_len, const char *json, size_t json_len)
{
    static const char here[] = "stele_document_set";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(text(here, key, &key_len, "key", false));
    TRY(text(here, json, &json_len, "json", false));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_document_set(s->index, (char *)key, key_len, (char *)json, json_len));
    return leave_shared(s, r);
}

stele_result stele_document_get(stele_store store, const char *key, size_t key_len, char *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_document_get";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(text(here, key, &key_len, "key", false));
    TRY(room(here, buffer, len, actual));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_document_get(s->index, (char *)key, key_len, buffer, len, actual));
    return leave_shared(s, r);
}

stele_result stele_document_delete(stele_store store, const char *key, size_t key_len)
{
    static const char here[] = "stele_document_delete";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(text(here, key, &key_len, "key", false));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    GO(r = stelego_document_delete(s->index, (char *)key, key_len));
    return leave_shared(s, r);
}

stele_result stele_document_list(stele_store store, const char *prefix, size_t prefix_len, stele_rows *rows)
{
    static const char here[] = "stele_document_list";
    TRY(enter_plain(here));
    TRY(text(here, prefix, &prefix_len, "prefix", true));
    TRY(given(here, rows, "rows"));
    REPORT(store, rows, stelego_document_list(s->index, into, (char *)prefix, prefix_len));
}

// ------------------------------------------------------------------ serve

stele_result stele_serve_begin(stele_store store, const stele_serve_options *options, stele_server *server)
{
    static const char   here[] = "stele_serve_begin";
    stele_serve_options o;
    slot               *s, *made_;
    uint64_t            handle;
    stele_result        r;
    TRY(enter_plain(here));
    TRY(given(here, server, "server"));
    TRY(taken(here, &o, sizeof o, options));
    TRY(text(here, o.urls, &o.urls_len, "urls", true));
    TRY(text(here, o.instance, &o.instance_len, "instance", true));
    TRY(flags(here, o.flags, 0));
    TRY(reserved(here, o.reserved));
    TRY(enter_shared(here, store, KIND_STORE, &s));
    r = new_handle(here, KIND_SERVER, s, &made_, &handle);
    if (r != STELE_OK)
        return leave_shared(s, r);
    GO(r = stelego_serve_begin(s->index, made_->index, &o));
    return leave_shared(s, made(made_, r, handle, server));
}

stele_result stele_serve_urls(stele_server server, char *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_serve_urls";
    slot             *s;
    stele_result      r;
    TRY(enter_plain(here));
    TRY(room(here, buffer, len, actual));
    TRY(enter_shared(here, server, KIND_SERVER, &s));
    GO(r = stelego_serve_urls(s->index, buffer, len, actual));
    return leave_shared(s, r);
}

stele_result stele_serve_end(stele_server server)
{
    static const char here[] = "stele_serve_end";
    slot             *s;
    TRY(enter_plain(here));
    stele_result r = slot_closing(server, KIND_SERVER, &s);
    if (r != STELE_OK)
        return shim_failf(here, r, "%llu is not the handle of a server that serves; it may have been ended", (unsigned long long)server);
    slot_drain(s);
    GO(r = stelego_end(s->index));
    slot_free(s);
    return r;
}
