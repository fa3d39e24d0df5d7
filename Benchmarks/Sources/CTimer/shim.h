// timerfd_create(2), which the Glibc module leaves out.
#include <sys/timerfd.h>
