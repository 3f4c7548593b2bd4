// The library loaded late, by a program that has threads, handlers and little room for thread-local storage, beside other libraries. It is not linked: all goes through dlopen.
//
//     late DIRECTORY LIBSTELE [LIBRARY FUNCTION]...
//
// Each LIBRARY is loaded before, and its FUNCTION called by the threads beside the calls of libstele.
#define _GNU_SOURCE
#include "../../include/stele.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, OTHERS = 4 };

static const char *directory;
static int (*others[OTHERS])(void);
static pthread_barrier_t before, after;
static atomic_uint       arrived;

static struct {
    __typeof__(&stele_version)    version;
    __typeof__(&stele_host)       host;
    __typeof__(&stele_open)       open;
    __typeof__(&stele_close)      close;
    __typeof__(&stele_statistics) statistics;
    __typeof__(&stele_last_error) last_error;
} stele;

#define must(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

static void *load(const char *path)
{
    void *l = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!l)
        fprintf(stderr, "%s\n", dlerror());
    must(l != NULL);
    return l;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    atomic_fetch_add(&arrived, 1);
}

static int flags_of_handler(void)
{
    struct sigaction now;
    must(sigaction(SIGRTMIN, NULL, &now) == 0);
    return now.sa_flags;
}

static void *work(void *arg)
{
    char path[512], text[8192];
    pthread_barrier_wait(&before); // this thread is there before the library
    pthread_barrier_wait(&after);
    snprintf(path, sizeof path, "%s/late-%d", directory, (int)(size_t)arg);
    for (int i = 0; i < 3; i++) {
        stele_store  s;
        size_t       n;
        sigset_t     mask;
        must(stele.open(path, STELE_TEXT, NULL, &s) == STELE_OK);
        must(stele.statistics(s, text, sizeof text, &n) == STELE_OK);
        for (int k = 0; k < OTHERS; k++)
            must(!others[k] || others[k]() == 42);
        must(pthread_kill(pthread_self(), SIGRTMIN) == 0);
        must(stele.close(s) == STELE_OK && stele.close(s) == STELE_INVALID_HANDLE);
        must(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGRTMIN));
    }
    return NULL;
}

int main(int count, char **words)
{
    pthread_t        t[THREADS];
    struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    must(count >= 3);
    directory = words[1];
    must(sigaction(SIGRTMIN, &a, NULL) == 0);
    must(pthread_barrier_init(&before, NULL, THREADS + 1) == 0 && pthread_barrier_init(&after, NULL, THREADS + 1) == 0);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&t[i], NULL, work, (void *)i) == 0);
    pthread_barrier_wait(&before);
    for (int i = 3, k = 0; i + 1 < count && k < OTHERS; i += 2, k++)
        must((others[k] = (int (*)(void))dlsym(load(words[i]), words[i + 1])) != NULL);
    for (int twice = 0; twice < 2; twice++) { // it stays where it is
        void *l = load(words[2]);
        must((stele.version = (__typeof__(stele.version))dlsym(l, "stele_version")) != NULL);
        must((stele.host = (__typeof__(stele.host))dlsym(l, "stele_host")) != NULL);
        must((stele.open = (__typeof__(stele.open))dlsym(l, "stele_open")) != NULL);
        must((stele.close = (__typeof__(stele.close))dlsym(l, "stele_close")) != NULL);
        must((stele.statistics = (__typeof__(stele.statistics))dlsym(l, "stele_statistics")) != NULL);
        must((stele.last_error = (__typeof__(stele.last_error))dlsym(l, "stele_last_error")) != NULL);
        stele_version_info v;
        STELE_INIT(v);
        must(stele.version(&v) == STELE_OK && v.abi == STELE_ABI_VERSION && strlen(v.text) > 0);
        must(dlclose(l) == 0);
    }
    must(stele.host(7) == STELE_UNSUPPORTED && stele.host(STELE_HOST_PLAIN) == STELE_OK);
    must(flags_of_handler() & SA_ONSTACK); // the Go runtime's doing, once it runs
    must(stele.host(STELE_HOST_DOTNET) == STELE_OK && stele.host(STELE_HOST_DOTNET) == STELE_OK);
    must(!(flags_of_handler() & SA_ONSTACK) && flags_of_handler() & SA_SIGINFO);
    pthread_barrier_wait(&after);
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(t[i], NULL) == 0);
    must(arrived == THREADS * 3);
    must(!(flags_of_handler() & SA_ONSTACK));
    return 0;
}
