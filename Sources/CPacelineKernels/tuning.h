#ifndef PACELINE_TUNING_H
#define PACELINE_TUNING_H

#include "isa/plain.h"
#include "paceline/quant.h"

// Every number of the kernels that changes their speed and no bit, with the measurement or the reason behind it. "Not
// measured" marks those of which no figure was recorded. Numbers that bits depend on stand where they are used.

// MARK: Memory

/// How far ahead of its reading memory is fetched, into the second-level cache and from there into the first.
///
/// What is fetched from memory straight into the first level occupies one of its few fill buffers until it arrives, and
/// loads of other lines then wait. On a Xeon of 2023, kernels that multiply what they read got 80 % of the bandwidth
/// that way, 95 % in two steps, and two thirds from the hardware's prefetchers alone.
enum { PL_PREFETCH_FAR_BYTES = 16384, PL_PREFETCH_NEAR_BYTES = 4096 };

// MARK: The pool

enum {
    /// How long a thread polls before it sleeps: longer than the gaps inside a forward pass, far shorter than a time
    /// slice, so that a shared machine is not spun to death. Not measured.
    PL_SPIN_NANOSECONDS = 40000,
    /// Polls for one reading of the clock, which takes longer than a poll. Not measured.
    PL_POLLS_PER_CLOCK_READ = 32,
    /// Cache lines that a waiting thread fetches before it looks again: what a core can have under way. Not measured.
    PL_FETCHES_PER_POLL = 16,
    /// How long a thread waits until it assumes that the one it waits for is paused, and gives it its own CPU. Items
    /// take tens of microseconds; a paused thread would wait for a time slice, which is milliseconds.
    ///
    /// With another process busy on one of two cores, a pass over 8 rows took twice as long as undisturbed; with this,
    /// 1.35 to 1.4 times, where the fair share is 1.33.
    PL_RESCUE_NANOSECONDS = 150000,
};

// MARK: Products with quantised weights

enum {
    /// Weight bytes of an item: enough to stream from memory, few enough that threads finish together and that the item
    /// stays in the second-level cache while one group of activation rows after the other is multiplied. Not measured.
    PL_ITEM_BYTES = 64 << 10,
    /// Multiply-accumulates of an item at most, some hundred microseconds: no thread waits long for the last item of
    /// another, however many activation rows there are. Not measured.
    PL_ITEM_MACS = 32 << 20,
    /// Activation bytes that are multiplied with one tile after the other: half of a small second-level cache. Items of
    /// one such group by several tiles, instead of all rows by two tiles, made prefill of 512 tokens 13 % faster.
    PL_GROUP_BYTES = 512 << 10,
    /// Activation rows from which on two tiles are multiplied at a time: more than one tile has room for at once. With
    /// 64 rows, a pair took 5 % (Q4_K) to 15 % (Q6_K) less time on a Zen 5.
    PL_PAIR_ROWS = 17,
    /// Rows of a pair whose dots are in flight at once, and what is left over is a multiple of. Dots wait for each
    /// other, so four rows are too few to keep two pipes busy, and more than six leave too few registers for codes. Not
    /// measured alone.
    PL_PAIR_STEP = 6,
    PL_PAIR_REST = 4,
    /// The most rows of a kernel whose loop over a block's sub-blocks is unrolled. With few rows, unpacking is most of
    /// the work, and constants make it shorter; with more, longer code takes longer to fetch. Not measured.
    PL_UNROLLED_ROWS = 4,
    /// How much of the next product a thread fetches while it waits: about what one core reads in the longest gap
    /// inside a pass, and a part of a small second-level cache. With more rows than these, multiplying takes longer
    /// than reading. One group holds them, so that an item has all rows. Not measured.
    PL_EXPECTED_BYTES = 256 << 10,
    PL_EXPECTED_ROWS = 16,
};

/// Rows of activations whose dots fit in registers beside the codes and the sums of `rows` rows. Not measured.
PL_INLINE int pl_avx2_step(int rows) { return rows > 1 ? 2 : 1; }
PL_INLINE int pl_neon_step(int rows) { return rows > 4 ? 4 : rows; }

