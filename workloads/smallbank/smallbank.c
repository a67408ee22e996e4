/*
 * smallbank.c - see smallbank.h.
 *
 * Model. A customer has a row in each of three tables: ACCOUNTS (name, number; never changed), SAVINGS and CHECKING. A
 * transaction finds the number in ACCOUNTS, by name or by number, and then the balances by number. Amounts are in
 * cents. A transaction that finds too little money rolls back. A row of SAVINGS or CHECKING also counts its changes,
 * which is not in the sources: it is there for the check.
 *
 * Each worker keeps a ledger of what its committed transactions did: the money they brought in and took out, and a
 * print of all changes, a sum that is weighted by row.
 *     S1  Each number has its row in both tables, of its own number.
 *     S2  All money together is what was loaded plus what the ledgers say.
 *     S3  So is the print of all balances, and the print of all counts of changes: each change is in its row, once.
 *     S4  No savings balance is below 0, nor does a committed transaction see one.
 * So a change that is lost, doubled, or in another row is found, even if the total is right. check_pass demands S2 to
 * S4 unless the target promises nothing.
 *
 * Departures. Amalgamate moves both balances to the checking account of the other customer, as the paper has it (the
 * H-Store code reads one balance of each). Amounts are drawn, from 1 up, where H-Store's are constant; TransactSavings
 * puts in as often as it takes out.
 */
#include "workloads/smallbank/smallbank.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/micro/common.h"
#include "workloads/mix.h"

/* name, how many customers it is about */
#define SMALLBANK_TXNS(X)  \
    X(balance, 1)          \
    X(deposit_checking, 1) \
    X(transact_savings, 1) \
    X(amalgamate, 2)       \
    X(write_check, 1)      \
    X(send_payment, 2)

#define MIX_WANTED "six percents (balance/deposit/savings/amalgamate/check/payment) such as 15/15/15/15/15/25"

#define SMALLBANK_OPTIONS(X)                                                                                          \
    X(u64, accounts, "1M", "2..1000000000", "rows", "customers, each with a savings and a checking account")          \
    X(f64, hot_fraction, "0.25", "0..1", "", "share of the customers that is hot: those with the lowest numbers")     \
    X(f64, hot_ratio, "0.9", "0..1", "", "share of transactions that are about hot customers, the rest about others") \
    X(string, mix, "15/15/15/15/15/25", "", "%",                                                                      \
      "percent of Balance/DepositChecking/TransactSavings/Amalgamate/WriteCheck/SendPayment")                         \
    X(enum, lookup, "number", "number|name", "",                                                                      \
      "key by which a transaction finds its customers: 8 bytes, or a name of 24")                                     \
    X(u64, balance_min, "1M", "0..1000000000", "cents", "a balance is loaded with this much to balance_max")          \
    X(u64, balance_max, "5M", "0..1000000000", "cents", "uniform")                                                    \
    X(u64, amount_max, "10k", "1..1000000000", "cents", "a transaction moves 1 to this much")                         \
    X(bool, snapshot_reads, "off", "", "", "Balance runs as a snapshot, else as a read-write transaction")

enum smallbank_txn {
#define TXN_ENUM(name, customers) SMALLBANK_##name,
    SMALLBANK_TXNS(TXN_ENUM)
#undef TXN_ENUM
        TXN_COUNT
};
enum { LOOKUP_NUMBER, LOOKUP_NAME };
enum { ACCOUNTS, SAVINGS, CHECKING, TABLE_COUNT }; /* the tables, and the index by key of each */
enum { NAME_BYTES = 24 };

/* In WriteCheck: what an overdraft costs. */
enum { PENALTY = 100 };

struct smallbank_options {
    SMALLBANK_OPTIONS(OPTION_FIELD)
};

struct account {
    uint64_t number;
    char name[NAME_BYTES];
};

struct holding { /* a row of SAVINGS or CHECKING */
    uint64_t number;
    int64_t balance;
    uint64_t changes;
};

/* A worker's tally. */
struct ledger {
    int64_t money;
    uint64_t balance_print, change_print;
};

struct workload {
    struct micro micro;
    struct smallbank_options options;
    uint8_t mix[TXN_COUNT];
    uint64_t hot; /* customers */
};

