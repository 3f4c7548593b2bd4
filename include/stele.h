/*
 * stele.h - the C interface of Stele, an event store inside your process.
 *
 * C99 and C++11 or later. This header is the contract: what is not said here is not promised. docs/c-abi.md has the same as a guide, with the known walls.
 *
 *     stele_store store;
 *     if (stele_open("events", STELE_TEXT, NULL, &store) != STELE_OK) { ... stele_last_error ... }
 *     stele_writer writer;
 *     stele_write_begin(store, NULL, &writer);
 *     stele_write_append(writer, "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"Hello\"}", STELE_TEXT);
 *     stele_write_end(writer, NULL, 0, NULL);
 *     stele_close(store);
 *
 * RESULTS. Every function returns a stele_result. STELE_OK is 0. A failure's text, with the whole chain of its causes, is kept for the calling
 * thread until its next failure: stele_last_error. When a function fails its outputs are as they were, but for sizes needed (STELE_BUFFER_TOO_SMALL).
 *
 * HANDLES are numbers, not pointers: 1 to 2^53-1, never 0. A handle that was closed, is of another kind, or was made up, is STELE_INVALID_HANDLE,
 * never undefined behaviour. A store and a server are *shared*: any thread may use them at any time. A writer, a reader, a tail and a result are *exclusive*: one thread at a time
 * (which one does not matter); a second call meanwhile is STELE_BUSY. All may be ended from any thread, so also by a finaliser.
 *
 * TEXTS are UTF-8 with a length in bytes; STELE_TEXT as the length says that the text ends at its first NUL. They need not end with a NUL
 * otherwise. Nothing that is given is kept after the call. A length above 1 GiB is STELE_TOO_LARGE and the text is not looked at. An optional text is left out as NULL with length 0.
 *
 * BUFFERS are the caller's. A buffer that is too small gives STELE_BUFFER_TOO_SMALL and the number of bytes needed, changes nothing, and is asked for again
 * with a larger one. A text that is returned has no NUL at its end.
 *
 * STRUCTS that go in begin with their size, which STELE_INIT sets. Fields that a caller's older header does not have count as zero; zero is the default
 * everywhere. A field of a later version that is not zero gives STELE_UNSUPPORTED.
 *
 * THREADS. The library starts threads of its own. It sets handlers for SIGSEGV, SIGBUS, SIGFPE, SIGPIPE and SIGURG (the Go runtime's; what is not its own it
 * passes on to the handlers it found) and is never unloaded: dlclose leaves it in place. It needs neither the environment nor the working directory, and prints nothing.
 *
 * FORK. In a child made by fork every function returns STELE_FORKED and touches nothing. exec is no matter.
 *
 * "Since" says the first version of the interface (stele_version) that has a function. Functions are added, never changed.
 */
#ifndef STELE_H
#define STELE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && !defined(STELE_STATIC)
#  ifdef STELE_BUILDING
#    define STELE_API __declspec(dllexport)
#  else
#    define STELE_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define STELE_API __attribute__((visibility("default")))
#else
#  define STELE_API
#endif

/* The version of this interface. A library serves programs that were compiled with an equal or lower number. */
#define STELE_ABI_VERSION 1

/* As a length: the text ends at its first NUL. */
#define STELE_TEXT SIZE_MAX

/* Makes a struct empty, and its size known: stele_options o; STELE_INIT(o); */
#define STELE_INIT(s) ((void)memset(&(s), 0, sizeof(s)), (void)((s).size = sizeof(s)))

/* ---------------------------------------------------------------- results */

typedef int32_t stele_result;

enum {
    STELE_OK               = 0,
    STELE_DONE             = 1,  /* there is no more */
    STELE_TIMED_OUT        = 2,  /* nothing came in the time given; ask again */
    STELE_BUFFER_TOO_SMALL = 3,  /* the size needed was told; nothing else happened */

