// libseccomp, which makes filter programs of names of system calls.
#ifndef SWIFT_FRP_CSECCOMP_H
#define SWIFT_FRP_CSECCOMP_H

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

/// A filter that lets pass what is allowed to it and answers EPERM to everything else, calls by the
/// numbers of another architecture included. It holds for all threads if `all_threads`. NULL when
/// the library cannot make one.
static inline scmp_filter_ctx frp_seccomp_open(int all_threads) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == NULL) return NULL;
  if (seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)) != 0 ||
      seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, all_threads ? 1 : 0) != 0) {
    seccomp_release(filter);
    return NULL;
  }
  // A binary tree instead of a list; libraries before 2.5 have only the list.
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return filter;
}

/// Allows a call by its name: 0, a negative error number, or 1 when this library does not know it.
static inline int frp_seccomp_allow(scmp_filter_ctx filter, const char *name) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 1;
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

/// The same for a call of which the argument at `index` has exactly `value` in the bits of `mask`.
static inline int frp_seccomp_allow_argument(
    scmp_filter_ctx filter, const char *name, unsigned int index, unsigned long long mask,
    unsigned long long value) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 1;
  struct scmp_arg_cmp argument = {index, SCMP_CMP_MASKED_EQ, mask, value};
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &argument);
}

/// Answers ENOSYS to a call, so that the caller takes an older one: as `frp_seccomp_allow`.
static inline int frp_seccomp_hide(scmp_filter_ctx filter, const char *name) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 1;
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
}

#endif
