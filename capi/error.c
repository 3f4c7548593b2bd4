#include "shim.h"
#include "os.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64 << 10 };

static atomic_uint_fast64_t failures;

stele_result shim_fail(stele_result code, const char *text, size_t len)
{
    thread_block *t = os_thread();
    if (t->quiet)
        return code;
    if (len > LONGEST)
        for (len = LONGEST; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80; len--)
            ; // not within a character
    char *p = os_forked() ? NULL : realloc(t->text, len ? len : 1);
    if (os_forked()) {
        // A thread that is gone may have had the allocator's lock. The child has one thread, or few.
        static char in_child[256];
        t->text = in_child;
        memcpy(t->text, text, len = len < sizeof in_child ? len : sizeof in_child);
    } else if (p) {
        memcpy(p, text, len);
        t->text = p;
    } else if (t->text == NULL) {
        len = 0;
    } else {
        len = len < t->len ? len : t->len;
        memcpy(t->text, text, len);
    }
    t->len = len;
    t->code = code;
    t->id = atomic_fetch_add(&failures, 1) + 1;
    return code;
}

stele_result shim_failf(const char *function, stele_result code, const char *format, ...)
{
    char    text[512];
    va_list arguments;
    int     n = snprintf(text, sizeof text, "%s: ", function);
    va_start(arguments, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, arguments);
    va_end(arguments);
    return shim_fail(code, text, strlen(text));
}

stele_result stele_last_error(stele_result *code, uint64_t *id, char *buffer, size_t len, size_t *actual)
{
    thread_block *t = os_thread();
    if (!actual || (!buffer && len))
        return STELE_ARGUMENT_NULL; // not kept: the failure that is asked for stays
    if (t->code == STELE_OK) {
        *actual = 0;
        return STELE_DONE;
    }
    if (code)
        *code = t->code;
    if (id)
        *id = t->id;
    *actual = t->len;
    if (len < t->len)
        return STELE_BUFFER_TOO_SMALL;
    if (t->len)
        memcpy(buffer, t->text, t->len);
    return STELE_OK;
}

const char *stele_result_name(stele_result result)
{
    switch (result) {
#define NAME(r) \
    case r: return #r;
        NAME(STELE_OK)
        NAME(STELE_DONE)
        NAME(STELE_TIMED_OUT)
        NAME(STELE_BUFFER_TOO_SMALL)
        NAME(STELE_ARGUMENT_NULL)
        NAME(STELE_INVALID_HANDLE)
        NAME(STELE_BUSY)
        NAME(STELE_WRONG_THREAD)
        NAME(STELE_FORKED)
        NAME(STELE_INVALID)
        NAME(STELE_NOT_FOUND)
        NAME(STELE_CLOSED)
        NAME(STELE_UNAVAILABLE)
        NAME(STELE_LOCKED)
        NAME(STELE_FULL)
        NAME(STELE_TOO_LARGE)
        NAME(STELE_EXHAUSTED)
        NAME(STELE_CANCELED)
        NAME(STELE_DENIED)
        NAME(STELE_UNSUPPORTED)
        NAME(STELE_CORRUPT)
        NAME(STELE_IO)
        NAME(STELE_INTERNAL)
#undef NAME
    }
    return "STELE_UNKNOWN";
}
