// OpenSSL 3 plus inline wrappers for its function-like macros, which Swift cannot see.
#ifndef SWIFT_FRP_COPENSSL_SHIM_H
#define SWIFT_FRP_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/md5.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static inline int frp_SSL_CTX_set_min_proto_version(SSL_CTX *ctx, int version) {
  return SSL_CTX_set_min_proto_version(ctx, version);
}
static inline long frp_SSL_CTX_set_mode(SSL_CTX *ctx, long mode) {
  return SSL_CTX_set_mode(ctx, mode);
}
static inline long frp_SSL_CTX_set_session_cache_mode(SSL_CTX *ctx, long mode) {
  return SSL_CTX_set_session_cache_mode(ctx, mode);
}
static inline int frp_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline void frp_SSL_CTX_set_read_ahead(SSL_CTX *ctx) {
  SSL_CTX_set_read_ahead(ctx, 1);
}
static inline void frp_SSL_clear_mode(SSL *ssl, long mode) { SSL_clear_mode(ssl, mode); }
static inline EVP_PKEY *frp_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline void frp_SSL_CTX_set_app_data(SSL_CTX *ctx, void *data) {
  SSL_CTX_set_app_data(ctx, data);
}
static inline void *frp_SSL_CTX_get_app_data(SSL_CTX *ctx) { return SSL_CTX_get_app_data(ctx); }

// CFB-128 over whole blocks, in the form "output = input XOR keystream", where the keystream is
// `first` followed by what `context` makes of the input blocks. That context is AES-ECB to decrypt
// (block i+1 of the keystream is E(C_i): independent blocks, so the AES units are kept full) and
// AES-CBC to encrypt (E(P_i XOR previous keystream block) = E(C_i)). `first` is replaced by the
// keystream block that follows. `input` and `output` are the same or do not overlap.
// Returns 1, or 0 when OpenSSL refuses.
static inline int frp_feedback_blocks(EVP_CIPHER_CTX *context, unsigned char first[16],
                                      const unsigned char *input, unsigned char *output,
                                      size_t block_count) {
  enum { SLICE_BLOCKS = 256 };
  // One slice on the stack: large enough that the call overhead vanishes, small enough for L1.
  unsigned char keystream[16 * (SLICE_BLOCKS + 1)];
  while (block_count > 0) {
    size_t size = 16 * (block_count < SLICE_BLOCKS ? block_count : SLICE_BLOCKS);
    int written = 0;
    memcpy(keystream, first, 16);
    if (EVP_EncryptUpdate(context, keystream + 16, &written, input, (int)size) != 1 ||
        written != (int)size) {
      return 0;
    }
    for (size_t offset = 0; offset < size; offset += 16) {
      unsigned long long data[2], pad[2];
      memcpy(data, input + offset, 16);
      memcpy(pad, keystream + offset, 16);
      data[0] ^= pad[0];
      data[1] ^= pad[1];
      memcpy(output + offset, data, 16);
    }
    memcpy(first, keystream + size, 16);
    input += size;
    output += size;
    block_count -= size / 16;
  }
  return 1;
}

#endif
