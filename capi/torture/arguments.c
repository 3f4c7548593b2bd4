// Every argument of every function wrong in turn: NULL, lengths, handles, structs. All other arguments are right, and all memory ends at a page that
// may not be touched.
#include "calls.h"

enum { ROOM = 64 << 10, OUT = 16, FILL = 0xA5 };

static stele_store the_store;
static uint64_t    stale[HANDLES];

// A case is a call with its arguments, and what was made for them.
typedef struct one_case {
    const call *c;
    uint64_t    a[PARAMETERS];
    struct {
        unsigned char *p;
        size_t         n;
    } memory[PARAMETERS];
    uint64_t handle; // that the call is about
    int      kind;
} one_case;

static uint64_t fresh(int kind)
{
    stele_serve_options o;
    uint64_t            h;
    switch (kind) {
    case STORE:  return the_store;
    case WRITER: return a_writer(the_store);
    case READER: return a_reader(the_store, 0);
    case TAIL:   return a_tail(the_store, 0);
    case ROWS:   return a_query(the_store, "select N, Pad from stream");
    default:
        STELE_INIT(o);
        o.urls = "http://127.0.0.1:0";
        o.urls_len = STELE_TEXT;
        want(STELE_OK, stele_serve_begin, the_store, &o, &h);
        return h;
    }
}

static bool creates(const call *c) // the last argument is a handle
{
    return c->function == F_stele_open || c->function == F_stele_verify || c->function == F_stele_backup || c->function == F_stele_document_list || strstr(name_of(c->function), "_begin");
}

static int kind_made(const call *c)
{
    return c->function == F_stele_open ? STORE : c->function == F_stele_write_begin ? WRITER : c->function == F_stele_read_begin ? READER : c->function == F_stele_tail_begin ? TAIL
           : c->function == F_stele_serve_begin ? SERVER : ROWS;
}

static void put(one_case *o, int i, size_t n, const void *content)
{
    o->memory[i].p = at_the_edge(n);
    o->memory[i].n = n;
    if (content)
        memcpy(o->memory[i].p, content, n);
    else
        memset(o->memory[i].p, FILL, n);
    o->a[i] = (uintptr_t)o->memory[i].p;
}

// prepare makes right arguments.
static void prepare(one_case *o, const call *c)
{
    int         text = 0;
    char        path[512];
    stele_key   none = {{0}};
    const char *content;
    memset(o, 0, sizeof *o);
    o->c = c;
    o->kind = -1;
    if (c->function == F_stele_document_get || c->function == F_stele_document_delete)
        want(STELE_OK, stele_document_set, the_store, "a key", STELE_TEXT, "{}", STELE_TEXT);
    for (int i = 0; c->parameters[i]; i++) {
        switch (c->parameters[i]) {
        case 't':
        case 'o':
            content = c->texts[text++];
            if (*content == '/') {
                snprintf(path, sizeof path, "%s%s", directory, content);
                content = path;
            }
            put(o, i, strlen(content) + 1, content); // with its NUL
            o->a[i + 1] = strlen(content);
            break;
        case 'k':
            put(o, i, sizeof none, &none);
            if (c->parameters[i + 1] == 'l')
                o->a[i + 1] = 1;
            break;
        case 'x':
            put(o, i, c->options, NULL);
            memset(o->memory[i].p, 0, c->options);
            memcpy(o->memory[i].p, &c->options, sizeof c->options);
            if (c->function == F_stele_serve_begin) {
                ((stele_serve_options *)o->memory[i].p)->urls = "http://127.0.0.1:0";
                ((stele_serve_options *)o->memory[i].p)->urls_len = STELE_TEXT;
            }
            break;
        case 'g':
            put(o, i, sizeof(stele_range), NULL);
            memset(o->memory[i].p, 0, sizeof(stele_range));
            break;
        case 'b':
            put(o, i, ROOM, NULL);
            o->a[i + 1] = ROOM;
            break;
        case 'y':
            put(o, i, 4 * sizeof(stele_key), NULL);
            o->a[i + 1] = 4;
            break;
        case 'v':
            put(o, i, sizeof(stele_version_info), NULL);
            STELE_INIT(*(stele_version_info *)o->memory[i].p);
            break;
        case 'a':
        case 'n':
            put(o, i, OUT, NULL);
            break;
        case 'H':
            o->a[i] = o->handle = fresh(o->kind = READER);
            break;
        case 'i':
        case 'l':
            break;
        default:
            o->a[i] = o->handle = fresh(o->kind = kind_of_letter(c->parameters[i]));
        }
    }
}

