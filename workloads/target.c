/* target.c - names and texts of what target.h lists. */
#include "workloads/target.h"

#include <stdio.h>
#include <string.h>

enum kind { DONE, USE, DOOMED, REFUSED };

static const struct {
    const char *name, *text;
    enum kind kind;
} table[] = {
#define STATUS_ROW(name, kind, text) {#name, text, kind},
    TARGET_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *target_status_name(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY  ? table[status].name
           : target_status_is_retry(status) ? "TARGET_RETRY"
           : status == TARGET_FAILED        ? "TARGET_FAILED"
                                            : "TARGET_?";
}

const char *target_status_text(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY  ? table[status].text
           : target_status_is_retry(status) ? "aborted: run again it may succeed"
           : status == TARGET_FAILED        ? "the target cannot go on"
                                            : "unknown status";
}

bool target_status_is_abort(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY ? table[status].kind == DOOMED
                                           : target_status_is_retry(status) || status == TARGET_FAILED;
}

#define TEXT(name, text) text,
const char *target_isolation_text(enum target_isolation isolation)
{
    static const char *const texts[] = {TARGET_ISOLATION_TABLE(TEXT)};
    return texts[isolation];
}

const char *target_durability_text(enum target_durability durability)
{
    static const char *const texts[] = {TARGET_DURABILITY_TABLE(TEXT)};
    return texts[durability];
}

const char *target_rows_text(enum target_rows rows)
{
    static const char *const texts[] = {TARGET_ROWS_TABLE(TEXT)};
    return texts[rows];
}

const char *target_order_text(enum target_order order)
{
    static const char *const texts[] = {TARGET_ORDER_TABLE(TEXT)};
    return texts[order];
}
#undef TEXT

void target_function_run(enum target_function function, void *integer, size_t bytes, int64_t operand)
{
    int32_t narrow = 0;
    int64_t wide = 0;
    if (bytes == sizeof narrow) {
        memcpy(&narrow, integer, sizeof narrow);
        wide = narrow;
    } else {
        memcpy(&wide, integer, sizeof wide);
    }
    if (function == TARGET_ADD)
        wide = (int64_t)((uint64_t)wide + (uint64_t)operand);
    else if (operand > wide)
        wide = operand;
    narrow = (int32_t)(uint32_t)wide;
    if (bytes == sizeof narrow)
        memcpy(integer, &narrow, sizeof narrow);
    else
        memcpy(integer, &wide, sizeof wide);
}

enum target_status target_apply(const struct target_ops *ops, struct target_txn *txn, struct target_index *index,
                                const void *key, enum target_function function, size_t offset, size_t bytes,
                                int64_t operand)
{
    if (ops->apply != NULL)
        return ops->apply(txn, index, key, function, offset, bytes, operand);
    void *data;
    enum target_status status = ops->update(txn, index, key, 0, NULL, &data);
    if (status == TARGET_OK)
        target_function_run(function, (char *)data + offset, bytes, operand);
    return status;
}

enum target_status target_needs_table_scan(const struct target_ops *ops, char *error, size_t error_bytes)
{
    if (ops->table_scan != NULL)
        return TARGET_OK;
    snprintf(error, error_bytes, "it reads whole tables, which target %s cannot", ops->name);
    return TARGET_UNSUPPORTED;
}
