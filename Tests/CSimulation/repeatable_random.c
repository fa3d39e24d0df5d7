// RAND_METHOD is deprecated in OpenSSL 3 and works; its successor, a provider, needs ten times as
// much.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "repeatable_random.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

static _Thread_local int is_repeatable;
static _Thread_local uint64_t state;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
static uint64_t next(void) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

static int bytes(unsigned char *buffer, int count) {
  if (!is_repeatable) return RAND_OpenSSL()->bytes(buffer, count);
  while (count > 0) {
    uint64_t word = next();
    int size = count < 8 ? count : 8;
    memcpy(buffer, &word, (size_t)size);
    buffer += size;
    count -= size;
  }
  return 1;
}

static int status(void) { return 1; }

static const RAND_METHOD method = {.bytes = bytes, .pseudorand = bytes, .status = status};

static void install(void) { RAND_set_rand_method(&method); }

void frp_repeatable_random_begin(uint64_t seed) {
  pthread_once(&once, install);
  state = seed;
  is_repeatable = 1;
}

void frp_repeatable_random_end(void) { is_repeatable = 0; }
