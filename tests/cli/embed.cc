// embed.cc - what C++ programs do to an engine in C: bodies and visitors that are left by an exception or by longjmp.
// Nothing may stay open that the caller cannot end: afterwards the same worker runs transactions as before.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "maemio.h"

static void check(bool good, const char *what)
{
    if (!good) {
        std::printf("%s: no\n", what);
        std::exit(1);
    }
}
#define CHECK(x) check((x), #x)

static mae_db *db;
static mae_table *table;
static mae_index *keys;
static mae_worker *worker;
static uint64_t row;
static std::jmp_buf way_out;
static mae_txn *left_open;

static mae_status add_one(mae_txn *txn, void *)
{
    void *data;
    mae_status status = mae_row_update(txn, table, row, 0, nullptr, &data);
    if (status == MAE_OK)
        ++*static_cast<uint64_t *>(data);
    return status;
}

static mae_status throwing_body(mae_txn *txn, void *arg)
{
    CHECK(add_one(txn, arg) == MAE_OK);
    throw std::runtime_error("body");
}

static bool throwing_visit(void *, const void *, uint64_t)
{
    throw std::runtime_error("visit");
}

static bool throwing_row(void *, uint64_t, const void *, size_t)
{
    throw std::runtime_error("row");
}

static mae_status scanning_body(mae_txn *txn, void *arg)
{
    CHECK(add_one(txn, arg) == MAE_OK);
    return mae_index_scan(txn, keys, nullptr, nullptr, 0, 0, throwing_visit, nullptr);
}

static mae_status walking_body(mae_txn *txn, void *)
{
    return mae_table_scan(txn, table, 0, UINT64_MAX, throwing_row, nullptr);
}

static mae_status jumping_body(mae_txn *txn, void *arg)
{
    CHECK(add_one(txn, arg) == MAE_OK);
    left_open = txn;
    std::longjmp(way_out, 1);
}

static uint64_t value()
{
    mae_txn *txn;
    const void *data;
    CHECK(mae_begin(worker, MAE_READ_WRITE, 0, &txn) == MAE_OK);
    CHECK(mae_row_read(txn, table, row, &data, nullptr) == MAE_OK);
    uint64_t read = *static_cast<const uint64_t *>(data);
    CHECK(mae_commit(txn) == MAE_OK);
    return read;
}

static void run_and_catch(mae_mode mode, mae_body_fn body, const char *expected)
{
    uint64_t before = value();
    bool caught = false;
    try {
        CHECK(mae_run(worker, mode, body, nullptr, 0) == MAE_OK);
    } catch (const std::exception &exception) {
        caught = std::string(exception.what()) == expected;
    }
    CHECK(caught);
    CHECK(value() == before);
    CHECK(mae_run(worker, MAE_READ_WRITE, add_one, nullptr, 0) == MAE_OK);
    CHECK(value() == before + 1);
}

static void insert_row()
{
    mae_txn *txn;
    void *data;
    const uint64_t key = 1;
    CHECK(mae_begin(worker, MAE_READ_WRITE, 0, &txn) == MAE_OK);
    CHECK(mae_insert(txn, keys, &key, sizeof key, &row, &data) == MAE_OK);
    *static_cast<uint64_t *>(data) = 0;
    CHECK(mae_commit(txn) == MAE_OK);
    for (int i = 0; i < 3; i++) { // until snapshots see it
        mae_worker_idle(worker);
        CHECK(value() == 0);
    }
}

int main()
{
    const mae_table_config rows = {sizeof(uint64_t), 0};
    const mae_index_config ordered = {MAE_INDEX_ORDERED, sizeof(uint64_t), false, 0, false};
    CHECK(mae_open(nullptr, &db) == MAE_OK);
    CHECK(mae_table_create(db, "rows", &rows, &table) == MAE_OK);
    CHECK(mae_index_create(db, table, "keys", &ordered, &keys) == MAE_OK);
    CHECK(mae_worker_join(db, &worker) == MAE_OK);
    insert_row();

    run_and_catch(MAE_READ_WRITE, throwing_body, "body");
    run_and_catch(MAE_READ_WRITE, scanning_body, "visit");
    run_and_catch(MAE_SNAPSHOT, walking_body, "row");

    // Who has begun the transaction ends it.
    mae_txn *txn;
    uint64_t before = value();
    CHECK(mae_begin(worker, MAE_READ_WRITE, 0, &txn) == MAE_OK);
    bool caught = false;
    try {
        CHECK(scanning_body(txn, nullptr) == MAE_OK);
    } catch (const std::exception &) {
        caught = true;
    }
    CHECK(caught);
    CHECK(mae_abort(txn) == MAE_OK);
    CHECK(value() == before);

    // Nothing is told of a longjmp: what the body was given is to be aborted.
    if (setjmp(way_out) == 0)
        CHECK(mae_run(worker, MAE_READ_WRITE, jumping_body, nullptr, 0) == MAE_OK);
    CHECK(mae_begin(worker, MAE_READ_WRITE, 0, &txn) == MAE_BUSY);
    CHECK(mae_abort(left_open) == MAE_OK);
    CHECK(value() == before);

    char report[200];
    mae_worker_leave(worker);
    CHECK(mae_db_verify(db, report, sizeof report) == MAE_OK);
    mae_close(db);
    std::puts("the worker went on after every exception");
    return 0;
}
