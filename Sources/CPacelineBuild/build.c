#include "CPacelineBuild.h"

#ifndef PACELINE_COMMIT
#error "Package.swift defines PACELINE_COMMIT"
#endif

const char *pl_build_commit(void) { return PACELINE_COMMIT; }
