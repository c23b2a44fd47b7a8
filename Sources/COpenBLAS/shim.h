// Declarations only: the library is loaded at run time, after its core type has been chosen (see paceline/blas.h).
#include <cblas.h>