/// The same where sub-blocks have `scales` scales, 1 or 2. With two, the sums of the first half wait in registers for
/// those of the second.
PL_INLINE int pl_avx512_step(int scales, int rows) {
    static const uint8_t steps[2][17] = {
        {[1] = 1, [2] = 2, [4] = 4, [8] = 8, [12] = 6, [16] = 8},
        {[1] = 1, [2] = 2, [4] = 4, [8] = 4, [12] = 4, [16] = 4},
    };
    return steps[scales - 1][rows];
}

/// Whether the running sums of `rows` rows are kept in memory instead of registers. Not measured alone.
///
/// - 16 rows: sums in registers would leave room for the dots of six.
/// - 12 rows: likewise where each row starts at a value of its own and each sub-block has its own fields.
/// - 8 rows: there is room, but where much is unpacked for an outlier, it is added faster to a sum in memory.
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

/// The most rows that have two running dots each, because the dots of so few would wait for each other. Not measured.
enum { PL_AVX512_SPLIT_ROWS = 4 };

// MARK: Products with half-precision weights

enum {
    /// Activation rows of an item: what is widened for them is used often enough, and their sums stay in the
    /// first-level cache. Not measured.
    PL_PANEL_ITEM_ROWS = 192,
    /// How far ahead of its reading a panel is fetched. Panels lie one after the other, so this runs into the next one.
    /// As far as for quantised weights; not measured.
    PL_PANEL_FETCH_BYTES = 16384,
};

// Vectors of output rows side by side (16 or 32 rows), and how many activation rows go together, falling to 1; the sums
// of the first fill the registers. Two cores of a Zen 5 were 1.3 to 1.6 times as fast as OpenBLAS with one row, and 1.2
// to 1.5 times with 512.
#define PL_AVX512_FLOAT_VECTORS 2
#define PL_AVX512_FLOAT_STEPS(X) X(12) X(8) X(4) X(2) X(1)
#define PL_AVX2_FLOAT_VECTORS 2
#define PL_AVX2_FLOAT_STEPS(X) X(6) X(4) X(2) X(1)
#define PL_NEON_FLOAT_VECTORS 4
#define PL_NEON_FLOAT_STEPS(X) X(6) X(4) X(2) X(1)

// MARK: Attention

enum {
    /// Rows of a group at most, and queries per KV head, unless a single row has more. Not measured.
    PL_ATTENTION_GROUP_ROWS = 16,
    PL_ATTENTION_GROUP_QUERIES = 96,
    /// With fewer (group, KV head) for each thread than this, chunks are items of their own. Not measured.
    PL_ATTENTION_WALKS_PER_THREAD = 4,
    /// Multiply-adds that are not worth another thread, even one that polls: a few microseconds. Not measured.
    PL_ATTENTION_SMALL_CALL = 1 << 16,
    /// Queries whose quantising is worth another thread. Not measured.
    PL_ATTENTION_POOLED_QUERIES = 256,
    /// Bytes of partials that are worth having. Not measured.
    PL_ATTENTION_PARTIALS_BYTES = 1 << 26,
    /// Key tiles of a path whose scores are kept while the path is walked. Not measured.
    PL_ATTENTION_CACHED_TILES = 8,
    /// Values that stay in the first-level cache while the dimensions are added group by group, and how far ahead
    /// values are fetched. With keys fetched likewise, decoding one row at 8,192 tokens of context read 20 GB/s on one
    /// core instead of 9, and prefill went from 64 to 75 % of the core's multiply-add peak.
    PL_ATTENTION_VALUE_SLOTS = 64,
    PL_ATTENTION_VALUES_AHEAD = 32,
    /// Slots by which keys of int8 pages are fetched ahead. Not measured.
    PL_ATTENTION_KEYS_AHEAD = 32,
};

// Key tiles whose scores are computed side by side, and vectors of sixteen output dimensions, over float16 and over
// int8 pages: as many as fit into the registers PL_ATTENTION_QUERIES times.
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

/// Elements that are looked at before any is told apart: without a branch for each, several are compared at once. Not
/// measured.
enum { PL_SEARCH_GROUP = 512 };

#endif
