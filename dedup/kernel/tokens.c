/* Characters to folded bytes, and those to tokens and their hashes; see dedup/text/fold.py and dedup/text/words.py. */
#include "kernel.h"

#define HIGH_BITS 0x8080808080808080u
#define SPECIAL 1 /* bits of what the folds return */
#define HYPHEN 2

enum { FIRST_LETTER = '0', MAX_TOKEN_BYTES = 64 };

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

/* Twin: _bytes. Four bytes are written for each fold, of which the next one overwrites those that are too many:
   `folded` has room for four of each. Returns their number. */
EXPORT int64_t dedup_unpack(const uint32_t *packed, int64_t n, uint8_t *restrict folded, uint8_t *restrict sizes)
{
    uint8_t *end = folded;
    for (int64_t i = 0; i < n; i++) {
        uint32_t fold = packed[i];
        uint8_t size = (fold > 0) + (fold > 0xFF) + (fold > 0xFFFF) + (fold > 0xFFFFFF);
        end[0] = (uint8_t)fold;
        end[1] = (uint8_t)(fold >> 8);
        end[2] = (uint8_t)(fold >> 16);
        end[3] = (uint8_t)(fold >> 24);
        sizes[i] = size;
        end += size;
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

/* Size of the token that begins here, if any of its bytes is not ASCII. */
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

/* Size and hash of the token that begins here. Eight bytes can be read from its end on. */
static inline int64_t read_token(const uint8_t *token, uint64_t *hash)
{
    int64_t size = 0, part;
    uint64_t mixed = 0, bytes;
    do {
        bytes = eight_bytes(token + size);
        if (bytes & HIGH_BITS)
            goto not_ascii;
        uint64_t ends = ~(bytes + 0x5050505050505050u) & HIGH_BITS; /* of bytes below FIRST_LETTER */
        part = ends ? lowest_bit(ends) / 8 : 8;
        if (part)
            mixed = mix(mixed ^ lowest(bytes, part));
        size += part;
    } while (part == 8 && size < MAX_TOKEN_BYTES);
    *hash = mixed;
    return size;
not_ascii:
    size = size_of(token);
    mixed = 0;
    for (int64_t done = 0; done < size; done += 8)
        mixed = mix(mixed ^ lowest(eight_bytes(token + done), size - done));
    *hash = mixed;
    return size;
}

/* Twin: _bounds and _hashes. Text `i` is the bytes from byte_starts[i] on; behind the last one are at least nine zeros,
   at which every token ends. Outputs have room for one token in two bytes: only characters of three bytes or more
   stand side by side. `in_a_row` becomes the most tokens of at most `short_size` bytes that follow each other. Returns
   the number of tokens. */
EXPORT int64_t dedup_tokens(const uint8_t *folded, const int64_t *byte_starts, int64_t n_texts, int64_t short_size,
                            int64_t *restrict starts, int64_t *restrict stops, uint64_t *restrict hashes,
                            int64_t *restrict offsets, int64_t *restrict in_a_row)
{
    int64_t count = 0, row = 0, most = 0;
    offsets[0] = 0;
    for (int64_t text = 0; text < n_texts; text++) {
        int64_t place = byte_starts[text], stop = byte_starts[text + 1];
        for (;;) {
            while (place < stop && folded[place] < FIRST_LETTER)
                place++;
            if (place >= stop)
                break;
            int64_t size = read_token(folded + place, hashes + count);
            starts[count] = place;
            place += size;
            stops[count++] = place;
            row = size <= short_size ? row + 1 : 0;
            most = row > most ? row : most;
        }
        offsets[text + 1] = count;
    }
    *in_a_row = most;
    return count;
}
