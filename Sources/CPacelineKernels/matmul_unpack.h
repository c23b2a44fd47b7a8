/// How the kernels unpack the codes and scales of a tile: the vector form of quant_formats.h. Part of matmul_template.h.

enum { OPERANDS = 8, MAX_SCALES = 16 };

typedef struct scales {
    vec_f scale[MAX_SCALES];
    vec_f minimum[MAX_SCALES];
} scales;

TEMPLATE vec_i word(const uint8_t *words, int index) {
    return v_load(words + index * PL_WORD_BYTES);
}

/// Nibbles of 32-blocks: four words, low halves first.
TEMPLATE void codes_nibbles(const uint8_t *words, int first, vec_i code[OPERANDS]) {
    const vec_i mask = v_set1(0x0f0f0f0f);
    for (int j = 0; j < 4; ++j) {
        vec_i both = word(words, first + j);
        code[j] = v_and(both, mask);
        code[j + 4] = v_and(v_right(both, 4), mask);
    }
}

/// Fields of `width` bits at bit `shift` of each byte of eight words.
TEMPLATE void codes_fields(const uint8_t *words, int first, int shift, int width, vec_i code[OPERANDS]) {
    const vec_i mask = v_set1((1 << width) * 0x01010101 - 0x01010101);
    for (int j = 0; j < OPERANDS; ++j) code[j] = v_and(v_rotate(word(words, first + j), (32 - shift) & 31), mask);
}

/// Where the codes of sub-block `s` stay in their bytes: they are 2^place times too large, and its scale as many times
/// too small.
TEMPLATE int code_place(pl_type type, int s) {
    if (!V_WHOLE_BYTES) return 0;
    return type == PL_TYPE_Q4_K ? 4 * (s & 1) : type == PL_TYPE_Q2_K ? 2 * (s & 3) : 0;
}

/// The same fields, left at code_place where that is not 0.
TEMPLATE void codes_in_place(const uint8_t *words, int first, int shift, int width, vec_i code[OPERANDS]) {
    if (!V_WHOLE_BYTES) {
        codes_fields(words, first, shift, width, code);
        return;
    }
    const vec_i mask = v_set1((int)(((1u << width) * 0x01010101u - 0x01010101u) << shift));
    for (int j = 0; j < OPERANDS; ++j) code[j] = v_and(word(words, first + j), mask);
}

/// Adds `width` high bits, found at bit `shift` of each byte of eight words, at bit `place`.
TEMPLATE void codes_high(const uint8_t *words, int first, int shift, int width, int place, vec_i code[OPERANDS]) {
    const vec_i mask = v_set1(((1 << width) * 0x01010101 - 0x01010101) << place);
    for (int j = 0; j < OPERANDS; ++j) {
        code[j] = v_merge(v_rotate(word(words, first + j), (place - shift) & 31), mask, code[j]);
    }
}

/// Fifth bits of Q5_0 and Q5_1: bit k of a lane's first word belongs to column k.
TEMPLATE void codes_fifth_bits(const uint8_t *words, vec_i code[OPERANDS]) {
    const vec_i fifth = v_set1(0x10101010);
    vec_i bits = word(words, 0);
    for (int j = 0; j < OPERANDS; ++j) {
        vec_i bit = v_set1(j & 1 ? (int)0x80402010u : 0x08040201);
        code[j] = v_or(code[j], v_bytes_where(v_spread(bits, j >> 1), bit, fifth));
    }
}

TEMPLATE void codes_lookup(vec_i code[OPERANDS]) {
    uint8_t table[16];
    for (int i = 0; i < 16; ++i) table[i] = (uint8_t)(pl_iq4_values[i] + 128);
    for (int j = 0; j < OPERANDS; ++j) code[j] = v_lookup(table, code[j]);
}

/// The codes of sub-block `s`, as pl_code defines them.
TEMPLATE void codes_of(pl_type type, const uint8_t *words, int s, vec_i code[OPERANDS]) {
    const int half = 8 * (s >> 2), quarter = 2 * (s & 3);
    switch (type) {
    case PL_TYPE_Q4_0:
    case PL_TYPE_Q4_1: codes_nibbles(words, 0, code); break;
    case PL_TYPE_Q5_0:
    case PL_TYPE_Q5_1:
        codes_nibbles(words, 1, code);
        codes_fifth_bits(words, code);
        break;
    case PL_TYPE_Q8_0:
        for (int j = 0; j < OPERANDS; ++j) code[j] = v_xor(word(words, j), v_set1((int)0x80808080u));
        break;
    case PL_TYPE_Q2_K: codes_in_place(words, 4 + half, quarter, 2, code); break;
    case PL_TYPE_Q3_K:
        codes_fields(words, 8 + half, quarter, 2, code);
        codes_high(words, 0, s, 1, 2, code);
        break;
    case PL_TYPE_Q4_K: codes_in_place(words, 3 + 8 * (s >> 1), 4 * (s & 1), 4, code); break;
    case PL_TYPE_Q5_K:
        codes_fields(words, 11 + 8 * (s >> 1), 4 * (s & 1), 4, code);
        codes_high(words, 3, s, 1, 4, code);
        break;
    case PL_TYPE_Q6_K:
        codes_fields(words, 2 * half + 8 * (s & 1), 4 * (s >> 1 & 1), 4, code);
        codes_high(words, 32 + half, quarter, 2, 4, code);
        break;
    case PL_TYPE_IQ4_NL:
        codes_nibbles(words, 0, code);
        codes_lookup(code);
        break;
    case PL_TYPE_IQ4_XS:
        codes_nibbles(words, 1 + 4 * s, code);
        codes_lookup(code);
        break;
    default: break;
    }
}

