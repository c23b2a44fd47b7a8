#ifndef PACELINE_NOISE_CONSTANTS_H
#define PACELINE_NOISE_CONSTANTS_H

// Philox4x32: multipliers and key increments (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
// 3", SC'11, section 4.3 and the Random123 library).
#define PL_PHILOX_ROUNDS 10
#define PL_PHILOX_M0 0xd2511f53u
#define PL_PHILOX_M1 0xcd9e8d57u
#define PL_PHILOX_W0 0x9e3779b9u
#define PL_PHILOX_W1 0xbb67ae85u

// The ends of the range of uniforms.
#define PL_UNIFORM_SMALLEST 0x1p-32f
#define PL_UNIFORM_LARGEST 0x1.fffffep-1f

#endif
