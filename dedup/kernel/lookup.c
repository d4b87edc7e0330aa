/* Look-up of keys in a sorted array through a table of their leading bits; see SortedKeys in dedup/arrays.py. */
#include "kernel.h"

/* Position of each wanted key, -1 for unknown ones: all keys of slot `s` are at `first[s]` to `first[s + 1]`. A wanted
   key whose slot is beyond the table is unknown. */
EXPORT void dedup_find(const uint64_t *keys, const int32_t *first, int64_t n_slots, int64_t shift,
                       const uint64_t *wanted, int64_t n_wanted, int64_t *restrict found)
{
    for (int64_t i = 0; i < n_wanted; i++) {
        uint64_t slot = wanted[i] >> shift;
        found[i] = -1;
        if (slot >= (uint64_t)n_slots)
            continue;
        int64_t low = first[slot], high = first[slot + 1];
        while (high - low > 4) {
            int64_t middle = low + (high - low) / 2;
            if (keys[middle] <= wanted[i])
                low = middle;
            else
                high = middle;
        }
        for (; low < high; low++)
            if (keys[low] == wanted[i])
                found[i] = low;
    }
}
