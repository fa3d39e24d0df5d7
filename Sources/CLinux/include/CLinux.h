// Kernel headers that the Glibc module lacks, and wrappers for GNU-only calls.
#ifndef SWIFT_FRP_CLINUX_H
#define SWIFT_FRP_CLINUX_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>

/// accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC.
int frp_accept(int listener, struct sockaddr_storage *peer, socklen_t *length);
/// pipe2 with O_NONBLOCK | O_CLOEXEC.
int frp_pipe(int descriptors[2]);
/// splice without offsets, SPLICE_F_MOVE | SPLICE_F_NONBLOCK, and SPLICE_F_MORE when `more`.
ssize_t frp_splice(int from, int to, size_t count, int more);
/// F_SETPIPE_SZ; the size the kernel gave, or -1.
int frp_set_pipe_size(int descriptor, int size);
/// Opens `path` for appending, O_CREAT with `mode`, close-on-exec.
int frp_open_append(const char *path, unsigned int mode);
/// Blocks `signals` (zero-terminated) for this thread and opens a non-blocking signalfd for them.
int frp_signalfd(const int *signals);
/// Makes an inherited descriptor non-blocking and close-on-exec.
void frp_adopt(int descriptor);
/// tcpi_min_rtt of TCP_INFO in microseconds, or -1 when it is not known.
long long frp_tcp_min_rtt(int descriptor);
/// tcpi_bytes_acked of TCP_INFO, or -1 when it is not known.
long long frp_tcp_bytes_acked(int descriptor);
/// errno, as a function.
int frp_errno(void);

/// Opens `path` as a name only (O_PATH), close-on-exec.
int frp_open_path(const char *path);
/// The version of landlock that the kernel has, or -1.
int frp_landlock_abi(void);
/// A descriptor of a landlock rule set that forbids the rights in `handled` where no rule allows
/// them.
int frp_landlock_create(uint64_t handled);
/// Allows `rights` at and below what the descriptor `path` (O_PATH) shows.
int frp_landlock_allow(int ruleset, int path, uint64_t rights);
/// Puts the rules into force for this thread and those that it starts.
int frp_landlock_restrict(int ruleset);
/// PR_SET_NO_NEW_PRIVS.
int frp_forbid_new_privileges(void);
/// Whether the kernel has seccomp filters that refuse calls with an error.
int frp_has_seccomp(void);
/// Clears the supplementary groups and takes both numbers for real, effective and saved ones;
/// permitted capabilities stay.
int frp_become(uint32_t user, uint32_t group);
/// Takes all but `kept` out of the bounding set, as far as that is permitted.
void frp_drop_bounding_capabilities(uint64_t kept);
/// capset for this thread, with nothing inheritable.
int frp_set_capabilities(uint64_t permitted, uint64_t effective);
/// The permitted set of capget, 0 when it cannot be read.
uint64_t frp_permitted_capabilities(void);
/// The numbers of a user by name: -1 with errno 0 when there is none. Not for several threads.
int frp_find_user(const char *name, uint32_t *user, uint32_t *group);
/// Whether the address or the thread sanitizer is built in.
int frp_is_sanitized(void);

// Whether the processor has instructions for AES.
int frp_has_aes(void);

// Gives back free heap, and the pages of programs and libraries that were only read; the kernel
// brings those that are needed again from its cache.
void frp_release_unused_memory(void);

#endif
