#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same numbers on all architectures; older headers lack them.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// Of linux/landlock.h, whose structures grow with the kernel.
#define FRP_LANDLOCK_CREATE_RULESET_VERSION 1
#define FRP_LANDLOCK_RULE_PATH_BENEATH 1

struct frp_landlock_path {
  uint64_t allowed_access;
  int32_t parent_fd;
} __attribute__((packed));

int frp_open_path(const char *path) { return open(path, O_PATH | O_CLOEXEC); }

int frp_landlock_abi(void) {
  return (int)syscall(
      SYS_landlock_create_ruleset, NULL, (size_t)0, FRP_LANDLOCK_CREATE_RULESET_VERSION);
}

int frp_landlock_create(uint64_t handled) {
  // Only the first member, which every version has: nothing but files is handled.
  return (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
}

int frp_landlock_allow(int ruleset, int path, uint64_t rights) {
  struct frp_landlock_path rule = {rights, path};
  return (int)syscall(SYS_landlock_add_rule, ruleset, FRP_LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int frp_landlock_restrict(int ruleset) {
  return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

int frp_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int frp_has_seccomp(void) {
  uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int frp_become(uint32_t user, uint32_t group) {
  if (setgroups(0, NULL) != 0) return -1;
  if (setresgid(group, group, group) != 0) return -1;
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -1;
  return setresuid(user, user, user);
}

void frp_drop_bounding_capabilities(uint64_t kept) {
  for (int number = 0; number < 64; number++) {
    if ((kept >> number & 1) == 0) prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  }
}

int frp_set_capabilities(uint64_t permitted, uint64_t effective) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {
      {(uint32_t)effective, (uint32_t)permitted, 0},
      {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0},
  };
  return (int)syscall(SYS_capset, &header, sets);
}

uint64_t frp_permitted_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, sets) != 0) return 0;
  return (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
}

int frp_find_user(const char *name, uint32_t *user, uint32_t *group) {
  errno = 0;
  // Called at the start, before there are other threads.
  struct passwd *entry = getpwnam(name);
  if (entry == NULL) return -1;
  *user = entry->pw_uid;
  *group = entry->pw_gid;
  return 0;
}

int frp_is_sanitized(void) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 1;
#else
  return 0;
#endif
}