    STELE_ARGUMENT_NULL    = 10, /* a pointer that has to be given is NULL */
    STELE_INVALID_HANDLE   = 11, /* closed before, of another kind, or none at all */
    STELE_BUSY             = 12, /* another thread is inside an exclusive handle */
    STELE_WRONG_THREAD     = 13, /* the handle is bound to the thread that made it */
    STELE_FORKED           = 14, /* this process was forked from the one that loaded the library */

    STELE_INVALID          = 20, /* the caller's input is wrong; giving it again will not help */
    STELE_NOT_FOUND        = 21, /* what was named does not exist */
    STELE_CLOSED           = 22, /* the store was closed meanwhile */
    STELE_UNAVAILABLE      = 23, /* starting or stopping; try again */
    STELE_LOCKED           = 24, /* another process has the store */
    STELE_FULL             = 25, /* the disk is full; the store goes on when there is room */
    STELE_TOO_LARGE        = 26, /* over a limit */
    STELE_EXHAUSTED        = 27, /* a budget of memory or of time ran out */
    STELE_CANCELED         = 28, /* stele_cancel */
    STELE_DENIED           = 29, /* not allowed, as writing to a store opened read-only */
    STELE_UNSUPPORTED      = 30, /* a newer format, or something that this version does not know */
    STELE_CORRUPT          = 31, /* data on disk is damaged */
    STELE_IO               = 32, /* the file system failed */
    STELE_INTERNAL         = 33  /* a defect in Stele; the handle is of no use any more, the store is */
};

/* ---------------------------------------------------------------- handles */

typedef uint64_t stele_store;  /* shared: an open store */
typedef uint64_t stele_server; /* shared: the HTTP API and page of a store */
typedef uint64_t stele_writer; /* exclusive: a batch of events on its way in */
typedef uint64_t stele_reader; /* exclusive: events in the order of their keys */
typedef uint64_t stele_tail;   /* exclusive: events as they arrive */
typedef uint64_t stele_rows;   /* exclusive: rows of JSON, as a query gives them */

/* ------------------------------------------------------------- everywhere */

typedef struct stele_version_info {
    size_t   size;
    uint32_t abi;      /* STELE_ABI_VERSION of the library */
    uint32_t reserved;
    char     text[64]; /* of the product, such as "0.3.0", with a NUL */
} stele_version_info;

/*
 * Tells the library's version. info->size must be set.
 * Any thread. STELE_ARGUMENT_NULL; STELE_INVALID if info->size is too small to hold abi; STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_version(stele_version_info *info);

/*
 * Returns the name of a result, such as "STELE_NOT_FOUND", as a text with a NUL that is valid for ever; for a number that is none, "STELE_UNKNOWN".
 * Any thread; never enters Go; works after fork. Since 1.
 */
STELE_API const char *stele_result_name(stele_result result);

/*
 * Tells of the last failure on the calling thread: its result in *code, in *id a number that grows with every failure in the process (so that one compares it with the id
 * seen before a call to tell a fresh failure from a stale one), and in buffer its text. The first line says what happened, to what, and what to do; each line after it
 * begins with "caused by: ". A panic's text ends with the stack of the defect. code and id may be NULL; buffer may be NULL with len 0, to learn the size.
 * STELE_DONE, STELE_TIMED_OUT and STELE_BUFFER_TOO_SMALL are no failures. A success leaves the last failure in place, and so does this function.
 * *actual is the text's size in bytes, at most 64 KiB.
 * Any thread; never enters Go; works after fork.
 * STELE_DONE if no call of this thread has failed; STELE_BUFFER_TOO_SMALL (code, id and *actual are set); STELE_ARGUMENT_NULL if actual is NULL, or buffer with a len. Since 1.
 */
STELE_API stele_result stele_last_error(stele_result *code, uint64_t *id, char *buffer, size_t len, size_t *actual);

