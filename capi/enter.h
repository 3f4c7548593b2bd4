// The doorway on the C side: every public function comes in and goes out through these.
#ifndef STELE_ENTER_H
#define STELE_ENTER_H

#include "shim.h"
#include "table.h"

// Longest text that is taken at all.
#define LONGEST_TEXT ((size_t)1 << 30)

// GO runs a call of Go with signals arranged around it.
#define GO(call)                                            \
    do {                                                    \
        os_mask before_;                                    \
        bool    held_ = os_enter_go(&before_, stelego_visit); \
        call;                                               \
        os_leave_go(&before_, held_);                       \
    } while (0)

stele_result enter_plain(const char *function);
stele_result enter_shared(const char *function, uint64_t handle, kind k, slot **s);
stele_result leave_shared(slot *s, stele_result r);

// The way into and out of an exclusive handle is inline, as events that were fetched are given out in some twenty nanoseconds; what is not as it should be goes to not_entered and leave_slowly.
stele_result not_entered(const char *function, uint64_t handle, kind k, stele_result r, slot *s);
stele_result leave_slowly(slot *s, stele_result r);

static inline stele_result enter_exclusive(const char *function, uint64_t handle, kind k, slot **s)
{
    if (os_forked())
        return enter_plain(function);
    stele_result r = slot_lock(handle, k, false, s);
    // The store's state is looked at after the lock was taken: whoever closes it does the two the other way round (slot_drain_children).
    if (__builtin_expect(r == STELE_OK && !(*s)->poisoned && !atomic_load_explicit(&(*s)->canceled, memory_order_relaxed) && atomic_load(&(*s)->parent->state) == (*s)->parent_open, 1))
        return STELE_OK;
    return not_entered(function, handle, k, r, r == STELE_OK ? *s : NULL);
}

static inline stele_result leave_exclusive(slot *s, stele_result r)
{
    return __builtin_expect(r != STELE_INTERNAL, 1) && __builtin_expect(slot_unlock(s), 1) ? r : leave_slowly(s, r);
}

// new_handle takes a slot for what is made of a store; made publishes it, or gives it back after a failure.
stele_result new_handle(const char *function, kind k, slot *parent, slot **s, uint64_t *handle);
stele_result made(slot *s, stele_result r, uint64_t handle, uint64_t *out);

// lock_in_any_state is enter_exclusive for what is also allowed from another thread, after stele_cancel, and when the store was closed. end_locked ends what is locked.
stele_result lock_in_any_state(const char *function, uint64_t handle, kind k, slot **s);
stele_result end_locked(slot *s);

// end_quietly is end_locked for a caller that has another result to tell; what the end says is lost with it.
void end_quietly(slot *s);

// end_exclusive ends a handle of a kind.
stele_result end_exclusive(const char *function, uint64_t handle, kind k);

// Arguments. given checks a pointer; text checks a text and finds its length; taken copies a struct that may be of an older or a newer header.
stele_result given(const char *function, const void *p, const char *name);
stele_result text(const char *function, const char *s, size_t *len, const char *name, bool optional);
stele_result taken(const char *function, void *to, size_t size, const void *from);
stele_result flags(const char *function, uint32_t found, uint32_t known);
stele_result reserved(const char *function, uint32_t found);

// TRY returns from a function when a step of it fails.
#define TRY(step)                   \
    do {                            \
        stele_result r_ = (step);   \
        if (r_ != STELE_OK)         \
            return r_;              \
    } while (0)

#endif
