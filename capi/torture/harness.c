#include "torture.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

uint64_t    seed;
unsigned    size = 1;
const char *directory;

static const struct {
    const char *name;
    uint64_t    results;
} documented[FUNCTIONS] = {
#define RESULT(r)
#define FUNCTION(f, mask) {#f, mask},
#include "documented.h"
#undef RESULT
#undef FUNCTION
};

static const stele_result results[] = {
#define RESULT(r) r,
#define FUNCTION(f, mask)
#include "documented.h"
#undef RESULT
#undef FUNCTION
};

const char *name_of(int function) { return documented[function].name; }

static const char *torture;

void broken(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    char    text[8192] = "";
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s:%d: %s\n  last failure of this thread: %s\n  again with: torture %s DIRECTORY %u %llu\n", file, line, text, last_text(), torture, size, (unsigned long long)seed);
    fflush(stderr);
    _exit(1);
}

// ------------------------------------------------------------ observation

const char *last_text(void)
{
    static __thread char text[65537];
    size_t               n = 0;
    if (stele_last_error(NULL, NULL, text, sizeof text - 1, &n) != STELE_OK)
        n = 0;
    text[n] = 0;
    return text;
}

static bool is_utf8(const unsigned char *s)
{
    while (*s) {
        int more = *s < 0x80 ? 0 : *s >= 0xC2 && *s < 0xE0 ? 1 : *s >= 0xE0 && *s < 0xF0 ? 2 : *s >= 0xF0 && *s < 0xF5 ? 3 : -1;
        if (more < 0)
            return false;
        for (s++; more > 0; more--, s++)
            if ((*s & 0xC0) != 0x80)
                return false;
    }
    return true;
}

static bool is_failure(stele_result r) { return r != STELE_OK && r != STELE_DONE && r != STELE_TIMED_OUT && r != STELE_BUFFER_TOO_SMALL; }

stele_result observe(int f, stele_result r)
{
    static __thread uint64_t last;
    stele_result             code = STELE_OK;
    uint64_t                 id = 0;
    size_t                   n = 0;
    const char              *name = documented[f].name;
    must(r >= 0 && r < 64, "%s gave %d, which is no result", name, (int)r);
    must(documented[f].results >> r & 1, "%s gave %s, which the header does not have in its list", name, stele_result_name(r));
    stele_result told = stele_last_error(&code, &id, NULL, 0, &n);
    must(told == STELE_BUFFER_TOO_SMALL || (told == STELE_DONE && !is_failure(r)), "stele_last_error gave %s after %s", stele_result_name(told), stele_result_name(r));
    if (is_failure(r)) {
        must(id > last, "%s failed with %s and left no text of its own", name, stele_result_name(r));
        must(code == r, "%s failed with %s, and stele_last_error tells of %s", name, stele_result_name(r), stele_result_name(code));
        must(n > 0 && n <= 65536, "%s failed with %s and a text of %zu bytes", name, stele_result_name(r), n);
        must(is_utf8((const unsigned char *)last_text()), "the text of %s is no UTF-8", name);
        must(strlen(last_text()) == n, "the text of %s has a NUL in it", name);
    } else {
        must(id == last, "%s gave %s and changed the last failure", name, stele_result_name(r));
    }
    last = id;
    return r;
}

// ----------------------------------------------------------------- chance

static __thread uint64_t grain;

void sow(uint64_t n) { grain = seed * UINT64_C(0x9E3779B97F4A7C15) + n + 1; }

uint64_t chance(uint64_t below)
{
    // splitmix64 (Steele, Lea, Flood 2014)
    uint64_t z = grain += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % below;
}

// ----------------------------------------------------------------- stores

const char *path_in(const char *name)
{
    static __thread char     paths[8][512];
    static __thread unsigned next;
    char                    *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", directory, name);
    return p;
}

