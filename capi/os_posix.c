//go:build !windows

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "os.h"
#include "../include/stele.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <time.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

// ---------------------------------------------------------------- threads

// The Go runtime makes the library's storage static in any case, so that it may as well be reached without a call.
static __thread thread_block *mine __attribute__((tls_model("initial-exec")));
static pthread_key_t          at_exit_of_thread;
static atomic_uint_fast64_t   threads;

// reserve serves threads for whose block there is no memory: what they learn of failures may be another thread's.
static thread_block reserve = {.number = UINT64_MAX};

static void free_block(void *p)
{
    thread_block *b = p;
    mine = NULL;
    if (os_forked())
        return; // its text is not the allocator's
    free(b->text);
    free(b);
}

#ifdef __linux__
static bool is_main_thread(void) { return syscall(SYS_gettid) == getpid(); }
#else
static bool is_main_thread(void) { return false; }
#endif

thread_block *os_thread(void)
{
    if (mine)
        return mine;
    thread_block *b = os_forked() ? NULL : calloc(1, sizeof *b); // in a child the allocator may be locked for ever
    if (!b)
        return &reserve;
    b->number = atomic_fetch_add(&threads, 1) + 1;
    b->stripe = (uint32_t)b->number;
    b->main = is_main_thread();
    mine = b;
    pthread_setspecific(at_exit_of_thread, b);
    return b;
}

void os_pause(unsigned round)
{
    if (round < 64) {
        sched_yield();
        return;
    }
    struct timespec t = {0, round < 1024 ? 50000 : 1000000};
    nanosleep(&t, NULL);
}

// ------------------------------------------------------------------- fork

// os_alive points at a byte that is 1, on a page that the kernel wipes in a child: that also notices a raw clone, which pthread_atfork does not.
static volatile unsigned char alive_by_hand = 1;
volatile unsigned char       *os_alive = &alive_by_hand;

static void in_child(void) { alive_by_hand = 0; }

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
#ifdef __linux__
    size_t         page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return;
    if (madvise(p, page, MADV_WIPEONFORK) != 0) {
        munmap(p, page);
        return;
    }
    *p = 1;
    os_alive = p;
#endif
}

// ---------------------------------------------------------------- signals

#ifdef __linux__
static struct sigaction as_found; // of SIGRTMIN, before the Go runtime starts
static bool             found;
static atomic_uint      arranged; // for which host

static void keep_handlers(void) { found = sigaction(SIGRTMIN, NULL, &as_found) == 0; }

void os_set_host(uint32_t host)
{
    const char *forced = getenv("STELE_HOST");
    if (forced && strcmp(forced, "plain") == 0)
        host = STELE_HOST_PLAIN;
    else if (forced && strcmp(forced, "dotnet") == 0)
        host = STELE_HOST_DOTNET;
    else if (forced && strcmp(forced, "signals") == 0)
        host = STELE_HOST_SIGNALS;
    atomic_store(&arranged, host);
    os_arrange();
}

// os_arrange takes SA_ONSTACK off CoreCLR's SIGRTMIN again. The Go runtime adds it to every handler it finds; CoreCLR's SIGSEGV handler leaves the
// alternate stack with frames still on it that a SIGRTMIN on that stack then overwrites, and the thread spins. Other handlers keep the flag: theirs can meet a thread on a goroutine's small stack.
void os_arrange(void)
{
    struct sigaction now;
    if (atomic_load(&arranged) != STELE_HOST_DOTNET || !found || (as_found.sa_flags & SA_ONSTACK))
        return;
    if (sigaction(SIGRTMIN, NULL, &now) != 0 || !(now.sa_flags & SA_ONSTACK))
        return;
    if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN))
        return;
    now.sa_flags &= ~SA_ONSTACK;
    sigaction(SIGRTMIN, &now, NULL);
}

// A thread that enters Go for the first time waits there for an M, with all signals blocked, and the thread that took the last one makes the next. A host that stops its threads by signals, as mono
// does to collect, may stop that one in between and then waits for ever for those that wait for it. So first entries go one by one, and who waits for its turn can be stopped.
static pthread_mutex_t visiting = PTHREAD_MUTEX_INITIALIZER;

static void first_visit(thread_block *t, void (*visit)(void))
{
    pthread_mutex_lock(&visiting);
    visit();
    pthread_mutex_unlock(&visiting);
    t->visited = true;
}

// mend adds SA_ONSTACK to the handlers that libuv, or CoreCLR, has set meanwhile: without it the kernel puts their frame, 3 KB and more, on the goroutine's stack that the thread is on. The kernel gives a process's
// signals to its main thread as long as that takes them, so that this one alone needs to look, and nobody sets a handler between its look and its change.
static void mend(void)
{
    static const int asynchronous[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGIO, SIGWINCH};
    for (size_t i = 0; i < sizeof asynchronous / sizeof *asynchronous; i++) {
        struct sigaction now;
        if (sigaction(asynchronous[i], NULL, &now) != 0 || (now.sa_flags & SA_ONSTACK))
            continue;
        if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN))
            continue;
        now.sa_flags |= SA_ONSTACK;
        sigaction(asynchronous[i], &now, NULL);
    }
}

// CoreCLR's signal must not come without SA_ONSTACK while the thread is on a goroutine's stack. The Go runtime unblocks it when a thread enters for the first time, so that one goes before.
bool os_enter_go(os_mask *before, void (*visit)(void))
{
    thread_block *t = os_thread();
    if (__builtin_expect(!t->visited, 0))
        first_visit(t, visit);
    unsigned host = atomic_load_explicit(&arranged, memory_order_relaxed);
    if (__builtin_expect(host == STELE_HOST_PLAIN, 1))
        return false;
    if (t->main)
        mend();
    if (host == STELE_HOST_SIGNALS)
        return false;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN);
    return pthread_sigmask(SIG_BLOCK, &one, before) == 0;
}

void os_leave_go(const os_mask *before, bool held)
{
    if (__builtin_expect(held, 0))
        pthread_sigmask(SIG_SETMASK, before, NULL);
}

// The Go runtime takes a call only if the stack pointer lies in the thread's bounds as it knows them, and otherwise asks for them, which on the main thread
// reads /proc/self/maps: 0.1 ms for each call of a host that calls on stacks of its own. The link sends its question here.
__attribute__((weak)) int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr); // there if the link says --wrap=pthread_getattr_np
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr);

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    if (!pthread_equal(thread, pthread_self()))
        return __real_pthread_getattr_np(thread, attr);
    thread_block *t = os_thread();
    if (t != &reserve && t->stack_len && pthread_attr_init(attr) == 0) {
        if (pthread_attr_setstack(attr, t->stack, t->stack_len) == 0)
            return 0;
        pthread_attr_destroy(attr);
    }
    int err = __real_pthread_getattr_np(thread, attr);
    if (err == 0 && t != &reserve && pthread_attr_getstack(attr, &t->stack, &t->stack_len) != 0)
        t->stack_len = 0;
    return err;
}
#else
static void keep_handlers(void) {}
void        os_set_host(uint32_t host) { (void)host; }
void        os_arrange(void) {}
bool        os_enter_go(os_mask *before, void (*visit)(void)) { (void)before, (void)visit; return false; }
void        os_leave_go(const os_mask *before, bool held) { (void)before, (void)held; }
#endif

// loaded runs before the Go runtime starts: its constructor has no priority.
__attribute__((constructor(101))) static void loaded(void)
{
    keep_handlers();
    pthread_key_create(&at_exit_of_thread, free_block);
    watch_forks();
}
