#include <stdint.h>
#include <string.h>

#include "paceline/elementwise.h"

// Rotation angles in float64, so that the cosines and sines are right to float32 at positions up to a million. Only
// additions, multiplications and divisions, each rounded on its own: the same bits on every CPU.

static const double INVERSE_FACTORIALS[] = {
    1.0,
    1.0,
    1.0 / 2,
    1.0 / 6,
    1.0 / 24,
    1.0 / 120,
    1.0 / 720,
    1.0 / 5040,
    1.0 / 40320,
    1.0 / 362880,
    1.0 / 3628800,
    1.0 / 39916800,
    1.0 / 479001600,
    1.0 / 6227020800,
    1.0 / 87178291200,
    1.0 / 1307674368000,
    1.0 / 20922789888000,
    1.0 / 355687428096000,
};

static double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// The integer nearest to x, for |x| < 2^51.
static double nearest(double x) {
    const double rounder = 0x1.8p+52;
    return (x + rounder) - rounder;
}

// ln 2 and pi/2 cut into pieces of 33 bits, so that their products with integers below 2^20 are exact.
static const double LN2_HIGH = 0x1.62e42fefp-1, LN2_LOW = 0x1.473de6af278edp-34;
static const double HALF_PI[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};

/// exp of a finite x in -700 ... 700.
static double exponential(double x) {
    double n = nearest(x * 0x1.71547652b82fep+0);
    double r = (x - n * LN2_HIGH) - n * LN2_LOW;
    double sum = 0;
    for (int k = 13; k >= 0; --k) sum = sum * r + INVERSE_FACTORIALS[k];
    return sum * from_bits((uint64_t)(1023 + (int64_t)n) << 52);
}

/// The natural logarithm of a normal x > 0, from log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...).
static double logarithm(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t n = (int64_t)(bits - 0x3fe6a09e667f3bcd) >> 52;
    double m = from_bits(bits - ((uint64_t)n << 52));
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * square;
    return (double)n * LN2_HIGH + (2 * s + (2 * s * sum + (double)n * LN2_LOW));
}

/// Sine and cosine, by the remainder of x modulo pi/2. Only a damaged file can ask for angles of 2^51 and beyond or not
/// finite. For these the results are nonsense, but the same nonsense on every CPU.
static void sine_cosine(double x, double *sine, double *cosine) {
    double n = nearest(x * 0x1.45f306dc9c883p-1);
    double r = ((x - n * HALF_PI[0]) - n * HALF_PI[1]) - n * HALF_PI[2];
    double square = r * r, s = 0, c = 0;
    for (int k = 17; k >= 3; k -= 2) s = (INVERSE_FACTORIALS[k] - s) * square;
    for (int k = 16; k >= 2; k -= 2) c = (INVERSE_FACTORIALS[k] - c) * square;
    s = r - r * s;
    c = 1 - c;
    switch (n > -0x1p51 && n < 0x1p51 ? (int64_t)n & 3 : 0) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

void pl_rope_angles(int64_t position, double theta, const float *factors, int64_t dims, float *cosines, float *sines) {
    double log_theta = logarithm(theta);
    for (int64_t i = 0; i < dims / 2; ++i) {
        double frequency = exponential(-(double)(2 * i) / (double)dims * log_theta);
        if (factors) frequency /= (double)factors[i];
        double sine, cosine;
        sine_cosine((double)position * frequency, &sine, &cosine);
        sines[i] = (float)sine;
        cosines[i] = (float)cosine;
    }
}
