#include "enter.h"
#include "_cgo_export.h"

static const char *const kinds[KINDS] = {"", "a store", "a server", "a writer", "a reader", "a tail", "a result"};

static stele_result refused(const char *function, stele_result r, uint64_t handle, kind k)
{
    switch (r) {
    case STELE_CLOSED:
        return shim_failf(function, r, "%s is being closed", k == KIND_STORE ? "the store" : "the server");
    case STELE_BUSY:
        return shim_failf(function, r, "another thread is using this handle, which is for one at a time; give each thread its own");
    case STELE_WRONG_THREAD:
        return shim_failf(function, r, "this handle is bound to the thread that made it (STELE_BIND_THREAD)");
    default:
        return shim_failf(function, STELE_INVALID_HANDLE, "%llu is not the handle of %s that is open; it may have been closed or ended", (unsigned long long)handle, kinds[k]);
    }
}

stele_result enter_plain(const char *function)
{
    if (os_forked())
        return shim_failf(function, STELE_FORKED, "this process was forked from the one that loaded Stele; use it in the parent, or exec");
    return STELE_OK;
}

stele_result enter_shared(const char *function, uint64_t handle, kind k, slot **s)
{
    TRY(enter_plain(function));
    stele_result r = slot_enter(handle, k, s);
    return r == STELE_OK ? r : refused(function, r, handle, k);
}

stele_result leave_shared(slot *s, stele_result r)
{
    slot_leave(s);
    return r;
}

stele_result end_locked(slot *s)
{
    stele_result r;
    GO(r = stelego_end(s->index));
    slot_free(s);
    return r;
}

void end_quietly(slot *s)
{
    thread_block *t = os_thread();
    t->quiet = true;
    end_locked(s);
    t->quiet = false;
}

stele_result leave_slowly(slot *s, stele_result r)
{
    if (r == STELE_INTERNAL)
        s->poisoned = true;
    if (!slot_unlock(s))
        end_quietly(s);
    return r;
}

stele_result not_entered(const char *function, uint64_t handle, kind k, stele_result r, slot *s)
{
    if (r != STELE_OK)
        return refused(function, r, handle, k);
    if (s->poisoned)
        r = shim_failf(function, STELE_INTERNAL, "a defect was met in this handle before; end it");
    else if (atomic_load(&s->canceled))
        r = shim_failf(function, STELE_CANCELED, "stele_cancel was called for this handle; end it");
    else
        r = shim_failf(function, STELE_CLOSED, "the store was closed; end this handle");
    return leave_exclusive(s, r);
}

stele_result lock_in_any_state(const char *function, uint64_t handle, kind k, slot **s)
{
    TRY(enter_plain(function));
    stele_result r = slot_lock(handle, k, true, s);
    return r == STELE_OK ? r : refused(function, r, handle, k);
}

stele_result new_handle(const char *function, kind k, slot *parent, slot **s, uint64_t *handle)
{
    *s = slot_new(k, parent, handle);
    return *s ? STELE_OK : shim_failf(function, STELE_EXHAUSTED, "there is no room for another handle; end some");
}

stele_result made(slot *s, stele_result r, uint64_t handle, uint64_t *out)
{
    if (r != STELE_OK) {
        slot_free(s);
        return r;
    }
    slot_publish(s);
    *out = handle;
    return r;
}

stele_result end_exclusive(const char *function, uint64_t handle, kind k)
{
    slot *s;
    TRY(enter_plain(function));
    stele_result r = slot_ending(handle, k, &s);
    if (r == STELE_BUSY)
        return STELE_OK; // the call inside ends it
    return r == STELE_OK ? end_locked(s) : refused(function, r, handle, k);
}

stele_result given(const char *function, const void *p, const char *name)
{
    return p ? STELE_OK : shim_failf(function, STELE_ARGUMENT_NULL, "%s is NULL", name);
}

stele_result text(const char *function, const char *s, size_t *len, const char *name, bool optional)
{
    if (!s && (!optional || (*len != 0 && *len != STELE_TEXT)))
        return shim_failf(function, STELE_ARGUMENT_NULL, "%s is NULL", name);
    if (*len == STELE_TEXT)
        *len = s ? strlen(s) : 0;
    if (*len > LONGEST_TEXT)
        return shim_failf(function, STELE_TOO_LARGE, "%s has a length of %llu bytes; texts have up to 1 GiB", name, (unsigned long long)*len);
    return STELE_OK;
}

stele_result taken(const char *function, void *to, size_t size, const void *from)
{
    memset(to, 0, size);
    if (!from)
        return STELE_OK;
    size_t n;
    memcpy(&n, from, sizeof n);
    if (n < sizeof n || n > 4096)
        return shim_failf(function, STELE_INVALID, "the options' size is %llu; set it with STELE_INIT", (unsigned long long)n);
    for (size_t i = size; i < n; i++)
        if (((const unsigned char *)from)[i])
            return shim_failf(function, STELE_UNSUPPORTED, "the options have a field (at byte %llu) that this version of the library does not know", (unsigned long long)i);
    memcpy(to, from, n < size ? n : size);
    return STELE_OK;
}

stele_result flags(const char *function, uint32_t found, uint32_t known)
{
    if (found & ~known)
        return shim_failf(function, STELE_UNSUPPORTED, "the flags 0x%x are not known", (unsigned)(found & ~known));
    return STELE_OK;
}

stele_result reserved(const char *function, uint32_t found)
{
    return found == 0 ? STELE_OK : shim_failf(function, STELE_UNSUPPORTED, "the options' field reserved is %u; this version knows 0", (unsigned)found);
}
