// Processes and threads: forks of every kind, threads that end, a process that ends with everything open, a million handles.
#include "calls.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#else
#define INSTRUMENTED 0
#endif

// ------------------------------------------------------------------- fork

static stele_store the_store;
static uint64_t    of_parent[HANDLES];

// forked calls everything in a child: each call says so, and none enters Go.
static int forked(void)
{
    static char room[4096] __attribute__((aligned(8))), text[1024];
    for (const call *c = calls; c < calls + CALLS; c++) {
        uint64_t a[PARAMETERS];
        for (int i = 0; i < PARAMETERS; i++) {
            int kind = c->parameters[0] && i < (int)strlen(c->parameters) ? kind_of_letter(c->parameters[i]) : -1;
            a[i] = kind >= 0 ? of_parent[kind] : (uintptr_t)room;
        }
        typedef int32_t (*six)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
        if (((six)c->pointer)(a[0], a[1], a[2], a[3], a[4], a[5]) != STELE_FORKED)
            return 100 + c->function;
        stele_result code = 0;
        size_t       n = 0;
        if (stele_last_error(&code, NULL, text, sizeof text, &n) != STELE_OK || code != STELE_FORKED || n == 0)
            return 1;
    }
    for (size_t i = 0; i < sizeof room; i++)
        if (room[i])
            return 2;
    return strcmp(stele_result_name(STELE_FORKED), "STELE_FORKED") == 0 ? 0 : 3;
}

static void came_through(pid_t child, const char *how)
{
    int status = 0;
    must(child > 0, "%s: no child", how);
    must(waitpid(child, &status, 0) == child && WIFEXITED(status), "%s: the child ended with %x", how, status);
    must(WEXITSTATUS(status) == 0, "%s: the child ended with %d%s%s", how, WEXITSTATUS(status), WEXITSTATUS(status) >= 100 ? ", at " : "", WEXITSTATUS(status) >= 100 ? name_of(WEXITSTATUS(status) - 100) : "");
}

static _Atomic bool rest;

static void *work(void *unused)
{
    char   text[4096];
    size_t n;
    while (!atomic_load(&rest)) {
        want(STELE_OK, stele_statistics, the_store, text, sizeof text, &n);
        (void)CALL(stele_key_parse, NULL, 0, NULL);
        free(malloc(chance(5000) + 1)); // so that malloc's locks are taken now and then
    }
    return unused;
}

void forking(void)
{
    uint64_t h;
    the_store = a_store("forking", 100);
    of_parent[STORE] = the_store;
    of_parent[WRITER] = a_writer(the_store);
    of_parent[READER] = a_reader(the_store, STELE_READ_AHEAD);
    of_parent[TAIL] = a_tail(the_store, 0);
    of_parent[ROWS] = a_query(the_store, "select N from stream");
    stele_serve_options o;
    STELE_INIT(o);
    o.urls = "http://127.0.0.1:0";
    o.urls_len = STELE_TEXT;
    want(STELE_OK, stele_serve_begin, the_store, &o, &h);
    of_parent[SERVER] = h;
    pthread_t workers[2] = {start(work, NULL), start(work, NULL)};
    for (unsigned round = 0; round < 10 * size; round++) {
        pid_t child = fork();
        if (child == 0)
            _exit(forked());
        came_through(child, "fork");
#ifdef SYS_clone
        child = (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, 0, 0, 0, 0); // which tells neither the C library nor us
        if (child == 0)
            syscall(SYS_exit_group, forked());
        came_through(child, "clone");
#endif
        child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(77);
        }
        came_through(child, "vfork and exec");
        child = fork();
        if (child == 0) { // the child of a child
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit(forked());
            int status = 1;
            waitpid(grandchild, &status, 0);
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
        }
        came_through(child, "a fork in a fork");
    }
    atomic_store(&rest, true);
    finish(workers[0]);
    finish(workers[1]);
    char   text[4096]; // the parent goes on
    size_t n;
    want(STELE_OK, stele_read_next, of_parent[READER], NULL, text, sizeof text, &n);
    want(STELE_OK, stele_write_end, of_parent[WRITER], NULL, 0, NULL);
    for (int k = SERVER; k < HANDLES; k++)
        if (k != WRITER)
            must(end_handle(k, of_parent[k]) == STELE_OK, "the parent's handle of kind %d does not end well", k);
    end_store(the_store);
}

// ---------------------------------------------------------------- unended

