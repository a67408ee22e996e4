/* registry.c - all workloads, see workload.h. A new workload takes one line in WORKLOAD_TABLE. */
#include "workloads/workload.h"

#include <string.h>

#include "workloads/bomb/bomb.h"
#include "workloads/micro/micro.h"
#include "workloads/smallbank/smallbank.h"
#include "workloads/tatp/tatp.h"
#include "workloads/tpcc/tpcc.h"
#include "workloads/ycsb/ycsb.h"

#define WORKLOAD_TABLE(X) \
    X(ycsb)               \
    X(tpcc)               \
    X(tatp)               \
    X(smallbank)          \
    X(bomb)               \
    X(bank)               \
    X(skew)               \
    X(append)             \
    X(counter)            \
    X(singlekey)          \
    X(scan)               \
    X(churn)              \
    X(blind)              \
    X(skeleton)

const struct workload_ops *workload_at(size_t i)
{
    static const struct workload_ops *const workloads[] = {
#define WORKLOAD_ENTRY(name) &name##_workload_ops,
        WORKLOAD_TABLE(WORKLOAD_ENTRY)
#undef WORKLOAD_ENTRY
    };
    return i < sizeof(workloads) / sizeof(workloads[0]) ? workloads[i] : NULL;
}

const struct workload_ops *workload_by_name(const char *name)
{
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++)
        if (strcmp(workload->name, name) == 0)
            break;
    return workload;
}

unsigned workload_type_count(const struct workload_ops *workload, const void *values)
{
    unsigned count = 0;
    if (workload->type_count != NULL)
        return workload->type_count(values);
    while (workload->txn_types[count] != NULL)
        count++;
    return count;
}
