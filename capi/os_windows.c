//go:build windows

#include "os.h"

#include <stdlib.h>

// There is no fork and there are no signals to arrange. Blocks of threads are freed by a fibre-local slot's callback, which also runs when a thread ends.
static __thread thread_block *mine;
static DWORD                  slot = FLS_OUT_OF_INDEXES;
static volatile LONG64        threads;
static thread_block           reserve = {.number = UINT64_MAX};

static void WINAPI free_block(void *p)
{
    thread_block *b = p;
    if (!b)
        return;
    mine = NULL;
    free(b->text);
    free(b);
}

thread_block *os_thread(void)
{
    if (mine)
        return mine;
    thread_block *b = calloc(1, sizeof *b);
    if (!b)
        return &reserve;
    b->number = (uint64_t)InterlockedIncrement64(&threads);
    b->stripe = (uint32_t)b->number;
    mine = b;
    if (slot != FLS_OUT_OF_INDEXES)
        FlsSetValue(slot, b);
    return b;
}

void os_pause(unsigned round)
{
    if (round < 64)
        SwitchToThread();
    else
        Sleep(1);
}

void os_set_host(uint32_t host) { (void)host; }
void os_arrange(void) {}
bool os_enter_go(os_mask *before, void (*visit)(void)) { (void)before, (void)visit; return false; }
void os_leave_go(const os_mask *before, bool held) { (void)before, (void)held; }

__attribute__((constructor)) static void loaded(void) { slot = FlsAlloc(free_block); }
