/* anomaly_scripts.c - see anomaly_scripts.h. */
#include "tests/support/anomaly_scripts.h"

#include <string.h>

const struct anomaly_script anomaly_scripts[] = {
    {.name = "G0 dirty write", .ops = {"wx wy", "wx wy"}, .order = "12121122"},
    {.name = "G0 dirty write, blind", .ops = {"bx by", "bx by"}, .order = "12121122"},
    {.name = "G1a aborted read", .ops = {"wx", "rx rx"}, .order = "12122", .aborts = {true}},
    {.name = "G1b intermediate read", .ops = {"wx wx", "rx rx"}, .order = "121122"},
    {.name = "G1c circular information flow", .ops = {"wx ry", "wy rx"}, .order = "121212"},
    {.name = "OTV observed transaction vanishes", .ops = {"wx wy", "wx wy", "rx ry rx ry"}, .order = "1121232333323"},
    {.name = "OTV, before the second one commits", .ops = {"wx wy", "wx wy", "rx ry"}, .order = "111233223"},
    {.name = "PMP predicate many preceders", .ops = {"s* s*", "iz"}, .order = "12211", .ordered = true},
    {.name = "PMP with writes", .ops = {"wx wy", "s* dy"}, .order = "122112", .ordered = true},
    {.name = "P4 lost update", .ops = {"rx wx", "rx wx"}, .order = "12121212"},
    {.name = "P4 lost update, of what was committed", .ops = {"rx wx", "rx wx"}, .order = "121122"},
    {.name = "G-single read skew", .ops = {"rx ry", "rx ry wx wy"}, .order = "12222211"},
    {.name = "G-single with a predicate", .ops = {"s* s*", "wx"}, .order = "12211", .ordered = true},
    {.name = "G-single with a write", .ops = {"rx dy", "rx ry wx wy"}, .order = "12222211"},
    {.name = "G2-item write skew", .ops = {"rx ry wx", "rx ry wy"}, .order = "11221212"},
    {.name = "G2 anti-dependency", .ops = {"s* iz", "s* dx"}, .order = "121212", .ordered = true},
    {.name = "G2 two edges", .ops = {"s* rx", "wx", "s* rx"}, .order = "1223331", .ordered = true},
    {.name = "write skew over three", .ops = {"rx wy", "ry wz", "rz wx"}, .order = "123123123"},
    {.name = "read-only transaction anomaly", .ops = {"rx ry wx", "wy", "rx ry"}, .order = "112233311"},
    {.name = "read-only anomaly, snapshot",
     .ops = {"rx ry wx", "wy", "rx ry"},
     .order = "112233311",
     .snapshot = {0, 0, 1}},
    {.name = "miss and insert", .ops = {"rz wx", "iz rx"}, .order = "121212"},
    {.name = "double insert", .ops = {"iz", "iz"}, .order = "1212"},
    {.name = "delete and blind write", .ops = {"dx", "bx"}, .order = "1212"},
    {.name = "delete, insert, read", .ops = {"dx", "ix", "rx rx"}, .order = "31312323"},
    {.name = NULL},
};

const struct anomaly_script anomaly_entry_scripts[] = {
    {.name = "hit, and the entry goes", .ops = {"vx wy", "ry ux"}, .order = "12121212"},
    {.name = "hit, and the entry moves", .ops = {"vy wx", "rx my"}, .order = "12121212"},
    {.name = "hit twice, and the entry goes", .ops = {"vx vx", "ux"}, .order = "12211"},
    {.name = "hit on an own blind write, and the entry moves", .ops = {"by vy wx", "rx my"}, .order = "112211222"},
    {.name = "miss, and the entry comes", .ops = {"vz wy", "ry my"}, .order = "12121212"},
    {.name = "entries that swap", .ops = {"vx vz", "ux", "my"}, .order = "1223311"},
    {.name = "entry taken back", .ops = {"uy", "vy vy"}, .order = "121212", .aborts = {true}},
    {.name = "entry added and taken back", .ops = {"my", "vz vz"}, .order = "121212", .aborts = {true}},
    {.name = "entry added twice", .ops = {"ux ax", "ux ax"}, .order = "12121212"},
    {.name = "row and entry go", .ops = {"vx ry", "Dx wy"}, .order = "1222211"},
    {.name = "write, and the entry goes", .ops = {"vx wx", "ux ry"}, .order = "12121212"},
    {.name = NULL},
};

