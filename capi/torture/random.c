// Any call with arguments that are mostly right, from several threads that share all handles and end them under each other.
#include "calls.h"

enum { POOL = 12, THREADS = 4, ROOM = 8 << 10 };

static _Atomic uint64_t pool[HANDLES][POOL];
static uint64_t         steps;

typedef struct memory {
    char     room[ROOM] __attribute__((aligned(16)));
    uint64_t out[3];
    uint64_t last[HANDLES]; // that this thread ended
    char     texts[2][512];
    union {
        char                all[200]; // as far as a wrong size may reach
        size_t              bytes;
        stele_options       open;
        stele_write_options write;
        stele_read_options  read;
        stele_query_options query;
        stele_tail_options  tail;
        stele_serve_options serve;
        stele_range         range;
        stele_version_info  version;
    } of;
} memory;

static uint64_t any_handle(memory *m, int kind)
{
    uint64_t h;
    if (kind < 0)
        kind = WRITER + (int)chance(4);
    switch (chance(24)) {
    case 0:
        return chance(2) ? 0 : UINT64_MAX;
    case 1:
        return atomic_load(&pool[kind][chance(POOL)]) ^ UINT64_C(1) << chance(64);
    case 2:
        kind = (int)chance(HANDLES);
        break;
    case 3:
        return m->last[kind];
    }
    h = atomic_load(&pool[kind][chance(kind == STORE ? 2 : POOL)]);
    return h;
}

static const char *any_text(memory *m, const call *c, int n)
{
    static const char *const clef[] = {"{\"@t\":\"2026-02-03T04:05:06Z\",\"N\":1}", "{\"@t\":\"x\"}", "", "{", "{\"@t\":\"1970-01-01\"}\n{\"@t\":\"2099-01-01\",\"Pad\":\"\xC3\xA4\"}\r\n\n", "\xFF\xFE"};
    static const char *const keys[] = {"a", "b", "key/1", "", "\xFF", "c"}, *const json[] = {"1", "{\"A\":[1,2]}", "", "{", "\xFF"}, *const filters[] = {"N = 7", "N >", "true", "", "@Level = 'Error'", "\xFF"};
    static const char *const queries[] = {"select N from stream", "select count(*) from stream group by N", "select", "", "\xFF", "select N, Pad from stream where N > 3 order by N desc limit 5"};
    switch (c->function) {
    case F_stele_open:
        snprintf(m->texts[0], sizeof m->texts[0], "%s/random-%d", directory, (int)chance(2));
        return m->texts[0];
    case F_stele_backup:
        snprintf(m->texts[0], sizeof m->texts[0], "%s/random-backups", directory);
        return m->texts[0];
    case F_stele_write_append:
        return clef[chance(chance(2) ? 1 : sizeof clef / sizeof clef[0])];
    case F_stele_query_begin:
        return queries[chance(sizeof queries / sizeof queries[0])];
    case F_stele_delete:
        return filters[chance(2)];
    case F_stele_document_set:
        if (n == 1)
            return json[chance(sizeof json / sizeof json[0])];
        return keys[chance(sizeof keys / sizeof keys[0])];
    case F_stele_key_parse:
        return chance(2) ? "event-80000000000000000000000000000001" : "event-8\xFF";
    default:
        return keys[chance(sizeof keys / sizeof keys[0])];
    }
}

static void any_options(memory *m, const call *c)
{
    memset(&m->of, 0, sizeof m->of);
    m->of.bytes = c->options;
    switch (c->function) {
    case F_stele_open:
        m->of.open.memory_bytes = 64 << 20;
        m->of.open.min_free_bytes = -1;
        break;
    case F_stele_write_begin:
        m->of.write.flags = (uint32_t)chance(4) & ~(uint32_t)(chance(4) ? STELE_BIND_THREAD : 0);
        if (chance(3) == 0) {
            m->of.write.id = "an id";
            m->of.write.id_len = STELE_TEXT;
        }
        break;
    case F_stele_read_begin:
        m->of.read.flags = (uint32_t)chance(4) & ~(uint32_t)(chance(4) ? STELE_BIND_THREAD : 0);
        m->of.read.ordering = (uint32_t)chance(2);
        m->of.read.limit = chance(20);
        break;
    case F_stele_tail_begin:
        m->of.tail.after = chance(2) ? STELE_FROM_NOW : chance(3);
        break;
    case F_stele_query_begin:
        m->of.query.timeout_ms = (uint32_t)chance(3);
        m->of.query.memory_bytes = chance(2) ? 0 : 1 + chance(4096);
        break;
    case F_stele_serve_begin:
        m->of.serve.urls = "http://127.0.0.1:0";
        m->of.serve.urls_len = STELE_TEXT;
        break;
    }
    if (chance(40) == 0)
        m->of.bytes = chance(sizeof m->of);
}

