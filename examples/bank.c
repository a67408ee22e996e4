/* bank.c - a bank on Maemio: threads transfer money between accounts, snapshots see a total that never changes.
 *     cc bank.c $(pkg-config --cflags --libs maemio) -o bank && ./bank */
#include <maemio.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ACCOUNTS = 100, TELLERS = 4, TRANSFERS = 50000, OPENING_CENTS = 1000, STEP_CENTS = 70 };

static struct mae_db *db;
static struct mae_table *accounts; /* a row is a balance in cents, an int64_t */
static struct mae_index *by_number;

static void must(enum mae_status status, const char *what)
{
    if (status != MAE_OK) {
        fprintf(stderr, "bank: %s: %s\n", what, mae_status_text(status));
        exit(EXIT_FAILURE);
    }
}

/* Bodies of transactions: they may run more than once, and hand on every status they do not deal with themselves. */
static enum mae_status open_accounts(struct mae_txn *txn, void *arg)
{
    for (uint64_t number = 0; number < ACCOUNTS; number++) {
        void *balance;
        enum mae_status status = mae_insert(txn, by_number, &number, sizeof(int64_t), NULL, &balance);
        if (status != MAE_OK)
            return status;
        *(int64_t *)balance = *(const int64_t *)arg;
    }
    return MAE_OK;
}

static enum mae_status transfer(struct mae_txn *txn, void *arg)
{
    const uint64_t *account = arg; /* from, to */
    void *from, *to;
    enum mae_status status = mae_update(txn, by_number, &account[0], 0, NULL, &from);
    if (status == MAE_OK && *(int64_t *)from < STEP_CENTS)
        return MAE_ABORT_USER; /* not enough money: rolled back and not tried again */
    if (status == MAE_OK)
        status = mae_update(txn, by_number, &account[1], 0, NULL, &to);
    if (status == MAE_OK) {
        *(int64_t *)from -= STEP_CENTS;
        *(int64_t *)to += STEP_CENTS;
    }
    return status;
}

static bool add_balance(void *sum, uint64_t row, const void *data, size_t bytes)
{
    (void)row, (void)bytes;
    *(int64_t *)sum += *(const int64_t *)data;
    return true;
}

static enum mae_status total(struct mae_txn *txn, void *sum)
{
    return mae_table_scan(txn, accounts, 0, UINT64_MAX, add_balance, sum); /* a snapshot never runs twice */
}

static void *teller(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    struct mae_worker *worker;
    must(mae_worker_join(db, &worker), "join");
    for (int i = 0; i < TRANSFERS; i++) {
        uint64_t from_to[2] = {(uint64_t)rand_r(&seed) % ACCOUNTS, (uint64_t)rand_r(&seed) % ACCOUNTS};
        enum mae_status status = mae_run(worker, MAE_READ_WRITE, transfer, from_to, 0);
        must(status == MAE_ABORT_USER ? MAE_OK : status, "transfer");
        int64_t sum = 0;
        if (i % 1000 == 0) /* a snapshot is slightly old: at first it may lie before the accounts were opened */
            must(mae_run(worker, MAE_SNAPSHOT, total, &sum, 0), "total");
        must(sum == 0 || sum == ACCOUNTS * OPENING_CENTS ? MAE_OK : MAE_CORRUPT, "total seen by a snapshot");
    }
    mae_worker_leave(worker);
    return NULL;
}

int main(void)
{
    pthread_t threads[TELLERS];
    struct mae_worker *worker;
    must(mae_open(NULL, &db), "open");
    must(mae_table_create(db, "accounts", &(struct mae_table_config){.payload_max_bytes = 8}, &accounts), "table");
    must(mae_index_create(db, accounts, "by_number", &(struct mae_index_config){.key_bytes = 8}, &by_number), "index");
    must(mae_worker_join(db, &worker), "join");
    must(mae_run(worker, MAE_READ_WRITE, open_accounts, &(int64_t){OPENING_CENTS}, 0), "opening");
    mae_worker_idle(worker); /* it waits below: let garbage collection and snapshots move on */
    for (uintptr_t i = 0; i < TELLERS; i++)
        pthread_create(&threads[i], NULL, teller, (void *)(i + 1));
    for (int i = 0; i < TELLERS; i++)
        pthread_join(threads[i], NULL);
    mae_worker_leave(worker);
    printf("%d transfers, the total stayed %d cents\n", TELLERS * TRANSFERS, ACCOUNTS * OPENING_CENTS);
    must(mae_close(db), "close");
}
