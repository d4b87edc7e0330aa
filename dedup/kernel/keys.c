/* Look-up of keys, see SortedKeys in dedup/arrays.py, and what needs it; see dedup/story/weighting.py. */
#include "kernel.h"

/* Sorted keys: all of slot `s`, which is `key >> shift`, are at `first[s]` to `first[s + 1]`. */
typedef struct {
    const uint64_t *keys;
    const int32_t *first;
    int64_t n_slots, shift;
} Table;

#define TOGETHER 64

/* Position of each of at most TOGETHER keys, -1 for unknown ones. One whose slot is beyond the table is unknown. */
static void find(const Table *table, const uint64_t *wanted, int64_t n, int64_t *restrict found)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t slot = wanted[i] >> table->shift;
        found[i] = slot < (uint64_t)table->n_slots ? (int64_t)slot : -1;
        if (found[i] >= 0)
            PREFETCH(table->first + slot);
    }
    for (int64_t i = 0; i < n; i++)
        if (found[i] >= 0)
            PREFETCH(table->keys + table->first[found[i]]);
    for (int64_t i = 0; i < n; i++) {
        if (found[i] < 0)
            continue;
        int64_t low = table->first[found[i]], high = table->first[found[i] + 1];
        while (high - low > 4) { /* many keys have the same leading bits */
            int64_t middle = low + (high - low) / 2;
            if (table->keys[middle] <= wanted[i])
                low = middle;
            else
                high = middle;
        }
        for (found[i] = -1; low < high; low++)
            if (table->keys[low] == wanted[i])
                found[i] = low;
    }
}

/* Position of each wanted key, -1 for unknown ones. Follows `SortedKeys._found`. */
EXPORT void dedup_find(const uint64_t *keys, const int32_t *first, int64_t n_slots, int64_t shift,
                       const uint64_t *wanted, int64_t n_wanted, int64_t *restrict found)
{
    Table table = {keys, first, n_slots, shift};
    for (int64_t i = 0; i < n_wanted; i += TOGETHER)
        find(&table, wanted + i, n_wanted - i < TOGETHER ? n_wanted - i : TOGETHER, found + i);
}

/* A hash over each of `n` rows of `size` values. Follows `_band_keys` in dedup/near/lsh.py. */
EXPORT void dedup_chained(const uint64_t *values, int64_t n, int64_t size, uint64_t *restrict hashes)
{
    for (int64_t i = 0; i < n; i++) {
        hashes[i] = 0;
        for (int64_t k = 0; k < size; k++)
            hashes[i] = mix(hashes[i] ^ *values++);
    }
}

/* Number of the features in each of `2**bits` buckets, by the leading bits of `key_bits`; `sizes` are zeros. */
EXPORT void dedup_bucket_sizes(const uint64_t *features, int64_t n, int64_t key_bits, int64_t bits,
                               int64_t *restrict sizes)
{
    for (int64_t i = 0; i < n; i++)
        sizes[features[i] >> (key_bits - bits) & (((uint64_t)1 << bits) - 1)]++;
}

/* Put the features of texts in their languages into the buckets from `first` to `stop`, each from its place in `cells`
   on, which has room for all that `dedup_bucket_sizes` counts. With sorted buckets it is what `_cells_of` finds. */
EXPORT void dedup_fill_buckets(const uint64_t *features, const int64_t *starts, const int64_t *languages,
                               int64_t n_texts, int64_t language_bits, int64_t key_bits, int64_t bits, int64_t first,
                               int64_t stop, int64_t *restrict places, uint64_t *restrict cells)
{
    for (int64_t text = 0; text < n_texts; text++)
        for (int64_t i = starts[text]; i < starts[text + 1]; i++) {
            int64_t bucket = (int64_t)(features[i] >> (key_bits - bits) & (((uint64_t)1 << bits) - 1));
            if (bucket >= first && bucket < stop)
                cells[places[bucket - first]++] = features[i] << language_bits | (uint64_t)languages[text];
        }
}

/* Weigh the features of texts, whose log counts are `logs`: by the weight of their cell, or else, in one text only, by
   `once`, which has a row of as many as there are families for each language, of words first and then of stop words.
   Those with a cell are written to `values` and `columns`, and so many of each text to `sizes`; of all the sum of
   squares to `squares`. Follows `_weighed`, adds in the same order, and multiplies float32 as it does. */
EXPORT void dedup_weigh(const uint64_t *features, const int64_t *starts, const int64_t *languages, int64_t n_texts,
                        const float *logs, const uint64_t *cells, const int32_t *first, int64_t n_slots, int64_t shift,
                        const float *weights, const int64_t *cell_columns, const uint64_t *stop_words,
                        const int32_t *first_stop_word, int64_t n_stop_slots, int64_t stop_shift, const float *once,
                        int64_t language_bits, int64_t family_bits, float *restrict values, int32_t *restrict columns,
                        int64_t *restrict sizes, double *restrict squares)
{
    Table table = {cells, first, n_slots, shift}, stops = {stop_words, first_stop_word, n_stop_slots, stop_shift};
    uint64_t wanted[TOGETHER], family = ((uint64_t)1 << family_bits) - 1;
    int64_t place[TOGETHER], stop, n = 0;
    for (int64_t text = 0; text < n_texts; text++) {
        uint64_t language = (uint64_t)languages[text];
        int64_t before = n;
        squares[text] = 0;
        for (int64_t i = starts[text]; i < starts[text + 1]; i += TOGETHER) {
            int64_t size = starts[text + 1] - i < TOGETHER ? starts[text + 1] - i : TOGETHER;
            for (int64_t k = 0; k < size; k++)
                wanted[k] = features[i + k] << language_bits | language;
            find(&table, wanted, size, place);
            for (int64_t k = 0; k < size; k++)
                if (place[k] >= 0) {
                    PREFETCH(weights + place[k]);
                    PREFETCH(cell_columns + place[k]);
                }
            for (int64_t k = 0; k < size; k++) {
                float value;
                if (place[k] >= 0) {
                    value = logs[i + k] * weights[place[k]];
                    columns[n] = (int32_t)cell_columns[place[k]];
                    values[n++] = value;
                } else {
                    find(&stops, features + i + k, 1, &stop);
                    uint64_t row = ((uint64_t)(stop >= 0) << language_bits) + language;
                    value = logs[i + k] * once[(row << family_bits) + (features[i + k] & family)];
                }
                squares[text] += (double)value * value;
            }
        }
        sizes[text] = n - before;
    }
}
