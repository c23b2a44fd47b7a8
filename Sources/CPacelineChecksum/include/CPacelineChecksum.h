#ifndef C_PACELINE_CHECKSUM_H
#define C_PACELINE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720) of `count` bytes; `crc` is the checksum of what came before (0 at the start).
uint32_t pl_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table, on every CPU: the twin that defines pl_crc32c.
uint32_t pl_crc32c_table(uint32_t crc, const void *bytes, size_t count);

#endif
