/* What an index computes for each article that comes; see dedup/stream/. */
#include "kernel.h"

/* Tables larger than a cache are asked for so many entries ahead. */
enum { AHEAD = 16 };
#ifdef __GNUC__
#define ASK_FOR(address) __builtin_prefetch(address)
#else
#define ASK_FOR(address) ((void)(address))
#endif

enum { FAMILY = 3, WORD_PAIR = 1, LANGUAGE = 3, LANGUAGES = (1 << 10) - 1, COUNTERS = (1 << 24) - 1, MOVE = 0x9E3779 };
enum { MOST = (1 << 15) - 1, NODE_BITS = 31, MOST_STEPS = 8 };

/* The number of the language of each row; see dedup/stream/text_features.py:languages_of. */
EXPORT void dedup_languages(const uint32_t *features, const int64_t *starts, int64_t n_rows, int64_t *languages)
{
    for (int64_t row = 0; row < n_rows; row++) {
        languages[row] = 0;
        for (int64_t i = starts[row]; i < starts[row + 1]; i++)
            if ((features[i] & FAMILY) == LANGUAGE)
                languages[row] = features[i] >> 2 & LANGUAGES;
    }
}

/* TF-IDF weights of the features of rows, and sums of their squares; see dedup/stream/vectors.py:present_weights.
   `frequencies` and `common` have COUNTERS + 1 entries. Row `tables[i]` of `idf` has the inverse document frequency in
   the language of row i for each document frequency up to MOST, and behind it that of stop words. */
EXPORT void dedup_present_weights(const uint32_t *features, const uint8_t *counts, const int64_t *starts, int64_t n_rows,
                                  const int64_t *languages, const int64_t *tables, const int16_t *frequencies,
                                  const uint8_t *common, const double *idf, const double *of_family,
                                  const double *of_count, double *weights, double *squares)
{
    for (int64_t row = 0; row < n_rows; row++) {
        const double *table = idf + tables[row] * 2 * (MOST + 1);
        uint32_t move = (uint32_t)languages[row] * MOVE;
        double sum = 0;
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            if (i + AHEAD < starts[row + 1]) {
                ASK_FOR(frequencies + (((features[i + AHEAD] >> 8) + move) & COUNTERS));
                ASK_FOR(common + (features[i + AHEAD] >> 8));
            }
            uint32_t place = features[i] >> 8, family = features[i] & FAMILY;
            int64_t frequency = frequencies[(place + move) & COUNTERS] & MOST;
            int once = family == WORD_PAIR && !common[place] && frequency <= 1;
            double weight = once ? 0 : of_count[counts[i]] * (table[(common[place] ? MOST + 1 : 0) + frequency] * of_family[family]);
            weights[i] = weight;
            sum += weight * weight;
        }
        squares[row] = sum;
    }
}

/* How many entries of earlier counted texts have the counter of each entry; see dedup/stream/window.py. `frequencies` are
   in the end as they were; no text is added to them before it is read as a whole. */
EXPORT void dedup_in_earlier_texts(const int64_t *numbers, const int64_t *texts, int64_t n, const uint8_t *counted,
                                   int16_t *frequencies, int64_t *earlier)
{
    for (int64_t i = 0; i < n; i++)
        earlier[i] = frequencies[numbers[i]];
    for (int64_t start = 0, stop = 0; start < n; start = stop) {
        for (; stop < n && texts[stop] == texts[start]; stop++)
            earlier[stop] = frequencies[numbers[stop]] - earlier[stop];
        for (int64_t i = start; i < stop && counted[texts[start]]; i++)
            frequencies[numbers[i]]++;
    }
    for (int64_t i = 0; i < n; i++)
        frequencies[numbers[i]] -= counted[texts[i]];
}

/* Sorted runs of keys and their nodes: the addresses of both, of a table of where keys with the same bits above a shift
   begin, and that shift, which leaves no bits where there is no table; see dedup/stream/postings.py. */
typedef struct {
    const uint64_t *keys_at, *nodes_at, *tables_at, *shifts, *sizes;
} Runs;

/* Nodes that have keys, at most `most` of each run and key. At most `room` are written; the number of all is returned.
   A run has as many slots as its table has entries but one, so that a slot is within it. */
