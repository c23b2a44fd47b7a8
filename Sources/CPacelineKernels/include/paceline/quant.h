#ifndef PACELINE_QUANT_H
#define PACELINE_QUANT_H

#include <stddef.h>
#include <stdint.h>

/// Weight types, with the numbers that GGUF files use for them.
typedef enum pl_type {
    PL_TYPE_F32 = 0,
    PL_TYPE_F16 = 1,
    PL_TYPE_Q4_0 = 2,
    PL_TYPE_Q4_1 = 3,
    PL_TYPE_Q5_0 = 6,
    PL_TYPE_Q5_1 = 7,
    PL_TYPE_Q8_0 = 8,
    PL_TYPE_Q2_K = 10,
    PL_TYPE_Q3_K = 11,
    PL_TYPE_Q4_K = 12,
    PL_TYPE_Q5_K = 13,
    PL_TYPE_Q6_K = 14,
    PL_TYPE_IQ4_NL = 20,
    PL_TYPE_IQ4_XS = 23,
    PL_TYPE_BF16 = 30,
} pl_type;

/// Whether kernels exist for a type number as found in a file.
int pl_type_supported(uint32_t type);
/// "Q4_K" and so on; "unknown" for another number.
const char *pl_type_name(uint32_t type);
/// Weights in one block of the file format (1, 32 or 256); 0 for an unknown type.
size_t pl_type_block_length(uint32_t type);
/// Bytes of one block of the file format; 0 for an unknown type.
size_t pl_type_block_bytes(uint32_t type);

/// Expands `count` weights (a multiple of the block length) from the file format to float32.
void pl_dequantise(pl_type type, const void *blocks, size_t count, float *out);

#endif
