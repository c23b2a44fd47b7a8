#ifndef PACELINE_MATH_CONSTANTS_H
#define PACELINE_MATH_CONSTANTS_H

// Shared by the scalar twins and the sixteen-lane kernels of exp and log. The coefficients are minimax fits of our own.

// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 (E2 + E3 r + ... + E6 r^4),
// relative error 3.1e-9 before rounding.
#define PL_EXP_LARGEST 0x1.62e42ep+6f    // exp of anything above overflows
#define PL_EXP_SMALLEST -0x1.5d589ep+6f  // exp of anything below is subnormal, and defined to be 0
#define PL_LOG2_E 0x1.715476p+0f
#define PL_LN2_HIGH 0x1.62e430p-1f
#define PL_LN2_LOW -0x1.05c610p-29f
#define PL_EXP_E2 0x1.fffffcp-2f
#define PL_EXP_E3 0x1.555492p-3f
#define PL_EXP_E4 0x1.5558f2p-5f
#define PL_EXP_E5 0x1.1239e2p-7f
#define PL_EXP_E6 0x1.6a242ep-10f

// log(x) = n ln 2 + log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = f - f^2/2 + f^3 (L3 + L4 f + ... + L10 f^7),
// relative error 5.8e-9 before rounding.
#define PL_LOG_SPLIT 0x3f3504f3  // bits of sqrt(1/2)
#define PL_LOG_L3 0x1.555554p-2f
#define PL_LOG_L4 -0x1.000226p-2f
#define PL_LOG_L5 0x1.99a008p-3f
#define PL_LOG_L6 -0x1.547244p-3f
#define PL_LOG_L7 0x1.22da1ep-3f
#define PL_LOG_L8 -0x1.0d8542p-3f
#define PL_LOG_L9 0x1.055b68p-3f
#define PL_LOG_L10 -0x1.38b57cp-4f

// GELU's tanh form as a sigmoid: 2 sqrt(2 / pi) and 0.044715 times that.
#define PL_GELU_LINEAR 0x1.988454p+0f
#define PL_GELU_CUBIC 0x1.2444f2p-4f

#define PL_SMALLEST_NORMAL 0x1p-126f
#define PL_INFINITY __builtin_inff()
#define PL_NAN __builtin_nanf("")  // the NaN that exp and log return: 0x7fc00000

#endif
