/* Candidates for similar pairs of sparse rows, and their products; see dedup/story/candidates.py and similarity.py.

   A sparse row `i` has the entries `starts[i]` to `starts[i + 1]` of `columns` and `values`. */
#include "kernel.h"

/* Number the columns of entries by first use, in place; `numbers`, of each column, are -1. Follows the loop of
   `gather_columns`. */
EXPORT void dedup_gather_columns(int32_t *restrict columns, int64_t n, int32_t *restrict numbers)
{
    int32_t done = 0;
    for (int64_t i = 0; i < n; i++) {
        if (numbers[columns[i]] < 0)
            numbers[columns[i]] = done++;
        columns[i] = numbers[columns[i]];
    }
}

/* Mark the entries of each row that are `kept`: the rarest, of at most `most` postings together, and of equally rare
   ones the first. Follows `_rarest`. `counts` has `most + 1` zeros, and is given back as such; it is read and written
   at frequencies of at most `most` only. */
EXPORT void dedup_rarest(const int64_t *starts, const int32_t *columns, int64_t n_rows, const int64_t *frequencies,
                         int64_t most, int32_t *restrict counts, uint8_t *restrict kept)
{
    for (int64_t row = 0; row < n_rows; row++) {
        for (int64_t i = starts[row]; i < starts[row + 1]; i++)
            if (frequencies[columns[i]] <= most)
                counts[frequencies[columns[i]]]++;
        int64_t limit = 0, left = most, of_limit = 0; /* all below the limit are kept, and so many of it */
        for (; limit <= left; limit++) {
            of_limit = limit && counts[limit] > left / limit ? left / limit : counts[limit];
            left -= of_limit * limit;
            if (of_limit < counts[limit])
                break;
            of_limit = 0;
        }
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            int64_t frequency = frequencies[columns[i]];
            kept[i] = frequency < limit || (frequency == limit && of_limit-- > 0);
            if (frequency <= most)
                counts[frequency] = 0;
        }
    }
}

/* Move what is at `place` of a heap of `n` numbers, of which the least is at 0, down to where it belongs. */
static void sink(uint64_t *heap, int64_t place, int64_t n)
{
    uint64_t moved = heap[place];
    for (int64_t child; (child = 2 * place + 1) < n; place = child) {
        child += child + 1 < n && heap[child + 1] < heap[child];
        if (heap[child] >= moved)
            break;
        heap[place] = heap[child];
    }
    heap[place] = moved;
}

/* Mark the entries of each row that are `kept`: the heaviest, of at most `most` postings together, and of equally heavy
   ones the first; weights count as multiples of 1 / `steps`. Follows `_heaviest`. `heap` has room for the longest row,
   which has fewer than 2**32 entries. */
EXPORT void dedup_heaviest(const int64_t *starts, const int32_t *columns, const float *values, int64_t n_rows,
                           const int64_t *frequencies, int64_t most, float steps, uint64_t *restrict heap,
                           uint8_t *restrict kept)
{
    for (int64_t row = 0; row < n_rows; row++) {
        int64_t n = starts[row + 1] - starts[row], left = most;
        for (int64_t i = 0; i < n; i++) {
            float lightness = 1 - values[starts[row] + i];
            lightness = lightness < 0 ? 0 : lightness > 1 ? 1 : lightness;
            heap[i] = (uint64_t)(lightness * steps) << 32 | (uint64_t)i;
            kept[starts[row] + i] = 0;
        }
        for (int64_t i = n / 2; i-- > 0;)
            sink(heap, i, n);
        while (n) {
            int64_t first = starts[row] + (int64_t)(heap[0] & 0xFFFFFFFF);
            left -= frequencies[columns[first]];
            if (left < 0)
                break;
            kept[first] = 1;
            heap[0] = heap[--n];
            if (n)
                sink(heap, 0, n);
        }
    }
}

#define AHEAD 8 /* entries */