/*
 * Prepares the library for the runtime of the host. Call it once before the first store is opened; harmless when repeated.
 *
 * STELE_HOST_DOTNET: CoreCLR stops its threads with a signal (SIGRTMIN) whose handler the Go runtime puts on the alternate signal stack, where a caught NullReferenceException then hangs the process.
 * This takes it back, at each stele_open again, and holds the signal while a thread is inside Go (0.3 us a call that enters it).
 * STELE_HOST_SIGNALS: for Node.js and others over libuv, and for mono: they set handlers without SA_ONSTACK whenever they like, and such a signal on the small stack of a goroutine destroys memory. The main thread, which takes the signals of a
 * process, adds the flag to what it finds each time it enters Go (1 us). STELE_HOST_DOTNET does so too: CoreCLR sets handlers like that when it starts its first child.
 * STELE_HOST_PLAIN: nothing of the kind, which is the default. Set your handlers before the library is loaded, or with SA_ONSTACK.
 * The environment variable STELE_HOST ("plain", "dotnet", "signals") decides if it is set. Does nothing on Windows.
 * Any thread. STELE_UNSUPPORTED: no such host. STELE_FORKED. Since 1.
 */
#define STELE_HOST_PLAIN   0
#define STELE_HOST_DOTNET  1
#define STELE_HOST_SIGNALS 2
STELE_API stele_result stele_host(uint32_t host);

/*
 * Asks the call that is inside a writer, a reader, a tail or a result (whichever thread it is on) to end soon with STELE_CANCELED, and so every later one but the end of it.
 * It returns at once. Any thread. STELE_INVALID_HANDLE (also for a store or a server), STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_cancel(uint64_t handle);

/* ------------------------------------------------------------------- keys */

/* A key names an event and orders it: the instant (nanoseconds since 1970, the sign bit flipped), then the arrival number, both of 8 bytes with the highest first. memcmp is their order. */
typedef struct stele_key {
    uint8_t bytes[16];
} stele_key;

/* Bytes of a key's text form: "event-" and 32 hex digits. */
#define STELE_KEY_TEXT 38

/* Reads a key's text form. Any thread; never enters Go. STELE_INVALID: it is none; STELE_ARGUMENT_NULL, STELE_TOO_LARGE, STELE_FORKED. Since 1. */
STELE_API stele_result stele_key_parse(const char *text, size_t len, stele_key *key);

/* Writes a key's text form, STELE_KEY_TEXT bytes and no NUL. Any thread; never enters Go. STELE_BUFFER_TOO_SMALL, STELE_ARGUMENT_NULL, STELE_FORKED. Since 1. */
STELE_API stele_result stele_key_format(const stele_key *key, char *buffer, size_t len, size_t *actual);

/* Takes a key apart: the instant in nanoseconds since 1970 and the arrival number. Either may be NULL. Any thread; never enters Go. STELE_ARGUMENT_NULL, STELE_FORKED. Since 1. */
STELE_API stele_result stele_key_parts(const stele_key *key, int64_t *instant, uint64_t *arrival);

/* One end of a range. */
typedef struct stele_bound {
    uint32_t  kind;     /* STELE_UNBOUNDED ... */
    uint32_t  reserved; /* 0 */
    int64_t   instant;  /* nanoseconds since 1970 */
    stele_key key;
} stele_bound;

enum {
    STELE_UNBOUNDED         = 0, /* every event */
    STELE_INCLUSIVE_KEY     = 1, /* the event of key counts */
    STELE_EXCLUSIVE_KEY     = 2, /* it does not */
    STELE_INCLUSIVE_INSTANT = 3, /* events at instant count */
    STELE_EXCLUSIVE_INSTANT = 4  /* they do not */
};

/* Bounds on the keys of events: from is the lower end, to the upper one, whatever the ordering. All zero has every event. NULL for a range means the same. */
typedef struct stele_range {
    stele_bound from, to;
} stele_range;

/* ------------------------------------------------------------------ store */

