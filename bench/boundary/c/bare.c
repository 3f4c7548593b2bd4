// Calls a Go function that does nothing.
#include "timing.h"

void bare_call(void);

int main(void)
{
    enum { CALLS = 2000000 };
    bare_call();
    double begun = now_ns();
    for (int i = 0; i < CALLS; i++)
        bare_call();
    tell("call-bare", begun, CALLS);
    return 0;
}
