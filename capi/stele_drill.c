//go:build drill

#include "_cgo_export.h"
#include "../include/stele.h"

STELE_API void stele_drill(const char *function);
void stele_drill(const char *function) { stelego_drill((char *)function); }