typedef struct stele_options {
    size_t   size;
    uint32_t flags;          /* STELE_READ_ONLY ... */
    uint32_t event_bytes;    /* most bytes of one event's text; 0: 256 KiB */
    uint64_t batch_bytes;    /* most bytes of one write's text; 0: 64 MiB */
    uint64_t memory_bytes;   /* about how much memory the store is to get along with; 0: half of what there is, from 32 MiB to 512 MiB */
    uint64_t journal_bytes;  /* size at which the journal is sealed into a segment; 0: a quarter of the memory, at most 64 MiB */
    uint64_t cache_bytes;    /* memory for blocks that stay decoded; 0: half of the memory */
    uint64_t document_bytes; /* most bytes of one document; 0: 16 MiB */
    int64_t  min_free_bytes; /* writes are refused while the disk has less free; 0: a 64th of the disk, at most 128 MiB; negative: when it is full */
    uint32_t open_files;     /* files of segments kept open at a time; 0: 256 */
    uint32_t reserved;
} stele_options;

enum {
    STELE_READ_ONLY  = 1, /* without the right to write; several processes may do so while none writes */
    STELE_MUST_EXIST = 2  /* STELE_NOT_FOUND if there is no store, rather than a new one */
};

/*
 * Opens the store in a directory, which is made if absent, and recovers it if the last process with it was stopped short. path may be absolute or not; options may be NULL.
 * Damage does not stop it: what is lost is told by stele_statistics, stele_verify and by readers that meet it.
 * Any thread. *store is the caller's to close.
 * STELE_LOCKED: another process, or another handle of this one, has it (R17), and the text names its URL if it serves one; STELE_NOT_FOUND; STELE_INVALID (path, a size out of range); STELE_TOO_LARGE (path); STELE_DENIED; STELE_UNSUPPORTED;
 * STELE_CORRUPT; STELE_IO; STELE_FULL; STELE_EXHAUSTED: 1,048,576 handles are open; STELE_ARGUMENT_NULL; STELE_FORKED; STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_open(const char *path, size_t path_len, const stele_options *options, stele_store *store);

/*
 * Closes the store (R24): new calls get STELE_CLOSED, and STELE_INVALID_HANDLE once it is closed, calls that wait are ended with STELE_CLOSED, and this returns when none is inside. Writers that are open are abandoned; they, readers, tails and results
 * answer STELE_CLOSED and are still to be ended. What was acknowledged is on disk before and after. The handle is of no use afterwards whatever is returned.
 * Any thread. STELE_INVALID_HANDLE: it is closed already, which does no harm; STELE_IO; STELE_FORKED: nothing was done; STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_close(stele_store store);

/*
 * Seals what is in the journal into segments. What was acknowledged is durable without it.
 * Any thread. STELE_INVALID_HANDLE, STELE_CLOSED, STELE_DENIED, STELE_FULL, STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_flush(stele_store store);

/*
 * Describes the store as a JSON object: StoreId, Events, Documents, Segments, DiskBytes, JournalBytes, Oldest, Newest, LastArrival, Damage (a list of objects with File, Offset, What, Error) and
 * more; members are added, never changed. Cheap.
 * Any thread. STELE_BUFFER_TOO_SMALL (what is needed may grow until asked again), STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_statistics(stele_store store, char *buffer, size_t len, size_t *actual);

/*
 * Checks every byte that the store consists of, beside all other work, and gives a result of one row: a JSON object with Files, Frames, Blocks, Events, Documents, Bytes and Damage (as stele_statistics has it). That damage was found is no failure of
 * this function: look whether the list is empty. *rows is the caller's to end.
 * Any thread; takes as long as reading the store. STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_EXHAUSTED, STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_verify(stele_store store, stele_rows *rows);

/*
 * Makes a backup of the store in a directory of backups, beside all other work. Backups there share what they have in common. keep is how many backups of this store are kept, older ones being removed; 0: all. The
 * result has one row: a JSON object with Name, StoreId, Taken, Events, Documents, Files, Bytes, Added, Removed and Damage, what was lost before and so is not in it. When it returns the backup is
 * durable and has been read again. *rows is the caller's to end. `stele restore` makes a store of it.
 * Any thread. STELE_LOCKED: another backup is at work there; STELE_INVALID (directory), STELE_TOO_LARGE, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_EXHAUSTED, STELE_FULL, STELE_CORRUPT, STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_backup(stele_store store, const char *directory, size_t directory_len, uint32_t keep, stele_rows *rows);

/* ------------------------------------------------------------------ write */

