// Compares every kernel that exists for this CPU's instruction sets with its scalar twin, bit for bit.
//
//     cross-kernels [--isa NAME] [--only FAMILY] [--force]
//
// Prints a line per family of kernels: how many cases and output values were compared on each instruction set, and a
// digest of the scalar twins' outputs. The digests are the same on every CPU, because the twins define the bits. So the
// tables of two machines can be compared with diff. Deploy/cross-test.sh runs this on the build machine's CPU and on an
// emulated AArch64.
//
// --isa selects one instruction set instead of all that the CPU supports; --only selects the families whose names
// contain a text. --force runs kernels that the CPU reports it cannot run, to check that they are really selected.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "families.h"

typedef struct options {
    const char *isa;
    const char *only;
    int force;
} options;

static void refuse(const char *message, const char *argument) {
    fprintf(stderr, "cross-kernels: %s%s\n", message, argument);
    exit(2);
}

static options parse(int count, char **arguments) {
    options options = {.only = ""};
    for (int i = 1; i < count; ++i) {
        const char **value = NULL;
        if (strcmp(arguments[i], "--force") == 0) options.force = 1;
        else if (strcmp(arguments[i], "--isa") == 0) value = &options.isa;
        else if (strcmp(arguments[i], "--only") == 0) value = &options.only;
        else refuse("unknown argument ", arguments[i]);
        if (!value) continue;
        if (i + 1 == count) refuse("a value is missing after ", arguments[i]);
        *value = arguments[++i];
    }
    return options;
}

/// Chooses the instruction sets to compare; returns their number.
static int choose(options options, pl_isa chosen[]) {
    static const pl_isa vector_sets[] = {PL_ISA_AVX2, PL_ISA_AVX512, PL_ISA_NEON};
    int count = 0;
    for (size_t i = 0; i < sizeof vector_sets / sizeof vector_sets[0]; ++i) {
        const char *name = pl_isa_name(vector_sets[i]);
        const int wanted = options.isa && strcmp(options.isa, name) == 0;
        if (options.isa && !wanted) continue;
        if (pl_isa_supported(vector_sets[i]) || (wanted && options.force)) chosen[count++] = vector_sets[i];
    }
    if (count == 0 && options.isa) refuse("no kernels, or no CPU for them, of instruction set ", options.isa);
    printf("best of this CPU: %s\ncompared with the scalar twins:", pl_isa_name(pl_isa_best()));
    for (int i = 0; i < count; ++i) printf(" %s", pl_isa_name(chosen[i]));
    if (count == 0) printf(" none");
    printf("\n");
    return count;
}

int main(int count, char **arguments) {
    const options options = parse(count, arguments);
    pl_isa isas[4];
    const int isa_count = choose(options, isas);
    int64_t cases = 0, values = 0, ran = 0;
    printf("%-22s %7s %10s  %s\n", "family", "cases", "values", "digest of the twins");
    for (int i = 0; i < FAMILIES; ++i) {
        if (!strstr(families[i].name, options.only)) continue;
        comparison c = {families[i].name, isas, isa_count, "", 0, 0, 0xcbf29ce484222325};
        families[i].run(&c, families[i].type);
        printf(
            "%-22s %7lld %10lld  %016llx\n", c.family, (long long)c.cases, (long long)c.values,
            (unsigned long long)c.digest);
        fflush(stdout);
        cases += c.cases;
        values += c.values;
        ran += 1;
    }
    if (ran == 0) refuse("no family has a name like ", options.only);
    printf("%-22s %7lld %10lld  all equal\n", "together", (long long)cases, (long long)values);
    return 0;
}
