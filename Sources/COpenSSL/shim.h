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
static inline int frp_BIO_get_mem_data(BIO *bio, char **data) {
  return (int)BIO_get_mem_data(bio, data);
}
static inline EVP_PKEY *frp_EVP_RSA_gen(unsigned int bits) { return EVP_RSA_gen(bits); }

#endif