struct workload_worker {
    struct micro_worker base;
    enum smallbank_txn type;
    unsigned operations;
    uint64_t customers[2];
    char names[2][NAME_BYTES];
    int64_t amount;
    /* Of the running attempt. */
    struct ledger ledger;
    int64_t overdrawn; /* a savings balance below 0 that it has seen; 0: none */
};

static const struct option_spec option_table[] = {SMALLBANK_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {
#define TXN_NAME(name, customers) #name,
    SMALLBANK_TXNS(TXN_NAME)
#undef TXN_NAME
        NULL,
};
static const unsigned customers_of[] = {
#define TXN_CUSTOMERS(name, customers) customers,
    SMALLBANK_TXNS(TXN_CUSTOMERS)
#undef TXN_CUSTOMERS
};

/* ---- Presets. ---- */

static const char *const preset_names[] = {"h-store", "alomari", NULL};

static bool preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    bool alomari = strcmp(name, preset_names[1]) == 0;
    if (!alomari && strcmp(name, preset_names[0]) != 0)
        return false;
    set(arg, "accounts", alomari ? "18000" : "1M");
    set(arg, "hot_fraction", alomari ? "0.0555556" : "0.25"); /* 1000 of 18000 */
    set(arg, "hot_ratio", "0.9");
    set(arg, "mix", alomari ? "20/20/20/20/20/0" : "15/15/15/15/15/25");
    set(arg, "lookup", alomari ? "name" : "number");
    return true;
}

/* ---- Rows as loaded. ---- */

static void name_of(uint64_t number, char name[NAME_BYTES])
{
    memset(name, 0, NAME_BYTES);
    snprintf(name, NAME_BYTES, "customer %012" PRIu64, number);
}

static int64_t loaded_balance(const struct workload *workload, unsigned table, uint64_t number)
{
    uint64_t range = workload->options.balance_max - workload->options.balance_min + 1;
    return (int64_t)(workload->options.balance_min +
                     rng_mix(workload->micro.seed ^ rng_mix(3 * number + table)) % range);
}

static void fill_holding(const struct workload *workload, unsigned table, uint64_t number, void *data)
{
    *(struct holding *)data = (struct holding){number, loaded_balance(workload, table, number), 0};
}

static void fill_savings(void *arg, uint64_t number, void *data)
{
    fill_holding(arg, SAVINGS, number, data);
}

/* The customer's other two rows. */
static enum target_status fill_more(void *arg, struct target_txn *txn, uint64_t number, uint64_t ref)
{
    const struct workload *workload = arg;
    const struct target_ops *ops = workload->micro.ops;
    struct account account = {.number = number};
    bool by_name = workload->options.lookup == LOOKUP_NAME;
    void *data;
    (void)ref;
    name_of(number, account.name);
    enum target_status status =
        ops->insert(txn, workload->micro.indexes[ACCOUNTS],
                    by_name ? (const void *)account.name : (const void *)&number, sizeof account, NULL, &data);
    if (status != TARGET_OK)
        return status;
    memcpy(data, &account, sizeof account);
    status = ops->insert(txn, workload->micro.indexes[CHECKING], &number, sizeof(struct holding), NULL, &data);
    if (status == TARGET_OK)
        fill_holding(workload, CHECKING, number, data);
    return status;
}

/* ---- Life of the instance. ---- */