unsigned anomaly_ops_of(const char *text, char ops[ANOMALY_OPS_MAX][3])
{
    unsigned count = 0;
    for (const char *at = text; *at && count < ANOMALY_OPS_MAX; at += at[2] ? 3 : 2) {
        memcpy(ops[count], at, 2);
        ops[count++][2] = '\0';
    }
    return count;
}

struct scan {
    const struct anomaly_stage *stage;
    struct target_txn *txn;
    enum target_status status;
};

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    const void *data;
    (void)key;
    scan->status = scan->stage->ops->row_read(scan->txn, scan->stage->table, ref, &data, NULL);
    return scan->status == TARGET_OK;
}

static enum target_status scan_all(const struct anomaly_stage *stage, struct target_txn *txn)
{
    struct scan scan = {stage, txn, TARGET_OK};
    enum target_status status = stage->ops->scan(txn, stage->index, NULL, NULL, 0, 0, scan_visit, &scan);
    return status == TARGET_OK ? scan.status : status;
}

static enum target_status add_entry(const struct anomaly_stage *stage, struct target_txn *txn, uint64_t key)
{
    uint64_t ref;
    enum target_status status = stage->ops->find(txn, stage->index, &key, &ref);
    return status == TARGET_OK ? stage->ops->index_insert(txn, stage->second, &key, ref) : status;
}

/* Takes the entry out, if it leads to `only` (UINT64_MAX: to any row), and then has `ref`. */
static enum target_status take_entry(const struct anomaly_stage *stage, struct target_txn *txn, uint64_t key,
                                     uint64_t only, uint64_t *ref)
{
    enum target_status status = stage->ops->find(txn, stage->second, &key, ref);
    if (status != TARGET_OK || (only != UINT64_MAX && *ref != only))
        return status;
    return stage->ops->index_remove(txn, stage->second, &key, *ref);
}

static enum target_status move_entry(const struct anomaly_stage *stage, struct target_txn *txn, uint64_t key)
{
    uint64_t ref, to = (key + 1) % ANOMALY_KEYS, there;
    enum target_status status = stage->ops->find(txn, stage->second, &to, &there);
    if (status != TARGET_NOT_FOUND)
        return status == TARGET_OK ? TARGET_EXISTS : status;
    status = take_entry(stage, txn, key, UINT64_MAX, &ref);
    return status == TARGET_OK ? stage->ops->index_insert(txn, stage->second, &to, ref) : status;
}

static enum target_status delete_with_entries(const struct anomaly_stage *stage, struct target_txn *txn, uint64_t key)
{
    uint64_t ref, other;
    enum target_status status = stage->ops->find(txn, stage->index, &key, &ref);
    if (status != TARGET_OK)
        return status;
    for (uint64_t i = 0; i < ANOMALY_KEYS; i++) {
        status = take_entry(stage, txn, i, ref, &other);
        if (status != TARGET_OK && status != TARGET_NOT_FOUND)
            return status;
    }
    return stage->ops->erase(txn, stage->index, &key);
}

enum target_status anomaly_run_op(const struct anomaly_stage *stage, struct target_txn *txn, const char *op)
{
    const struct target_ops *ops = stage->ops;
    uint64_t key = op[1] == 'w' ? ANOMALY_KEYS : (uint64_t)(op[1] - 'x'), ref;
    const void *data;
    void *fresh;
    switch (op[0]) {
    case 'r':
        return ops->read(txn, stage->index, &key, &data, NULL);
    case 'w':
        return ops->update(txn, stage->index, &key, 8, NULL, &fresh);
    case 'b':
        return ops->overwrite(txn, stage->index, &key, 8, &fresh);
    case 'd':
        return ops->erase(txn, stage->index, &key);
    case 'i':
        return ops->insert(txn, stage->index, &key, 8, NULL, &fresh);
    case 'a':
        return add_entry(stage, txn, key);
    case 'u':
        return take_entry(stage, txn, key, UINT64_MAX, &ref);
    case 'm':
        return move_entry(stage, txn, key);
    case 'v':
        return ops->read(txn, stage->second, &key, &data, NULL);
    case 'D':
        return delete_with_entries(stage, txn, key);
    default:
        return scan_all(stage, txn);
    }
}
