#ifndef PACELINE_TUNING_H
#define PACELINE_TUNING_H

#include "isa/plain.h"
#include "paceline/quant.h"

// Numbers of the kernels that change speed but no bit, each with the measurement or the reason behind it. "Not
// measured" marks numbers without a recorded figure. Some sizes, and every number that bits depend on, stand where they
// are used.

// MARK: Memory

/// How far ahead of the reader memory is fetched: into the second-level cache, and from there into the first.
///
/// A line fetched from memory straight into the first level occupies one of its few fill buffers until it arrives.
/// Loads of other lines then wait. On a Xeon of 2023, kernels that multiply what they read got 80 % of the bandwidth
/// that way and 95 % in two steps. The hardware's prefetchers alone gave two thirds. The distances themselves: not
/// measured.
enum { PL_PREFETCH_FAR_BYTES = 16384, PL_PREFETCH_NEAR_BYTES = 4096 };

// MARK: The pool

enum {
    /// How long a thread polls before it sleeps. Longer than the gaps inside a forward pass, and far shorter than a
    /// time slice, so that polling does not starve other processes. Not measured.
    PL_SPIN_NANOSECONDS = 40000,
    /// Polls between two readings of the clock: reading it takes longer than a poll. Not measured.
    PL_POLLS_PER_CLOCK_READ = 32,
    /// Cache lines that a waiting thread fetches between polls: as many as a core can have in flight. Not measured.
    PL_FETCHES_PER_POLL = 16,
    /// How long a thread waits before it assumes that the thread it waits for is paused, and gives it its own CPU.
    /// Items take tens of microseconds; a paused thread would wait for a time slice, which takes milliseconds.
    ///
    /// With another process busy on one of two cores, a pass over 8 rows took twice as long as undisturbed. With this
    /// rescue it took 1.35 to 1.4 times as long; the fair share is 1.33. The duration itself: not measured.
    PL_RESCUE_NANOSECONDS = 150000,
};

// MARK: Products with quantised weights

enum {
    /// Weight bytes of an item: enough to stream from memory, and few enough that threads finish together. The item
    /// also stays in the second-level cache while groups of activation rows are multiplied with it. Not measured.
    PL_ITEM_BYTES = 64 << 10,
    /// Items of a thread in a small product, so that no thread waits long for the last item of another. With items of
    /// PL_ITEM_BYTES, of two threads one had 22 of the 36 tiles of smollm2's attention output. On a Xeon of 2023,
    /// interleaved, prefill of smollm2 took 4 to 8 % less time with 16 instead.
    PL_ITEMS_PER_THREAD = 16,
    /// The most multiply-accumulates of an item, some hundred microseconds. No thread then waits long for the last item
    /// of another, however many activation rows there are. Not measured.
    PL_ITEM_MACS = 32 << 20,
    /// Bytes of a group of activation rows: half of a small second-level cache. Tile after tile is multiplied with the
    /// group. Items of one group by several tiles, instead of all rows by two tiles, made prefill of 512 tokens 13 %
    /// faster. Other sizes: not measured.
    PL_GROUP_BYTES = 512 << 10,
    /// The fewest activation rows with which two tiles are multiplied at a time. With 64 rows, a pair took 5 % (Q4_K)
    /// to 15 % (Q6_K) less time on a Zen 5. On a Xeon of 2023 it took 18 to 24 % less for 14 and 16 rows of Q4_1, and
    /// as long as single tiles for those of Q4_K; for 12 rows 7 % less and 18 % more.
    PL_PAIR_ROWS = 13,
    /// Rows of a pair whose dots are in flight at once; the remaining rows go in steps of PL_PAIR_REST. Dots wait for
    /// each other, so four rows are too few to keep two pipes busy. More than six leave too few registers for codes.
    /// Not measured.
    PL_PAIR_STEP = 6,
    PL_PAIR_REST = 4,
    /// The most rows of a kernel whose loop over a block's sub-blocks is unrolled. With few rows, unpacking is most of
    /// the work, and constants make it shorter; with more, longer code takes longer to fetch. Not measured.
    PL_UNROLLED_ROWS = 4,
    /// How much of the next product a thread fetches while it waits. It is about what one core reads in the longest gap
    /// inside a pass, and a part of a small second-level cache. With more than PL_EXPECTED_ROWS rows, multiplying takes
    /// longer than reading. One group holds that many rows, so that an item has all of them. Not measured.
    PL_EXPECTED_BYTES = 256 << 10,
    PL_EXPECTED_ROWS = 16,
};

/// The fewest activation rows that AVX2 takes by a whole tile: two vectors of output rows, with weights in memory. On
/// one core of a Zen 3, data in the caches, 16 rows took 21 % (Q4_1) and 25 % (Q8_0) less time than with one vector
/// after the other, and between 14 % (Q6_K) and 24 % for other types; 4 rows took 5 % (Q4_K) to 40 % (IQ4_XS) less.
enum { PL_AVX2_WHOLE_ROWS = 4 };

/// How many of them have dots in flight at once, by how many products are summed in 16 bits; those that remain go in
/// steps of PL_AVX2_WHOLE_REST. The sums of six rows fill the registers. With six instead of four, 16 rows of Q4_1 took
/// 3 % less time. Where every product is widened at once (Q8_0), six were not faster. Between these: not measured.
enum { PL_AVX2_WHOLE_REST = 4, PL_AVX2_WHOLE_MOST = 6 };
PL_INLINE int pl_avx2_whole_step(int pairs) { return pairs == 8 ? PL_AVX2_WHOLE_MOST : PL_AVX2_WHOLE_REST; }

