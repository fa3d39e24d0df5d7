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
/// tcpi_min_rtt of TCP_INFO in microseconds, or -1 when it is not known.
long long frp_tcp_min_rtt(int descriptor);
/// tcpi_bytes_acked of TCP_INFO, or -1 when it is not known.
long long frp_tcp_bytes_acked(int descriptor);
/// errno, as a function.
int frp_errno(void);

// Whether the processor has instructions for AES.
int frp_has_aes(void);

// Gives back free heap, and the pages of programs and libraries that were only read; the kernel
// brings those that are needed again from its cache.
void frp_release_unused_memory(void);

#endif
