/*
 * report.h - TPC-C as people report it: tpmC, 90th percentiles, the shares that the specification limits, and what it
 * says of them.
 *
 * A report is not audited, and says so. It holds what was measured against the limits of revision 5.11 that concern
 * numbers of a run. The others stay out, such as screens, a network between terminals and database, the test of
 * durability, and prices. A short window strays from the shares by chance; a report says so of what it finds, without
 * judging whether it was chance.
 * Thread-safe. Checked by: tests/unit/workloads/tpcc/report.c.
 */
#ifndef WORKLOADS_TPCC_REPORT_H
#define WORKLOADS_TPCC_REPORT_H

#include "workloads/workload.h"

/* name, what the specification allows at least and at most, help */
#define TPCC_SHARES(X)                                                                                     \
    X(remote_lines, 0.0095, 0.0105, "of the lines of New-Orders, those that another warehouse supplied")   \
    X(remote_payments, 0.14, 0.16, "of the Payments, those for a customer of another district")            \
    X(payments_by_name, 0.57, 0.63, "of the Payments, those that look for the customer by last name")      \
    X(order_status_by_name, 0.57, 0.63, "of the Order-Statuses, those that look for the customer by name") \
    X(deliveries_skipped, 0, 0.01, "of the districts that Deliveries visited, those with nothing to deliver")

enum {
#define TPCC_SHARE_ENUM(name, least, most, help) TPCC_SHARE_##name,
    TPCC_SHARES(TPCC_SHARE_ENUM)
#undef TPCC_SHARE_ENUM
        TPCC_SHARE_COUNT
};

extern const struct workload_share tpcc_shares[];

/* workload.h. Nothing without terminals: what is measured then is no tpmC. */
void tpcc_report(const void *values, double window_s, const struct workload_outcome *types,
                 const struct workload_part *shares, void (*line)(void *arg, const char *name, const char *text),
                 void *arg);

#endif
