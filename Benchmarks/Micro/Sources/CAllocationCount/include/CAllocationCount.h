#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

#include <stdint.h>

/// How often this process has asked the C library for memory: malloc, calloc, realloc and the
/// aligned ones, on all threads. Swift's objects and arrays are among them.
uint64_t allocation_count(void);

#endif
