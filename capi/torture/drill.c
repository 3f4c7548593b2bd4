// A panic in every function that enters Go. Each gives STELE_INTERNAL with the text of it; the handle, if it is an exclusive one, is of no use any more, the store is.
#include "calls.h"

#ifdef DRILL

static stele_store the_store;

// These never enter Go.
static bool never(int f)
{
    return f == F_stele_host || f == F_stele_key_parse || f == F_stele_key_format || f == F_stele_key_parts;
}

static const char *place_of(int f) { return name_of(f); }

static uint64_t fresh(int kind)
{
    stele_serve_options o;
    uint64_t            h;
    switch (kind) {
    case STORE:  return the_store;
    case WRITER: return a_writer(the_store);
    case READER: return a_reader(the_store, 0);
    case TAIL:   return a_tail(the_store, 0);
    case ROWS:   return a_query(the_store, "select N from stream");
    default:
        STELE_INIT(o);
        o.urls = "http://127.0.0.1:0";
        o.urls_len = STELE_TEXT;
        want(STELE_OK, stele_serve_begin, the_store, &o, &h);
        return h;
    }
}

static bool is_end(int f)
{
    return f == F_stele_close || f == F_stele_serve_end || f == F_stele_write_end || f == F_stele_write_abandon || f == F_stele_read_end || f == F_stele_rows_end || f == F_stele_tail_end;
}

static void strike(const call *c)
{
    static char room[64 << 10] __attribute__((aligned(8)));
    uint64_t    a[PARAMETERS] = {0}, out[3] = {777777, 777777, 777777}, handle = 0;
    int         kind = -1, texts = 0, outs = 0;
    char        path[512];
    for (int i = 0; c->parameters[i]; i++)
        switch (c->parameters[i]) {
        case 't':
        case 'o':
            snprintf(path, sizeof path, "%s%s", directory, c->texts[texts]);
            a[i] = (uintptr_t)(c->texts[texts][0] == '/' ? path : c->texts[texts]);
            a[i + 1] = STELE_TEXT;
            texts++;
            break;
        case 'k':
        case 'b':
        case 'y':
            a[i] = (uintptr_t)room;
            if (c->parameters[i + 1] == 'l')
                a[i + 1] = c->parameters[i] == 'k' ? 1 : c->parameters[i] == 'b' ? sizeof room : sizeof room / sizeof(stele_key);
            break;
        case 'v':
            STELE_INIT(*(stele_version_info *)(void *)room);
            a[i] = (uintptr_t)room;
            break;
        case 'a':
        case 'n':
            a[i] = (uintptr_t)&out[outs++];
            break;
        case 'H':
            a[i] = handle = fresh(kind = READER);
            break;
        case 'x':
        case 'g':
        case 'i':
        case 'l':
            break;
        default:
            a[i] = handle = fresh(kind = kind_of_letter(c->parameters[i]));
        }
    uint64_t goroutines = stele_drill_goroutines();
    stele_drill(place_of(c->function));
    stele_result r = do_call(c, a);
    stele_drill("");
    if (never(c->function))
        return;
    must(r == STELE_INTERNAL, "%s with a panic in it gave %s", name_of(c->function), stele_result_name(r));
    must(strstr(last_text(), name_of(c->function)) == last_text() && strstr(last_text(), "a defect in Stele: drill") && strstr(last_text(), "goroutine"), "the text of %s does not tell of the panic", name_of(c->function));
    for (int i = 0; i < 3; i++)
        must(out[i] == 777777, "%s wrote to its output %d", name_of(c->function), i);
    if (c->function == F_stele_close) {
        want(STELE_INVALID_HANDLE, stele_close, the_store);
        the_store = a_store("drill", 0);
    } else if (is_end(c->function)) {
        must(end_handle(kind, handle) == STELE_INVALID_HANDLE, "after %s with a panic in it the handle is still there", name_of(c->function));
    } else if (kind > SERVER && c->function != F_stele_cancel) { // poisoned
        r = do_call(c, a);
        must(r == STELE_INTERNAL && strstr(last_text(), "before"), "after a panic %s gave %s", name_of(c->function), stele_result_name(r));
        if (kind == WRITER)
            want(STELE_INTERNAL, stele_write_end, handle, NULL, 0, NULL);
        r = end_handle(kind, handle);
        must(r == (kind == WRITER ? STELE_INVALID_HANDLE : STELE_OK), "a handle with a panic in it ended with %s", stele_result_name(r));
    } else if (kind > STORE) {
        r = end_handle(kind, handle);
        must(r == STELE_OK || r == STELE_CANCELED, "a handle with a panic in it ended with %s", stele_result_name(r));
    }
    size_t n;
    want(STELE_OK, stele_statistics, the_store, room, sizeof room, &n); // the store goes on
    if (kind <= STORE)
        for (int i = 0; stele_drill_goroutines() > goroutines && i < 2000; i++)
            nap(1000);
    must(kind > STORE || stele_drill_goroutines() <= goroutines, "%s with a panic in it left a goroutine", name_of(c->function));
}

