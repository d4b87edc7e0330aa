/* Minima of permuted shingle hashes; see dedup/near/minhash.py. */
#include "kernel.h"

enum { AT_ONCE = 4 }; /* shingles for which a row of minima is read and written once: twice as fast as one by one */

/* MurmurHash3's 32-bit finaliser. Twin: _premix. */
static inline uint32_t premixed(uint32_t hash)
{
    hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
    hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
    return hash ^ (hash >> 16);
}

static inline uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Twin: _minima. `minima` has one row of `num_perm` values for each text, all EMPTY before. */
WIDE EXPORT void dedup_signatures(const uint32_t *hashes, const int64_t *offsets, int64_t n_texts,
                                  const uint32_t *multipliers, const uint32_t *addends, int64_t num_perm,
                                  uint32_t *restrict minima)
{
    for (int64_t text = 0; text < n_texts; text++, minima += num_perm)
        for (int64_t place = offsets[text]; place < offsets[text + 1]; place += AT_ONCE) {
            uint32_t some[AT_ONCE];
            int64_t last = offsets[text + 1] - 1;
            for (int k = 0; k < AT_ONCE; k++) /* the last shingle again where there are no more */
                some[k] = premixed(hashes[place + k < last ? place + k : last]);
            for (int64_t i = 0; i < num_perm; i++) {
                uint32_t a = lesser(some[0] * multipliers[i] + addends[i], some[1] * multipliers[i] + addends[i]);
                uint32_t b = lesser(some[2] * multipliers[i] + addends[i], some[3] * multipliers[i] + addends[i]);
                minima[i] = lesser(minima[i], lesser(a, b));
            }
        }
}