// through makes the call, sees that a failure left the outputs alone, and cleans up.
static stele_result through(one_case *o)
{
    const call  *c = o->c;
    stele_result r = do_call(c, o->a);
    for (int i = 0; c->parameters[i]; i++)
        if (r != STELE_OK && strchr("abny", c->parameters[i]) && o->memory[i].p) {
            bool told = r == STELE_BUFFER_TOO_SMALL && c->parameters[i] == 'a' && (c->parameters[i - 1] == 'l'); // the size needed
            for (size_t k = 0; k < o->memory[i].n && !told; k++)
                must(o->memory[i].p[k] == FILL, "%s gave %s and wrote to its argument %d", name_of(c->function), stele_result_name(r), i + 1);
        }
    if (r == STELE_OK && creates(c)) {
        int           last = (int)strlen(c->parameters) - 1;
        uint64_t      made;
        memcpy(&made, o->memory[last].p, sizeof made);
        must(made > 0 && made < UINT64_C(1) << 53, "%s made the handle %llu", name_of(c->function), (unsigned long long)made);
        must(end_handle(kind_made(c), made) == STELE_OK, "what %s made does not end well", name_of(c->function));
    }
    if (o->kind > STORE) {
        bool ended = c->function == F_stele_write_end || c->function == F_stele_write_abandon || c->function == F_stele_read_end || c->function == F_stele_rows_end || c->function == F_stele_tail_end || c->function == F_stele_serve_end;
        stele_result e = end_handle(o->kind, o->handle);
        if (r == STELE_OK && ended)
            must(e == STELE_INVALID_HANDLE, "after %s the handle is still there: %s", name_of(c->function), stele_result_name(e));
        stale[o->kind] = o->handle;
    } else if (o->kind == STORE && c->function == F_stele_close && r == STELE_OK) {
        must(end_handle(STORE, o->handle) == STELE_INVALID_HANDLE, "a store closes twice");
        stale[STORE] = o->handle;
        the_store = a_store("arguments", 0);
    }
    for (int i = 0; i < PARAMETERS; i++)
        if (o->memory[i].p)
            give_back(o->memory[i].p, o->memory[i].n);
    return r;
}

static void expect(one_case *o, stele_result expected, const char *what)
{
    const call  *c = o->c;
    stele_result r = through(o);
    must(r == expected, "%s with %s gave %s, not %s", name_of(c->function), what, stele_result_name(r), stele_result_name(expected));
}

static void right(const call *c)
{
    one_case     o;
    prepare(&o, c);
    stele_result r = through(&o);
    must(r == STELE_OK || (c->function == F_stele_get && r == STELE_NOT_FOUND), "%s with right arguments gave %s", name_of(c->function), stele_result_name(r));
}

static void null(const call *c, int i)
{
    one_case o;
    char     letter = c->parameters[i];
    prepare(&o, c);
    o.a[i] = 0;
    if (strchr("tkavby", letter) || letter == 'o') {
        expect(&o, STELE_ARGUMENT_NULL, "NULL");
    } else if (letter == 'x' && c->function == F_stele_serve_begin) { // all is left out: its default port may be taken
        stele_result r = through(&o);
        must(r != STELE_ARGUMENT_NULL, "options must be given");
        return;
    } else {
        stele_result r = through(&o);
        must(r == STELE_OK || r == STELE_NOT_FOUND, "%s without its argument %d gave %s", name_of(c->function), i + 1, stele_result_name(r));
    }
    if (!strchr("toby", letter))
        return;
    prepare(&o, c); // and with a length of 0
    o.a[i] = o.a[i + 1] = 0;
    stele_result r = through(&o);
    must((r == STELE_ARGUMENT_NULL) == (letter == 't'), "%s with NULL of length 0 for its argument %d gave %s", name_of(c->function), i + 1, stele_result_name(r));
    if (letter == 'b')
        must(r == STELE_BUFFER_TOO_SMALL || r == STELE_NOT_FOUND, "%s with no buffer gave %s", name_of(c->function), stele_result_name(r));
    if (letter != 'o' && letter != 't')
        return;
    prepare(&o, c); // and with one that is to be found out
    o.a[i] = 0;
    o.a[i + 1] = STELE_TEXT;
    r = through(&o);
    must((r == STELE_ARGUMENT_NULL) == (letter == 't'), "%s with NULL of length STELE_TEXT for its argument %d gave %s", name_of(c->function), i + 1, stele_result_name(r));
}

