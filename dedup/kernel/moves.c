/* Local moves of the search for stories; see dedup/story/partition.py. */
#include "kernel.h"

/* Move single nodes, each to the label where it gains most, until none gains. Follows `_moved`: the queue, the order of
   sums and of comparisons, and what counts as equal are its own.

   `labels`, below `n`, are changed in place, with `totals` and `paying`, the sums of sizes and costs of each label. Of
   `numbers`, which has room for 4 `n`, the last part begins with the `n_free` labels without nodes. `pulls` and
   `queued` have room for `n`. Each node is in the ring of the queue once at most; a node that would be better alone
   shares its label, so that some label is free; and a node is near `n` labels at most. */
EXPORT void dedup_local_moves(const int64_t *starts, const int32_t *neighbours, const double *similarities, int64_t n,
                              const int64_t *sizes, const double *costs, double threshold, double tolerance,
                              int64_t *restrict labels, int64_t *restrict totals, double *restrict paying,
                              int64_t *restrict numbers, int64_t n_free, double *restrict pulls,
                              uint8_t *restrict queued)
{
    int64_t *queue = numbers, *near = numbers + n, *place = numbers + 2 * n, *free_labels = numbers + 3 * n;
    int64_t head = 0, waiting = n;
    for (int64_t i = 0; i < n; i++) {
        queue[i] = i;
        queued[i] = 1;
        place[i] = -1; /* of each label among those near the node */
    }
    while (waiting) {
        int64_t node = queue[head], home = labels[node], n_near = 1;
        head = head + 1 == n ? 0 : head + 1;
        waiting--;
        queued[node] = 0;
        near[0] = home;
        place[home] = 0;
        pulls[0] = 0.0;
        for (int64_t i = starts[node]; i < starts[node + 1]; i++) {
            int64_t label = labels[neighbours[i]];
            if (place[label] < 0) {
                place[label] = n_near;
                pulls[n_near] = 0.0;
                near[n_near++] = label;
            }
            pulls[place[label]] += similarities[i];
        }
        double size = (double)sizes[node], cost = costs[node];
        totals[home] -= sizes[node];
        paying[home] = totals[home] ? paying[home] - cost : 0.0;
        int64_t best = home;
        double best_gain = 0;
        for (int64_t i = 0; i < n_near; i++) { /* as `_best_label` */
            int64_t label = near[i];
            double rest = (double)totals[label], gain = 0.0;
            place[label] = -1;
            if (totals[label]) {
                double paid = cost / size + paying[label] / rest - (cost + paying[label]) / (size + rest);
                gain = pulls[i] - threshold * size * rest - paid;
            }
            if (i == 0 || gain > best_gain + tolerance ||
                (gain > best_gain - tolerance && label < best && best != home)) {
                best = label;
                best_gain = gain;
            }
        }
        if (best_gain < -tolerance && n_free)
            best = free_labels[--n_free];
        totals[best] += sizes[node];
        paying[best] += cost;
        if (best == home)
            continue;
        if (!totals[home])
            free_labels[n_free++] = home;
        labels[node] = best;
        for (int64_t i = starts[node]; i < starts[node + 1]; i++) {
            int64_t other = neighbours[i];
            if (labels[other] != best && !queued[other]) {
                queued[other] = 1;
                queue[head + waiting < n ? head + waiting : head + waiting - n] = other;
                waiting++;
            }
        }
    }
}
