// libsnappy's C interface, and CRC-32C (the checksum of snappy's framing) in hardware.
#ifndef SWIFT_FRP_CSNAPPY_SHIM_H
#define SWIFT_FRP_CSNAPPY_SHIM_H

#include <snappy-c.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

static inline int frp_crc32c_is_available(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) static inline uint32_t frp_crc32c_update(
    uint32_t state, const unsigned char *bytes, size_t count) {
  uint64_t wide = state;
  for (; count >= 8; count -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  state = (uint32_t)wide;
  for (; count > 0; count--, bytes++) state = __builtin_ia32_crc32qi(state, *bytes);
  return state;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

// HWCAP_CRC32 of <asm/hwcap.h>.
static inline int frp_crc32c_is_available(void) { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }

__attribute__((target("crc"))) static inline uint32_t frp_crc32c_update(
    uint32_t state, const unsigned char *bytes, size_t count) {
  for (; count >= 8; count -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    state = __builtin_arm_crc32cd(state, word);
  }
  for (; count > 0; count--, bytes++) state = __builtin_arm_crc32cb(state, *bytes);
  return state;
}

#else

static inline int frp_crc32c_is_available(void) { return 0; }

static inline uint32_t frp_crc32c_update(uint32_t state, const unsigned char *bytes,
                                         size_t count) {
  (void)bytes;
  (void)count;
  return state;
}

#endif

#endif
