/* Minima of permuted shingle hashes; see dedup/near/minhash.py. */
#include "kernel.h"

/* `minima` has one row of `num_perm` values for each text, all EMPTY before. */
WIDE EXPORT void dedup_signatures(const uint32_t *mixed, const int64_t *offsets, int64_t n_texts,
                                  const uint32_t *multipliers, const uint32_t *addends, int64_t num_perm,
                                  uint32_t *restrict minima)
{
    for (int64_t text = 0; text < n_texts; text++, minima += num_perm)
        for (int64_t place = offsets[text]; place < offsets[text + 1]; place++) {
            uint32_t hash = mixed[place];
            for (int64_t i = 0; i < num_perm; i++) {
                uint32_t value = hash * multipliers[i] + addends[i];
                minima[i] = value < minima[i] ? value : minima[i];
            }
        }
}
