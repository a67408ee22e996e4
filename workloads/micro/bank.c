/*
 * bank.c - transfers between accounts, and audits that add up all of them.
 *
 * A transfer reads two accounts for update and moves money if the payer has enough. An audit reads every account, in a
 * snapshot or a read-write transaction, and must find the total that was loaded: any other total shows that it saw half
 * a transfer. What an audit saw counts only if it commits. Each account counts the transfers that named it, and each
 * worker counts what its committed transfers did to each account. So the check finds a transfer that was lost, ran
 * twice or went to another account, even if the total is right.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/micro/common.h"

#define BANK_OPTIONS(X)                                                                 \
    X(u64, accounts, "1000", "2..1000000000", "rows", "how many accounts there are")    \
    X(u64, initial_balance, "1000", "0..1000000000", "", "loaded into each account")    \
    X(u64, transfer_max, "100", "1..1000000000", "", "a transfer moves 1 to this much") \
    X(f64, audit_ratio, "0.01", "0..1", "", "share of transactions that audit")         \
    X(enum, audit_mode, "snapshot", "snapshot|read_write", "", "how audits run")

enum { AUDIT_SNAPSHOT, AUDIT_READ_WRITE };
enum { TRANSFER, AUDIT };

struct bank_options {
    BANK_OPTIONS(OPTION_FIELD)
};

struct account {
    uint64_t key;
    int64_t balance;
    uint64_t transfers; /* that named it, whether money moved or not */
};

/* A worker's tally: what its committed transfers did to each account, struct change[accounts]. */
struct change {
    int64_t balance;
    uint64_t transfers;
};

struct workload {
    struct micro micro;
    struct bank_options options;
};

struct workload_worker {
    struct micro_worker base;
    unsigned type;
    uint64_t keys[2];
    int64_t amount, moved; /* moved: by the running attempt; 0 if the payer had too little */
};

static const struct option_spec option_table[] = {BANK_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"transfer", "audit", NULL};

static void fill(void *arg, uint64_t key, void *data)
{
    const struct workload *workload = arg;
    *(struct account *)data = (struct account){key, (int64_t)workload->options.initial_balance, 0};
}

static int64_t expected_total(const struct workload *workload)
{
    return (int64_t)(workload->options.accounts * workload->options.initial_balance);
}

static bulk_attempt_fn attempt_once;
static bulk_pass_fn check_pass;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .fill = fill,
    .attempt = attempt_once,
    .check_pass = check_pass,
};

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct bank_options options = *(const struct bank_options *)values;
    (void)error, (void)error_bytes;
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.accounts, sizeof(struct account),
                                             (size_t)options.accounts * sizeof(struct change));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "bank", sizeof(struct account), TARGET_INDEX_HASH, error, error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    const struct bank_options *options = &w->base.workload->options;
    w->type = rng_unit(&w->base.rng) < options->audit_ratio ? AUDIT : TRANSFER;
    if (w->type == TRANSFER) {
        micro_draw_distinct(&w->base.rng, options->accounts, w->keys, 2);
        w->amount = 1 + (int64_t)rng_below(&w->base.rng, options->transfer_max);
        if (rng_next(&w->base.rng) >> 63) { /* the drawing order is not symmetric */
            uint64_t first = w->keys[0];
            w->keys[0] = w->keys[1];
            w->keys[1] = first;
        }
    }
    return w->type;
}

static enum target_status transfer(struct workload_worker *w, struct target_txn *txn)
{
    const struct micro *micro = &w->base.workload->micro;
    void *from, *to;
    enum target_status status = micro->ops->update(txn, micro->index, &w->keys[0], 0, NULL, &from);
    if (status == TARGET_OK)
        status = micro->ops->update(txn, micro->index, &w->keys[1], 0, NULL, &to);
    if (status != TARGET_OK)
        return status;
    struct account *payer = from, *payee = to;
    w->moved = payer->balance >= w->amount ? w->amount : 0;
    payer->balance -= w->moved;
    payee->balance += w->moved;
    payer->transfers++;
    payee->transfers++;
    return TARGET_OK;
}

