#include "comparison.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD_BYTES = 64, UNTOUCHED = 0xa5 };

void describe(comparison *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->label, sizeof c->label, format, arguments);
    va_end(arguments);
}

void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    if (memory) return memory;
    fprintf(stderr, "out of memory for %zu bytes\n", bytes);
    exit(2);
}

static size_t element_bytes(element element) {
    switch (element) {
    case BYTES: return 1;
    case HALVES: return 2;
    case FLOAT_BITS:
    case FLOATS: return 4;
    case DOUBLES: return 8;
    }
    return 0;
}

/// The bits of element `index`; the same pattern for every NaN of FLOATS and DOUBLES.
static uint64_t bits_at(const uint8_t *output, element element, size_t index) {
    uint64_t bits = 0;
    memcpy(&bits, output + index * element_bytes(element), element_bytes(element));
    switch (element) {
    case FLOATS: return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
    case DOUBLES: return (bits << 1) > 0xffe0000000000000 ? 0x7ff8000000000000 : bits;
    default: return bits;
    }
}

static void print_value(const char *who, const uint8_t *output, element element, size_t index) {
    uint64_t bits = bits_at(output, element, index);
    fprintf(stderr, "    %-13s bits %0*llx", who, (int)(2 * element_bytes(element)), (unsigned long long)bits);
    if (element == FLOATS || element == FLOAT_BITS) {
        float value;
        memcpy(&value, output + 4 * index, sizeof value);
        fprintf(stderr, "  %.9g", (double)value);
    } else if (element == DOUBLES) {
        double value;
        memcpy(&value, output + 8 * index, sizeof value);
        fprintf(stderr, "  %.17g", value);
    }
    fputc('\n', stderr);
}

static void report_difference(
    const comparison *c, pl_isa isa, const uint8_t *twin, const uint8_t *output, element element, size_t count,
    size_t first) {
    size_t different = 0;
    for (size_t i = 0; i < count; ++i) different += bits_at(twin, element, i) != bits_at(output, element, i);
    fprintf(
        stderr, "%s, %s: %s has other bits than the scalar twin in %zu of %zu values, first in [%zu]\n", c->family,
        c->label, pl_isa_name(isa), different, count, first);
    print_value("scalar twin", twin, element, first);
    print_value(pl_isa_name(isa), output, element, first);
    exit(1);
}

static void run(const comparison *c, compute compute, const void *context, pl_isa isa, uint8_t *output, size_t bytes) {
    memset(output, UNTOUCHED, bytes + GUARD_BYTES);
    compute(context, isa, output);
    for (size_t i = bytes; i < bytes + GUARD_BYTES; ++i) {
        if (output[i] == UNTOUCHED) continue;
        fprintf(
            stderr, "%s, %s: %s writes beyond its output (byte %zu of %zu)\n", c->family, c->label, pl_isa_name(isa), i,
            bytes);
        exit(1);
    }
}

/// FNV-1a over the elements' bits.
static uint64_t digest(uint64_t hash, const uint8_t *output, element element, size_t count) {
    for (size_t i = 0; i < count; ++i) hash = (hash ^ bits_at(output, element, i)) * 0x100000001b3;
    return hash;
}

void compare(comparison *c, compute compute, const void *context, element element, size_t count) {
    const size_t bytes = count * element_bytes(element);
    uint8_t *twin = allocate(bytes + GUARD_BYTES), *output = allocate(bytes + GUARD_BYTES);
    run(c, compute, context, PL_ISA_SCALAR, twin, bytes);
    for (int i = 0; i < c->isa_count; ++i) {
        run(c, compute, context, c->isas[i], output, bytes);
        for (size_t k = 0; k < count; ++k) {
            if (bits_at(twin, element, k) == bits_at(output, element, k)) continue;
            report_difference(c, c->isas[i], twin, output, element, count, k);
        }
    }
    c->cases += 1;
    c->values += (int64_t)count;
    c->digest = digest(c->digest, twin, element, count);
    free(twin);
    free(output);
}