/// Rows of activations whose dots fit in registers beside the codes and the sums of `rows` rows. Not measured.
PL_INLINE int pl_avx2_step(int rows) { return rows > 1 ? 2 : 1; }
PL_INLINE int pl_neon_step(int rows) { return rows > 4 ? 4 : rows; }

/// The same where sub-blocks have `scales` scales, 1 or 2. With two, the sums of the first half wait in registers for
/// those of the second. Not measured.
PL_INLINE int pl_avx512_step(int scales, int rows) {
    static const uint8_t steps[2][17] = {
        {[1] = 1, [2] = 2, [4] = 4, [8] = 8, [12] = 6, [16] = 8},
        {[1] = 1, [2] = 2, [4] = 4, [8] = 4, [12] = 4, [16] = 4},
    };
    return steps[scales - 1][rows];
}

/// Whether the running sums of `rows` rows are kept in memory instead of registers. Not measured.
///
/// - 16 rows: sums in registers would leave room for the dots of six.
/// - 12 rows: likewise where each row starts at a value of its own and each sub-block has its own fields.
/// - 8 rows: registers suffice, but where an outlier needs much unpacking, adding to a sum in memory is faster.
/// - Two scales a sub-block: never, as the sums of the first half occupy the registers anyway.
PL_INLINE int pl_avx512_sums_in_memory(pl_type type, int rows) {
    switch (type) {
    case PL_TYPE_Q4_0:
    case PL_TYPE_Q5_0:
    case PL_TYPE_Q8_0:
    case PL_TYPE_IQ4_NL: return rows == 12 || rows == 16;
    case PL_TYPE_Q4_1:
    case PL_TYPE_Q5_1: return rows == 16;
    case PL_TYPE_Q4_K:
    case PL_TYPE_Q5_K:
    case PL_TYPE_IQ4_XS: return rows == 8 || rows == 16;
    default: return 0;
    }
}

/// The most rows that have two running dots each: with one dot per row, so few dots would wait for each other. Not
/// measured.
enum { PL_AVX512_SPLIT_ROWS = 4 };

// MARK: Products with half-precision weights

enum {
    /// Activation rows of an item: enough to repay widening the weights, and their sums stay in the first-level cache.
    /// Not measured.
    PL_PANEL_ITEM_ROWS = 192,
    /// How far ahead of the reader a panel is fetched. Panels lie one after the other, so this runs into the next one.
    /// The same distance as for quantised weights. Not measured.
    PL_PANEL_FETCH_BYTES = 16384,
};

// Vectors of output rows side by side (16 or 32 rows), and how many activation rows go together, falling to 1. The sums
// of the largest step fill the registers. Two cores of a Zen 5 were 1.3 to 1.6 times as fast as OpenBLAS with one row,
// and 1.2 to 1.5 times with 512. Other steps: not measured.
#define PL_AVX512_FLOAT_VECTORS 2
#define PL_AVX512_FLOAT_STEPS(X) X(12) X(8) X(4) X(2) X(1)
#define PL_AVX2_FLOAT_VECTORS 2
#define PL_AVX2_FLOAT_STEPS(X) X(6) X(4) X(2) X(1)
#define PL_NEON_FLOAT_VECTORS 4
#define PL_NEON_FLOAT_STEPS(X) X(6) X(4) X(2) X(1)

// MARK: Attention

enum {
    /// The most rows of a group, and the most queries per KV head unless a single row has more. Not measured.
    PL_ATTENTION_GROUP_ROWS = 16,
    PL_ATTENTION_GROUP_QUERIES = 96,
    /// With fewer pairs of group and KV head per thread than this, each chunk is an item of its own. Not measured.
    PL_ATTENTION_WALKS_PER_THREAD = 4,
    /// Below this many multiply-adds, a few microseconds, another thread does not pay, even one that polls. Not
    /// measured.
    PL_ATTENTION_SMALL_CALL = 1 << 16,
    /// From this many queries on, quantising them on several threads pays. Not measured.
    PL_ATTENTION_POOLED_QUERIES = 256,
    /// The most bytes that partials take. Not measured.
    PL_ATTENTION_PARTIALS_BYTES = 1 << 26,
    /// Key tiles of a path whose scores are kept during the walk along the path. Not measured.
    PL_ATTENTION_CACHED_TILES = 8,
    /// Values that stay in the first-level cache while the dimensions are added group by group, and how far ahead
    /// values are fetched. Fetching keys and values ahead let one core read 20 GB/s instead of 9 when decoding one row
    /// at 8,192 tokens of context. Prefill went from 64 to 75 % of the core's multiply-add peak. Other distances: not
    /// measured.
    PL_ATTENTION_VALUE_SLOTS = 64,
    PL_ATTENTION_VALUES_AHEAD = 32,
    /// How many slots ahead the keys of int8 pages are fetched. Not measured.
    PL_ATTENTION_KEYS_AHEAD = 32,
};

// Key tiles whose scores are computed side by side, and vectors of sixteen output dimensions, for float16 and int8
// pages. As many as fit into the registers PL_ATTENTION_QUERIES times. Not measured.
enum {
    PL_AVX512_SCORE_TILES = 4,
    PL_AVX512_VALUE_VECTORS = 4,
    PL_AVX512_INT8_TILES = 2,
    PL_AVX512_INT8_VECTORS = 2,
    PL_NARROW_SCORE_TILES = 1,  ///< AVX2 and NEON, where sixteen lanes are two and four registers
    PL_NARROW_VALUE_VECTORS = 1,
    PL_NARROW_INT8_TILES = 1,
    PL_NARROW_INT8_VECTORS = 1,
};

// MARK: Searching

/// Elements that a search tests together before it looks for the one that matched. Without a branch for each, several
/// are compared at once. Not measured.
enum { PL_SEARCH_GROUP = 512 };

#endif
