/* options.c - see options.h. */
#include "workloads/tpcc/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct workload_option tpcc_option_table[] = {
#define OPTION_ROW(name, type, default_value, range, unit, spec, paper, paper_np, help) \
    {#name, type, default_value, range, unit, help},
    TPCC_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
        {0},
};

static const char *const mode_values[TPCC_OPTION_COUNT][3] = {
#define MODE_ROW(name, type, default_value, range, unit, spec, paper, paper_np, help) {spec, paper, paper_np},
    TPCC_OPTIONS(MODE_ROW)
#undef MODE_ROW
};

const char *const tpcc_presets[] = {"spec", "paper", "paper-np", NULL};

bool tpcc_preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    for (size_t i = 0; tpcc_presets[i]; i++) {
        if (!strcmp(name, tpcc_presets[i])) {
            set(arg, "mode", name);
            return true;
        }
    }
    return false;
}

/* ---- Reading. The first thing wrong is kept; later readers then do nothing that matters. ---- */

struct reader {
    const char *const *values;
    enum tpcc_mode mode;
    bool failed;
    char *error;
    size_t error_bytes;
};

static void refuse(struct reader *reader, enum tpcc_option option, const char *text)
{
    if (reader->failed)
        return;
    reader->failed = true;
    snprintf(reader->error, reader->error_bytes, "tpcc: %s=%s: must be %s", tpcc_option_table[option].name, text,
             option == TPCC_OPTION_mix ? "mode or five percents such as 45/43/4/4/4" : tpcc_option_table[option].range);
}

static const char *resolved(const struct reader *reader, enum tpcc_option option)
{
    const char *text = reader->values[option];
    const char *by_mode = mode_values[option][reader->mode];
    return by_mode && !strcmp(text, "mode") ? by_mode : text;
}

/* Which of the words, or the first with the complaint made. */
static unsigned read_word(struct reader *reader, enum tpcc_option option, const char *const *words)
{
    const char *text = resolved(reader, option);
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(text, words[i]))
            return i;
    }
    refuse(reader, option, text);
    return 0;
}

static bool read_switch(struct reader *reader, enum tpcc_option option)
{
    return read_word(reader, option, (const char *const[]){"off", "on", NULL}) == 1;
}

static uint64_t read_share(struct reader *reader, enum tpcc_option option)
{
    const char *text = resolved(reader, option);
    char *end;
    double share = strtod(text, &end);
    if (end == text || *end || !(share >= 0 && share <= 1)) {
        refuse(reader, option, text);
        return 0;
    }
    return (uint64_t)(share * 0x1p32);
}

static uint32_t read_count(struct reader *reader, enum tpcc_option option, uint64_t max)
{
    const char *text = resolved(reader, option);
    char *end;
    unsigned long long count = strtoull(text, &end, 10);
    if ((*end == 'K' || *end == 'k') && count <= max) {
        count *= 1000;
        end++;
    }
    if (*text < '0' || *text > '9' || *end || count < 1 || count > max) {
        refuse(reader, option, text);
        return 1;
    }
    return (uint32_t)count;
}

/* Percents of the five transactions, separated by slashes, 100 in sum. */
static void read_mix(struct reader *reader, uint8_t mix[TPCC_TXN_COUNT])
{
    const char *text = resolved(reader, TPCC_OPTION_mix), *at = text;
    unsigned long sum = 0;
    for (unsigned i = 0; i < TPCC_TXN_COUNT; i++) {
        char *end;
        unsigned long percent = strtoul(at, &end, 10);
        if (*at < '0' || *at > '9' || percent > 100 || *end != (i + 1 < TPCC_TXN_COUNT ? '/' : '\0')) {
            refuse(reader, TPCC_OPTION_mix, text);
            return;
        }
        mix[i] = (uint8_t)percent;
        sum += percent;
        at = end + 1;
    }
    if (sum != 100 && !reader->failed) {
        reader->failed = true;
        snprintf(reader->error, reader->error_bytes, "tpcc: mix=%s: the percents sum up to %lu, must be 100", text,
                 sum);
    }
}

enum mae_status tpcc_options_read(const char *const *values, struct tpcc_options *options, char *error,
                                  size_t error_bytes)
{
    struct reader reader = {.values = values, .error = error, .error_bytes = error_bytes};
    struct reader *r = &reader;
    reader.mode = (enum tpcc_mode)read_word(r, TPCC_OPTION_mode, tpcc_presets);

    *options = (struct tpcc_options){
        .mode = reader.mode,
        .warehouses = read_count(r, TPCC_OPTION_warehouses, TPCC_WAREHOUSES_MAX),
        .remote_payment = (enum tpcc_remote_payment)read_word(r, TPCC_OPTION_remote_payment,
                                                              (const char *const[]){"on", "history", "off", NULL}),
        .remote_stock = read_share(r, TPCC_OPTION_remote_stock),
        .user_abort = read_share(r, TPCC_OPTION_user_abort),
        .credit_bad = read_share(r, TPCC_OPTION_credit_bad_ratio),
        .batch = read_switch(r, TPCC_OPTION_batch),
        .home_worker = read_word(r, TPCC_OPTION_home, (const char *const[]){"random", "worker", NULL}) == 1,
        .c_data_rewrite = read_switch(r, TPCC_OPTION_c_data_rewrite),
        .median_sorted =
            read_word(r, TPCC_OPTION_lastname_median, (const char *const[]){"unsorted-half", "sorted", NULL}) == 1,
        .names_hashed = read_word(r, TPCC_OPTION_lastname_index, (const char *const[]){"ordered", "hash", NULL}) == 1,
        .nurand_differ = read_word(r, TPCC_OPTION_nurand_constants, (const char *const[]){"same", "differ", NULL}) == 1,
        .drop_duplicate_items = read_switch(r, TPCC_OPTION_drop_duplicate_items),
        .items_first = read_switch(r, TPCC_OPTION_items_first),
        .insert_orders = read_switch(r, TPCC_OPTION_insert_orders),
        .insert_history = read_switch(r, TPCC_OPTION_insert_history),
        .orders_inlined = read_switch(r, TPCC_OPTION_orders_inlined),
        .dates_constant = read_word(r, TPCC_OPTION_dates, (const char *const[]){"clock", "constant", NULL}) == 1,
        .whole_amounts = read_switch(r, TPCC_OPTION_whole_amounts),
        .outputs = read_switch(r, TPCC_OPTION_outputs),
        .stock_level_own = read_switch(r, TPCC_OPTION_stock_level_own),
        .delivery_per_district = read_switch(r, TPCC_OPTION_delivery_per_district),
        .snapshot_reads = read_switch(r, TPCC_OPTION_snapshot_reads),
    };
    read_mix(r, options->mix);
    if (!reader.failed && !options->insert_orders &&
        options->mix[TPCC_order_status] + options->mix[TPCC_delivery] + options->mix[TPCC_stock_level] > 0) {
        reader.failed = true;
        snprintf(error, error_bytes,
                 "tpcc: mix=%s needs orders, but insert_orders=off: set mix to N/P/0/0/0 or insert_orders=on",
                 resolved(r, TPCC_OPTION_mix));
    }
    if (!reader.failed && options->names_hashed && options->median_sorted) {
        reader.failed = true;
        snprintf(
            error, error_bytes,
            "tpcc: lastname_median=sorted with lastname_index=hash: a hash index keeps no order of first names; set "
            "lastname_index=ordered");
    }
    return reader.failed ? MAE_INVALID : MAE_OK;
}