typedef struct stele_write_options {
    size_t      size;
    uint32_t    flags;       /* STELE_WRITE_PARTIAL, STELE_BIND_THREAD */
    uint32_t    reserved;
    const char *id;          /* of the batch: if one of the same id was stored in the last ten minutes, nothing is stored, and the keys are that one's (R16); NULL: none */
    size_t      id_len;      /* at most 256 */
} stele_write_options;

enum {
    STELE_WRITE_PARTIAL = 1, /* a refused append does not make the end fail */
    STELE_BIND_THREAD   = 2  /* calls of other threads, but for the end and stele_cancel, are STELE_WRONG_THREAD; also for readers, tails and results */
};

/*
 * Begins a write: events that are stored together, all or none (R11). options may be NULL. Nothing is seen of it before its end. *writer is the caller's to end or to abandon.
 * Any thread. STELE_ARGUMENT_NULL, STELE_INVALID, STELE_TOO_LARGE (id), STELE_INVALID_HANDLE, STELE_CLOSED, STELE_DENIED, STELE_UNSUPPORTED, STELE_EXHAUSTED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_write_begin(stele_store store, const stele_write_options *options, stele_writer *writer);

/*
 * Adds events: lines of CLEF, a JSON object each, "\n" or "\r\n" between them; empty lines are passed over. An event has at least "@t".
 * Lines are taken one by one. The first that is refused ends the call: those before it are in the write, it and those after it are not, and the text tells its number in the
 * call (from 1), the byte and the reason. The write can go on, but without STELE_WRITE_PARTIAL its end will fail with the same result, so that nothing is lost unseen.
 * One thread at a time. STELE_INVALID, STELE_TOO_LARGE: a line, or the write with it, is over its limit; STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_BUSY, STELE_WRONG_THREAD, STELE_CLOSED, STELE_CANCELED,
 * STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_write_append(stele_writer writer, const char *clef, size_t len);

/*
 * Ends a write: its events are on disk and to be seen when it returns STELE_OK (R10). The keys of its events, in the order in which they were added, are written to keys if it is not NULL;
 * *count is their number. count may be NULL if keys is.
 * If capacity is below *count: STELE_BUFFER_TOO_SMALL, and the write goes on. After any other result but STELE_ARGUMENT_NULL, STELE_BUSY and STELE_FORKED the handle is gone, and after a failure the write is as if it had never been;
 * after STELE_IO it may or may not have been stored (an id tells when it is sent again).
 * STELE_OK, or what an append was refused for, STELE_CLOSED, STELE_CANCELED, STELE_FULL, STELE_IO, STELE_INVALID_HANDLE, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_write_end(stele_writer writer, stele_key *keys, size_t capacity, size_t *count);

/* Gives a write up: nothing of it is stored. Any thread; while another is inside, the handle is gone and the write with it when that one leaves. STELE_INVALID_HANDLE (harmless), STELE_FORKED, STELE_INTERNAL. Since 1. */
STELE_API stele_result stele_write_abandon(stele_writer writer);

/* ------------------------------------------------------------------- read */

