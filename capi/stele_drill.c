//go:build drill

#include "_cgo_export.h"
#include "../include/stele.h"

STELE_API void stele_drill(const char *function);
void stele_drill(const char *function) { stelego_drill((char *)function); }

STELE_API uint64_t stele_drill_goroutines(void);
uint64_t stele_drill_goroutines(void) { return stelego_drill_goroutines(); }
