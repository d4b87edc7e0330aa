/* What the files of the kernel share. Its functions take plain arrays, check nothing and know nothing of Python. */
#ifndef DEDUP_KERNEL_H
#define DEDUP_KERNEL_H

#include <stdint.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* The loader picks the version that the processor runs fastest. Only for loops over integers: sums of floats must be
   the same everywhere. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

#endif
