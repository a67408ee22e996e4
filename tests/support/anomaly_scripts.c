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
    {.name = "PMP predicate many preceders", .ops = {"s* s*", "iz"}, .order = "12211", .ordered = true},
    {.name = "PMP with writes", .ops = {"wx wy", "s* dy"}, .order = "122112", .ordered = true},
    {.name = "P4 lost update", .ops = {"rx wx", "rx wx"}, .order = "12121212"},
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
    const struct target_ops *ops;
    struct target_txn *txn;
    struct target_table *table;
    enum target_status status;
};

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    const void *data;
    (void)key;
    scan->status = scan->ops->row_read(scan->txn, scan->table, ref, &data, NULL);
    return scan->status == TARGET_OK;
}

enum target_status anomaly_run_op(const struct target_ops *ops, struct target_txn *txn, struct target_table *table,
                                  struct target_index *index, const char *op)
{
    uint64_t key = (uint64_t)(op[1] - 'x');
    const void *data;
    void *fresh;
    struct scan scan = {ops, txn, table, TARGET_OK};
    enum target_status status;
    switch (op[0]) {
    case 'r':
        return ops->read(txn, index, &key, &data, NULL);
    case 'w':
        return ops->update(txn, index, &key, 8, NULL, &fresh);
    case 'b':
        return ops->overwrite(txn, index, &key, 8, &fresh);
    case 'd':
        return ops->erase(txn, index, &key);
    case 'i':
        return ops->insert(txn, index, &key, 8, NULL, &fresh);
    default:
        status = ops->scan(txn, index, NULL, NULL, 0, 0, scan_visit, &scan);
        return status == TARGET_OK ? scan.status : status;
    }
}