// reading ahead, in a goroutine of its own.
static void ahead(void)
{
    char         text[4096];
    size_t       n, count;
    stele_result r;
    for (int batch = 0; batch < 2; batch++) {
        uint64_t goroutines = stele_drill_goroutines();
        stele_drill("read ahead");
        stele_reader h = a_reader(the_store, STELE_READ_AHEAD);
        char        *room = aligned_alloc(8, 4096);
        r = batch ? CALL(stele_read_next_batch, h, room, 4096, &n, &count) : CALL(stele_read_next, h, NULL, text, sizeof text, &n);
        must(r == STELE_INTERNAL && strstr(last_text(), "drill"), "reading ahead with a panic in it gave %s", stele_result_name(r));
        stele_drill("");
        want(STELE_INTERNAL, stele_read_next, h, NULL, text, sizeof text, &n);
        r = CALL(stele_read_end, h);
        must(r == STELE_OK || r == STELE_INTERNAL, "it ended with %s", stele_result_name(r));
        free(room);
        for (int i = 0; stele_drill_goroutines() > goroutines && i < 2000; i++)
            nap(1000);
        must(stele_drill_goroutines() <= goroutines, "reading ahead with a panic in it left a goroutine");
    }
}

// everywhere has all of Go panic while a handle of each kind is ended by the call that is inside: the store closes all the same when that is over.
static void everywhere(void)
{
    uint64_t h[HANDLES];
    for (int k = SERVER; k < HANDLES; k++)
        h[k] = fresh(k);
    stele_drill("*");
    for (const call *c = calls; c < calls + CALLS; c++) {
        static char room[4096] __attribute__((aligned(8)));
        uint64_t    a[PARAMETERS] = {0};
        if (c->function == F_stele_close || c->function == F_stele_open)
            continue;
        for (int i = 0; c->parameters[i]; i++) {
            int kind = kind_of_letter(c->parameters[i]);
            a[i] = kind == STORE ? the_store : kind > STORE ? h[kind] : c->parameters[i] == 'H' ? h[TAIL] : 0;
            if (strchr("tkban", c->parameters[i]))
                a[i] = (uintptr_t)room;
        }
        (void)do_call(c, a);
    }
    stele_drill("");
    for (int k = SERVER; k < HANDLES; k++)
        must(end_handle(k, h[k]) == STELE_INVALID_HANDLE, "a handle of kind %d is still there", k);
}

static _Atomic bool no_more;

static void *follow_slowly(void *tail)
{
    char   text[4096];
    size_t n;
    while (!atomic_load(&no_more)) {
        stele_result r = CALL(stele_tail_next, *(uint64_t *)tail, 0, NULL, text, sizeof text, &n);
        must(r == STELE_BUSY || r == STELE_TIMED_OUT || r == STELE_CLOSED, "a slow call gave %s", stele_result_name(r));
    }
    return NULL;
}

// slow closes a store while a call is inside an exclusive handle and stays there: it is over when the close returns (R24), or the handle would answer STELE_BUSY.
static void slow(void)
{
    char        text[4096];
    size_t      n;
    stele_store s = a_store("slow", 5);
    uint64_t    tail = a_tail(s, STELE_FROM_NOW);
    stele_drill("slow stele_tail_next");
    pthread_t t = start(follow_slowly, &tail);
    while (CALL(stele_tail_next, tail, 0, NULL, text, sizeof text, &n) != STELE_BUSY)
        ;
    atomic_store(&no_more, true);
    want(STELE_OK, stele_close, s);
    want(STELE_CLOSED, stele_tail_next, tail, 0, NULL, text, sizeof text, &n);
    stele_drill("");
    finish(t);
    want(STELE_OK, stele_tail_end, tail);
}

void drill(void)
{
    slow();
    the_store = a_store("drill", 30);
    uint64_t goroutines = stele_drill_goroutines();
    for (unsigned round = 0; round < size; round++) {
        for (const call *c = calls; c < calls + CALLS; c++)
            strike(c);
        ahead();
        everywhere();
    }
    for (int i = 0; stele_drill_goroutines() > goroutines && i < 2000; i++)
        nap(1000);
    must(stele_drill_goroutines() <= goroutines, "%llu goroutines are left, %llu were", (unsigned long long)stele_drill_goroutines(), (unsigned long long)goroutines);
    end_store(the_store);
}
#endif
