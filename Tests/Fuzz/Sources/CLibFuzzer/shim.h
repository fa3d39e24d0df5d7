// The entry of libFuzzer's runtime that takes the program's own `main` (LLVM, "libFuzzer", "Using
// libFuzzer as a library").
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t byte_count));
