// The shim: what is behind the public functions before Go is entered, and what Go calls back.
#ifndef STELE_SHIM_H
#define STELE_SHIM_H

#include "../include/stele.h"

// shim_fail keeps a failure's text for the calling thread, and returns its code.
stele_result shim_fail(stele_result code, const char *text, size_t len);

// shim_failf is shim_fail with a text made as printf does, after the name of the public function.
__attribute__((format(printf, 3, 4))) stele_result shim_failf(const char *function, stele_result code, const char *format, ...);

#endif
