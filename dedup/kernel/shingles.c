/* Hashes of tokens to hashes of shingles; see dedup/near/shingles.py. */
#include "kernel.h"

/* The polynomial of `size` hashes. */
static inline uint64_t polynomial(const uint64_t *hashes, int64_t size, uint64_t multiplier)
{
    uint64_t value = hashes[0];
    for (int64_t i = 1; i < size; i++)
        value = value * multiplier + hashes[i];
    return value;
}

/* Twin: shingle_hashes. A text has as many shingles as tokens, the last of which repeat its last one. */
WIDE EXPORT void dedup_shingles(const uint64_t *tokens, const int64_t *offsets, int64_t n_texts, int64_t size,
                                uint64_t multiplier, uint64_t *restrict shingles)
{
    for (int64_t text = 0; text < n_texts; text++) {
        int64_t place = offsets[text], stop = offsets[text + 1];
        if (place == stop)
            continue;
        int64_t length = stop - place < size ? stop - place : size, last = stop - length;
        for (; place <= last; place++)
            shingles[place] = polynomial(tokens + place, length, multiplier);
        for (; place < stop; place++)
            shingles[place] = shingles[last];
    }
}