static bulk_attempt_fn attempt_once;
static bulk_pass_fn check_pass;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .load_index = SAVINGS,
    .fill = fill_savings,
    .fill_more = fill_more,
    .attempt = attempt_once,
    .check_pass = check_pass,
};

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct smallbank_options options = *(const struct smallbank_options *)values;
    uint8_t mix[TXN_COUNT];
    if (!mix_read(options.mix, TXN_COUNT, mix, MIX_WANTED, error, error_bytes))
        return TARGET_INVALID;
    if (options.balance_min > options.balance_max) {
        snprintf(error, error_bytes, "balance_min=%" PRIu64 " is above balance_max=%" PRIu64, options.balance_min,
                 options.balance_max);
        return TARGET_INVALID;
    }
    struct workload *workload =
        micro_create(&traits, ops, seed, workers, options.accounts, sizeof(struct holding), sizeof(struct ledger));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    workload->options.mix = NULL; /* it lasts for this call only */
    memcpy(workload->mix, mix, sizeof mix);
    workload->hot = (uint64_t)((double)options.accounts * options.hot_fraction);
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    uint64_t rows = workload->options.accounts;
    bool by_name = workload->options.lookup == LOOKUP_NAME;
    const struct target_index_config number = {
        .kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t), .expected_rows = rows};
    struct target_index_config account = number;
    if (by_name)
        account.key_bytes = NAME_BYTES;
    const struct schema_table tables[TABLE_COUNT] = {
        {"accounts", {.payload_max_bytes = sizeof(struct account), .expected_rows = rows}},
        {"savings", {.payload_max_bytes = sizeof(struct holding), .expected_rows = rows}},
        {"checking", {.payload_max_bytes = sizeof(struct holding), .expected_rows = rows}},
    };
    const struct schema_index indexes[TABLE_COUNT] = {
        {"accounts_key", ACCOUNTS, account},
        {"savings_key", SAVINGS, number},
        {"checking_key", CHECKING, number},
    };
    const struct schema schema = {"smallbank", tables, indexes, TABLE_COUNT, TABLE_COUNT};
    return micro_create_all(workload, target, &schema, error, error_bytes);
}

/* ---- Requests. ---- */

/* All customers of a transaction are hot, or none is. A group that is too small for two gives way to all customers. */
static void draw_customers(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    unsigned count = customers_of[w->type];
    uint64_t first = 0, last = workload->options.accounts;
    if (rng_unit(&w->base.rng) < workload->options.hot_ratio)
        last = workload->hot;
    else
        first = workload->hot;
    if (last - first < count) {
        first = 0;
        last = workload->options.accounts;
    }
    micro_draw_distinct(&w->base.rng, last - first, w->customers, count);
    if (count == 2 && rng_next(&w->base.rng) >> 63) { /* the drawing order is not symmetric */
        uint64_t other = w->customers[0];
        w->customers[0] = w->customers[1];
        w->customers[1] = other;
    }
    for (unsigned i = 0; i < count; i++) {
        w->customers[i] += first;
        if (workload->options.lookup == LOOKUP_NAME)
            name_of(w->customers[i], w->names[i]);
    }
}

static unsigned next(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    w->type = (enum smallbank_txn)mix_draw(workload->mix, &w->base.rng);
    draw_customers(w);
    w->amount = 1 + (int64_t)rng_below(&w->base.rng, workload->options.amount_max);
    if (w->type == SMALLBANK_transact_savings && rng_next(&w->base.rng) >> 63)
        w->amount = -w->amount;
    return w->type;
}

/* ---- Transactions. ---- */

/* The i-th customer's number, as ACCOUNTS has it. */
static enum target_status look_up(struct workload_worker *w, struct target_txn *txn, unsigned i, uint64_t *number)
{
    const struct workload *workload = w->base.workload;
    bool by_name = workload->options.lookup == LOOKUP_NAME;
    const void *data;
    w->operations++;
    enum target_status status =
        workload->micro.ops->read(txn, workload->micro.indexes[ACCOUNTS],
                                  by_name ? (const void *)w->names[i] : (const void *)&w->customers[i], &data, NULL);
    if (status == TARGET_OK)
        *number = ((const struct account *)data)->number;
    return status;
}

static enum target_status read_holding(struct workload_worker *w, struct target_txn *txn, unsigned table,
                                       uint64_t number, int64_t *balance)
{
    const struct workload *workload = w->base.workload;
    const void *data;
    w->operations++;
    enum target_status status = workload->micro.ops->read(txn, workload->micro.indexes[table], &number, &data, NULL);
    if (status != TARGET_OK)
        return status;
    *balance = ((const struct holding *)data)->balance;
    if (UNLIKELY(table == SAVINGS && *balance < 0))
        w->overdrawn = *balance;
    return TARGET_OK;
}

static enum target_status open_holding(struct workload_worker *w, struct target_txn *txn, unsigned table,
                                       uint64_t number, struct holding **holding)
{
    const struct workload *workload = w->base.workload;
    void *data;
    w->operations++;
    enum target_status status =
        workload->micro.ops->update(txn, workload->micro.indexes[table], &number, 0, NULL, &data);
    if (status != TARGET_OK)
        return status;
    *holding = data;
    if (UNLIKELY(table == SAVINGS && (*holding)->balance < 0))
        w->overdrawn = (*holding)->balance;
    return TARGET_OK;
}

