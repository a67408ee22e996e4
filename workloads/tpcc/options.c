/* options.c - see options.h. */
#include "workloads/tpcc/options.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "workloads/mix.h"

const struct option_spec tpcc_option_table[] = {
#define OPTION_ROW(type, name, default_value, range, unit, spec, paper, paper_np, help) \
    {#name, OPTION_##type, default_value, range, unit, help, ""},
    TPCC_OPTIONS(OPTION_ROW)
#undef OPTION_ROW
        OPTION_END};
enum { OPTION_COUNT = sizeof tpcc_option_table / sizeof tpcc_option_table[0] - 1 };
static_assert(sizeof(struct tpcc_values) == OPTION_COUNT * (size_t)OPTION_SLOT_BYTES, "a field an option");

static const char *const mode_values[OPTION_COUNT][3] = {
#define MODE_ROW(type, name, default_value, range, unit, spec, paper, paper_np, help) {spec, paper, paper_np},
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

/* ---- Resolving. ---- */

/* The places of the words in options of three words: mode, on, off and alike. */
enum { BY_MODE, FIRST, SECOND };

static bool mode_apply(struct tpcc_values *values, char *error, size_t error_bytes)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char text[16], why[128];
        const char *by_mode = mode_values[i][values->mode];
        option_text(tpcc_option_table, i, values, text, sizeof text);
        if (!by_mode || strcmp(text, "mode") != 0 || tpcc_option_table[i].type == OPTION_string)
            continue;
        if (!option_set(tpcc_option_table, i, by_mode, values, why, sizeof why)) {
            snprintf(error, error_bytes, "tpcc: %s: %s", tpcc_option_table[i].name, why);
            return false;
        }
    }
    return true;
}

static uint64_t share_of(double share)
{
    return (uint64_t)(share * 0x1p32);
}

enum target_status tpcc_options_resolve(const struct tpcc_values *given, struct tpcc_options *options, char *error,
                                        size_t error_bytes)
{
    struct tpcc_values v = *given;
    if (!mode_apply(&v, error, error_bytes))
        return TARGET_INVALID;
    *options = (struct tpcc_options){
        .mode = (enum tpcc_mode)v.mode,
        .warehouses = (uint32_t)v.warehouses,
        .terminals = v.think ? (uint32_t)v.terminals : 0,
        .think_scale = v.think_scale,
        .remote_payment = (enum tpcc_remote_payment)(v.remote_payment - FIRST),
        .remote_stock = share_of(v.remote_stock),
        .user_abort = share_of(v.user_abort),
        .credit_bad = share_of(v.credit_bad_ratio),
        .batch = v.batch,
        .split_rows = v.split_rows,
        .commit_updates = v.commit_updates,
        .home_worker = v.home == SECOND,
        .c_data_rewrite = v.c_data_rewrite == FIRST,
        .median_sorted = v.lastname_median == FIRST,
        .names_hashed = v.lastname_index == SECOND,
        .nurand_differ = v.nurand_constants == FIRST,
        .drop_duplicate_items = v.drop_duplicate_items == FIRST,
        .items_first = v.items_first == FIRST,
        .insert_orders = v.insert_orders == FIRST,
        .insert_history = v.insert_history == FIRST,
        .orders_inlined = v.orders_inlined == FIRST,
        .dates_constant = v.dates == SECOND,
        .whole_amounts = v.whole_amounts == FIRST,
        .outputs = v.outputs == FIRST,
        .stock_level_own = v.stock_level_own == FIRST,
        .delivery_per_district = v.delivery_per_district == FIRST,
        .snapshot_reads = v.snapshot_reads == FIRST,
    };
    const char *mix =
        strcmp(v.mix, "mode") != 0 ? v.mix : mode_values[offsetof(struct tpcc_values, mix) / OPTION_SLOT_BYTES][v.mode];
    if (!mix_read(mix, TPCC_TXN_COUNT, options->mix, "mode or five percents such as 45/43/4/4/4", error, error_bytes))
        return TARGET_INVALID;
    if (!options->insert_orders &&
        options->mix[TPCC_order_status] + options->mix[TPCC_delivery] + options->mix[TPCC_stock_level] > 0) {
        snprintf(error, error_bytes,
                 "tpcc: mix=%s needs orders, but insert_orders=off: set mix to N/P/0/0/0 or insert_orders=on", mix);
        return TARGET_INVALID;
    }
    if (options->names_hashed && options->median_sorted) {
        snprintf(
            error, error_bytes,
            "tpcc: lastname_median=sorted with lastname_index=hash: a hash index keeps no order of first names; set "
            "lastname_index=ordered");
        return TARGET_INVALID;
    }
    return TARGET_OK;
}

int64_t tpcc_now_us(const struct tpcc_options *options)
{
    if (options->dates_constant)
        return TPCC_DATE_2013_US;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* a read of memory, no system call */
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
