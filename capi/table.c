#include "table.h"

#include <stdlib.h>

#define LAST_GENERATION ((UINT64_C(1) << (53 - INDEX_BITS - KIND_BITS)) - 1)

_Atomic(slot *)  slot_chunks[CHUNKS];
static os_mutex        mutex = OS_MUTEX_INIT; // guards what follows, and every change of a slot's generation
static uint32_t        used;                  // slots that were ever made
static slot           *first_free, *last_free;

static uint64_t generation_of(uint64_t handle) { return handle >> (INDEX_BITS + KIND_BITS); }

// a_slot takes a slot that nothing is in. The caller has the mutex.
static slot *a_slot(void)
{
    slot *s = first_free;
    if (s) {
        first_free = s->free;
        return s;
    }
    if (used == 1u << INDEX_BITS)
        return NULL;
    if (used % CHUNK == 0) {
        slot *chunk = NULL;
#if defined(_WIN32)
        chunk = _aligned_malloc(sizeof(slot) * CHUNK, 64);
#else
        if (posix_memalign((void **)&chunk, 64, sizeof(slot) * CHUNK) != 0)
            chunk = NULL;
#endif
        if (!chunk)
            return NULL;
        memset(chunk, 0, sizeof(slot) * CHUNK);
        for (uint32_t i = 0; i < CHUNK; i++)
            chunk[i].index = used + i;
        atomic_store_explicit(&slot_chunks[used / CHUNK], chunk, memory_order_release);
    }
    s = find(used);
    used++;
    return s;
}

static stripe *new_stripes(void)
{
    stripe *all = NULL;
#if defined(_WIN32)
    all = _aligned_malloc(sizeof(stripe) * STRIPES, 64);
#else
    if (posix_memalign((void **)&all, 64, sizeof(stripe) * STRIPES) != 0)
        return NULL;
#endif
    if (all)
        memset(all, 0, sizeof(stripe) * STRIPES);
    return all;
}

static bool shared(kind k) { return k == KIND_STORE || k == KIND_SERVER; }

static void give_back(slot *s)
{
    s->free = NULL;
    if (first_free)
        last_free->free = s;
    else
        first_free = s;
    last_free = s;
}

slot *slot_new(kind k, slot *parent, uint64_t *handle)
{
    os_lock(&mutex);
    slot *s = a_slot();
    if (s && shared(k) && !s->stripes && !(s->stripes = new_stripes())) {
        give_back(s);
        s = NULL;
    }
    if (s) {
        uint64_t generation = generation_of(atomic_load(&s->state)) + 1;
        uint64_t id = generation << (INDEX_BITS + KIND_BITS) | (uint64_t)k << INDEX_BITS;
        atomic_store(&s->canceled, false);
        s->poisoned = false;
        atomic_store(&s->bound_to, 0);
        s->next = s->end = NULL;
        s->position = 0;
        s->parent = parent;
        s->parent_open = parent ? identity(atomic_load(&parent->state)) | SLOT_OPEN : 0;
        *handle = id | s->index;
        atomic_store(&s->state, shared(k) ? id : id | SLOT_LOCKED);
    }
    os_unlock(&mutex);
    return s;
}

void slot_bind(slot *s) { atomic_store(&s->bound_to, os_thread()->number); }

void slot_publish(slot *s) { atomic_store(&s->state, identity(atomic_load(&s->state)) | SLOT_OPEN); }

void slot_free(slot *s)
{
    os_lock(&mutex);
    uint64_t generation = generation_of(atomic_load(&s->state));
    atomic_store(&s->state, generation << (INDEX_BITS + KIND_BITS));
    if (generation < LAST_GENERATION)
        give_back(s);
    os_unlock(&mutex);
}

// ----------------------------------------------------------------- shared

