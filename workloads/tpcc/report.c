/* report.c - see report.h. */
#include "workloads/tpcc/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "workloads/tpcc/options.h"

const struct workload_share tpcc_shares[] = {
#define SHARE_ROW(name, least, most, help) {#name, help, least, most},
    TPCC_SHARES(SHARE_ROW)
#undef SHARE_ROW
        {0}};

/* TPC-C 4.2.2: what terminals that never wait for an answer reach, and what a warehouse must have at least. */
#define TPMC_WAREHOUSE_MAX 12.86
#define TPMC_WAREHOUSE_MIN 9.0

/* TPC-C 5.5.2 */
enum { WINDOW_MIN_S = 2 * 60 * 60 };

/* By type: the least percent of all (5.2.3), and the limit of the 90th percentile (5.2.5). */
static const struct {
    double percent_min, limit_s;
} demands[TPCC_TXN_COUNT] = {
    [TPCC_new_order] = {0, 5}, [TPCC_payment] = {43, 5},     [TPCC_order_status] = {4, 5},
    [TPCC_delivery] = {4, 5},  [TPCC_stock_level] = {4, 20},
};

static const char *const names[] = {
#define TXN_NAME(name) #name,
    TPCC_TXNS(TXN_NAME)
#undef TXN_NAME
};

/* A line that grows; what does not fit is cut off. */
struct text {
    char bytes[1024];
    size_t length;
};

static __attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        text->length += (size_t)length;
    if (text->length >= sizeof text->bytes)
        text->length = sizeof text->bytes - 1;
}

/* So many digits, but whole ones all of them. */
static void number_add(struct text *text, double value, int digits)
{
    text_add(text, value < 1e4 ? "%.*g" : "%.*f", value < 1e4 ? digits : 0, value);
}

static const char *comma(const struct text *text)
{
    return text->length > 0 ? ", " : "";
}

/* Names a limit that is not kept. */
#define NOT_KEPT(text, ...) (text_add(text, "%s", (text)->length > 0 ? "; " : ""), text_add(text, __VA_ARGS__))

struct report {
    const struct tpcc_options *options;
    const struct workload_outcome *types;
    const struct workload_part *shares;
    double window_s, tpmc_warehouse;
    uint64_t done; /* of all types, rolled back ones included */
};

static void options_judge(const struct report *report, struct text *text)
{
    const struct tpcc_options *options = report->options;
    if (options->mode != TPCC_MODE_SPEC)
        NOT_KEPT(text, "mode is not spec");
    if (options->terminals != TPCC_DISTRICTS)
        NOT_KEPT(text, "%" PRIu32 " terminals a warehouse, want %d", options->terminals, TPCC_DISTRICTS);
    if (options->think_scale < 1)
        NOT_KEPT(text, "users wait %g of their time", options->think_scale);
    if (report->window_s < WINDOW_MIN_S)
        NOT_KEPT(text, "a window of %.4g s, want %d", report->window_s, WINDOW_MIN_S);
    if (report->tpmc_warehouse < TPMC_WAREHOUSE_MIN)
        NOT_KEPT(text, "tpmC of a warehouse below %g", TPMC_WAREHOUSE_MIN);
    if (report->tpmc_warehouse > TPMC_WAREHOUSE_MAX)
        NOT_KEPT(text, "tpmC of a warehouse above %g", TPMC_WAREHOUSE_MAX);
}

static void types_judge(const struct report *report, struct text *text)
{
    for (unsigned i = 0; i < TPCC_TXN_COUNT; i++) {
        const struct workload_outcome *type = &report->types[i];
        double percent = report->done ? 100 * (double)(type->committed + type->rolled_back) / (double)report->done : 0;
        if (percent < demands[i].percent_min)
            NOT_KEPT(text, "%s %.2f%% of all, want %g", names[i], percent, demands[i].percent_min);
        if (type->timed == 0)
            continue;
        if ((double)type->p90_ns > demands[i].limit_s * 1e9)
            NOT_KEPT(text, "%s 90%% within %.3g s, want %g", names[i], (double)type->p90_ns / 1e9, demands[i].limit_s);
        if (type->mean_ns > (double)type->p90_ns)
            NOT_KEPT(text, "%s: mean above the 90th percentile", names[i]);
    }
}

static void shares_judge(const struct report *report, struct text *text)
{
    const struct workload_outcome *orders = &report->types[TPCC_new_order];
    double ended = (double)(orders->committed + orders->rolled_back), lines = 0, rolled_back = 0;
    for (unsigned i = 0; i < TPCC_SHARE_COUNT; i++) {
        if (report->shares[i].whole == 0 || (i == TPCC_SHARE_remote_lines && report->options->warehouses == 1))
            continue; /* one warehouse has no other */
        double share = (double)report->shares[i].part / (double)report->shares[i].whole;
        if (share < tpcc_shares[i].least || share > tpcc_shares[i].most)
            NOT_KEPT(text, "%s %.2f%%, want %g to %g", tpcc_shares[i].name, 100 * share, 100 * tpcc_shares[i].least,
                     100 * tpcc_shares[i].most);
    }
    if (orders->committed == 0)
        return;
    lines = (double)report->shares[TPCC_SHARE_remote_lines].whole / (double)orders->committed;
    rolled_back = (double)orders->rolled_back / ended;
    if (lines < 9.5 || lines > 10.5)
        NOT_KEPT(text, "%.2f lines an order, want 9.5 to 10.5", lines);
    if (rolled_back < 0.009 || rolled_back > 0.011)
        NOT_KEPT(text, "%.2f%% of New-Orders rolled back, want 0.9 to 1.1", 100 * rolled_back);
}

void tpcc_report(const void *values, double window_s, const struct workload_outcome *types,
                 const struct workload_part *shares, void (*line)(void *arg, const char *name, const char *text),
                 void *arg)
{
    struct tpcc_options options;
    struct text tpmc = {0}, percentiles = {0}, limits = {0};
    char error[256];
    if (tpcc_options_resolve(values, &options, error, sizeof error) != TARGET_OK || !options.terminals ||
        !(window_s > 0))
        return;
    double per_minute = 60 * (double)types[TPCC_new_order].committed / window_s;
    struct report report = {&options, types, shares, window_s, per_minute / options.warehouses, 0};
    for (unsigned i = 0; i < TPCC_TXN_COUNT; i++) {
        report.done += types[i].committed + types[i].rolled_back;
        if (types[i].timed > 0)
            text_add(&percentiles, "%s%s %.3g ms", comma(&percentiles), names[i], (double)types[i].p90_ns / 1e6);
    }
    number_add(&tpmc, per_minute, 5);
    text_add(&tpmc, ", not audited; ");
    number_add(&tpmc, report.tpmc_warehouse, 4);
    text_add(&tpmc, " a warehouse, of %g possible", TPMC_WAREHOUSE_MAX);
    line(arg, "tpmC", tpmc.bytes);
    if (percentiles.length > 0)
        line(arg, "90% within", percentiles.bytes);
    options_judge(&report, &limits);
    types_judge(&report, &limits);
    shares_judge(&report, &limits);
    line(arg, "TPC-C's limits", limits.length > 0 ? limits.bytes : "kept");
}
