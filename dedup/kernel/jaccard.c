/* Overlaps of sets of shingles, by tables with open addressing; see dedup/near/jaccard.py. */
#include "kernel.h"
#include <string.h>

/* A table has `1 << bits` slots, at least twice as many as the texts in it have shingles, so that a search ends at a
   free one. A slot is a shingle and a mark. Marks only grow, so that no table has to be emptied: those of other texts
   are below `least`. `salt` is odd and not known to those who write texts: no text makes searches long. */
typedef struct {
    uint64_t *slots, salt, least;
    int64_t bits;
} set_table;

/* The slot of a shingle, or the free one where it would be. Its lowest bit does not count, as in the twin. */
static inline uint64_t *slot_of(const set_table *table, uint64_t shingle)
{
    uint64_t last = ((uint64_t)1 << table->bits) - 1, k = (shingle * table->salt) >> (64 - table->bits);
    while (table->slots[2 * k + 1] >= table->least && table->slots[2 * k] != shingle)
        k = (k + 1) & last;
    return table->slots + 2 * k;
}

/* Put one text in place of the others, and return the number of its distinct shingles. */
static int64_t fill(set_table *table, const uint64_t *shingles, int64_t start, int64_t stop, uint64_t mark)
{
    int64_t count = 0;
    table->least = mark;
    for (int64_t place = start; place < stop; place++) {
        uint64_t shingle = shingles[place] | 1, *slot = slot_of(table, shingle);
        count += slot[1] < mark;
        slot[0] = shingle;
        slot[1] = mark;
    }
    return count;
}

/* Twin: ShingleSets.of. `copies` has room for the shingles of these texts. */
EXPORT void dedup_copy_sets(const uint64_t *shingles, const int64_t *offsets, const int64_t *texts, int64_t n_texts,
                            uint64_t *copies)
{
    for (int64_t i = 0; i < n_texts; i++) {
        int64_t start = offsets[texts[i]], count = offsets[texts[i] + 1] - start;
        memcpy(copies, shingles + start, (size_t)count * sizeof *copies);
        copies += count;
    }
}

/* Twin: ShingleSets._distinct. `slots` has two zeros a slot. */
EXPORT void dedup_distinct(const uint64_t *shingles, const int64_t *offsets, const int64_t *texts, int64_t n_texts,
                           uint64_t *slots, int64_t bits, uint64_t salt, int64_t *counts)
{
    set_table table = {slots, salt, 0, bits};
    for (int64_t i = 0; i < n_texts; i++)
        counts[i] = fill(&table, shingles, offsets[texts[i]], offsets[texts[i] + 1], (uint64_t)i + 1);
}

/* Twin: ShingleSets._shared. Pairs with one left text in a row need it in the table once. */
EXPORT void dedup_shared(const uint64_t *shingles, const int64_t *offsets, const int64_t *pairs, int64_t n_pairs,
                         uint64_t *slots, int64_t bits, uint64_t salt, int64_t *counts)
{
    set_table table = {slots, salt, 0, bits};
    uint64_t mark = 0;
    for (int64_t i = 0; i < n_pairs; i++) {
        int64_t left = pairs[2 * i], right = pairs[2 * i + 1], count = 0;
        if (i == 0 || left != pairs[2 * i - 2])
            fill(&table, shingles, offsets[left], offsets[left + 1], ++mark);
        mark++;
        for (int64_t place = offsets[right]; place < offsets[right + 1]; place++) {
            uint64_t *slot = slot_of(&table, shingles[place] | 1);
            int shared = slot[1] >= table.least && slot[1] < mark; /* and not counted before */
            count += shared;
            if (shared)
                slot[1] = mark;
        }
        counts[i] = count;
    }
}
