#include "CPacelineChecksum.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Remainders of the sixteen nibbles for the polynomial 0x1EDC6F41, reflected. Two steps make a byte.
static const uint32_t nibbles[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t pl_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *byte = bytes;
    uint32_t state = ~crc;
    for (size_t i = 0; i < count; ++i) {
        state ^= byte[i];
        state = (state >> 4) ^ nibbles[state & 15];
        state = (state >> 4) ^ nibbles[state & 15];
    }
    return ~state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *byte, size_t count) {
    uint64_t state = (uint32_t)~crc;
    for (; count >= 8; count -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; count > 0; --count) state = _mm_crc32_u8((uint32_t)state, *byte++);
    return ~(uint32_t)state;
}
#endif

uint32_t pl_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, bytes, count);
#endif
    return pl_crc32c_table(crc, bytes, count);
}