static void length(const call *c, int i)
{
    static const uint64_t lengths[] = {0, 1, 2, 7, 8, 37, 38, 39, (UINT64_C(1) << 30) + 1, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63, SIZE_MAX - 1, SIZE_MAX};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        one_case o;
        bool     text = strchr("to", c->parameters[i - 1]), keys = c->function == F_stele_delete_keys, huge = lengths[k] > ROOM;
        if (c->texts[0] && c->texts[0][0] == '/' && lengths[k] > 0 && !huge)
            continue; // part of a path is another directory
        prepare(&o, c);
        size_t there = o.memory[i - 1].n - text;
        bool   within = lengths[k] <= there || (text && lengths[k] == SIZE_MAX);
        if ((!within && !huge) || (keys && lengths[k] > 1 && !huge)) { // that would be the caller's lie
            within = true;
            o.a[i] = text ? there : 0;
        } else {
            o.a[i] = lengths[k];
        }
        stele_result r = through(&o);
        if (huge && !within && (text || keys))
            must(r == STELE_TOO_LARGE, "%s with a length of %llu gave %s", name_of(c->function), (unsigned long long)lengths[k], stele_result_name(r));
        if (huge && !text && !keys)
            must(r == STELE_OK || r == STELE_NOT_FOUND, "%s with room for %llu bytes gave %s", name_of(c->function), (unsigned long long)lengths[k], stele_result_name(r));
    }
}

static void handles(const call *c, int i)
{
    one_case o;
    uint64_t others[HANDLES], bad[96];
    int      n = 0, own = kind_of_letter(c->parameters[i]);
    for (int k = 0; k < HANDLES; k++)
        others[k] = fresh(k);
    prepare(&o, c);
    for (int bit = 0; bit < 64; bit++)
        bad[n++] = o.a[i] ^ UINT64_C(1) << bit;
    bad[n++] = 0;
    bad[n++] = UINT64_MAX;
    bad[n++] = UINT64_C(1) << 53;
    bad[n++] = o.a[i] & 0xFFFFF; // the slot alone
    for (int k = 0; k < HANDLES; k++) {
        if (own == k || (own < 0 && k > SERVER))
            continue;
        bad[n++] = others[k];
    }
    for (int k = 0; k < HANDLES; k++)
        if (stale[k])
            bad[n++] = stale[k];
    uint64_t good = o.a[i];
    for (int k = 0; k < n; k++) {
        o.a[i] = bad[k];
        stele_result r = do_call(c, o.a);
        bool         live = false;
        for (int m = 0; m < HANDLES; m++)
            live |= bad[k] == others[m] && (own == m || (own < 0 && m > SERVER));
        must(live || r == STELE_INVALID_HANDLE, "%s gave %s for the handle %llx, where %llx is right", name_of(c->function), stele_result_name(r), (unsigned long long)bad[k], (unsigned long long)good);
    }
    o.a[i] = good;
    through(&o);
    for (int k = SERVER; k < HANDLES; k++) {
        stele_result r = end_handle(k, others[k]);
        must(r == STELE_OK || r == STELE_CLOSED || r == STELE_CANCELED || r == STELE_INVALID_HANDLE, "a handle of kind %d ends with %s", k, stele_result_name(r));
        stale[k] = others[k];
    }
}

