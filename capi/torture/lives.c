// The lives of handles: closing and canceling while calls are inside, many threads on one handle, ending from any thread.
#include "calls.h"

#include <unistd.h>

static const char heavy[] = "select count(*) as n from stream group by N, Pad order by n";

// A caller makes calls on one handle until it is told that there is no use.
typedef struct caller {
    int         what;
    stele_store store;
    uint64_t    handle;
    _Atomic int calls;    // that came back
    stele_result last;
} caller;

enum { WAITING_TAIL, BATCHED_TAIL, READING, READING_AHEAD, QUERYING, WRITING, DOCUMENTS, VERIFYING, ASKING, SERVING, DELETING, BEGINNING, BACKING_UP, WHATS };

static uint64_t handle_for(int what, stele_store s)
{
    switch (what) {
    case WAITING_TAIL:
    case BATCHED_TAIL:
        return a_tail(s, STELE_FROM_NOW);
    case READING:
        return a_reader(s, 0);
    case READING_AHEAD:
        return a_reader(s, STELE_READ_AHEAD);
    case QUERYING:
        return a_query(s, heavy);
    case WRITING:
        return a_writer(s);
    }
    return 0;
}

static stele_result end_of(int what, uint64_t h)
{
    return what <= BATCHED_TAIL ? CALL(stele_tail_end, h) : what <= READING_AHEAD ? CALL(stele_read_end, h) : what == QUERYING ? CALL(stele_rows_end, h) : CALL(stele_write_abandon, h);
}

static stele_result one_call(int what, stele_store s, uint64_t h)
{
    static __thread char room[64 << 10] __attribute__((aligned(8)));
    size_t               n, count;
    uint64_t             made;
    stele_result         r;
    stele_serve_options  o;
    switch (what) {
    case WAITING_TAIL:
        return CALL(stele_tail_next, h, UINT32_MAX, NULL, room, sizeof room, &n);
    case BATCHED_TAIL:
        return CALL(stele_tail_next_batch, h, UINT32_MAX, room, sizeof room, &n, &count);
    case READING:
        return CALL(stele_read_next, h, NULL, room, sizeof room, &n);
    case READING_AHEAD:
        return CALL(stele_read_next_batch, h, room, sizeof room, &n, &count);
    case QUERYING:
        return CALL(stele_rows_next, h, room, sizeof room, &n);
    case WRITING:
        return CALL(stele_write_append, h, "{\"@t\":\"2026-01-01\"}", STELE_TEXT);
    case DOCUMENTS:
        r = CALL(stele_document_set, s, "key", STELE_TEXT, "[1]", STELE_TEXT);
        return r != STELE_OK ? r : CALL(stele_document_get, s, "key", STELE_TEXT, room, sizeof room, &n);
    case VERIFYING:
        r = CALL(stele_verify, s, &made);
        if (r == STELE_OK)
            (void)CALL(stele_rows_end, made);
        return r;
    case ASKING:
        return CALL(stele_statistics, s, room, sizeof room, &n);
    case SERVING:
        STELE_INIT(o);
        o.urls = "http://127.0.0.1:0";
        o.urls_len = STELE_TEXT;
        r = CALL(stele_serve_begin, s, &o, &made);
        if (r == STELE_OK) {
            want(STELE_OK, stele_serve_urls, made, room, sizeof room, &n);
            must(CALL(stele_serve_end, made) == STELE_OK, "a server does not end well");
            must(CALL(stele_serve_end, made) == STELE_INVALID_HANDLE, "a server ends twice");
        }
        return r;
    case DELETING:
        return CALL(stele_delete, s, NULL, "N = 1", STELE_TEXT, NULL);
    case BEGINNING:
        r = CALL(stele_read_begin, s, NULL, &made);
        if (r == STELE_OK)
            (void)CALL(stele_read_end, made);
        return r;
    default:
        r = CALL(stele_backup, s, path_in("backups"), STELE_TEXT, 1, &made);
        if (r == STELE_OK)
            (void)CALL(stele_rows_end, made);
        return r == STELE_LOCKED ? STELE_OK : r;
    }
}

static void *call_on(void *arg)
{
    caller *c = arg;
    sow((uint64_t)c->what + 100);
    for (;;) {
        stele_result r = one_call(c->what, c->store, c->handle);
        c->last = r;
        atomic_fetch_add(&c->calls, 1);
        if (r == STELE_CLOSED || r == STELE_CANCELED || r == STELE_INVALID_HANDLE || r == STELE_DONE)
            return NULL;
        must(r == STELE_OK, "call %d gave %s while the store was being closed", c->what, stele_result_name(r));
    }
}

