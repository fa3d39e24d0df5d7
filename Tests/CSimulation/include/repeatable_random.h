// Repeatable random numbers for OpenSSL, on one thread at a time.
#ifndef SWIFT_FRP_REPEATABLE_RANDOM_H
#define SWIFT_FRP_REPEATABLE_RANDOM_H

#include <stdint.h>

// From here on OpenSSL's random bytes on this thread follow from `seed`. Other threads get what
// they always get.
void frp_repeatable_random_begin(uint64_t seed);

// Ends that.
void frp_repeatable_random_end(void);

#endif