/* Products of rows with others that are given by `postings`, for each column the rows that have it: pairs `left <
   right` whose product reaches the floor. Returns how many there are. Follows `_products`, and adds in the same order.
   `first` and `other` are the numbers of the first row of either side. `sums` has a zero for each of the others, and
   is given back as such; `met`, `lefts`, `rights` and `products` have room for as many as there are postings of all
   entries of the rows. */
EXPORT int64_t dedup_products(const int64_t *starts, const int32_t *columns, const float *values, int64_t n_rows,
                              int64_t first, const int32_t *postings, const int32_t *rows, const float *weights,
                              int64_t other, float floor, float *restrict sums, int32_t *restrict met,
                              int64_t *restrict lefts, int64_t *restrict rights, float *restrict products)
{
    int64_t found = 0;
    for (int64_t row = 0; row < n_rows; row++) {
        int64_t n_met = 0, stop = starts[row + 1];
        for (int64_t i = starts[row]; i < stop; i++) {
            if (i + 2 * AHEAD < stop) /* each list of postings lies somewhere else, out of the caches */
                PREFETCH(postings + columns[i + 2 * AHEAD]);
            if (i + AHEAD < stop) {
                PREFETCH(rows + postings[columns[i + AHEAD]]);
                PREFETCH(weights + postings[columns[i + AHEAD]]);
            }
            for (int64_t k = postings[columns[i] + 1]; k-- > postings[columns[i]] && rows[k] + other > row + first;) {
                met[n_met] = rows[k];
                n_met += sums[rows[k]] == 0; /* one whose sum stays zero is met again, and takes no more room */
                sums[rows[k]] += values[i] * weights[k];
            }
        }
        for (int64_t i = 0; i < n_met; i++) {
            float product = sums[met[i]];
            sums[met[i]] = 0; /* so that the next time that one is met twice it is below the floor */
            if (product >= floor) {
                lefts[found] = row + first;
                rights[found] = met[i] + other;
                products[found++] = product;
            }
        }
    }
    return found;
}

/* Columns whose lowest bits are those of a column of the left row: most of the others are known not to be shared
   without a look at the wide array `unpacked`. */
#define BITS 15
#define WORD(column) (((column) & ((1 << BITS) - 1)) >> 6)

/* Dot products of pairs of rows, of which the left ones ascend, and sums of the squares of their parts. Follows
   `_dot_products`: sums of float64 in the order of the right row. `unpacked` has a zero for each column, and is given
   back as such; `shared` has room for as many as the longest right row has entries. */
EXPORT void dedup_dot_products(const int64_t *starts, const int32_t *columns, const float *values,
                               const int64_t *other_starts, const int32_t *other_columns, const float *other_values,
                               const int64_t *left, const int64_t *right, int64_t n_pairs, float *restrict unpacked,
                               int32_t *restrict shared, double *restrict dots, double *restrict squares)
{
    uint64_t seen[1 << (BITS - 6)] = {0};
    for (int64_t pair = 0; pair < n_pairs;) {
        int64_t row = left[pair];
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            unpacked[columns[i]] = values[i];
            seen[WORD(columns[i])] |= (uint64_t)1 << (columns[i] & 63);
        }
        for (; pair < n_pairs && left[pair] == row; pair++) {
            const int32_t *own = other_columns + other_starts[right[pair]];
            const float *weights = other_values + other_starts[right[pair]];
            int32_t size = (int32_t)(other_starts[right[pair] + 1] - other_starts[right[pair]]), n_shared = 0;
            for (int32_t i = 0; i < size; i++) { /* without a branch: whether a column is shared is hard to predict */
                shared[n_shared] = i;
                n_shared += seen[WORD(own[i])] >> (own[i] & 63) & 1;
            }
            double dot = 0, square = 0;
            for (int32_t i = 0; i < n_shared; i++) {
                double part = (double)unpacked[own[shared[i]]] * weights[shared[i]];
                dot += part;
                square += part * part;
            }
            dots[pair] = dot;
            squares[pair] = square;
        }
        for (int64_t i = starts[row]; i < starts[row + 1]; i++) {
            unpacked[columns[i]] = 0;
            seen[WORD(columns[i])] = 0;
        }
    }
}
