/*
 * option.h - a workload's options from one table: the struct, the descriptions and the reading of values.
 *
 * A workload writes its table once,
 *     #define BANK_OPTIONS(X) \
 *         X(u64, accounts, "1000", "2..1G", "rows", "how many accounts") ...
 * and expands it with OPTION_FIELD inside its struct, OPTION_INFO in its array of workload_option, and OPTION_READ in
 * its create. Types: u64, f64, bool, enum (stored as the position in its range "a|b|c").
 */
#ifndef WORKLOADS_OPTION_H
#define WORKLOADS_OPTION_H

#include "workloads/workload.h"

#define OPTION_TYPE_u64 uint64_t
#define OPTION_TYPE_f64 double
#define OPTION_TYPE_bool bool
#define OPTION_TYPE_enum unsigned

#define OPTION_FIELD(type, name, default_value, range, unit, help) OPTION_TYPE_##type name;
#define OPTION_INFO(type, name, default_value, range, unit, help) {#name, #type, default_value, range, unit, help},
#define OPTION_END                         \
    {                                      \
        NULL, NULL, NULL, NULL, NULL, NULL \
    }
/* For a function with a `struct option_reader reader` and the struct of OPTION_FIELDs in `options`. */
#define OPTION_READ(type, name, default_value, range, unit, help) options.name = option_##type(&reader);

/* Reads the values in the order of the options; keeps the first error. */
struct option_reader {
    const struct workload_option *option; /* the next to read */
    const char *const *value;
    char *error;
    size_t error_bytes;
    enum mae_status status; /* MAE_OK, or MAE_INVALID with the option, its value and its range in `error` */
};

void option_reader_init(struct option_reader *reader, const struct workload_option *options, const char *const *values,
                        char *error, size_t error_bytes);

/* Each checks the range of the option. Counts take the suffixes k, M, G, T (powers of 1000); booleans on/off. */
uint64_t option_u64(struct option_reader *reader);
double option_f64(struct option_reader *reader);
bool option_bool(struct option_reader *reader);
unsigned option_enum(struct option_reader *reader);

#endif