// closing: a store is closed with calls of all kinds inside. Afterwards nobody is (R24): an exclusive handle answers STELE_CLOSED, never STELE_BUSY.
void closing(void)
{
    unsigned files = open_files();
    for (unsigned round = 0; round < 6 * size; round++) {
        char name[32];
        snprintf(name, sizeof name, "closing-%u", round);
        stele_store s = a_store(name, round % 2 ? 2000 : 10);
        caller      all[WHATS];
        pthread_t   threads[WHATS];
        memset(all, 0, sizeof all);
        for (int i = 0; i < WHATS; i++) {
            all[i].what = i;
            all[i].store = s;
            all[i].handle = handle_for(i, s);
        }
        for (int i = 0; i < WHATS; i++)
            threads[i] = start(call_on, &all[i]);
        nap((unsigned)chance(30000));
        stele_rows   unused = a_query(s, "select N from stream");
        stele_reader ahead = a_reader(s, STELE_READ_AHEAD);
        stele_writer open = a_writer(s);
        stele_tail   tail = a_tail(s, 0);
        char         text[4096];
        size_t       n;
        want(STELE_OK, stele_close, s);
        for (int i = 0; i <= BATCHED_TAIL; i++) {
            stele_result r = CALL(stele_tail_next, all[i].handle, 0, NULL, text, sizeof text, &n);
            must(r == STELE_CLOSED, "a tail answers %s after the store was closed", stele_result_name(r));
        }
        want(STELE_INVALID_HANDLE, stele_close, s);
        want(STELE_INVALID_HANDLE, stele_flush, s);
        want(STELE_CLOSED, stele_rows_next, unused, text, sizeof text, &n);
        want(STELE_CLOSED, stele_read_next, ahead, NULL, text, sizeof text, &n);
        want(STELE_CLOSED, stele_write_append, open, "{}", 2);
        want(STELE_CLOSED, stele_write_end, open, NULL, 0, NULL);
        want(STELE_CLOSED, stele_tail_next, tail, UINT32_MAX, NULL, text, sizeof text, &n);
        for (int i = 0; i < WHATS; i++) {
            finish(threads[i]);
            must(all[i].last == STELE_CLOSED || all[i].last == STELE_INVALID_HANDLE || (all[i].last == STELE_DONE && i <= QUERYING), "call %d ended with %s", i, stele_result_name(all[i].last));
            if (i <= WRITING)
                (void)end_of(i, all[i].handle);
        }
        (void)CALL(stele_rows_end, unused);
        (void)CALL(stele_read_end, ahead);
        (void)CALL(stele_tail_end, tail);
        want(STELE_INVALID_HANDLE, stele_write_abandon, open);
        s = a_store(name, 1); // it can be opened again
        end_store(s);
    }
    none_left_open(files);
}

// canceling: what waits or works is ended from another thread, before it begins, while it is inside, and with the handle ended first.
void canceling(void)
{
    stele_store s = a_store("canceling", 3000);
    for (unsigned round = 0; round < 4 * size; round++)
        for (int what = WAITING_TAIL; what <= WRITING; what++)
            for (int how = 0; how < 3; how++) {
                caller c = {.what = what, .store = s, .handle = handle_for(what, s)};
                uint64_t h = c.handle;
                if (how == 0)
                    want(STELE_OK, stele_cancel, h);
                pthread_t t = start(call_on, &c);
                nap((unsigned)chance(3000));
                if (how == 2) {
                    stele_result r = end_of(what, h); // at once, or when the call leaves
                    must(r == STELE_OK || r == STELE_INVALID_HANDLE || r == STELE_CANCELED, "the end of %d gave %s", what, stele_result_name(r));
                    r = CALL(stele_cancel, h);
                    must(r == STELE_OK || r == STELE_INVALID_HANDLE, "canceling what was ended gave %s", stele_result_name(r));
                } else if (how == 1) {
                    want(STELE_OK, stele_cancel, h);
                    want(STELE_OK, stele_cancel, h);
                }
                finish(t);
                must(how == 2 || c.last == STELE_CANCELED || c.last == STELE_DONE, "call %d ended with %s", what, stele_result_name(c.last));
                if (how != 2) {
                    stele_result r = end_of(what, c.handle);
                    must(r == STELE_OK || r == STELE_CANCELED, "the end of %d gave %s", what, stele_result_name(r));
                    must(end_of(what, c.handle) == STELE_INVALID_HANDLE, "it ends twice");
                }
            }
    end_store(s);
}

