/*
 * nodes.c - the indexes of the schemes (schemes/base) below a scheme of the simplest kind, under random schedules.
 *
 * Each worker runs a few transactions of lookups, scans, inserts and removals. A row is absent, present or deleted. An
 * insert puts an absent row into the index at once. A transaction that meets a row that is not present, and not its
 * own, aborts. It notes the nodes of its misses and scans and follows its own changes (tests/support/notes.h). At its
 * commit, which is one step, all notes must be unchanged and all rows that it has seen present. Then its rows change,
 * and the entries of deleted rows leave the index. Afterwards the committed transactions are run again in the order of
 * their commits, on an array: each must have seen what the array says. So each key that comes or goes unseen shows.
 *
 * MAE_SECONDS / 6 of CPU (30: 5 seconds). How to read a failure: the trace has each worker's race points and calls;
 * MAE_SEED, which the failure tells, repeats it at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemes/base/index.h"
#include "tests/support/notes.h"
#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"
#include "workloads/rng.h"

SCHEDULER_INTERPOSE

enum {
    WORKERS = 3,
    TXNS = 4, /* a worker */
    OPS = 5,  /* a transaction, at most */
    KEYS = 120,
    KEY_BYTES = 64, /* few to a leaf */
    HOT_KEYS = 20,  /* where most of a schedule happens, so that leaves there become full and empty */
    ROWS = 4096,
    LOG_MAX = WORKERS * TXNS,
    FAIL_BYTES = 200,
};

enum row_state { ROW_ABSENT, ROW_PRESENT, ROW_DELETED };
enum op_kind { OP_FIND, OP_SCAN, OP_INSERT, OP_REMOVE };

struct op {
    enum op_kind kind;
    unsigned lo, hi;
    bool backward;
    bool seen[KEYS]; /* what of [lo, hi] was there before */
};

struct txn {
    unsigned worker, op_count, read_count;
    struct op ops[OPS];
    uint64_t reads[OPS * KEYS]; /* rows that must be present at the commit */
    uint64_t inserted[OPS], removed[OPS];
    unsigned inserted_count, removed_count;
    bool doomed;
    struct notes notes;
    struct op *scan; /* running */
};

struct row {
    enum row_state state;
    const struct txn *owner; /* of an absent one */
    unsigned key;
};

static struct {
    struct index index;
    bool ordered, non_unique;
    struct row rows[ROWS];
    uint64_t row_count;
    bool initial[KEYS];
    struct txn txns[LOG_MAX], *log[LOG_MAX]; /* log: in the order of their commits */
    unsigned begun, committed, hot;
    struct rng rngs[WORKERS];
    char failure[FAIL_BYTES];
} test;

static void encode(char *key, unsigned number)
{
    memset(key, 'k', KEY_BYTES);
    key[KEY_BYTES - 1] = (char)number;
}

/* ---- What a transaction does. ---- */

static bool is_removed(const struct txn *txn, uint64_t ref)
{
    for (unsigned i = 0; i < txn->removed_count; i++)
        if (txn->removed[i] == ref)
            return true;
    return false;
}

/* Sees an entry of the index. True: its row is there for the transaction. */
static bool see(struct txn *txn, uint64_t ref)
{
    const struct row *row = &test.rows[ref];
    if (row->owner == txn)
        return true;
    if (row->state != ROW_PRESENT)
        txn->doomed = true;
    txn->reads[txn->read_count++] = ref;
    return row->state == ROW_PRESENT && !is_removed(txn, ref);
}

static bool visit(void *arg, const void *key, uint64_t ref)
{
    struct txn *txn = arg;
    unsigned number = ((const unsigned char *)key)[KEY_BYTES - 1];
    if (number < txn->scan->lo || number > txn->scan->hi || test.rows[ref].key != number)
        snprintf(test.failure, sizeof test.failure, "a scan met key %u with the row of key %u", number,
                 test.rows[ref].key);
    else if (see(txn, ref))
        txn->scan->seen[number] = true;
    return !txn->doomed;
}

static bool note_leaf(void *arg, struct node_seen seen)
{
    notes_add(&((struct txn *)arg)->notes, seen);
    return true;
}

static void scan(struct txn *txn, struct op *op)
{
    char lo[KEY_BYTES], hi[KEY_BYTES];
    encode(lo, op->lo);
    encode(hi, op->hi);
    txn->scan = op;
    tree_scan(&test.index.tree, lo, hi, op->backward ? TREE_BACKWARD : 0, visit, note_leaf, txn);
}

/* The row of a key, ROWS if there is none. */
static uint64_t find(struct txn *txn, struct op *op)
{
    char key[KEY_BYTES];
    uint64_t ref;
    struct node_seen seen;
    encode(key, op->lo);
    if (!index_find(&test.index, key, &ref, &seen)) {
        notes_add(&txn->notes, seen);
        return ROWS;
    }
    op->seen[op->lo] = see(txn, ref);
    return op->seen[op->lo] ? ref : ROWS;
}

