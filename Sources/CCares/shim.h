// c-ares, and the few things that Swift cannot say over its C interface in the same words for
// every version that we support (1.18 of Debian 12, 1.34 of Debian 13).
#ifndef SWIFT_FRP_CCARES_H
#define SWIFT_FRP_CCARES_H

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/// What became of a call: an ARES_… status, which is a macro in one version and an enum in another.
enum frp_ares_outcome {
  frp_ares_success,
  frp_ares_not_found,
  frp_ares_failed,
};

static inline enum frp_ares_outcome frp_ares_classify(int status) {
  switch (status) {
    case ARES_SUCCESS: return frp_ares_success;
    case ARES_ENOTFOUND:
    case ARES_ENODATA: return frp_ares_not_found;
    default: return frp_ares_failed;
  }
}

/// Opens a channel that looks into the hosts file first and then asks name servers, each query
/// `tries` times with a first time limit of `timeout_milliseconds`. An ARES_… status.
static inline int frp_ares_open(
    ares_channel *channel, ares_sock_state_cb on_socket, void *data, int timeout_milliseconds,
    int tries) {
  static char lookups[] = "fb";
  struct ares_options options;
  memset(&options, 0, sizeof options);
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = data;
  options.timeout = timeout_milliseconds;
  options.tries = tries;
  options.lookups = lookups;
  return ares_init_options(
      channel, &options,
      ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
}

/// Replaces the name servers by `csv`, "192.0.2.1:53,[2001:db8::1]:53". An ARES_… status.
static inline int frp_ares_set_servers(ares_channel channel, const char *csv) {
  return ares_set_servers_ports_csv(channel, csv);
}

/// Asks for the IPv4 and IPv6 addresses of `name`; `done` is called exactly once, perhaps at once.
static inline void frp_ares_query(
    ares_channel channel, const char *name, ares_addrinfo_callback done, void *data) {
  struct ares_addrinfo_hints hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel, name, NULL, &hints, done, data);
}

/// Microseconds until the channel wants `frp_ares_process`; -1 when it waits for nothing.
static inline long long frp_ares_timeout(ares_channel channel) {
  struct timeval room;
  struct timeval *left = ares_timeout(channel, NULL, &room);
  return left ? left->tv_sec * 1000000LL + left->tv_usec : -1;
}

/// Reads and writes what is ready; -1 for none. Overdue queries are asked again or ended.
static inline void frp_ares_process(ares_channel channel, int readable, int writable) {
  ares_process_fd(
      channel, readable < 0 ? ARES_SOCKET_BAD : readable,
      writable < 0 ? ARES_SOCKET_BAD : writable);
}

/// The address of an answer: its octets and interface. 4, 6, or 0 for another family.
static inline int frp_ares_address(
    const struct ares_addrinfo_node *node, unsigned char octets[16], unsigned int *scope) {
  *scope = 0;
  if (node->ai_family == AF_INET) {
    memcpy(octets, &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr, 4);
    return 4;
  }
  if (node->ai_family == AF_INET6) {
    const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)(const void *)node->ai_addr;
    memcpy(octets, &address->sin6_addr, 16);
    *scope = address->sin6_scope_id;
    return 6;
  }
  return 0;
}

#endif
