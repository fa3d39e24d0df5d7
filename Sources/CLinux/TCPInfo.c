// The kernel's own header, as that of the C library lacks the newer members of tcp_info. The two
// exclude each other, so CLinux.h, which needs the latter, is not included.
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

long long frp_tcp_min_rtt(int descriptor);
long long frp_tcp_bytes_acked(int descriptor);

enum { IP_PROTOCOL_TCP = 6 };

long long frp_tcp_min_rtt(int descriptor) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(descriptor, IP_PROTOCOL_TCP, TCP_INFO, &info, &length) != 0) return -1;
  if (length < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) return -1;
  // ~0 until the first sample.
  return info.tcpi_min_rtt == ~0U ? -1 : (long long)info.tcpi_min_rtt;
}

long long frp_tcp_bytes_acked(int descriptor) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(descriptor, IP_PROTOCOL_TCP, TCP_INFO, &info, &length) != 0) return -1;
  if (length < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return -1;
  return (long long)info.tcpi_bytes_acked;
}