/* S3: of SAVINGS and CHECKING no two rows have one weight. */
static uint64_t weight_of(unsigned table, uint64_t number)
{
    return micro_weight(2 * number + (table == CHECKING));
}

/* Changes the balance of the row of `number`, which need not be what the row says: the check would see it. */
static void change(struct workload_worker *w, unsigned table, uint64_t number, struct holding *holding, int64_t by)
{
    uint64_t weight = weight_of(table, number);
    holding->balance += by;
    holding->changes++;
    w->ledger.money += by;
    w->ledger.balance_print += weight * (uint64_t)by;
    w->ledger.change_print += weight;
}

static enum target_status run_balance(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t number;
    int64_t savings, checking;
    enum target_status status = look_up(w, txn, 0, &number);
    if (status == TARGET_OK)
        status = read_holding(w, txn, SAVINGS, number, &savings);
    if (status == TARGET_OK)
        status = read_holding(w, txn, CHECKING, number, &checking);
    return status;
}

static enum target_status run_deposit_checking(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t number;
    struct holding *checking;
    enum target_status status = look_up(w, txn, 0, &number);
    if (status == TARGET_OK)
        status = open_holding(w, txn, CHECKING, number, &checking);
    if (status == TARGET_OK)
        change(w, CHECKING, number, checking, w->amount);
    return status;
}

static enum target_status run_transact_savings(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t number;
    struct holding *savings;
    enum target_status status = look_up(w, txn, 0, &number);
    if (status == TARGET_OK)
        status = open_holding(w, txn, SAVINGS, number, &savings);
    if (status != TARGET_OK)
        return status;
    if (savings->balance + w->amount < 0)
        return TARGET_ROLLED_BACK;
    change(w, SAVINGS, number, savings, w->amount);
    return TARGET_OK;
}

static enum target_status run_amalgamate(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t from, to;
    struct holding *savings, *checking, *payee;
    enum target_status status = look_up(w, txn, 0, &from);
    if (status == TARGET_OK)
        status = look_up(w, txn, 1, &to);
    if (status == TARGET_OK)
        status = open_holding(w, txn, SAVINGS, from, &savings);
    if (status == TARGET_OK)
        status = open_holding(w, txn, CHECKING, from, &checking);
    if (status == TARGET_OK)
        status = open_holding(w, txn, CHECKING, to, &payee);
    if (status != TARGET_OK)
        return status;
    int64_t sum = savings->balance + checking->balance;
    change(w, SAVINGS, from, savings, -savings->balance);
    change(w, CHECKING, from, checking, -checking->balance);
    change(w, CHECKING, to, payee, sum);
    return TARGET_OK;
}

static enum target_status run_write_check(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t number;
    int64_t savings;
    struct holding *checking;
    enum target_status status = look_up(w, txn, 0, &number);
    if (status == TARGET_OK)
        status = read_holding(w, txn, SAVINGS, number, &savings);
    if (status == TARGET_OK)
        status = open_holding(w, txn, CHECKING, number, &checking);
    if (status != TARGET_OK)
        return status;
    bool covered = savings + checking->balance >= w->amount;
    change(w, CHECKING, number, checking, -w->amount - (covered ? 0 : PENALTY));
    return TARGET_OK;
}