typedef struct stele_read_options {
    size_t             size;
    const stele_range *range;      /* NULL: every event */
    const char        *filter;     /* of docs/query-language.md; NULL: every event */
    size_t             filter_len;
    uint64_t           limit;      /* most events; 0: all */
    uint32_t           ordering;   /* STELE_ASCENDING, STELE_DESCENDING */
    uint32_t           flags;      /* STELE_READ_AHEAD, STELE_BIND_THREAD */
} stele_read_options;

enum {
    STELE_ASCENDING  = 0, /* oldest first */
    STELE_DESCENDING = 1  /* newest first */
};

enum {
    STELE_READ_AHEAD = 1  /* another thread reads on while the caller uses what came */
};

/*
 * Begins to read what the store holds now; what is written or deleted later does not matter. options may be NULL. *reader is the caller's to end; until then files it needs are kept on disk.
 * Any thread. STELE_INVALID: the filter is wrong, and the text says where and what was meant, or an ordering, a flag, a bound is; STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_TOO_LARGE, STELE_UNSUPPORTED, STELE_EXHAUSTED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_read_begin(stele_store store, const stele_read_options *options, stele_reader *reader);

/*
 * Gives the next event: its key in *key (which may be NULL) and its text, one JSON object in CLEF as it was written, in buffer; *actual is the text's size.
 * Most calls give what was fetched before and never enter Go.
 * One thread at a time. STELE_DONE: there are no more. STELE_BUFFER_TOO_SMALL: the event stays the next one. STELE_CORRUPT, STELE_IO, after the last event: something was passed over on the way; the text names file,
 * offset and cause, and every later call says the same. STELE_CANCELED, STELE_CLOSED, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_BUSY, STELE_WRONG_THREAD, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_read_next(stele_reader reader, stele_key *key, void *buffer, size_t len, size_t *actual);

/*
 * What stele_read_next_batch puts before each text. A record begins at a multiple of 8 bytes from the buffer's begin; the next one begins at
 * record + stride. Numbers are in the machine's order of bytes.
 */
typedef struct stele_record {
    stele_key key;
    uint32_t  len;    /* of the text, which follows */
    uint32_t  stride; /* from this record to the next: sizeof(stele_record) + len, rounded up to 8 */
} stele_record;

/*
 * Gives as many of the next events as fit, at least one: *count records in the first *actual bytes of buffer. A buffer of 256 KiB is a good one.
 * Otherwise as stele_read_next, and may be mixed with it; *actual is the size of the next record when that does not fit. STELE_INVALID: buffer is not at a multiple of 8 bytes. Since 1.
 */
STELE_API stele_result stele_read_next_batch(stele_reader reader, void *buffer, size_t len, size_t *actual, size_t *count);

/*
 * Ends a reader. A failure tells what was lost on the way (STELE_CORRUPT, STELE_IO, STELE_INTERNAL), the handle is gone all the same (R12). That the reader was canceled, or its store closed, is no failure.
 * Any thread; while another is inside, the handle is gone, and its reader when that one leaves. STELE_INVALID_HANDLE (harmless), STELE_FORKED. Since 1.
 */
STELE_API stele_result stele_read_end(stele_reader reader);

/*
 * Gives one event by its key, as CLEF.
 * Any thread. STELE_NOT_FOUND, STELE_BUFFER_TOO_SMALL, STELE_CORRUPT, STELE_IO, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_get(stele_store store, const stele_key *key, void *buffer, size_t len, size_t *actual);

/* ----------------------------------------------------------------- delete */

/*
 * Deletes the events of these keys, durably and all at once; those that do not exist do not matter. keys may be NULL if count is 0. *deleted (may be NULL) is how many there were.
 * Any thread. STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_TOO_LARGE: over 1,048,576 keys; STELE_DENIED, STELE_FULL, STELE_CORRUPT, STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_delete_keys(stele_store store, const stele_key *keys, size_t count, uint64_t *deleted);

/*
 * Deletes the events of a range (NULL: of all time) that a filter selects (NULL: all of them), durably and all at once. *deleted (may be NULL) is how many they were.
 * Any thread. STELE_INVALID: filter or range; else as stele_delete_keys. Since 1.
 */
