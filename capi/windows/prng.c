// A bcryptprimitives.dll for a Wine that has none: the Go runtime needs its one function for random numbers.
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG len); // RtlGenRandom

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T len) { return SystemFunction036(buffer, (ULONG)len); }
