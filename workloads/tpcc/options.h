/*
 * options.h - TPC-C's options: the size, the mode, and a named switch for each difference between the modes.
 *
 * Model. `mode` is a column of the table below: a switch left at "mode" takes that column's value, any other value
 * overrides it. So `mode=paper remote_payment=on` is the authors' TPC-C with real remote payments.
 *     spec      TPC-C 5.11, without the deferred queue of Delivery, and without terminals unless think=spec
 *     paper     TPC-C as the authors of Cicada ran it
 *     paper-np  TPC-C-NP as they ran it: only Payment and New-Order, and nothing inserted
 * tpcc.h lists how a run departs from the specification in every mode.
 */
#ifndef WORKLOADS_TPCC_OPTIONS_H
#define WORKLOADS_TPCC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/tpcc/schema.h"
#include "workloads/workload.h"

/* The five transactions, in the order of result rows. */
#define TPCC_TXNS(X) X(new_order) X(payment) X(order_status) X(delivery) X(stock_level)
enum tpcc_txn {
#define TPCC_TXN_ENUM(name) TPCC_##name,
    TPCC_TXNS(TPCC_TXN_ENUM)
#undef TPCC_TXN_ENUM
        TPCC_TXN_COUNT
};

/*
 * type, name, default, range, unit, the value in mode spec, paper, paper-np (NULL: the mode does not set it), help.
 */
#define TPCC_OPTIONS(X)                                                                                                \
    X(enum, mode, "spec", "spec|paper|paper-np", "", NULL, NULL, NULL,                                                 \
      "what the switches at 'mode' stand for: the specification, or what the paper's authors ran (paper: TPC-C; "      \
      "paper-np: Payment and New-Order without inserts)")                                                              \
    X(u64, warehouses, "1", "1..100000", "", NULL, NULL, NULL, "warehouses; about 75 MB of rows each")                 \
    X(bool, batch, "on", "", "", NULL, NULL, NULL,                                                                     \
      "announce the keys a transaction knows up front (items, stocks, customer), so that their misses overlap")        \
    X(bool, split_rows, "off", "", "", NULL, NULL, NULL,                                                               \
      "WAREHOUSE, DISTRICT and CUSTOMER as several rows each, so that columns that different transactions write, and " \
      "columns that none writes, are not in one row")                                                                  \
    X(bool, commit_updates, "off", "", "", NULL, NULL, NULL,                                                           \
      "with split_rows=on: Payment adds to W_YTD and D_YTD without reading them, so that Payments do not conflict "    \
      "over "                                                                                                          \
      "them (on a target that can; else it reads them)")                                                               \
    X(f64, remote_stock, "0.01", "0..1", "", NULL, NULL, NULL,                                                         \
      "share of New-Order lines supplied by another warehouse (2.4.1.5)")                                              \
    X(string, mix, "mode", "", "%", "45/43/4/4/4", "45/43/4/4/4", "50/50/0/0/0",                                       \
      "percent of New-Order/Payment/Order-Status/Delivery/Stock-Level, such as 45/43/4/4/4 (5.2.3)")                   \
    X(enum, home, "mode", "mode|random|worker", "", "random", "worker", "worker",                                      \
      "home warehouse of a transaction: any (each worker serves all terminals), or of the worker's own "               \
      "warehouses, those with (w - 1) mod workers = worker; with fewer warehouses than workers its one")               \
    X(enum, think, "off", "off|spec", "", NULL, NULL, NULL,                                                            \
      "spec: requests come from terminals, dealt out to the workers, whose users key in and think as long as 5.2.5 "   \
      "demands, and the summary reports tpmC; off: each worker begins the next request at once")                       \
    X(f64, think_scale, "1", "0..1000", "", NULL, NULL, NULL, "think=spec: the share of these times that users take")  \
    X(u64, terminals, "10", "1..10000", "", NULL, NULL, NULL,                                                          \
      "think=spec: terminals a warehouse, one a district (4.2.2)")                                                     \
    X(enum, remote_payment, "mode", "mode|on|history|off", "", "on", "history", "history",                             \
      "15% of Payments are for a customer of another district (2.5.1.2): really; only as HISTORY tells while the "     \
      "customer paid for is of the home district (the paper); never")                                                  \
    X(f64, user_abort, "mode", "mode|0..1", "", "0.01", "0", "0",                                                      \
      "share of New-Orders that name an unused item and roll back (2.4.1.4)")                                          \
    X(f64, credit_bad_ratio, "mode", "mode|0..1", "", "0.1", "0.9", "0.9",                                             \
      "share of customers loaded with bad credit (4.3.3.1)")                                                           \
    X(enum, c_data_rewrite, "mode", "mode|on|off", "", "on", "on", "off",                                              \
      "Payment of a customer with bad credit rewrites C_DATA (2.5.2.2)")                                               \
    X(enum, lastname_median, "mode", "mode|sorted|unsorted-half", "", "sorted", "unsorted-half", "unsorted-half",      \
      "which customer of a last name: position ceil(n/2) by C_FIRST (2.5.2.2), or n/2 of the list as stored")          \
    X(enum, lastname_index, "mode", "mode|ordered|hash", "", "ordered", "hash", "hash",                                \
      "index of CUSTOMER by last name; hash: as the paper's authors had it, each customer of a name one lookup")       \
    X(enum, nurand_constants, "mode", "mode|differ|same", "", "differ", "same", "same",                                \
      "NURand's C of load and run (2.1.6.1)")                                                                          \
    X(enum, drop_duplicate_items, "mode", "mode|on|off", "", "off", "on", "on",                                        \
      "drop lines whose item and warehouse are on the order already, which leaves shorter orders")                     \
    X(enum, items_first, "mode", "mode|on|off", "", "off", "on", "on",                                                 \
      "New-Order reads all items before it touches a contended row, rather than line by line (2.4.2.2)")               \
    X(enum, insert_orders, "mode", "mode|on|off", "", "on", "on", "off",                                               \
      "load and insert ORDER, NEW-ORDER and ORDER-LINE rows")                                                          \
    X(enum, insert_history, "mode", "mode|on|off", "", "on", "on", "off", "load and insert HISTORY rows")              \
    X(enum, orders_inlined, "mode", "mode|on|off", "", "off", "off", "off",                                            \
      "ORDER and ORDER-LINE rows may be stored in the table itself; off: announced as 217 bytes, so that the native "  \
      "engine keeps no slot in the table that the version written by Delivery leaves empty for good")                  \
    X(enum, dates, "mode", "mode|clock|constant", "", "clock", "constant", "constant",                                 \
      "dates are the time of day (4 ms steps), or constant in 2013")                                                   \
    X(enum, whole_amounts, "mode", "mode|on|off", "", "off", "on", "on",                                               \
      "Payment's amount in whole currency units, 1 to 5000, rather than in cents (2.5.1.3)")                           \
    X(enum, outputs, "mode", "mode|on|off", "", "on", "off", "off",                                                    \
      "work out what the terminal would show: totals with tax and discount, brand/generic, balances")                  \
    X(enum, stock_level_own, "mode", "mode|on|off", "", "off", "on", "on",                                             \
      "Stock-Level counts only lines that the home warehouse supplied")                                                \
    X(enum, delivery_per_district, "mode", "mode|on|off", "", "off", "off", "off",                                     \
      "Delivery as ten transactions of one district, rather than one of ten; 2.7.2 allows both")                       \
    X(enum, snapshot_reads, "mode", "mode|on|off", "", "on", "on", "on",                                               \
      "Order-Status and Stock-Level as snapshot transactions, rather than validated ones")