static void *wait_for_ever(void *arg)
{
    char   text[4096];
    size_t n;
    (void)stele_tail_next(*(uint64_t *)arg, UINT32_MAX, NULL, text, sizeof text, &n);
    return NULL;
}

// unended leaves everything as it is, with calls inside, and returns: the process ends all the same.
void unended(void)
{
    static uint64_t tails[3];
    the_store = a_store("unended", 1000);
    for (int i = 0; i < 3; i++) {
        tails[i] = a_tail(the_store, STELE_FROM_NOW);
        pthread_detach(start(wait_for_ever, &tails[i]));
        a_writer(the_store);
        a_reader(the_store, STELE_READ_AHEAD);
        a_query(the_store, "select N from stream");
    }
    stele_serve_options o;
    uint64_t            h;
    STELE_INIT(o);
    o.urls = "http://127.0.0.1:0";
    o.urls_len = STELE_TEXT;
    want(STELE_OK, stele_serve_begin, the_store, &o, &h);
    nap(20000);
}

// ---------------------------------------------------------------- threads

static void *fail_and_end(void *arg)
{
    char     text[4096];
    size_t   n;
    uint64_t r = (uintptr_t)arg;
    want(STELE_ARGUMENT_NULL, stele_key_parse, NULL, 0, NULL);
    want(STELE_OK, stele_read_next, r, NULL, text, sizeof text, &n);
    want(STELE_INVALID_HANDLE, stele_read_end, 12345);
    return NULL;
}

// grown says how much more the process holds than before; the allocator of a sanitizer keeps what was freed, so that says nothing.
static void not_grown(size_t before, size_t most, const char *what)
{
    size_t now = resident_bytes();
    if (!INSTRUMENTED && !getenv("VALGRIND"))
        must(now < before + most, "%s: %zu KiB, and %zu before", what, now / 1024, before / 1024);
}

// threads_end has many threads come, fail, own a block, and go; a handle goes from one to the next.
void threads_end(void)
{
    stele_store s = a_store("threads", 50);
    for (unsigned round = 0; round < 40 * size; round++) {
        stele_reader r = a_reader(s, round % 2);
        for (int i = 0; i < 25; i++)
            finish(start(fail_and_end, (void *)(uintptr_t)r));
        want(STELE_OK, stele_read_end, r);
        static size_t before;
        if (round == 5 * size)
            before = resident_bytes();
        if (before)
            not_grown(before, 24 << 20, "threads that ended");
    }
    end_store(s);
}

// ------------------------------------------------------------------- many

static void open_and_end(stele_store s, unsigned n)
{
    uint64_t h;
    for (unsigned i = 0; i < n; i++)
        switch (i % 8) {
        case 0:
            want(STELE_OK, stele_read_end, a_reader(s, 0));
            break;
        case 1:
            want(STELE_OK, stele_tail_end, a_tail(s, STELE_FROM_NOW));
            break;
        case 2:
            want(STELE_OK, stele_rows_end, a_query(s, "select N from stream"));
            break;
        case 3:
            want(STELE_OK, stele_document_list, s, NULL, 0, &h);
            want(STELE_OK, stele_rows_end, h);
            break;
        default:
            want(STELE_OK, stele_write_begin, s, NULL, &h);
            want(STELE_OK, stele_write_abandon, h);
        }
}

// many opens and ends a million handles (in the long form), without growth; then it has as many open at once as there can be.
void many(void)
{
    stele_store s = a_store("many", 5);
    unsigned    n = size > 1 ? 1000000 : 20000;
    unsigned    files = open_files();
    open_and_end(s, n / 4);
    size_t before = resident_bytes();
    open_and_end(s, n - n / 4);
    not_grown(before, 24 << 20, "handles that were ended");
    none_left_open(files);
    if (size > 1) {
        unsigned      held = 0;
        stele_writer *all = calloc(1 << 20, sizeof *all);
        stele_result  r;
        must(all != NULL, "no memory");
        while ((r = CALL(stele_write_begin, s, NULL, &all[held])) == STELE_OK)
            held++;
        must(r == STELE_EXHAUSTED && held >= (1 << 20) - 16, "%u handles at once, then %s", held, stele_result_name(r));
        for (unsigned i = 0; i < held; i++)
            want(STELE_OK, stele_write_abandon, all[i]);
        free(all);
        a_reader(s, 0);
    }
    end_store(s);
    for (unsigned i = 0; i < 20 * size; i++)
        end_store(a_store("many", 0));
    none_left_open(files);
}