static enum target_status run_send_payment(struct workload_worker *w, struct target_txn *txn)
{
    uint64_t from, to;
    struct holding *payer, *payee;
    enum target_status status = look_up(w, txn, 0, &from);
    if (status == TARGET_OK)
        status = look_up(w, txn, 1, &to);
    if (status == TARGET_OK)
        status = open_holding(w, txn, CHECKING, from, &payer);
    if (status != TARGET_OK)
        return status;
    if (payer->balance < w->amount)
        return TARGET_ROLLED_BACK;
    status = open_holding(w, txn, CHECKING, to, &payee);
    if (status != TARGET_OK)
        return status;
    change(w, CHECKING, from, payer, -w->amount);
    change(w, CHECKING, to, payee, w->amount);
    return TARGET_OK;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    static micro_txn_fn *const runs[] = {
#define TXN_RUN(name, customers) run_##name,
        SMALLBANK_TXNS(TXN_RUN)
#undef TXN_RUN
    };
    bool snapshot = w->type == SMALLBANK_balance && w->base.workload->options.snapshot_reads;
    w->operations = 0;
    w->ledger = (struct ledger){0};
    w->overdrawn = 0;
    enum target_status status = micro_run(w, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, runs[w->type]);
    if (status != TARGET_OK)
        return status;
    struct ledger *ledger = w->base.tally;
    ledger->money += w->ledger.money;
    ledger->balance_print += w->ledger.balance_print;
    ledger->change_print += w->ledger.change_print;
    if (UNLIKELY(w->overdrawn))
        micro_find(w, "a %s saw savings of %" PRId64 ", expected 0 or more", txn_types[w->type], w->overdrawn);
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return w->operations;
}

/* ---- Check. ---- */

struct check {
    const struct workload *workload;
    unsigned table;
    bool racy;
    struct ledger found; /* what the rows have become since the load */
    int64_t total;
    char *report;
    size_t report_bytes;
};

static bool check_row(void *arg, uint64_t number, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct holding *holding = data;
    const char *table = check->table == SAVINGS ? "savings" : "checking";
    if (!holding || bytes != sizeof *holding || holding->number != number) { /* S1 */
        snprintf(check->report, check->report_bytes, "%s of customer %" PRIu64 ": %s", table, number,
                 holding ? "another row" : "no row");
        return false;
    }
    if (check->table == SAVINGS && holding->balance < 0 && !check->racy) { /* S4 */
        snprintf(check->report, check->report_bytes, "savings of customer %" PRIu64 ": %" PRId64 ", expected 0 or more",
                 number, holding->balance);
        return false;
    }
    int64_t by = holding->balance - loaded_balance(check->workload, check->table, number);
    uint64_t weight = weight_of(check->table, number);
    check->total += holding->balance;
    check->found.money += by;
    check->found.balance_print += weight * (uint64_t)by;
    check->found.change_print += weight * holding->changes;
    return true;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {
        .workload = workload, .racy = micro_is_racy(workload), .report = report, .report_bytes = report_bytes};
    struct bulk bulk = {.ops = workload->micro.ops, .worker = worker, .arg = &check, .visit = check_row};
    struct ledger owed = {0};
    for (check.table = SAVINGS; check.table <= CHECKING; check.table++) {
        bulk.index = workload->micro.indexes[check.table];
        enum target_status status = bulk_walk(&bulk, 0, workload->options.accounts);
        if (status != TARGET_OK)
            return status;
    }
    if (micro_findings(workload, report, report_bytes) != TARGET_OK)
        return TARGET_CORRUPT;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct ledger *ledger = micro_tally(workload, i);
        owed.money += ledger->money;
        owed.balance_print += ledger->balance_print;
        owed.change_print += ledger->change_print;
    }
    bool money = check.found.money == owed.money, right = money && memcmp(&check.found, &owed, sizeof owed) == 0;
    snprintf(report, report_bytes, "%" PRIu64 " customers, total %" PRId64 ", expected %" PRId64 "%s",
             workload->options.accounts, check.total, check.total - check.found.money + owed.money,
             check.racy ? " (not transactional: not owed)"
             : right    ? ": every committed change, in its row"
             : money    ? ", but a change is missing, doubled, or in another row than the ledgers say"
                        : "");
    return right || check.racy ? TARGET_OK : TARGET_CORRUPT;
}

/* ---- Sizes. ---- */

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    bool by_name = workload->options.lookup == LOOKUP_NAME;
    *rows = TABLE_COUNT * workload->options.accounts;
    *bytes = workload->options.accounts * (sizeof(struct account) + (by_name ? NAME_BYTES : sizeof(uint64_t)) +
                                           2 * (sizeof(struct holding) + sizeof(uint64_t)));
}

const struct workload_ops smallbank_workload_ops = {
    .name = "smallbank",
    .help = "SmallBank: three tables, six short transactions of a bank, hot customers",
    .options = option_table,
    .txn_types = txn_types,
    .presets = preset_names,
    .preset = preset,
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
    .data_size = data_size,
    .space = micro_space,
};