// Exclusive handles from many threads.

enum { FIGHTERS = 4 };

typedef struct fight {
    uint64_t    handle;
    uint32_t    calls;
    atomic_uint given, busy;
} fight;

static void *read_in_a_fight(void *arg)
{
    fight *f = arg;
    char   text[4096];
    size_t n;
    for (;;)
        switch (CALL(stele_read_next, f->handle, NULL, text, sizeof text, &n)) {
        case STELE_OK:
            atomic_fetch_add(&f->given, 1);
            break;
        case STELE_BUSY:
            atomic_fetch_add(&f->busy, 1);
            break;
        case STELE_DONE:
            return NULL;
        default:
            must(false, "a reader that many threads use broke");
        }
}

static void *write_in_a_fight(void *arg)
{
    fight *f = arg;
    for (uint32_t i = 0; i < f->calls;)
        switch (CALL(stele_write_append, f->handle, "{\"@t\":\"2026-01-01\"}", STELE_TEXT)) {
        case STELE_OK:
            atomic_fetch_add(&f->given, 1);
            i++;
            break;
        case STELE_BUSY:
            atomic_fetch_add(&f->busy, 1);
            break;
        default:
            must(false, "a writer that many threads use broke");
        }
    return NULL;
}

static void *intrude(void *arg)
{
    uint64_t *h = arg;
    char      text[4096] __attribute__((aligned(8)));
    size_t    n, count;
    for (int i = 0; i < 200; i++) {
        want(STELE_WRONG_THREAD, stele_write_append, h[0], "{\"@t\":\"2026-01-01\"}", STELE_TEXT);
        want(STELE_WRONG_THREAD, stele_read_next, h[1], NULL, text, sizeof text, &n);
        want(STELE_WRONG_THREAD, stele_read_next_batch, h[1], text, sizeof text, &n, &count);
        want(STELE_WRONG_THREAD, stele_tail_next, h[2], 0, NULL, text, sizeof text, &n);
        want(STELE_WRONG_THREAD, stele_tail_next_batch, h[2], 0, text, sizeof text, &n, &count);
        want(STELE_WRONG_THREAD, stele_rows_next, h[3], text, sizeof text, &n);
        want(STELE_WRONG_THREAD, stele_rows_next_batch, h[3], text, sizeof text, &n, &count);
        want(STELE_WRONG_THREAD, stele_rows_describe, h[3], text, sizeof text, &n);
    }
    return NULL;
}

static void *end_bound(void *arg)
{
    uint64_t *h = arg;
    want(STELE_OK, stele_write_end, h[0], NULL, 0, NULL);
    want(STELE_OK, stele_read_end, h[1]);
    want(STELE_OK, stele_cancel, h[2]);
    (void)CALL(stele_tail_end, h[2]);
    want(STELE_OK, stele_rows_end, h[3]);
    return NULL;
}

static void bound(stele_store s)
{
    uint64_t            h[4];
    stele_write_options w;
    stele_read_options  r;
    stele_tail_options  t;
    stele_query_options q;
    char                text[4096];
    size_t              n;
    uint64_t            arrival;
    STELE_INIT(w);
    STELE_INIT(r);
    STELE_INIT(t);
    STELE_INIT(q);
    w.flags = r.flags = t.flags = q.flags = STELE_BIND_THREAD;
    want(STELE_OK, stele_write_begin, s, &w, &h[0]);
    want(STELE_OK, stele_read_begin, s, &r, &h[1]);
    want(STELE_OK, stele_tail_begin, s, &t, &h[2]);
    want(STELE_OK, stele_query_begin, s, "select N from stream", STELE_TEXT, &q, &h[3]);
    pthread_t intruder = start(intrude, h);
    for (int i = 0; i < 200; i++) { // which the thread that may does not notice
        want(STELE_OK, stele_write_append, h[0], "{\"@t\":\"2026-01-01\"}", STELE_TEXT);
        want(STELE_OK, stele_read_next, h[1], NULL, text, sizeof text, &n);
        want(STELE_OK, stele_tail_next, h[2], 0, NULL, text, sizeof text, &n);
        want(STELE_OK, stele_tail_position, h[2], &arrival);
        want(STELE_OK, stele_rows_next, h[3], text, sizeof text, &n);
    }
    finish(intruder);
    finish(start(end_bound, h));
}

