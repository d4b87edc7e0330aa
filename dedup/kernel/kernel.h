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

/* Have the processor fetch what will be read soon. */
#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address)
#endif
/* SplitMix64's finaliser, as `mix` in dedup/text/words.py. */
static inline uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

/* Place of the lowest bit of a number that is not zero. */
static inline int lowest_bit(uint64_t value)
{
#ifdef __GNUC__
    return __builtin_ctzll(value);
#else
    int place = 0;
    while (!(value >> place & 1))
        place++;
    return place;
#endif
}

#endif
