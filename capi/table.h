// The table of handles. A handle names a slot, the slot's generation and the kind of what is in it; it is looked up and never followed.
//
//	 bits 52..24          23..20   19..0
//	+--------------------+--------+---------------------+
//	| generation (28..)  | kind   | slot                |   below 2^53 (R24)
//	+--------------------+--------+---------------------+
//
// Slots are used again, each time with a higher generation; one whose generations are used up is not. They are never freed, so that a look at a stale one is always allowed.
#ifndef STELE_TABLE_H
#define STELE_TABLE_H

#include "../include/stele.h"
#include "os.h"

#include <stdatomic.h>

typedef enum kind { KIND_NONE, KIND_STORE, KIND_SERVER, KIND_WRITER, KIND_READER, KIND_TAIL, KIND_ROWS, KINDS } kind;

enum { STRIPES = 8 };

typedef struct stripe {
    _Alignas(64) atomic_int_fast64_t inside;
} stripe;

// A slot's state is the upper part of its handle (generation and kind) with these flags below; 0 with the generation alone: free.
enum {
    SLOT_OPEN   = 1,
    SLOT_LOCKED = 2, // exclusive: a call is inside
    SLOT_ENDING = 4  // to be ended: by the call inside, or once the calls inside have left
};

typedef struct slot {
    _Alignas(64) atomic_uint_fast64_t state;
    atomic_bool canceled;  // stele_cancel; exclusive alone
    bool        poisoned;  // a panic was caught in it; exclusive alone, its lock's holder writes it
    uint32_t    index;
    atomic_uint_fast64_t bound_to; // the only thread that may use it; 0: any
    stripe     *stripes;   // of a shared slot; once made, kept
    // What a stream has fetched and not given. Its lock's holder owns it.
    unsigned char *next, *end;
    uint64_t       position;     // of a tail: the arrival number of the last event given, while something is left
    struct slot   *parent;       // the store's; NULL of a store. The table's mutex guards writing the two
    uint64_t       parent_open;  // its state while it is open
    struct slot   *free;         // the next free one
} slot;

enum {
    INDEX_BITS = 20,
    KIND_BITS  = 4,
    CHUNK      = 1024,
    CHUNKS     = (1 << INDEX_BITS) / CHUNK
};

extern _Atomic(slot *) slot_chunks[CHUNKS];

// A state has the generation and the kind where the handle has them, and flags in place of the index.
static inline uint64_t identity(uint64_t handle) { return handle >> INDEX_BITS << INDEX_BITS; }
static inline kind     kind_of(uint64_t handle) { return (kind)(handle >> INDEX_BITS & ((1 << KIND_BITS) - 1)); }

static inline slot *find(uint64_t handle)
{
    uint32_t index = (uint32_t)(handle & ((1 << INDEX_BITS) - 1));
    slot    *chunk = atomic_load_explicit(&slot_chunks[index / CHUNK], memory_order_acquire);
    return chunk ? &chunk[index % CHUNK] : NULL;
}

// slot_new takes a free slot for something of a kind, made of what a parent has, locked if it is exclusive, and its handle. NULL: there is no memory, or no handle left.
slot    *slot_new(kind k, slot *parent, uint64_t *handle);

// slot_bind binds a slot that is being made to the calling thread.
void slot_bind(slot *s);

// slot_publish makes what was made usable under its handle; slot_free gives the slot back, that of an exclusive one while it is locked, of a shared one after slot_close.
void slot_publish(slot *s);
void slot_free(slot *s);

// slot_enter and slot_leave stand around a call on a shared handle.
stele_result slot_enter(uint64_t handle, kind k, slot **s);
void         slot_leave(slot *s);

// slot_closing begins to close a shared handle: of several callers one gets STELE_OK. slot_drain then waits until nobody is inside.
stele_result slot_closing(uint64_t handle, kind k, slot **s);
void         slot_drain(slot *s);

// slot_drain_children waits until nobody is inside an exclusive handle that was made of what is being closed. Whoever comes later finds it closing.
void slot_drain_children(slot *s);

// slot_lock and slot_unlock stand around a call on an exclusive handle, by any thread or the one that it is bound to. slot_unlock returns false if the handle is to be ended by the caller, who has it locked still.
static inline stele_result slot_lock(uint64_t handle, kind k, bool any_thread, slot **out)
{
    slot *s;
    if (kind_of(handle) != k || handle >> 53 || !(s = find(handle)))
        return STELE_INVALID_HANDLE;
    uint64_t open = identity(handle) | SLOT_OPEN, found = atomic_load(&s->state);
    if (!any_thread) {
        // Before the lock is taken, so that a wrong thread is never in the right one's way. If the state is this handle's before and after, so is the thread.
        uint64_t bound_to = atomic_load(&s->bound_to);
        if (bound_to && bound_to != os_thread()->number && (found == open || found == (open | SLOT_LOCKED)) && identity(atomic_load(&s->state)) == identity(handle))
            return STELE_WRONG_THREAD;
    }
    found = open;
    if (!atomic_compare_exchange_strong(&s->state, &found, open | SLOT_LOCKED))
        return found == (open | SLOT_LOCKED) ? STELE_BUSY : STELE_INVALID_HANDLE;
    *out = s;
    return STELE_OK;
}

static inline bool slot_unlock(slot *s)
{
    uint64_t locked = atomic_load_explicit(&s->state, memory_order_relaxed);
    if (!(locked & SLOT_ENDING) && atomic_compare_exchange_strong(&s->state, &locked, locked & ~(uint64_t)SLOT_LOCKED))
        return true;
    return false; // nobody takes the mark back
}

// slot_ending locks an exclusive handle to end it. STELE_BUSY: a call is inside, which will do it when it leaves.
stele_result slot_ending(uint64_t handle, kind k, slot **s);

// slot_cancel marks an exclusive handle, and calls back while it cannot be given to anything else.
stele_result slot_cancel(uint64_t handle, stele_result (*then)(uint32_t index));

#endif
