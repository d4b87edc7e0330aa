/* Characters to folded bytes, and those to tokens and their hashes; see dedup/text/fold.py and dedup/text/words.py. */
#include "kernel.h"

#define HIGH_BITS 0x8080808080808080u
#define SPECIAL 1 /* bits of what the folds return */
#define HYPHEN 2

enum { FIRST_LETTER = '0', MAX_TOKEN_BYTES = 64, AT_ONCE = 16 };

/* Twin: bytes.translate and broken_lines. Returns HYPHEN where one stands before what may end a line. */
WIDE EXPORT int64_t dedup_fold_ascii(const uint8_t *codes, int64_t n, const uint8_t *table, uint8_t *restrict folded)
{
    uint8_t hyphen = 0;
    for (int64_t i = 0; i < n; i++)
        folded[i] = table[codes[i]];
    for (int64_t i = 0; i + 1 < n; i++)
        hyphen |= (codes[i] == '-') & (codes[i + 1] <= '\r');
    return hyphen ? HYPHEN : 0;
}

/* Twin: FoldTable.fold. Every code is below the table's 0x110000. Returns also SPECIAL where a fold is not to be had
   from the table alone, as it is at least `special`. */
WIDE EXPORT int64_t dedup_fold_codes(const uint32_t *codes, int64_t n, const uint32_t *table, uint32_t special,
                                     uint32_t *restrict packed)
{
    uint32_t found = 0, hyphen = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t fold = table[codes[i]];
        packed[i] = fold;
        found |= fold >= special;
    }
    for (int64_t i = 0; i + 1 < n; i++)
        hyphen |= (codes[i] == '-') & (codes[i + 1] <= '\r');
    return (found ? SPECIAL : 0) | (hyphen ? HYPHEN : 0);
}

/* Whether each of `AT_ONCE` folds is one byte, as nearly always. */
static inline int all_single(const uint32_t *packed)
{
    uint32_t others = 0;
    for (int k = 0; k < AT_ONCE; k++)
        others |= packed[k] - 1 >= 0xFF;
    return !others;
}

/* Twin: _bytes. Four bytes are written for each fold, of which the next one overwrites those that are too many:
   `folded` has room for four of each. Returns their number. */
WIDE EXPORT int64_t dedup_unpack(const uint32_t *packed, int64_t n, uint8_t *restrict folded, uint8_t *restrict sizes)
{
    uint8_t *end = folded;
    for (int64_t i = 0; i < n;) {
        if (n - i >= AT_ONCE && all_single(packed + i)) {
            for (int k = 0; k < AT_ONCE; k++) {
                end[k] = (uint8_t)packed[i + k];
                sizes[i + k] = 1;
            }
            end += AT_ONCE;
            i += AT_ONCE;
            continue;
        }
        uint32_t fold = packed[i];
        for (int k = 0; k < 4; k++)
            end[k] = (uint8_t)(fold >> 8 * k);
        sizes[i] = (fold > 0) + (fold > 0xFF) + (fold > 0xFFFF) + (fold > 0xFFFFFF);
        end += sizes[i++];
    }
    return end - folded;
}

/* Whether a byte begins a character of a script without spaces. */
static inline int leads_unspaced(uint8_t byte)
{
    return byte >= 0xE0 && (byte < 0xEA || byte > 0xED);
}

static inline uint64_t eight_bytes(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)from[i] << 8 * i; /* one instruction where the lowest byte comes first */
    return value;
}

/* The first `size` of eight bytes; at most 8. */
static inline uint64_t lowest(uint64_t value, int64_t size)
{
    return size < 8 ? value & (((uint64_t)1 << 8 * size) - 1) : value;
}

/* Size of the token that begins here. */
static int64_t size_of(const uint8_t *token)
{
    int64_t size = 1;
    if (leads_unspaced(*token))
        while ((token[size] & 0xC0) == 0x80)
            size++;
    else
        while (size < MAX_TOKEN_BYTES && token[size] >= FIRST_LETTER && !leads_unspaced(token[size]))
            size++;
    return size;
}

