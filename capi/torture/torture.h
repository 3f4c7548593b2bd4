// What the tortures of the C library share. Every call goes through observe, which holds what is promised of each: a result that the header has in the function's list, a failure's text, and none after a success.
#ifndef TORTURE_H
#define TORTURE_H

#define _GNU_SOURCE
#include "../../include/stele.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>

// documented.h is made of the header by documented.awk.
enum {
#define RESULT(r)
#define FUNCTION(f, mask) F_##f,
#include "documented.h"
#undef RESULT
#undef FUNCTION
    FUNCTIONS
};

const char *name_of(int function);

// must ends the process unless a condition holds; the text says what was expected.
#define must(condition, ...)                      \
    do {                                          \
        if (!(condition))                         \
            broken(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)
__attribute__((noreturn, format(printf, 3, 4))) void broken(const char *file, int line, const char *format, ...);

// observe checks what a function returned, and returns it. CALL calls a function and observes it, want says what must come.
stele_result observe(int function, stele_result r);
#define CALL(f, ...) observe(F_##f, f(__VA_ARGS__))
#define want(expected, f, ...)                                                                                     \
    do {                                                                                                           \
        stele_result got_ = CALL(f, __VA_ARGS__);                                                                  \
        must(got_ == (expected), "%s gave %s, not %s", #f, stele_result_name(got_), stele_result_name(expected)); \
    } while (0)

// last_text gives the text of the calling thread's last failure.
const char *last_text(void);

// Random numbers, of the seed of this run; each thread has its own.
void     sow(uint64_t seed);
uint64_t chance(uint64_t below);
extern uint64_t seed;

// Lengths: how much of everything is done. 1 in the short form.
extern unsigned size;

// directory is an empty one of this run; path_in names something in it (in the calling thread's memory, good until its eighth next call).
extern const char *directory;
const char        *path_in(const char *name);

// a_store opens a new store with n events in it; end_store closes it. Events have the properties N (0 to n-1) and Pad.
stele_store a_store(const char *name, unsigned n);
void        write_events(stele_store s, unsigned n, const char *id);
void        end_store(stele_store s);

stele_reader a_reader(stele_store s, uint32_t flags);
stele_tail   a_tail(stele_store s, uint64_t after);
stele_rows   a_query(stele_store s, const char *query);
stele_writer a_writer(stele_store s);

// at_the_edge gives n bytes that end where memory ends: one byte more is a fault. It is the caller's to give back.
void *at_the_edge(size_t n);
void  give_back(void *p, size_t n);

// Threads.
pthread_t start(void *(*run)(void *), void *arg);
void      finish(pthread_t t);
void      nap(unsigned microseconds);

// What a process holds.
unsigned open_files(void);
void     none_left_open(unsigned before); // files, that is; before is what open_files said
size_t   resident_bytes(void);

#ifdef DRILL
void     stele_drill(const char *function);
uint64_t stele_drill_goroutines(void);
#endif

// The tortures, by name.
void arguments(void), buffers(void), closing(void), canceling(void), exclusive(void), random_calls(void), forking(void), unended(void), many(void), threads_end(void), drill(void), endings(void);

#endif