TEMPLATE vec_f float_of_byte(vec_i bytes, int index) {
    return f_from_int(v_and(v_right(bytes, 8 * index), v_set1(255)));
}

/// Factors of the bytes of a block.
typedef struct byte_factor { vec_f factor, unbias; } byte_factor;

TEMPLATE byte_factor byte_factor_of(vec_f factor) {
    return (byte_factor){ factor, f_mul(factor, f_set1(-0x1p23f)) };
}

/// Byte `index` of each lane times the factor: exact.
TEMPLATE vec_f byte_product(vec_i bytes, int index, byte_factor f) {
#ifdef V_BIASED_BYTE
    return f_fma(v_biased_byte(bytes, index), f.factor, f.unbias);
#else
    return f_mul(f.factor, float_of_byte(bytes, index));
#endif
}

/// Q4_K and Q5_K: eight six-bit scales and minimums in three words (see pl_scale_six).
TEMPLATE void scales_six(pl_type type, const uint8_t *words, vec_f d, vec_f dmin, scales *out) {
    vec_i a = word(words, 0), b = word(words, 1), c = word(words, 2);
    const vec_i six = v_set1(0x3f3f3f3f), four = v_set1(0x0f0f0f0f), two = v_set1(0x30303030);
    vec_i scale[2] = { v_and(a, six), v_merge(v_right(a, 2), two, v_and(c, four)) };
    vec_i minimum[2] = { v_and(b, six), v_merge(v_right(b, 2), two, v_and(v_right(c, 4), four)) };
    const byte_factor even = byte_factor_of(d), least = byte_factor_of(dmin);
    const byte_factor odd = byte_factor_of(f_mul(d, f_set1(1.0f / (float)(1 << code_place(type, 1)))));
#pragma clang loop unroll(full)
    for (int s = 0; s < 8; ++s) {
        out->scale[s] = byte_product(scale[s >> 2], s & 3, s & 1 ? odd : even);
        out->minimum[s] = byte_product(minimum[s >> 2], s & 3, least);
    }
}

TEMPLATE void scales_q2k(const uint8_t *words, vec_f d, vec_f dmin, scales *out) {
    const vec_i four = v_set1(0x0f0f0f0f);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i) {
        vec_i both = word(words, i >> 2);
        const vec_f part = f_mul(d, f_set1(1.0f / (float)(1 << code_place(PL_TYPE_Q2_K, i >> 1))));
        out->scale[i] = f_mul(part, float_of_byte(v_and(both, four), i & 3));
        out->minimum[i] = f_mul(dmin, float_of_byte(v_and(v_right(both, 4), four), i & 3));
    }
}

TEMPLATE void scales_q3k(const uint8_t *words, vec_f d, scales *out) {
    vec_i high = word(words, 26);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i) {
        vec_i low = v_and(v_right(word(words, 24 + (i >> 2 & 1)), 8 * (i & 3) + 4 * (i >> 3)), v_set1(15));
        vec_i bits = v_and(v_right(high, 8 * (i & 3) + 2 * (i >> 2)), v_set1(3));
        out->scale[i] = f_mul(d, f_from_int(v_sub(v_or(low, v_left(bits, 4)), v_set1(32))));
    }
}

TEMPLATE void scales_q6k(const uint8_t *words, vec_f d, scales *out) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; ++i) {
        vec_i byte = v_right_signed(v_left(word(words, 48 + (i >> 2)), 24 - 8 * (i & 3)), 24);
        out->scale[i] = f_mul(d, f_from_int(byte));
    }
}

TEMPLATE void scales_iq4xs(const uint8_t *fields, const uint8_t *words, vec_f d, scales *out) {
    vec_i low = word(words, 0), high = v_halves_int(fields + PL_FIELD_BYTES);
#pragma clang loop unroll(full)
    for (int s = 0; s < 8; ++s) {
        vec_i bits = v_left(v_and(v_right(high, 2 * s), v_set1(3)), 4);
        vec_i scale = v_or(v_and(v_right(low, 4 * s), v_set1(15)), bits);
        out->scale[s] = f_mul(d, f_from_int(v_sub(scale, v_set1(32))));
    }
}

/// The scales and minimums of a whole block, as pl_scale and pl_minimum define them.
TEMPLATE void scales_of(pl_type type, const uint8_t *fields, const uint8_t *words, scales *out) {
    vec_f d = v_halves_float(fields), second = v_halves_float(fields + PL_FIELD_BYTES);
    switch (type) {
    case PL_TYPE_Q2_K: scales_q2k(words, d, f_negate(second), out); break;
    case PL_TYPE_Q3_K: scales_q3k(words, d, out); break;
    case PL_TYPE_Q4_K:
    case PL_TYPE_Q5_K: scales_six(type, words, d, f_negate(second), out); break;
    case PL_TYPE_Q6_K: scales_q6k(words, d, out); break;
    case PL_TYPE_IQ4_XS: scales_iq4xs(fields, words, d, out); break;
    default:
        out->scale[0] = d;
        out->minimum[0] = second;
    }
}
