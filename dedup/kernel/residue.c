/* Which texts may have residue; see dedup/residue/find.py. */
#include "kernel.h"

enum { RUN_WORDS = 6, RUN_CHARACTERS = 12, SHORTEST_RUN = 3, UNMASKED = 2, UNMASKED_ANYWHERE = 3 };
enum { GAP_TOKENS = 12, DATE_TOKENS = 3, PHRASE_WORDS = 3, KEY_SHIFT = 13 };

/* Sorted keys, see SortedKeys in dedup/sorted_keys.py, and a flag of each. */
typedef struct {
    const uint64_t *keys;
    const int32_t *first;
    int64_t n_slots, shift;
    const uint8_t *flags;
} Known;

/* Place of a key, -1 for an unknown one. */
static int64_t place_of(const Known *known, uint64_t key)
{
    uint64_t slot = key >> known->shift;
    if (slot >= (uint64_t)known->n_slots)
        return -1;
    int64_t low = known->first[slot], high = known->first[slot + 1];
    while (high - low > 4) { /* many keys have the same leading bits */
        int64_t middle = low + (high - low) / 2;
        if (known->keys[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (known->keys[low] == key)
            return low;
    return -1;
}

/* Whether each token has no byte above '9' or is of a date, and the sums of tokens that keys are made of, of which
   there is one more; see `_masked_sums` in dedup/residue/layout.py. */
EXPORT void dedup_masked_sums(const uint8_t *folded, const int64_t *starts, const int64_t *stops,
                              const uint64_t *hashes, int64_t n, const uint64_t *dates, const int32_t *first,
                              int64_t n_slots, int64_t shift, uint64_t mask, uint64_t base, uint8_t *restrict masked,
                              uint64_t *restrict sums)
{
    Known known = {dates, first, n_slots, shift, 0};
    uint64_t power = 1;
    sums[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t place = starts[i];
        while (place < stops[i] && folded[place] <= '9')
            place++;
        masked[i] = place == stops[i] || place_of(&known, hashes[i]) >= 0;
        power *= base;
        sums[i + 1] = sums[i] + (masked[i] ? mask : hashes[i]) * power;
    }
}

/* The tokens of one text, `first` to `stop`, and what is known of its source and of all. */
typedef struct {
    const uint64_t *sums;
    const uint8_t *masked, *folded;
    const int64_t *starts, *sizes;
    int64_t first, stop, n_sizes;
    uint64_t salt;
    const uint64_t *kinds; /* of lines, and of runs at the head and the foot */
    Known recurring, phrases, openings;
} Text;

static int64_t unmasked(const Text *text, int64_t i, int64_t size)
{
    int64_t found = 0;
    for (int64_t k = i; k < i + size; k++)
        found += !text->masked[k];
    return found;
}

/* Whether one of `size` tokens from `i` on is near enough to an end of the text for a gap. */
static int is_near(const Text *text, int64_t i, int64_t size)
{
    return i - text->first <= GAP_TOKENS || text->stop - i - size <= GAP_TOKENS;
}

static int is_unspaced(const Text *text, int64_t i)
{
    uint8_t lead = text->folded[text->starts[i]];
    return lead >= 0xE0 && (lead < 0xEA || lead > 0xED);
}

/* `Layout.keys` of a run; `power` is that of its first token. */
static uint64_t key_of(const Text *text, int64_t i, int64_t size, uint64_t power)
{
    return mix((text->sums[i + size] - text->sums[i]) * power);
}

/* 2 if a run is residue anywhere, 1 if it recurs, else 0; see RecurringKeys.levels. */
static int level_of(const Text *text, int64_t i, int64_t size, uint64_t power, uint64_t kind)
{
    uint64_t key = mix(key_of(text, i, size, power) ^ kind ^ text->salt) >> KEY_SHIFT;
    int64_t place = place_of(&text->recurring, key);
    return place < 0 ? 0 : 1 + text->recurring.flags[place];
}

/* Whether a run recurs that begins at a token, which may be at the head or the foot; see RecurringKeys.find. */
static int run_recurs(const Text *text, int64_t i, uint64_t power)
{
    int64_t size = is_unspaced(text, i) ? RUN_CHARACTERS : RUN_WORDS, left = text->stop - i;
    if (size <= left) {
        int level = level_of(text, i, size, power, 0);
        int64_t words = level ? unmasked(text, i, size) : 0;
        if (words >= UNMASKED && (is_near(text, i, size) || (level == 2 && words >= UNMASKED_ANYWHERE)))
            return 1;
    }
    if (i != text->first && left >= RUN_WORDS)
        return 0;
    for (size = SHORTEST_RUN; size < RUN_WORDS && size <= left; size++) {
        int at_head = i == text->first && level_of(text, i, size, power, text->kinds[1]) == 2;
        int at_foot = size == left && level_of(text, i, size, power, text->kinds[2]) == 2;
        if ((at_head || at_foot) && unmasked(text, i, size) >= UNMASKED)
            return 1;
    }
    return 0;
}

/* Whether a known phrase begins at a token that makes residue of the line, of `rest` tokens from there on (0 within a
   line), or in a text without line breaks is long and near an end; see Phrases and `_phrases`. */
static int has_phrase(const Text *text, int64_t i, int64_t rest, int is_alone, uint64_t power)
{
    if (!rest && !is_near(text, i, text->sizes[text->n_sizes - 1])) /* nor is a shorter one */
        return 0;
    if (place_of(&text->openings, key_of(text, i, 1, power)) < 0)
        return 0;
    for (int64_t k = 0; k < text->n_sizes; k++) {
        int64_t size = text->sizes[k], left = text->stop - i - size, place;
        if (left < 0 || (place = place_of(&text->phrases, key_of(text, i, size, power))) < 0)
            continue;
        if (rest && (rest == size || (rest > size && text->phrases.flags[place])))
            return 1;
        int64_t least = (PHRASE_WORDS - (i == text->first || left == 0)) * (1 + is_unspaced(text, i));
        if (is_alone && size >= least && is_near(text, i, size))
            return 1;
    }
    return 0;
}

/* Whether a date near an end of the text begins at a token, the first of a run of masked ones; see `_dates`. */
static int has_date(const Text *text, int64_t i, int64_t line, int64_t line_stop)
{
    int64_t size = 1;
    while (i + size < line_stop && text->masked[i + size])
        size++;
    return (size >= DATE_TOKENS || (i == line && i + size == line_stop)) && is_near(text, i, size);
}

/* Whether each of some texts may have residue: what `_may_have_residue` finds. The first two tables have a flag of each
   key. No run that is looked at goes beyond its text. */
EXPORT void dedup_may_have_residue(
    const uint64_t *sums, const uint8_t *masked, const uint8_t *folded, const int64_t *starts, const int64_t *offsets,
    int64_t n_texts, const int32_t *line_starts, const uint64_t *salts, uint64_t inverse, const uint64_t *kinds,
    const uint64_t *recurring, const int32_t *first, int64_t n_slots, int64_t shift, const uint8_t *anywhere,
    const uint64_t *phrases, const int32_t *first_phrase, int64_t n_phrase_slots, int64_t phrase_shift,
    const uint8_t *opening, const uint64_t *openings, const int32_t *first_opening, int64_t n_opening_slots,
    int64_t opening_shift, const int64_t *sizes, int64_t n_sizes, uint8_t *may)
{
    Text text = {sums, masked, folded, starts, sizes, 0, 0, n_sizes, 0, kinds,
                 {recurring, first, n_slots, shift, anywhere},
                 {phrases, first_phrase, n_phrase_slots, phrase_shift, opening},
                 {openings, first_opening, n_opening_slots, opening_shift, 0}};
    uint64_t power = 1;
    for (int64_t t = 0; t < n_texts; t++) {
        text.first = offsets[t], text.stop = offsets[t + 1], text.salt = salts[t], may[t] = 0;
        for (int64_t i = text.first, line = i, line_stop = i; i < text.stop; i++) {
            power *= inverse;
            int64_t rest = 0;
            if (i == line_stop) {
                line = i, line_stop = *++line_starts, rest = line_stop - i;
                may[t] = may[t] || (unmasked(&text, i, rest) && level_of(&text, i, rest, power, kinds[0]));
            }
            int is_alone = line == text.first && line_stop == text.stop;
            int dated = masked[i] && (rest || !masked[i - 1]) && !may[t] && has_date(&text, i, line, line_stop);
            may[t] = may[t] || dated || run_recurs(&text, i, power) ||
                     ((rest || is_alone) && has_phrase(&text, i, rest, is_alone, power));
        }
    }
}