static void insert(struct txn *txn, struct op *op)
{
    char key[KEY_BYTES];
    uint64_t there, ref = test.row_count++;
    struct node_changes changes;
    encode(key, op->lo);
    test.rows[ref] = (struct row){.state = ROW_ABSENT, .owner = txn, .key = op->lo};
    enum mae_status status = index_insert(&test.index, key, ref, &there, &changes);
    scheduler_note("insert", op->lo, ref, (int)status);
    notes_follow(&txn->notes, &changes);
    if (status == MAE_OK)
        txn->inserted[txn->inserted_count++] = ref;
    else if (see(txn, there))
        op->seen[op->lo] = true;
    else
        txn->doomed = true; /* own removal, whose entry is there still */
}

static void run_op(struct txn *txn, struct op *op)
{
    uint64_t ref;
    switch (op->kind) {
    case OP_FIND:
        find(txn, op);
        break;
    case OP_SCAN:
        scan(txn, op);
        break;
    case OP_INSERT:
        insert(txn, op);
        break;
    case OP_REMOVE:
        ref = find(txn, op);
        if (ref == ROWS)
            break;
        txn->doomed |= test.rows[ref].owner == txn; /* left out, for simplicity */
        txn->removed[txn->removed_count++] = ref;
        break;
    }
}

static void take_out(const uint64_t *refs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char key[KEY_BYTES];
        struct node_changes changes;
        encode(key, test.rows[refs[i]].key);
        enum mae_status status = index_remove(&test.index, key, refs[i], &changes);
        scheduler_note("remove", test.rows[refs[i]].key, refs[i], (int)status);
        if (status != MAE_OK)
            snprintf(test.failure, sizeof test.failure, "the entry of row %" PRIu64 " is gone", refs[i]);
    }
}

/* One step: no race point between its beginning and the change of the rows. */
static void commit(struct txn *txn)
{
    bool good = !txn->doomed && notes_valid(&txn->notes);
    for (unsigned i = 0; i < txn->read_count; i++)
        good &= test.rows[txn->reads[i]].state == ROW_PRESENT;
    scheduler_note("commit", txn->worker, (uint64_t)(txn - test.txns), good);
    for (unsigned i = 0; i < txn->inserted_count; i++)
        test.rows[txn->inserted[i]] =
            (struct row){.state = good ? ROW_PRESENT : ROW_DELETED, .key = test.rows[txn->inserted[i]].key};
    if (!good) {
        take_out(txn->inserted, txn->inserted_count);
        return;
    }
    for (unsigned i = 0; i < txn->removed_count; i++)
        test.rows[txn->removed[i]].state = ROW_DELETED;
    test.log[test.committed++] = txn;
    take_out(txn->removed, txn->removed_count);
}

/* ---- Drawing transactions. ---- */

static void draw(struct txn *txn, struct rng *rng)
{
    txn->op_count = 1 + (unsigned)rng_below(rng, OPS);
    for (unsigned i = 0; i < txn->op_count; i++) {
        struct op *op = &txn->ops[i];
        memset(op, 0, sizeof *op);
        op->kind = (enum op_kind)rng_below(rng, 4);
        if (op->kind == OP_SCAN && !test.ordered)
            op->kind = OP_FIND;
        if (op->kind != OP_SCAN && test.non_unique) /* lookups there are scans */
            op->kind = rng_below(rng, 2) ? OP_SCAN : OP_INSERT;
        op->lo = (unsigned)rng_below(rng, rng_below(rng, 4) ? HOT_KEYS : KEYS);
        op->lo = op->hi = (op->lo + test.hot) % KEYS;
        if (op->kind == OP_SCAN)
            op->hi += (unsigned)rng_below(rng, KEYS - op->lo) / (1 + (unsigned)rng_below(rng, 4));
        op->backward = rng_below(rng, 2);
    }
}

static void work(void *arg, unsigned worker)
{
    (void)arg;
    for (unsigned i = 0; i < TXNS; i++) {
        struct txn *txn = &test.txns[test.begun++];
        txn->worker = worker;
        txn->read_count = txn->inserted_count = txn->removed_count = txn->notes.count = 0;
        txn->doomed = txn->notes.lost = false;
        draw(txn, &test.rngs[worker]);
        for (unsigned k = 0; k < txn->op_count && !txn->doomed; k++) {
            scheduler_note("op", txn->ops[k].lo, txn->ops[k].hi, (int)txn->ops[k].kind);
            run_op(txn, &txn->ops[k]);
        }
        commit(txn);
    }
}

/* ---- The judge. ---- */

