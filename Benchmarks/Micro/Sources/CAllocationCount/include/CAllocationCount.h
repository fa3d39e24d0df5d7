// Counts calls of malloc, calloc and realloc in this process by standing in for them: the
// microbenchmarks link it, the programs do not.
#ifndef SWIFT_FRP_ALLOCATION_COUNT_H
#define SWIFT_FRP_ALLOCATION_COUNT_H

/// How often memory was asked for since the start.
unsigned long allocation_count(void);

#endif