void exclusive(void)
{
    enum { EVENTS = 3000 };
    stele_store s = a_store("exclusive", EVENTS);
    for (uint32_t flags = 0; flags <= STELE_READ_AHEAD; flags++) {
        fight     f = {.handle = a_reader(s, flags)};
        pthread_t t[FIGHTERS];
        for (int i = 0; i < FIGHTERS; i++)
            t[i] = start(read_in_a_fight, &f);
        for (int i = 0; i < FIGHTERS; i++)
            finish(t[i]);
        must(f.given == EVENTS, "%u events of %d", f.given, EVENTS);
        want(STELE_OK, stele_read_end, f.handle);
    }
    fight     f = {.calls = 500};
    pthread_t t[FIGHTERS];
    size_t    n;
    stele_key keys[1];
    want(STELE_OK, stele_write_begin, s, NULL, &f.handle);
    for (int i = 0; i < FIGHTERS; i++)
        t[i] = start(write_in_a_fight, &f);
    for (int i = 0; i < FIGHTERS; i++)
        finish(t[i]);
    want(STELE_BUFFER_TOO_SMALL, stele_write_end, f.handle, keys, 1, &n);
    must(n == 500 * FIGHTERS && f.given == n, "%zu events", n);
    want(STELE_OK, stele_write_end, f.handle, NULL, 0, NULL);
    for (unsigned round = 0; round < size; round++)
        bound(s);
    end_store(s);
}

// endings: many threads end the same handles, as finalisers do, while others use them; each is ended once.

enum { SHARED = 40 };

static _Atomic uint64_t doomed[SHARED];
static _Atomic bool     enough;

static int kind_at(int i) { return WRITER + i % 4; }

static uint64_t of_kind(stele_store s, int kind)
{
    return kind == WRITER ? a_writer(s) : kind == READER ? a_reader(s, (uint32_t)chance(2)) : kind == TAIL ? a_tail(s, 0) : a_query(s, "select N from stream");
}

static void *use_doomed(void *unused)
{
    char   text[4096];
    size_t n;
    sow(7);
    while (!atomic_load(&enough)) {
        int          i = (int)chance(SHARED);
        uint64_t     h = atomic_load(&doomed[i]);
        stele_result r = kind_at(i) == WRITER   ? CALL(stele_write_append, h, "{\"@t\":\"2026-01-01\"}", STELE_TEXT)
                         : kind_at(i) == READER ? CALL(stele_read_next, h, NULL, text, sizeof text, &n)
                         : kind_at(i) == TAIL   ? CALL(stele_tail_next, h, (uint32_t)chance(2), NULL, text, sizeof text, &n)
                                                : CALL(stele_rows_next, h, text, sizeof text, &n);
        must(r == STELE_OK || r == STELE_BUSY || r == STELE_INVALID_HANDLE || r == STELE_DONE || r == STELE_TIMED_OUT, "a call beside an end gave %s", stele_result_name(r));
    }
    return unused;
}

static atomic_uint ended;

static void *finalise(void *unused)
{
    for (int i = 0; i < SHARED; i++) {
        stele_result r = end_handle(kind_at(i), atomic_load(&doomed[i]));
        must(r == STELE_OK || r == STELE_INVALID_HANDLE, "an end beside calls gave %s", stele_result_name(r));
        if (r == STELE_OK)
            atomic_fetch_add(&ended, 1);
    }
    return unused;
}

void endings(void)
{
    stele_store s = a_store("endings", 500);
    for (int i = 0; i < SHARED; i++)
        atomic_store(&doomed[i], of_kind(s, kind_at(i)));
    pthread_t users[2] = {start(use_doomed, NULL), start(use_doomed, NULL)};
    for (unsigned round = 0; round < 20 * size; round++) {
        atomic_store(&ended, 0);
        pthread_t t[3];
        for (int i = 0; i < 3; i++)
            t[i] = start(finalise, NULL);
        for (int i = 0; i < 3; i++)
            finish(t[i]);
        must(ended == SHARED, "%u handles of %d were ended", ended, SHARED);
        for (int i = 0; i < SHARED; i++)
            atomic_store(&doomed[i], of_kind(s, kind_at(i)));
    }
    atomic_store(&enough, true);
    finish(users[0]);
    finish(users[1]);
    finalise(NULL);
    end_store(s);
}