static bool replay(void)
{
    bool present[KEYS];
    memcpy(present, test.initial, sizeof present);
    for (unsigned i = 0; i < test.committed && !*test.failure; i++) {
        const struct txn *txn = test.log[i];
        for (unsigned k = 0; k < txn->op_count; k++) {
            const struct op *op = &txn->ops[k];
            bool looks = op->kind != OP_INSERT || !test.non_unique; /* else one key may have several rows */
            for (unsigned key = op->lo; key <= op->hi && looks; key++)
                if (op->seen[key] != present[key])
                    snprintf(test.failure, sizeof test.failure,
                             "transaction %d, the %u. to commit: its operation %u saw key %u %s",
                             (int)(txn - test.txns), i + 1, k, key,
                             op->seen[key] ? "that is not there" : "not, but it is there");
            if (op->kind == OP_INSERT || op->kind == OP_REMOVE)
                present[op->lo] = op->kind == OP_INSERT;
        }
    }
    return !*test.failure;
}

static bool count_entry(void *arg, const void *key, uint64_t ref)
{
    (void)key;
    *(uint64_t *)arg += test.rows[ref].state == ROW_PRESENT ? 1 : ROWS;
    return true;
}

static void verify(void)
{
    uint64_t entries = 0, expected = 0, nodes;
    char report[FAIL_BYTES] = "a bucket is locked or has a key that is not its own";
    for (uint64_t i = 0; i < test.row_count; i++)
        expected += test.rows[i].state == ROW_PRESENT;
    bool good = test.ordered ? tree_verify(&test.index.tree, &entries, &nodes, report, sizeof report) == MAE_OK
                             : hash_walk(&test.index.hash, count_entry, &entries);
    if (!good)
        snprintf(test.failure, sizeof test.failure, "%.*s", FAIL_BYTES - 1, report);
    else if (entries != expected)
        snprintf(test.failure, sizeof test.failure, "%" PRIu64 " entries in the index, %" PRIu64 " rows", entries,
                 expected);
}

/* ---- Rounds. ---- */

static void change_key(unsigned number, bool insert)
{
    char key[KEY_BYTES];
    uint64_t there;
    struct node_changes changes;
    encode(key, number);
    if ((insert ? index_insert(&test.index, key, number, &there, &changes)
                : index_remove(&test.index, key, number, &changes)) != MAE_OK)
        abort();
}

/* Half of the keys, in leaves that are full, or a few that were left of all, in leaves that are nearly empty. */
static void load(struct rng *rng)
{
    bool sparse = rng_below(rng, 2);
    test.row_count = KEYS;
    for (unsigned number = 0; number < KEYS; number++) {
        test.initial[number] = rng_below(rng, 16) < (sparse ? 1 : 8);
        test.rows[number] = (struct row){.state = test.initial[number] ? ROW_PRESENT : ROW_DELETED, .key = number};
        if (sparse || test.initial[number])
            change_key(number, true);
    }
    for (unsigned number = 0; number < KEYS && sparse; number++)
        if (!test.initial[number])
            change_key(number, false);
}

static uint64_t committed; /* transactions, in all rounds */

/* One schedule; false: a failure, with its trace. */
static bool round_run(uint64_t seed)
{
    struct rng rng;
    struct mem_budget budget;
    rng_init(&rng, seed, 0);
    scheduler_open(seed);
    mem_budget_init(&budget, UINT64_C(1) << 30, MEM_HUGE_OFF);
    test.ordered = rng_below(&rng, 3) > 0;
    test.non_unique = test.ordered && rng_below(&rng, 3) == 0;
    const struct index_config config = {.ordered = test.ordered, .non_unique = test.non_unique, .key_bytes = KEY_BYTES};
    if (index_init(&test.index, &budget, &config) != MAE_OK)
        abort();
    load(&rng);
    test.begun = test.committed = 0;
    test.hot = (unsigned)rng_below(&rng, KEYS);
    *test.failure = '\0';
    for (unsigned w = 0; w < WORKERS; w++)
        rng_init(&test.rngs[w], seed, 100 + w);
    const struct scheduler_plan plan = {.policy = rng_below(&rng, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT,
                                        .depth = 1 + (unsigned)rng_below(&rng, 5),
                                        .seed = seed};
    if (!scheduler_run(&plan, WORKERS, work, NULL))
        snprintf(test.failure, sizeof test.failure, "the schedule does not end");
    else if (replay())
        verify();
    if (*test.failure)
        rounds_failed(test.failure);
    committed += test.committed;
    scheduler_close();
    index_fini(&test.index);
    return !*test.failure;
}

int main(void)
{
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    uint64_t schedules = rounds_run(round_run);
    if (!schedules)
        return 1;
    printf("%" PRIu64 " schedules, %" PRIu64 " of %" PRIu64 " transactions committed\n", schedules, committed,
           schedules * LOG_MAX);
    return committed * 10 < schedules * LOG_MAX; /* else nothing was tried */
}
