#include "paceline/quant.h"

#include "quant/layout.h"

int pl_type_supported(uint32_t type) { return pl_layout_of(type) != NULL; }

const char *pl_type_name(uint32_t type) {
    const pl_layout *layout = pl_layout_of(type);
    return layout ? layout->name : "unknown";
}

size_t pl_type_block_length(uint32_t type) {
    const pl_layout *layout = pl_layout_of(type);
    return layout ? layout->block_length : 0;
}

size_t pl_type_block_bytes(uint32_t type) {
    const pl_layout *layout = pl_layout_of(type);
    return layout ? layout->block_bytes : 0;
}