STELE_API stele_result stele_delete(stele_store store, const stele_range *range, const char *filter, size_t filter_len, uint64_t *deleted);

/* -------------------------------------------------------------- documents */

/* Documents are JSON values under keys of 1 to 1,024 bytes of UTF-8. */

/*
 * Stores a document under its key, in place of what was there, durably.
 * Any thread. STELE_INVALID: the value is not one JSON value, or the key is none; STELE_TOO_LARGE, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_DENIED, STELE_FULL, STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_document_set(stele_store store, const char *key, size_t key_len, const char *json, size_t json_len);

/* Gives a document, byte for byte as it was set. Any thread. STELE_NOT_FOUND, STELE_BUFFER_TOO_SMALL, STELE_CORRUPT, else as above. Since 1. */
STELE_API stele_result stele_document_get(stele_store store, const char *key, size_t key_len, char *buffer, size_t len, size_t *actual);

/* Deletes a document, durably. Any thread. STELE_NOT_FOUND, else as above. Since 1. */
STELE_API stele_result stele_document_delete(stele_store store, const char *key, size_t key_len);

/*
 * Lists the documents whose keys begin with a prefix (NULL with length 0: all), by key: a result whose rows are JSON objects with Key, Bytes, Changed and Version. *rows is the caller's to end.
 * Any thread. STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_TOO_LARGE, STELE_EXHAUSTED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_document_list(stele_store store, const char *prefix, size_t prefix_len, stele_rows *rows);

/* ------------------------------------------------------------------ query */

typedef struct stele_query_options {
    size_t             size;
    const stele_range *range;        /* beside the query's where clause; NULL: every event */
    const char        *filter;       /* likewise; NULL: none */
    size_t             filter_len;
    uint64_t           memory_bytes; /* most that the result may take while it is made; 0: 256 MiB */
    uint32_t           timeout_ms;   /* over it STELE_EXHAUSTED; 0: none */
    uint32_t           flags;        /* STELE_BIND_THREAD */
} stele_query_options;

/*
 * Begins a query in the language of docs/query-language.md, over what the store holds now. options may be NULL. It is worked on while its rows are asked for. *rows is the caller's to end.
 * Any thread. STELE_INVALID: the query is wrong, and the text says where and what was meant; STELE_TOO_LARGE, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_UNSUPPORTED, STELE_EXHAUSTED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_query_begin(stele_store store, const char *query, size_t query_len, const stele_query_options *options, stele_rows *rows);

/*
 * Describes a result as a JSON object: Columns (a list of names; of a query alone), and, once STELE_DONE was returned, Statistics. Members are added, never changed.
 * One thread at a time. STELE_BUFFER_TOO_SMALL, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_BUSY, STELE_WRONG_THREAD, STELE_CLOSED, STELE_CANCELED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_rows_describe(stele_rows rows, char *buffer, size_t len, size_t *actual);

/*
 * Gives the next row as JSON: a list with a value for each column where the rows are a query's, else an object.
 * One thread at a time. STELE_DONE: there are no more. STELE_BUFFER_TOO_SMALL: the row stays the next one. STELE_EXHAUSTED: over the memory or the time. STELE_CORRUPT, STELE_IO, after the last row: something was passed over on the way.
 * STELE_CANCELED, STELE_CLOSED, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_BUSY, STELE_WRONG_THREAD, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_rows_next(stele_rows rows, char *buffer, size_t len, size_t *actual);

/* As stele_read_next_batch, with rows, and results as stele_rows_next; the keys of the records are zero. Since 1. */
STELE_API stele_result stele_rows_next_batch(stele_rows rows, void *buffer, size_t len, size_t *actual, size_t *count);

/* Ends a result, as stele_read_end does a reader. Since 1. */
STELE_API stele_result stele_rows_end(stele_rows rows);