void write_events(stele_store s, unsigned n, const char *id)
{
    stele_write_options o;
    stele_writer        w;
    char                line[512];
    STELE_INIT(o);
    o.id = id;
    o.id_len = id ? STELE_TEXT : 0;
    want(STELE_OK, stele_write_begin, s, &o, &w);
    for (unsigned i = 0; i < n; i++) {
        snprintf(line, sizeof line, "{\"@t\":\"2026-01-01T00:%02u:%02u.%06uZ\",\"@mt\":\"Event {N}\",\"N\":%u,\"Pad\":\"%.*s\"}\n", i / 60 % 60, i % 60, i, i, (int)(i * 7 % 100),
                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjj");
        want(STELE_OK, stele_write_append, w, line, STELE_TEXT);
    }
    want(STELE_OK, stele_write_end, w, NULL, 0, NULL);
}

stele_store a_store(const char *name, unsigned n)
{
    stele_options o;
    stele_store   s;
    STELE_INIT(o);
    o.memory_bytes = 64 << 20;
    o.min_free_bytes = -1;
    want(STELE_OK, stele_open, path_in(name), STELE_TEXT, &o, &s);
    if (n)
        write_events(s, n, NULL);
    return s;
}

void end_store(stele_store s) { want(STELE_OK, stele_close, s); }

stele_reader a_reader(stele_store s, uint32_t flags)
{
    stele_read_options o;
    stele_reader       r;
    STELE_INIT(o);
    o.flags = flags;
    want(STELE_OK, stele_read_begin, s, &o, &r);
    return r;
}

stele_tail a_tail(stele_store s, uint64_t after)
{
    stele_tail_options o;
    stele_tail         t;
    STELE_INIT(o);
    o.after = after;
    want(STELE_OK, stele_tail_begin, s, &o, &t);
    return t;
}

stele_rows a_query(stele_store s, const char *query)
{
    stele_rows q;
    want(STELE_OK, stele_query_begin, s, query, STELE_TEXT, NULL, &q);
    return q;
}

stele_writer a_writer(stele_store s)
{
    stele_writer w;
    want(STELE_OK, stele_write_begin, s, NULL, &w);
    want(STELE_OK, stele_write_append, w, "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"One\"}", STELE_TEXT);
    return w;
}

void none_left_open(unsigned before)
{
    char name[32], to[300];
    if (open_files() <= before)
        return;
    for (int i = 3; i < 1024; i++) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", i);
        ssize_t len = readlink(name, to, sizeof to - 1);
        if (len > 0)
            fprintf(stderr, "  open: %.*s\n", (int)len, to);
    }
    must(false, "%u files are open, %u were", open_files(), before);
}

// ----------------------------------------------------------------- memory

static size_t pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

void *at_the_edge(size_t n)
{
    size_t all = pages(n), page = pages(1);
    char  *p = mmap(NULL, all + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED && mprotect(p + all, page, PROT_NONE) == 0, "no memory");
    return p + all - n;
}

void give_back(void *p, size_t n) { munmap((char *)p + n - pages(n), pages(n) + pages(1)); }

unsigned open_files(void)
{
    DIR     *d = opendir("/proc/self/fd");
    unsigned n = 0;
    must(d != NULL, "no /proc");
    for (struct dirent *e; (e = readdir(d));) {
        char    name[300], to[300];
        ssize_t len;
        snprintf(name, sizeof name, "/proc/self/fd/%s", e->d_name);
        if ((len = readlink(name, to, sizeof to - 1)) < 0)
            continue;
        to[len] = 0;
        n += strncmp(to, "anon_inode:", 11) != 0 && strncmp(to, "/sys/", 5) != 0; // the Go runtime's
    }
    closedir(d);
    return n - 1;
}

size_t resident_bytes(void)
{
    FILE         *f = fopen("/proc/self/statm", "r");
    unsigned long all = 0, resident = 0;
    must(f && fscanf(f, "%lu %lu", &all, &resident) == 2, "no /proc");
    fclose(f);
    return resident * pages(1);
}

// ---------------------------------------------------------------- threads

pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t t;
    must(pthread_create(&t, NULL, run, arg) == 0, "no thread");
    return t;
}

void finish(pthread_t t) { must(pthread_join(t, NULL) == 0, "no thread to join"); }

void nap(unsigned microseconds)
{
    struct timespec t = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&t, NULL);
}

// ------------------------------------------------------------------- main

static const struct {
    const char *name;
    void (*run)(void);
} tortures[] = {
    {"arguments", arguments}, {"buffers", buffers}, {"closing", closing}, {"canceling", canceling}, {"exclusive", exclusive}, {"endings", endings}, {"random", random_calls}, {"threads", threads_end},
    {"many", many}, {"forking", forking}, {"unended", unended},
#ifdef DRILL
    {"drill", drill},
#endif
};

int main(int count, char **words)
{
    if (count < 3) {
        fprintf(stderr, "usage: torture NAME DIRECTORY [SIZE [SEED]]\n");
        return 2;
    }
    torture = words[1];
    directory = words[2];
    size = count > 3 ? (unsigned)atoi(words[3]) : 1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = count > 4 ? strtoull(words[4], NULL, 10) : (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
    sow(0);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        must(strcmp(stele_result_name(results[i]), "STELE_UNKNOWN") != 0, "the result %d has no name", (int)results[i]);
    must(strcmp(stele_result_name(99), "STELE_UNKNOWN") == 0, "99 has a name");
    for (size_t i = 0; i < sizeof tortures / sizeof tortures[0]; i++)
        if (strcmp(tortures[i].name, torture) == 0) {
            tortures[i].run();
            return 0;
        }
    fprintf(stderr, "no torture is called %s\n", torture);
    return 2;
}