stele_result slot_enter(uint64_t handle, kind k, slot **out)
{
    slot *s;
    if (kind_of(handle) != k || handle >> 53 || !(s = find(handle)))
        return STELE_INVALID_HANDLE;
    uint64_t open = identity(handle) | SLOT_OPEN;
    if (atomic_load_explicit(&s->state, memory_order_relaxed) != open) {
        return atomic_load(&s->state) == (open | SLOT_ENDING) ? STELE_CLOSED : STELE_INVALID_HANDLE;
    }
    // A stale handle may count in what the slot has now; it leaves at once again, and whoever closes that waits so long.
    atomic_int_fast64_t *inside = &s->stripes[os_thread()->stripe % STRIPES].inside;
    atomic_fetch_add(inside, 1);
    if (atomic_load(&s->state) != open) {
        atomic_fetch_sub(inside, 1);
        return atomic_load(&s->state) == (open | SLOT_ENDING) ? STELE_CLOSED : STELE_INVALID_HANDLE;
    }
    *out = s;
    return STELE_OK;
}

void slot_leave(slot *s) { atomic_fetch_sub(&s->stripes[os_thread()->stripe % STRIPES].inside, 1); }

stele_result slot_closing(uint64_t handle, kind k, slot **out)
{
    slot *s;
    if (kind_of(handle) != k || handle >> 53 || !(s = find(handle)))
        return STELE_INVALID_HANDLE;
    uint64_t open = identity(handle) | SLOT_OPEN;
    if (!atomic_compare_exchange_strong(&s->state, &open, open | SLOT_ENDING))
        return STELE_INVALID_HANDLE;
    *out = s;
    return STELE_OK;
}

void slot_drain(slot *s)
{
    for (unsigned round = 0;; round++) {
        int_fast64_t inside = 0;
        for (int i = 0; i < STRIPES; i++)
            inside += atomic_load(&s->stripes[i].inside);
        if (inside == 0)
            return;
        os_pause(round);
    }
}

void slot_drain_children(slot *parent)
{
    uint64_t open = identity(atomic_load(&parent->state)) | SLOT_OPEN;
    uint32_t i = 0;
    for (unsigned round = 0;;) {
        os_lock(&mutex);
        uint32_t end = used - i < CHUNK ? used : i + CHUNK;
        bool     inside = false;
        for (; i < end; i++) {
            slot    *s = find(i);
            uint64_t state = atomic_load(&s->state);
            if (s->parent == parent && s->parent_open == open && !shared(kind_of(state)) && state & SLOT_LOCKED) {
                inside = true;
                break;
            }
        }
        bool all = i == used;
        os_unlock(&mutex);
        if (all)
            return;
        if (inside)
            os_pause(round++);
        else
            round = 0;
    }
}

// -------------------------------------------------------------- exclusive

stele_result slot_ending(uint64_t handle, kind k, slot **out)
{
    slot *s;
    if (kind_of(handle) != k || handle >> 53 || !(s = find(handle)))
        return STELE_INVALID_HANDLE;
    uint64_t open = identity(handle) | SLOT_OPEN;
    for (;;) {
        uint64_t found = open;
        if (atomic_compare_exchange_strong(&s->state, &found, open | SLOT_LOCKED | SLOT_ENDING)) {
            *out = s;
            return STELE_OK;
        }
        if (found != (open | SLOT_LOCKED))
            return STELE_INVALID_HANDLE;
        if (atomic_compare_exchange_strong(&s->state, &found, found | SLOT_ENDING)) {
            *out = s;
            return STELE_BUSY;
        }
    }
}

stele_result slot_cancel(uint64_t handle, stele_result (*then)(uint32_t index))
{
    slot *s;
    kind  k = kind_of(handle);
    if (k == KIND_NONE || k >= KINDS || shared(k) || handle >> 53 || !(s = find(handle)))
        return STELE_INVALID_HANDLE;
    stele_result r = STELE_INVALID_HANDLE;
    os_lock(&mutex);
    uint64_t state = atomic_load(&s->state);
    if (identity(state) == identity(handle) && state & SLOT_OPEN) {
        atomic_store(&s->canceled, true);
        r = then(s->index);
    }
    os_unlock(&mutex);
    return r;
}
