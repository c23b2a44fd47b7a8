// CRC-32C, with the CPU's instruction if it exists, and by table. These two are compared with each other, and the
// digest with that of other CPUs; the instruction set makes no difference.

#include "CPacelineChecksum.h"

#include "comparison.h"
#include "families.h"
#include "inputs.h"

enum { LENGTHS = 64 };

/// The checksums of all lengths at several alignments.
static void checksums(const void *context, pl_isa isa, void *out) {
    const uint8_t *bytes = context;
    uint32_t *sums = out;
    for (uint32_t i = 0; i < LENGTHS; ++i) {
        sums[i] = isa == PL_ISA_SCALAR ? pl_crc32c_table(i, bytes + i % 9, i) : pl_crc32c(i, bytes + i % 9, i);
    }
}

void compare_checksums(comparison *c, pl_type type) {
    (void)type;
    inputs in = {10};
    uint8_t bytes[LENGTHS + 16];
    for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)next(&in);
    describe(c, "lengths 0 to %d", LENGTHS - 1);
    compare(c, checksums, bytes, BYTES, LENGTHS * sizeof(uint32_t));
}
