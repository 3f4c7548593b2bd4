// What the C programs here share: the clock, and the form of their answer, a line "name nanoseconds".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void tell(const char *name, double begun, double calls)
{
    printf("%s %.2f\n", name, (now_ns() - begun) / calls);
    fflush(stdout);
}

static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}