/* ------------------------------------------------------------------- tail */

/* In stele_tail_options.after: nothing that is there already. */
#define STELE_FROM_NOW UINT64_MAX

typedef struct stele_tail_options {
    size_t      size;
    uint64_t    after;      /* arrival number: what arrived later (R5). 0: everything; STELE_FROM_NOW */
    const char *filter;     /* NULL: every event */
    size_t      filter_len;
    uint32_t    flags;      /* STELE_BIND_THREAD */
    uint32_t    reserved;
} stele_tail_options;

/*
 * Begins to follow the store: events in the order in which they arrive, late ones included, without end. options may be NULL: everything, then what comes. *tail is the caller's to end.
 * Any thread. As stele_read_begin. Since 1.
 */
STELE_API stele_result stele_tail_begin(stele_store store, const stele_tail_options *options, stele_tail *tail);

/*
 * Gives the next event, as stele_read_next does, and waits for it for at most timeout_ms: 0 is not at all, UINT32_MAX for ever.
 * STELE_TIMED_OUT: none came. STELE_CLOSED: the store was closed. Else as stele_read_next, but never STELE_DONE. Since 1.
 */
STELE_API stele_result stele_tail_next(stele_tail tail, uint32_t timeout_ms, stele_key *key, void *buffer, size_t len, size_t *actual);

/* Gives as many of the next events as are there and fit, and waits for the first as stele_tail_next does. Else as stele_read_next_batch. Since 1. */
STELE_API stele_result stele_tail_next_batch(stele_tail tail, uint32_t timeout_ms, void *buffer, size_t len, size_t *actual, size_t *count);

/*
 * Gives the arrival number after which to go on, as stele_tail_options.after: that of the last event given, or of one passed over since by the filter.
 * One at a time, any thread; also after stele_cancel, and when the store was closed. STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_BUSY, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_tail_position(stele_tail tail, uint64_t *arrival);

/* Ends a tail, as stele_read_end does a reader. To wake a thread that waits in it, stele_cancel it first. Since 1. */
STELE_API stele_result stele_tail_end(stele_tail tail);

/* ------------------------------------------------------------------ serve */

typedef struct stele_serve_options {
    size_t      size;
    const char *urls;     /* what to listen on, ";" between them; NULL: http://localhost:5341. Port 0 takes a free one */
    size_t      urls_len;
    const char *instance; /* the name that the page shows; NULL: none */
    size_t      instance_len;
    uint32_t    flags;    /* 0 */
    uint32_t    reserved;
} stele_serve_options;

/*
 * Serves the HTTP API and the page of an open store from inside this process, so that it can be looked at. options may be NULL. When it returns the sockets listen. *server is the caller's to end, before the store is closed; a store that is closed
 * first ends it too.
 * Any thread. STELE_INVALID: a URL; STELE_UNAVAILABLE: it cannot be listened on; STELE_TOO_LARGE, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED, STELE_UNSUPPORTED, STELE_EXHAUSTED, STELE_FORKED, STELE_INTERNAL. Since 1.
 */
STELE_API stele_result stele_serve_begin(stele_store store, const stele_serve_options *options, stele_server *server);

/* Gives the URLs that are served, ";" between them, with the ports that were taken. Any thread. STELE_BUFFER_TOO_SMALL, STELE_ARGUMENT_NULL, STELE_INVALID_HANDLE, STELE_CLOSED: it is being ended; STELE_FORKED, STELE_INTERNAL. Since 1. */
STELE_API stele_result stele_serve_urls(stele_server server, char *buffer, size_t len, size_t *actual);

/* Stops serving: requests inside have five seconds to finish. Any thread. STELE_INVALID_HANDLE (harmless), STELE_IO, STELE_FORKED, STELE_INTERNAL. Since 1. */
STELE_API stele_result stele_serve_end(stele_server server);

#ifdef __cplusplus
}
#endif

#endif