struct tpcc_values {
    TPCC_OPTIONS(OPTION_FIELD)
};

enum tpcc_mode { TPCC_MODE_SPEC, TPCC_MODE_PAPER, TPCC_MODE_PAPER_NP };
enum tpcc_remote_payment { TPCC_REMOTE_ON, TPCC_REMOTE_HISTORY, TPCC_REMOTE_OFF };

/* Resolved. Shares are thresholds for 32 random bits: true if (bits < share). */
struct tpcc_options {
    enum tpcc_mode mode;
    uint32_t warehouses;
    uint32_t terminals; /* a warehouse; 0: there are none */
    double think_scale;
    uint8_t mix[TPCC_TXN_COUNT]; /* percent */
    enum tpcc_remote_payment remote_payment;
    uint64_t remote_stock, user_abort, credit_bad;
    bool batch, split_rows, commit_updates, home_worker, c_data_rewrite, median_sorted, names_hashed, nurand_differ,
        drop_duplicate_items, items_first;
    bool insert_orders, insert_history, orders_inlined, dates_constant, whole_amounts, outputs, stock_level_own;
    bool delivery_per_district, snapshot_reads;
};

extern const struct option_spec tpcc_option_table[]; /* of struct tpcc_values */
extern const char *const tpcc_presets[];

bool tpcc_preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg);

/*
 * Puts the mode's values in the place of "mode". TARGET_OK, or TARGET_INVALID with `error` naming the option, its value
 * and what would be right, for a mix that is none and for combinations that cannot work.
 */
enum target_status tpcc_options_resolve(const struct tpcc_values *values, struct tpcc_options *options, char *error,
                                        size_t error_bytes);

#define TPCC_DATE_2013_US (INT64_C(1356998400) * 1000000)

/* What a row is dated: microseconds since 1970; with dates=constant always TPCC_DATE_2013_US. */
int64_t tpcc_now_us(const struct tpcc_options *options);

#endif