static int kind_made(int function)
{
    switch (function) {
    case F_stele_open:        return STORE;
    case F_stele_serve_begin: return SERVER;
    case F_stele_write_begin: return WRITER;
    case F_stele_read_begin:  return READER;
    case F_stele_tail_begin:  return TAIL;
    case F_stele_query_begin:
    case F_stele_verify:
    case F_stele_backup:
    case F_stele_document_list:
        return ROWS;
    }
    return -1;
}

static bool rare(int f) { return f == F_stele_close || f == F_stele_backup || f == F_stele_serve_begin || f == F_stele_verify || f == F_stele_open || f == F_stele_flush || f == F_stele_delete; }

static void step(memory *m)
{
    const call *c = &calls[chance(CALLS)];
    uint64_t    a[PARAMETERS] = {0};
    uint64_t   *out = m->out, mine = 0;
    int         texts = 0, own = -1;
    if ((rare(c->function) && chance(12)) || c->function == F_stele_host)
        return;
    for (int i = 0; c->parameters[i]; i++) {
        const char *s;
        switch (c->parameters[i]) {
        case 't':
        case 'o':
            s = any_text(m, c, texts++);
            a[i] = (uintptr_t)s;
            a[i + 1] = chance(8) ? strlen(s) : chance(2) ? STELE_TEXT : (UINT64_C(2) << 30) + chance(99);
            break;
        case 'k':
            a[i] = (uintptr_t)m->room;
            if (c->parameters[i + 1] == 'l')
                a[i + 1] = chance(10);
            break;
        case 'x':
            any_options(m, c);
            a[i] = (uintptr_t)&m->of;
            break;
        case 'g':
            memset(&m->of.range, 0, sizeof m->of.range);
            m->of.range.from.kind = (uint32_t)chance(6);
            m->of.range.from.instant = (int64_t)(chance(UINT64_MAX));
            a[i] = (uintptr_t)&m->of;
            break;
        case 'b':
        case 'y':
            a[i] = (uintptr_t)m->room;
            a[i + 1] = c->parameters[i] == 'y' ? ROOM / sizeof(stele_key) : chance(3) ? ROOM : chance(ROOM);
            break;
        case 'v':
            STELE_INIT(m->of.version);
            a[i] = (uintptr_t)&m->of;
            break;
        case 'a':
        case 'n':
            a[i] = (uintptr_t)out++;
            break;
        case 'i':
            a[i] = chance(3); // milliseconds to wait, backups to keep
            break;
        case 'l':
            break;
        default:
            own = c->parameters[i] == 'H' ? -1 : kind_of_letter(c->parameters[i]);
            mine = a[i] = any_handle(m, own);
        }
        if (chance(60) == 0 && strchr("tokxgbyvan", c->parameters[i]))
            a[i] = 0;
    }
    if (c->parameters[0] == 'T' && chance(500) == 0 && c->parameters[1] == 'i')
        a[1] = 200;
    stele_result r = do_call(c, a);
    int          kind = kind_made(c->function);
    if (r == STELE_OK && kind >= 0) {
        uint64_t made = out[-1]; // written last
        uint64_t old = atomic_exchange(&pool[kind][chance(kind == STORE ? 2 : POOL)], made);
        if (old)
            (void)end_handle(kind, old);
        m->last[kind] = old;
    }
    if (own >= 0 && mine && chance(200) == 0 && own != STORE) {
        (void)end_handle(own, mine);
        m->last[own] = mine;
    }
}

static void *stepping(void *arg)
{
    memory *m = calloc(1, sizeof *m);
    sow((uintptr_t)arg);
    for (uint64_t i = 0; i < steps; i++)
        step(m);
    free(m);
    return NULL;
}

void random_calls(void)
{
    unsigned files = open_files();
    steps = 4000 * (uint64_t)size;
    pool[STORE][0] = a_store("random-0", 300);
    pool[STORE][1] = a_store("random-1", 0);
    pthread_t t[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        t[i] = start(stepping, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        finish(t[i]);
    for (int i = 0; i < POOL; i++)
        for (int k = HANDLES - 1; k >= STORE; k--)
            if (pool[k][i])
                (void)end_handle(k, pool[k][i]);
    end_store(a_store("random-0", 1));
    end_store(a_store("random-1", 1));
    none_left_open(files);
}