#define FIND_NODES(KEY, BITS)                                                                                          \
    static int64_t slot_##BITS(const Runs *runs, int64_t r, KEY key)                                                   \
    {                                                                                                                  \
        return runs->shifts[r] < BITS ? (int64_t)(key >> runs->shifts[r]) : 0;                                         \
    }                                                                                                                  \
    static int64_t first_within_##BITS(const KEY *run, int64_t low, int64_t high, KEY key)                             \
    {                                                                                                                  \
        while (low < high) {                                                                                           \
            int64_t middle = low + (high - low) / 2;                                                                   \
            if (run[middle] < key)                                                                                     \
                low = middle + 1;                                                                                      \
            else                                                                                                       \
                high = middle;                                                                                         \
        }                                                                                                              \
        return low;                                                                                                    \
    }                                                                                                                  \
    /* Where key `k` would be in run `r`; what is needed for those that follow is asked for. */                        \
    static int64_t first_at_##BITS(const Runs *runs, int64_t r, const KEY *keys, int64_t k, int64_t n_keys)            \
    {                                                                                                                  \
        const KEY *run = (const KEY *)(uintptr_t)runs->keys_at[r];                                                     \
        const uint32_t *table = (const uint32_t *)(uintptr_t)runs->tables_at[r];                                       \
        int64_t slot = slot_##BITS(runs, r, keys[k]);                                                                  \
        if (k + 2 * AHEAD < n_keys)                                                                                    \
            ASK_FOR(table + slot_##BITS(runs, r, keys[k + 2 * AHEAD]));                                                \
        if (k + AHEAD < n_keys)                                                                                        \
            ASK_FOR(run + table[slot_##BITS(runs, r, keys[k + AHEAD])]);                                               \
        return first_within_##BITS(run, table[slot], table[slot + 1], keys[k]);                                        \
    }                                                                                                                  \
    EXPORT int64_t dedup_find_nodes_##BITS(const KEY *keys, int64_t n_keys, const uint64_t *keys_at,                   \
                                           const uint64_t *nodes_at, const uint64_t *tables_at,                        \
                                           const uint64_t *shifts, const uint64_t *sizes, int64_t n_runs,              \
                                           int64_t most, int64_t room, int64_t *positions, int64_t *nodes)             \
    {                                                                                                                  \
        Runs runs = {keys_at, nodes_at, tables_at, shifts, sizes};                                                     \
        int64_t found = 0;                                                                                             \
        for (int64_t r = 0; r < n_runs; r++) {                                                                         \
            const KEY *run = (const KEY *)(uintptr_t)keys_at[r];                                                       \
            const int32_t *of_run = (const int32_t *)(uintptr_t)nodes_at[r];                                           \
            for (int64_t k = 0; k < n_keys; k++) {                                                                     \
                int64_t first = first_at_##BITS(&runs, r, keys, k, n_keys), i = first;                                 \
                for (; i < (int64_t)sizes[r] && i - first < most && run[i] == keys[k]; i++, found++)                   \
                    if (found < room) {                                                                                \
                        positions[found] = k;                                                                          \
                        nodes[found] = of_run[i];                                                                      \
                    }                                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
        return found;                                                                                                  \
    }

FIND_NODES(uint32_t, 32)
FIND_NODES(uint64_t, 64)

/* Sums of the shares of the features that texts have in common with the nodes before their limits, of runs with days
   `from` to `to` that are not all before `begin` or behind `end` of the key; see dedup/stream/time_postings.py. `slots`
   are `mask` + 1, a power of two, all -1, and there is room for half as many pairs of a text and a node: their number
   is returned, or -1 if they are more. */
EXPORT int64_t dedup_sum_shares(const uint32_t *keys, const double *begin, const double *end, const int64_t *texts,
                                const int64_t *shares, int64_t n_keys, const int64_t *limits, const uint64_t *keys_at,
                                const uint64_t *nodes_at, const uint64_t *tables_at, const uint64_t *shifts,
                                const uint64_t *sizes, int64_t n_runs, const double *from, const double *to,
                                int32_t *slots, int64_t mask, int64_t *codes, int64_t *sums)
{
    Runs runs = {keys_at, nodes_at, tables_at, shifts, sizes};
    int64_t n = 0, room = (mask + 1) / 2;
    for (int64_t r = 0; r < n_runs; r++) {
        const uint32_t *run = (const uint32_t *)(uintptr_t)keys_at[r];
        const int32_t *of_run = (const int32_t *)(uintptr_t)nodes_at[r];
        for (int64_t k = 0; k < n_keys; k++) {
            if (end[k] < from[r] || begin[k] > to[r]) /* never where one is unknown */
                continue;
            for (int64_t i = first_at_32(&runs, r, keys, k, n_keys); i < (int64_t)sizes[r] && run[i] == keys[k]; i++) {
                if (of_run[i] >= limits[texts[k]])
                    continue;
                int64_t code = texts[k] << NODE_BITS | of_run[i], slot = (int64_t)mix((uint64_t)code) & mask;
                while (slots[slot] >= 0 && codes[slots[slot]] != code)
                    slot = (slot + 1) & mask;
                if (slots[slot] < 0) {
                    if (n == room)
                        return -1;
                    codes[n] = code, sums[n] = 0, slots[slot] = (int32_t)n++;
                }
                sums[slots[slot]] += shares[k];
            }
        }
    }
    return n;
}

/* What a text with `n` ascending features shares with these rows; see dedup/stream/live.py:_dot_products. `where` has
   2**16 entries, all -1 before and behind. */
EXPORT void dedup_shared_parts(const uint32_t *features, int64_t n, const double *factors, const double *weights,
                               const uint32_t *theirs, const uint8_t *counts, const int64_t *starts,
                               const int64_t *rows, int64_t n_rows, const double *of_count, int32_t *where, double *dots, double *squares, double *lengths)
{
    for (int64_t i = 0; i < n; i++)
        where[features[i] & 0xFFFF] = (int32_t)i;
    for (int64_t other = 0; other < n_rows; other++) {
        double dot = 0, square = 0, length = 0;
        for (int64_t i = starts[rows[other]]; i < starts[rows[other] + 1]; i++) {
            int64_t place = where[theirs[i] & 0xFFFF];
            if (place < 0)
                continue;
            if (features[place] != theirs[i]) { /* one of several in this slot */
                place = first_within_32(features, 0, n, theirs[i]);
                if (place == n || features[place] != theirs[i])
                    continue;
            }
            double weight = factors[place] * of_count[counts[i]], part = weight * weights[place];
            dot += part;
            square += part * part;
            length += weight * weight;
        }
        dots[other] = dot;
        squares[other] = square;
        lengths[other] = length;
    }
    for (int64_t i = 0; i < n; i++)
        where[features[i] & 0xFFFF] = -1;
}

enum { MOST_DIGITS = 1 << 11 };

/* Sort `n` numbers by `bits` bits above their lowest 32, `digit` at once; where they are then, in one of two arrays. */
static uint64_t *radix_sorted(uint64_t *from, uint64_t *to, int64_t n, int bits, int digit)
{
    int64_t places[MOST_DIGITS], mask = ((int64_t)1 << digit) - 1;
    for (int shift = 32; shift < 32 + bits; shift += digit) {
        for (int64_t k = 0; k <= mask; k++)
            places[k] = 0;
        for (int64_t i = 0; i < n; i++)
            places[from[i] >> shift & (uint64_t)mask]++;
        for (int64_t k = 0, before = 0; k <= mask; k++) {
            int64_t count = places[k];
            places[k] = before;
            before += count;
        }
        for (int64_t i = 0; i < n; i++)
            to[places[from[i] >> shift & (uint64_t)mask]++] = from[i];
        uint64_t *other = from;
        from = to;
        to = other;
    }
    return from;
}

/* The entries of rows by ascending feature; see dedup/stream/vectors.py:sorted_rows. Features are numbered in a table
   of 2^`bits` slots, which are more than entries, and -1; then the numbers are put in order, and rows that do not
   ascend. `packed` has room for 2 n values. Returns the number of features; -1 where too many fall on the same slots.
*/
EXPORT int64_t dedup_sorted_rows(const uint32_t *features, const double *values, const int64_t *starts, int64_t n_rows,
                                 int64_t bits, int32_t *slots, uint64_t *packed, uint32_t *distinct, int32_t *columns,
                                 double *sorted)
{
#define SLOT(feature) ((int64_t)((uint32_t)((feature) * 0x9E3779B1u) >> (32 - bits)))
    int64_t n = starts[n_rows], found = 0, more = MOST_STEPS * n, mask = ((int64_t)1 << bits) - 1;
    for (int64_t i = 0; i < n; i++) {
        if (i + 2 * AHEAD < n)
            ASK_FOR(slots + SLOT(features[i + 2 * AHEAD]));
        if (i + AHEAD < n && slots[SLOT(features[i + AHEAD])] >= 0)
            ASK_FOR(distinct + slots[SLOT(features[i + AHEAD])]);
        int64_t slot = SLOT(features[i]);
        for (; slots[slot] >= 0 && distinct[slots[slot]] != features[i]; slot = (slot + 1) & mask)
            if (!more--)
                return -1;
        if (slots[slot] < 0) {
            distinct[found] = features[i];
            slots[slot] = (int32_t)found++;
        }
        columns[i] = slots[slot];
    }
    for (int64_t k = 0; k < found; k++)
        packed[k] = (uint64_t)distinct[k] << 32 | (uint64_t)k;
    const uint64_t *in_order = radix_sorted(packed, packed + n, found, 32, 11);
    int32_t *ranks = slots; /* there are as many at least */
    for (int64_t k = 0; k < found; k++) {
        distinct[k] = (uint32_t)(in_order[k] >> 32);
        ranks[(uint32_t)in_order[k]] = (int32_t)k;
    }
    int used = 1;
    while (found >> used)
        used++;
    for (int64_t row = 0; row < n_rows; row++) {
        int64_t start = starts[row], size = starts[row + 1] - start;
        int ascends = 1;
        for (int64_t i = 0; i < size; i++) {
            columns[start + i] = ranks[columns[start + i]];
            sorted[start + i] = values[start + i];
            ascends &= i == 0 || columns[start + i] > columns[start + i - 1];
        }
        if (ascends)
            continue;
        for (int64_t i = 0; i < size; i++)
            packed[i] = (uint64_t)columns[start + i] << 32 | (uint64_t)i;
        const uint64_t *entries = radix_sorted(packed, packed + n, size, used, 8);
        for (int64_t i = 0; i < size; i++) {
            columns[start + i] = (int32_t)(entries[i] >> 32);
            sorted[start + i] = values[start + (uint32_t)entries[i]];
        }
    }
    return found;
}

/* Sum of the squares of the values of each row; see dedup/story/episodes.py:_squares. */
EXPORT void dedup_row_squares(const int64_t *starts, const double *values, int64_t n_rows, double *squares)
{
    for (int64_t row = 0; row < n_rows; row++) {
        double sum = 0;
        for (int64_t i = starts[row]; i < starts[row + 1]; i++)
            sum += values[i] * values[i];
        squares[row] = sum;
    }
}

/* Number the columns that some rows have, from 0 on; the number of these. `columns` are -1 before. */
EXPORT int64_t dedup_number_columns(const int64_t *starts, const int32_t *indices, const int64_t *rows, int64_t n_rows,
                                    int32_t *columns)
{
    int32_t found = 0;
    for (int64_t k = 0; k < n_rows; k++)
        for (int64_t i = starts[rows[k]]; i < starts[rows[k] + 1]; i++)
            if (columns[indices[i]] < 0)
                columns[indices[i]] = found++;
    return found;
}

/* Add rows up by day in `sums`, one row of `n_days` for each numbered column; see dedup/story/day_sums.py. */
EXPORT void dedup_add_days(const int64_t *starts, const int32_t *indices, const double *values, const int64_t *rows,
                           const int64_t *days, int64_t n_rows, const int32_t *columns, int64_t n_days, double *sums)
{
    for (int64_t k = 0; k < n_rows; k++)
        for (int64_t i = starts[rows[k]]; i < starts[rows[k] + 1]; i++)
            sums[columns[indices[i]] * n_days + days[k]] += values[i];
}

/* Products of rows and the sums of each day, which are 0 before. */
EXPORT void dedup_day_products(const int64_t *starts, const int32_t *indices, const double *values, const int64_t *rows,
                               int64_t n_rows, const int32_t *columns, const double *sums, int64_t n_days,
                               double *products)
{
    for (int64_t k = 0; k < n_rows; k++, products += n_days)
        for (int64_t i = starts[rows[k]]; i < starts[rows[k] + 1]; i++)
            if (columns[indices[i]] >= 0)
                for (int64_t day = 0; day < n_days; day++)
                    products[day] += values[i] * sums[columns[indices[i]] * n_days + day];
}

/* Let the columns of rows be -1 again. */
EXPORT void dedup_forget_columns(const int64_t *starts, const int32_t *indices, const int64_t *rows, int64_t n_rows,
                                 int32_t *columns)
{
    for (int64_t k = 0; k < n_rows; k++)
        for (int64_t i = starts[rows[k]]; i < starts[rows[k] + 1]; i++)
            columns[indices[i]] = -1;
}

/* Product of some rows of n_dimensions whole numbers with one; see dedup/stream/live_meanings.py:vector_products. Sums
   are far below 2^31 (see dedup/story/encoding.py); unsigned, as those of a damaged file may be anything. */
EXPORT WIDE void dedup_vector_products(const int8_t *vectors, int64_t n_dimensions, const int64_t *rows, int64_t n,
                                       const int8_t *vector, float *products)
{
    for (int64_t i = 0; i < n; i++) {
        const int8_t *row = vectors + rows[i] * n_dimensions;
        uint32_t sum = 0;
        for (int64_t j = 0; j < n_dimensions; j++)
            sum += (uint32_t)((int16_t)row[j] * (int16_t)vector[j]);
        products[i] = (float)(int32_t)sum;
    }
}
