#ifndef C_PACELINE_KERNELS_H
#define C_PACELINE_KERNELS_H

#include "paceline/attention.h"
#include "paceline/blas.h"
#include "paceline/cpu.h"
#include "paceline/elementwise.h"
#include "paceline/matmul.h"
#include "paceline/memory.h"
#include "paceline/noise.h"
#include "paceline/pool.h"
#include "paceline/probe.h"
#include "paceline/quant.h"
#include "paceline/select.h"

#endif