/* Hash of a token. Eight bytes can be read from its end on. */
static inline uint64_t hash_of(const uint8_t *token, int64_t size)
{
    uint64_t hash = mix(lowest(eight_bytes(token), size));
    for (int64_t done = 8; done < size; done += 8)
        hash = mix(hash ^ lowest(eight_bytes(token + done), size - done));
    return hash;
}

/* A bit for each of at most 64 bytes that belongs to a word, if all are ASCII: else `high` has one of HIGH_BITS. */
static inline uint64_t word_bits(const uint8_t *bytes, int64_t count, uint64_t *high)
{
    uint64_t bits = 0;
    for (int64_t i = 0; i < count; i += 8) {
        uint64_t eight = eight_bytes(bytes + i);
        *high |= eight;
        eight = ((eight & ~HIGH_BITS) + 0x5050505050505050u) & HIGH_BITS; /* of bytes from FIRST_LETTER on */
        bits |= ((eight >> 7) * 0x0102040810204080u >> 56) << i;          /* their bits side by side */
    }
    return count < 64 ? bits & (((uint64_t)1 << count) - 1) : bits;
}

static inline int64_t add_places(int64_t *places, int64_t count, uint64_t bits, int64_t from)
{
    for (; bits; bits &= bits - 1)
        places[count++] = from + lowest_bit(bits);
    return count;
}

/* Add the tokens of a text of ASCII alone; returns their number, or -1 if it is not, or one of them is to be cut. */
static int64_t ascii_tokens(const uint8_t *folded, int64_t start, int64_t stop, int64_t *starts, int64_t *stops)
{
    int64_t begun = 0, ended = 0;
    uint64_t within = 0, high = 0;
    for (int64_t place = start; place < stop; place += 64) {
        uint64_t words = word_bits(folded + place, stop - place < 64 ? stop - place : 64, &high);
        uint64_t before = words << 1 | within;
        if (high & HIGH_BITS)
            return -1;
        begun = add_places(starts, begun, words & ~before, place);
        ended = add_places(stops, ended, before & ~words, place);
        within = words >> 63;
    }
    if (ended < begun)
        stops[ended++] = stop;
    for (int64_t i = 0; i < begun; i++)
        if (stops[i] - starts[i] > MAX_TOKEN_BYTES)
            return -1;
    return begun;
}

/* The same for any text. */
static int64_t any_tokens(const uint8_t *folded, int64_t start, int64_t stop, int64_t *starts, int64_t *stops)
{
    int64_t count = 0;
    while (start < stop) {
        if (folded[start] < FIRST_LETTER) {
            start++;
            continue;
        }
        starts[count] = start;
        start += size_of(folded + start);
        stops[count++] = start;
    }
    return count;
}

/* Twin: _bounds and _hashes. Text `i` is the bytes from byte_starts[i] on; behind the last one are at least nine zeros,
   at which every token ends. Outputs have room for one token in two bytes: only characters of three bytes or more
   stand side by side. `in_a_row` becomes the most tokens of at most `short_size` bytes that follow each other. Returns
   the number of tokens. */
EXPORT int64_t dedup_tokens(const uint8_t *folded, const int64_t *byte_starts, int64_t n_texts, int64_t short_size,
                            int64_t *restrict starts, int64_t *restrict stops, uint64_t *restrict hashes,
                            int64_t *restrict offsets, int64_t *restrict in_a_row)
{
    int64_t total = 0, row = 0, most = 0;
    offsets[0] = 0;
    for (int64_t text = 0; text < n_texts; text++) {
        int64_t start = byte_starts[text], stop = byte_starts[text + 1];
        int64_t count = ascii_tokens(folded, start, stop, starts + total, stops + total);
        if (count < 0)
            count = any_tokens(folded, start, stop, starts + total, stops + total);
        for (int64_t i = total; i < total + count; i++) {
            int64_t size = stops[i] - starts[i];
            hashes[i] = hash_of(folded + starts[i], size);
            row = size <= short_size ? row + 1 : 0;
            most = row > most ? row : most;
        }
        total += count;
        offsets[text + 1] = total;
    }
    *in_a_row = most;
    return total;
}
