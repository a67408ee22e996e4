/* customer.c - a customer by last name: so Payment and Order-Status choose 60% of their customers. */
#include "workloads/tpcc/instance.h"

struct matches {
    uint64_t *refs;
    uint32_t count;
};

static bool collect(void *arg, const void *key, uint64_t ref)
{
    struct matches *matches = arg;
    (void)key;
    matches->refs[matches->count++] = ref;
    return matches->count < TPCC_CUSTOMERS;
}

/* In the hash index: the entries of a name are numbered without a gap. */
static enum target_status collect_hashed(struct workload_worker *self, struct target_txn *txn, uint64_t name_key,
                                         struct matches *matches)
{
    struct target_index *index = self->tpcc->indexes[TPCC_INDEX_CUSTOMER_NAME];
    enum target_status status = TARGET_OK;
    while (matches->count < TPCC_CUSTOMERS) {
        uint64_t key = tpcc_name_entry_key(name_key, matches->count);
        status = self->ops->find(txn, index, &key, &matches->refs[matches->count]);
        if (status != TARGET_OK)
            break;
        matches->count++;
    }
    return status == TARGET_NOT_FOUND ? TARGET_OK : status;
}

enum target_status tpcc_find_by_name(struct workload_worker *self, struct target_txn *txn,
                                     const struct tpcc_customer_choice *customer, uint64_t *ref)
{
    struct target_index *index = self->tpcc->indexes[TPCC_INDEX_CUSTOMER_NAME];
    struct matches matches = {.refs = self->matches};
    enum target_status status;
    if (self->tpcc->options.median_sorted) {
        struct tpcc_name_key lo = tpcc_name_key(customer->w_id, customer->d_id, customer->name, NULL, 0);
        struct tpcc_name_key hi = tpcc_name_key(customer->w_id, customer->d_id, customer->name, NULL, 0xff);
        status = self->ops->scan(txn, index, &lo, &hi, 0, 0, collect, &matches);
    } else if (self->tpcc->options.names_hashed) {
        uint64_t key = tpcc_name_number_key(customer->w_id, customer->d_id, customer->name);
        status = collect_hashed(self, txn, key, &matches);
    } else {
        uint64_t key = tpcc_name_number_key(customer->w_id, customer->d_id, customer->name);
        status = self->ops->scan(txn, index, &key, &key, 0, 0, collect, &matches);
    }
    self->operations += matches.count;
    if (status != TARGET_OK)
        return status;
    if (!matches.count)
        return TARGET_NOT_FOUND;
    /* TPC-C 2.5.2.2: position n/2 rounded up, counted from 1. Unsorted: element n/2, counted from 0. */
    *ref = self->matches[self->tpcc->options.median_sorted ? (matches.count - 1) / 2 : matches.count / 2];
    return TARGET_OK;
}