static enum target_status audit(struct workload_worker *w, struct target_txn *txn, int64_t *total)
{
    const struct micro *micro = &w->base.workload->micro;
    uint64_t keys[BULK_ROWS];
    *total = 0;
    for (uint64_t first = 0; first < micro->rows; first += BULK_ROWS) {
        size_t count = micro->rows - first < BULK_ROWS ? (size_t)(micro->rows - first) : BULK_ROWS;
        for (size_t i = 0; i < count; i++)
            keys[i] = first + i;
        target_prefetch(micro->ops, txn, micro->index, keys, count);
        for (size_t i = 0; i < count; i++) {
            const void *data;
            enum target_status status = micro->ops->read(txn, micro->index, &keys[i], &data, NULL);
            if (status != TARGET_OK)
                return status;
            *total += ((const struct account *)data)->balance;
        }
    }
    return TARGET_OK;
}

static void tally_transfer(struct workload_worker *w)
{
    struct change *changes = w->base.tally, *payer = &changes[w->keys[0]], *payee = &changes[w->keys[1]];
    payer->balance -= w->moved;
    payee->balance += w->moved;
    payer->transfers++;
    payee->transfers++;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    const struct target_ops *ops = workload->micro.ops;
    bool snapshot = w->type == AUDIT && workload->options.audit_mode == AUDIT_SNAPSHOT;
    int64_t total = expected_total(workload);
    struct target_txn *txn;
    enum target_status status = ops->begin(w->base.worker, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    status = w->type == AUDIT ? audit(w, txn, &total) : transfer(w, txn);
    if (status != TARGET_OK) {
        ops->abort(txn);
        return status;
    }
    status = ops->commit(txn);
    if (status == TARGET_OK && w->type == TRANSFER)
        tally_transfer(w);
    if (UNLIKELY(status == TARGET_OK && total != expected_total(workload)))
        micro_find(w, "an audit saw a total of %" PRId64 ", expected %" PRId64, total, expected_total(workload));
    return status;
}

static unsigned operations(const struct workload_worker *w)
{
    return w->type == TRANSFER ? 2 : (unsigned)w->base.workload->options.accounts;
}

struct check {
    const struct workload *workload;
    int64_t total;
    char *report;
    size_t report_bytes;
};

/* As the load and the committed transfers of all workers have left it. */
static struct account expected_account(const struct workload *workload, uint64_t key)
{
    struct account account = {key, (int64_t)workload->options.initial_balance, 0};
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct change *change = (const struct change *)micro_tally(workload, i) + key;
        account.balance += change->balance;
        account.transfers += change->transfers;
    }
    return account;
}

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct account *account = data;
    if (!account || bytes != sizeof *account || account->key != key) {
        snprintf(check->report, check->report_bytes, "account %" PRIu64 ": %s, expected one of key %" PRIu64, key,
                 account ? "another account's row" : "no row", key);
        return false;
    }
    if (account->balance < 0 && !micro_is_racy(check->workload)) {
        snprintf(check->report, check->report_bytes, "account %" PRIu64 ": balance %" PRId64 ", expected 0 or more",
                 key, account->balance);
        return false;
    }
    check->total += account->balance;
    struct account expected = expected_account(check->workload, key);
    if (memcmp(account, &expected, sizeof expected) == 0 || micro_is_racy(check->workload))
        return true;
    snprintf(check->report, check->report_bytes,
             "account %" PRIu64 ": balance %" PRId64 " after %" PRIu64 " transfers, expected %" PRId64 " after %" PRIu64
             " committed ones",
             key, account->balance, account->transfers, expected.balance, expected.transfers);
    return false;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, report, report_bytes};
    enum target_status status = micro_walk(workload, worker, &check, check_row);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    bool racy = micro_is_racy(workload);
    snprintf(report, report_bytes, "%" PRIu64 " accounts, total %" PRId64 ", expected %" PRId64 "%s",
             workload->micro.rows, check.total, expected_total(workload),
             racy ? " (not transactional: not owed)" : ": every committed transfer, account by account");
    return check.total == expected_total(workload) || racy ? TARGET_OK : TARGET_CORRUPT;
}

const struct workload_ops bank_workload_ops = {
    .name = "bank",
    .help = "transfers between accounts, and audits that must see a constant total",
    .options = option_table,
    .txn_types = txn_types,
    .create = create,
    .destroy = micro_destroy,
    .setup = setup,
    .load = micro_load,
    .worker_create = micro_worker_create,
    .worker_destroy = micro_worker_destroy,
    .next = next,
    .attempt = micro_attempt,
    .operations = operations,
    .check = micro_check,
    .data_size = micro_data_size,
    .space = micro_space,
};
