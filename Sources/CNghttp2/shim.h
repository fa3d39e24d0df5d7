// nghttp2, whose errors Swift sees as numbers of another type than the functions return.
#ifndef SWIFT_FRP_CNGHTTP2_SHIM_H
#define SWIFT_FRP_CNGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

static const ssize_t frp_nghttp2_deferred = NGHTTP2_ERR_DEFERRED;
static const int frp_nghttp2_stream_failure = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

#endif
