// What the shim needs of the operating system: threads, thread-local storage, fork, signals.
// os_posix.c and os_windows.c have it; nothing else of the shim knows which one it is on.
#ifndef STELE_OS_H
#define STELE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#include <windows.h>
typedef SRWLOCK os_mutex;
#define OS_MUTEX_INIT SRWLOCK_INIT
static inline void os_lock(os_mutex *m) { AcquireSRWLockExclusive(m); }
static inline void os_unlock(os_mutex *m) { ReleaseSRWLockExclusive(m); }
typedef struct { char none; } os_mask;
#else
#include <pthread.h>
#include <signal.h>
typedef pthread_mutex_t os_mutex;
#define OS_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
static inline void os_lock(os_mutex *m) { pthread_mutex_lock(m); }
static inline void os_unlock(os_mutex *m) { pthread_mutex_unlock(m); }
typedef sigset_t os_mask;
#endif

// A thread_block is what the library keeps for a thread. It is on the heap, and the thread's storage has only a pointer to it: the Go runtime makes the whole library's
// thread-local storage static, and that is scarce when a library is loaded late.
typedef struct thread_block {
    uint64_t id;        // of the last failure
    int32_t  code;      // of it; 0: none yet
    uint32_t stripe;    // which of a shared handle's counters this thread uses
    size_t   len;       // of text
    char    *text;      // NULL: there was no memory for it
    uint64_t number;    // of the thread, from 1; never given twice
    void    *stack;     // of the thread, once asked for; see os_posix.c
    size_t   stack_len;
    bool     visited;   // has been in Go
    bool     quiet;     // failures are not kept
    bool     main;      // it is the process's first thread
} thread_block;

// os_thread returns the calling thread's block; there is always one.
thread_block *os_thread(void);

// os_forked says that this process was forked from the one that loaded the library.
#if defined(_WIN32)
static inline bool os_forked(void) { return false; }
#else
extern volatile unsigned char *os_alive; // at a byte that is 0 in a child
static inline bool             os_forked(void) { return __builtin_expect(!*os_alive, 0); }
#endif

// os_pause lets other threads run; round counts the calls of one wait.
void os_pause(unsigned round);

// os_set_host says for which runtime signals are arranged; os_arrange arranges them, again if need be.
void os_set_host(uint32_t host);
void os_arrange(void);

// os_enter_go and os_leave_go stand around each call of Go. visit makes an empty one.
bool os_enter_go(os_mask *before, void (*visit)(void));
void os_leave_go(const os_mask *before, bool held);

#endif
