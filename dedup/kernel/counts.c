/* Occurrences of the features of texts, and how often each occurs; see dedup/story/features.py. */
#include "kernel.h"

#define FAMILY_BITS 2
#define KEY_BITS 48
#define WEIGHT_BITS 4
enum { WORD, WORD_PAIR, CHARACTER_RUN };

/* A text, a feature and a weight in one number, as `_packed` has it. */
static uint64_t packed_of(int64_t text, uint64_t hash, uint64_t family, uint64_t weight)
{
    uint64_t key = hash >> (64 - KEY_BITS + FAMILY_BITS) << FAMILY_BITS | family;
    return ((uint64_t)text << KEY_BITS | key) << WEIGHT_BITS | weight;
}

/* Write the words, pairs of words and character runs of texts, packed, in any order; return their number. Follows
   `_packed`, but for scripts without spaces.

   Token `t` is `folded[starts[t]]` to `folded[stops[t]]`, and a text has the tokens of `offsets`. `weights` are below
   `1 << WEIGHT_BITS`; `spaced` says which tokens are words, `runs` which of them have runs, and `wanted` of each text
   0 for no features, 1 for words and pairs, 2 for all. `packed` has room for two of each token and one of each byte. */
EXPORT int64_t dedup_occurrences(const uint8_t *folded, const int64_t *starts, const int64_t *stops,
                                 const uint64_t *hashes, const int64_t *offsets, int64_t n_texts,
                                 const uint8_t *weights, const uint8_t *spaced, const uint8_t *runs,
                                 const uint8_t *wanted, uint64_t pair_multiplier, uint64_t separator,
                                 uint64_t *restrict packed)
{
    int64_t n = 0;
    for (int64_t text = 0; text < n_texts; text++)
        for (int64_t t = offsets[text]; wanted[text] && t < offsets[text + 1]; t++) {
            if (!spaced[t])
                continue;
            packed[n++] = packed_of(text, hashes[t], WORD, weights[t]);
            if (t > offsets[text] && spaced[t - 1]) {
                uint64_t weight = weights[t - 1] < weights[t] ? weights[t - 1] : weights[t];
                packed[n++] = packed_of(text, mix(hashes[t - 1] * pair_multiplier + hashes[t]), WORD_PAIR, weight);
            }
            if (wanted[text] < 2 || !runs[t])
                continue;
            uint64_t run = separator; /* the last four bytes, a separator before and behind the word */
            for (int64_t i = starts[t]; i <= stops[t]; i++) {
                run = (run << 8 | (i < stops[t] ? folded[i] : separator)) & 0xFFFFFFFF;
                if (i >= starts[t] + 2)
                    packed[n++] = packed_of(text, mix(run), CHARACTER_RUN, weights[t]);
            }
        }
    return n;
}

/* Distinct features of texts, ascending, and the sum of the weights of each, from packed numbers that ascend; return
   how many there are, and write how many each text has to `sizes`, which are zeros. The features overwrite the packed
   numbers: none is written before the last of its own is read. Follows `_counted`. */
EXPORT int64_t dedup_counted(uint64_t *restrict packed, int64_t n_packed, float *restrict counts,
                             int64_t *restrict sizes)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_packed;) {
        uint64_t feature = packed[i] >> WEIGHT_BITS, sum = 0;
        for (; i < n_packed && packed[i] >> WEIGHT_BITS == feature; i++)
            sum += packed[i] & ((1 << WEIGHT_BITS) - 1);
        packed[n] = feature & (((uint64_t)1 << KEY_BITS) - 1);
        counts[n++] = (float)sum;
        sizes[feature >> KEY_BITS]++;
    }
    return n;
}

/* Weighted pairs of equal words of texts in sections that are near, and in all, of which both are zeros before; `cells`
   ascend. Follows `_pairs_in_numpy` in dedup/story/recurrence.py, and adds in the same order; numbers of pairs are whole,
   so that their sums are exact. */
EXPORT void dedup_word_pairs(const uint64_t *cells, int64_t n, int64_t section_bits, int64_t key_bits,
                             double *near_pairs, double *pairs)
{
    for (int64_t i = 0; i < n;) {
        uint64_t word = cells[i] >> section_bits, before = 0;
        double near = 0, total = 0, last = 0;
        while (i < n && cells[i] >> section_bits == word) {
            uint64_t cell = cells[i];
            double count = 0;
            for (; i < n && cells[i] == cell; i++)
                count++;
            near += count * (count - 1) / 2 + (cell == before + 1 ? count * last : 0);
            total += count;
            before = cell, last = count;
        }
        double weight = 1 / (total > 2 ? total - 1 : 1);
        near_pairs[word >> key_bits] += weight * near;
        pairs[word >> key_bits] += weight * (total * (total - 1) / 2);
    }
}
