#ifndef C_PACELINE_BUILD_H
#define C_PACELINE_BUILD_H

/// The commit that was built, as the environment variable PACELINE_COMMIT named it to the build; empty if it did not.
const char *pl_build_commit(void);

#endif