static void structs(const call *c, int i)
{
    one_case o;
    for (size_t n = 0; n < sizeof(size_t) + 1; n++) {
        prepare(&o, c);
        memcpy(o.memory[i].p, &n, sizeof n);
        if (n < sizeof n)
            expect(&o, STELE_INVALID, "a struct of too few bytes");
        else
            through(&o); // only the first field
    }
    for (int later = 0; later < 2; later++) {
        size_t n = c->options + 24;
        prepare(&o, c);
        unsigned char *longer = at_the_edge(n);
        memset(longer, 0, n);
        memcpy(longer, o.memory[i].p, c->options);
        memcpy(longer, &n, sizeof n);
        longer[n - 1] = (unsigned char)later;
        o.a[i] = (uintptr_t)longer;
        expect(&o, later ? STELE_UNSUPPORTED : STELE_OK, "a struct of a later header");
        give_back(longer, n);
    }
    prepare(&o, c);
    size_t n = 4097;
    memcpy(o.memory[i].p, &n, sizeof n);
    expect(&o, STELE_INVALID, "a struct of 4097 bytes");
    static const struct {
        int    function;
        size_t flags, reserved;
    } fields[] = {
        {F_stele_open, offsetof(stele_options, flags), offsetof(stele_options, reserved)},
        {F_stele_write_begin, offsetof(stele_write_options, flags), offsetof(stele_write_options, reserved)},
        {F_stele_read_begin, offsetof(stele_read_options, flags), 0},
        {F_stele_query_begin, offsetof(stele_query_options, flags), 0},
        {F_stele_tail_begin, offsetof(stele_tail_options, flags), offsetof(stele_tail_options, reserved)},
        {F_stele_serve_begin, offsetof(stele_serve_options, flags), offsetof(stele_serve_options, reserved)},
    };
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
        if (fields[k].function == c->function) {
            prepare(&o, c);
            o.memory[i].p[fields[k].flags + 3] = 0x80;
            expect(&o, STELE_UNSUPPORTED, "a flag that is not known");
            prepare(&o, c);
            if (fields[k].reserved)
                o.memory[i].p[fields[k].reserved] = 1;
            expect(&o, fields[k].reserved ? STELE_UNSUPPORTED : STELE_OK, "a reserved field");
        }
}

static void last_error(void)
{
    stele_result code = 777777;
    uint64_t     id = 777777;
    size_t       n = 777777;
    char         text[4];
    want(STELE_ARGUMENT_NULL, stele_key_parse, NULL, 0, NULL);
    must(stele_last_error(NULL, NULL, NULL, 0, NULL) == STELE_ARGUMENT_NULL, "actual may be NULL");
    must(stele_last_error(NULL, NULL, NULL, 1, &n) == STELE_ARGUMENT_NULL && n == 777777, "buffer may be NULL");
    must(stele_last_error(&code, &id, text, sizeof text, &n) == STELE_BUFFER_TOO_SMALL && code == STELE_ARGUMENT_NULL && id != 777777 && n > 4, "code, id and size are told");
}

static void *of_a_new_thread(void *unused)
{
    size_t n = 777777;
    must(stele_last_error(NULL, NULL, NULL, 0, &n) == STELE_DONE, "a new thread has a failure");
    return unused;
}

void arguments(void)
{
    for (int i = 0; i < CALLS; i++)
        must(calls[i].pointer != NULL, "the table of calls has no row %d: the header has a function that is not in it", i);
    finish(start(of_a_new_thread, NULL));
    the_store = a_store("arguments", 30);
    last_error();
    for (const call *c = calls; c < calls + CALLS; c++) {
        write_events(the_store, 5, NULL); // some are deleted on the way
        right(c);
        for (int i = 0; c->parameters[i]; i++) {
            switch (c->parameters[i]) {
            case 'i':
                break;
            case 'l':
                length(c, i);
                break;
            default:
                if (kind_of_letter(c->parameters[i]) >= 0 || c->parameters[i] == 'H')
                    handles(c, i);
                else
                    null(c, i);
                if (c->parameters[i] == 'x')
                    structs(c, i);
            }
        }
    }
    end_store(the_store);
}
