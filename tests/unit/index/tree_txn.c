/*
 * tree_txn.c - the ordered index in the engine: phantoms, own writes, snapshots, step by step.
 *
 * Two workers run on one thread; each scenario spells out which worker does what, and when. The test runs every
 * scenario with both orders of begin (hence of timestamps) and of commit. Catches the mutations skip_leaf_validation
 * and skip_miss_validation.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/db/db.h"

struct world {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *workers[2];
};

static struct world world_open(bool non_unique)
{
    struct world world;
    const struct mae_table_config table = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index = {
        .kind = MAE_INDEX_ORDERED, .key_bytes = sizeof(uint64_t), .non_unique = non_unique};
    assert_int_equal(mae_open(NULL, &world.db), MAE_OK);
    assert_int_equal(mae_table_create(world.db, "rows", &table, &world.table), MAE_OK);
    assert_int_equal(mae_index_create(world.db, world.table, "tree", &index, &world.index), MAE_OK);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(mae_worker_join(world.db, &world.workers[i]), MAE_OK);
    return world;
}

static void world_close(struct world *world)
{
    for (unsigned i = 0; i < 2; i++)
        mae_worker_leave(world->workers[i]);
    char report[300] = "";
    if (mae_db_verify(world->db, report, sizeof(report)) != MAE_OK)
        fail_msg("%s", report);
    mae_close(world->db);
}

static enum mae_status insert(struct world *world, struct mae_txn *txn, uint64_t key)
{
    void *data;
    const enum mae_status status = mae_insert(txn, world->index, &key, sizeof(uint64_t), NULL, &data);
    if (status == MAE_OK)
        *(uint64_t *)data = key;
    return status;
}

struct filling {
    struct world *world;
    uint64_t first, step, count;
};

static enum mae_status fill_body(struct mae_txn *txn, void *arg)
{
    const struct filling *const filling = arg;
    for (uint64_t i = 0; i < filling->count; i++) {
        const enum mae_status status = insert(filling->world, txn, filling->first + i * filling->step);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static void fill(struct world *world, uint64_t first, uint64_t step, uint64_t count)
{
    struct filling filling = {world, first, step, count};
    assert_int_equal(mae_run(world->workers[0], MAE_READ_WRITE, fill_body, &filling, 0), MAE_OK);
}

/* Both workers' clocks pass everything committed so far. */
static void catch_up(struct world *world)
{
    uint64_t latest = 0;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 2; i++) {
            struct mae_txn *txn;
            assert_int_equal(mae_begin(world->workers[i], MAE_READ_WRITE, latest, &txn), MAE_OK);
            latest = mae_txn_timestamp(txn);
            assert_int_equal(mae_commit(txn), MAE_OK);
        }
}

struct scanned {
    uint64_t count, first, last;
};

static bool note(void *arg, const void *key, uint64_t row)
{
    struct scanned *const scanned = arg;
    (void)row;
    scanned->last = *(const uint64_t *)key;
    if (scanned->count++ == 0)
        scanned->first = scanned->last;
    return true;
}

/* ---- Each of two looks where the other inserts: never do both commit. ---- */

/* How a transaction looks at lo..hi. */
enum look { LOOK_FORWARD, LOOK_BACKWARD, LOOK_LIMITED, LOOK_OPEN, LOOK_READ, LOOK_FIND, LOOK_DELETE, LOOK_COUNT };

static enum mae_status look(struct world *world, struct mae_txn *txn, enum look how, uint64_t lo, uint64_t hi)
{
    struct scanned scanned = {0};
    const void *data;
    uint64_t row;
    enum mae_status status;
    switch (how) {
    case LOOK_FORWARD:
        return mae_index_scan(txn, world->index, &lo, &hi, 0, 0, note, &scanned);
    case LOOK_BACKWARD:
        return mae_index_scan(txn, world->index, &lo, &hi, MAE_SCAN_BACKWARD, 0, note, &scanned);
    case LOOK_LIMITED:
        return mae_index_scan(txn, world->index, &lo, &hi, 0, 1000, note, &scanned);
    case LOOK_OPEN:
        return mae_index_scan(txn, world->index, NULL, NULL, 0, 0, note, &scanned);
    case LOOK_READ:
        status = mae_read(txn, world->index, &lo, &data, NULL);
        break;
    case LOOK_FIND:
        status = mae_index_find(txn, world->index, &lo, &row);
        break;
    case LOOK_DELETE:
        status = mae_delete(txn, world->index, &lo);
        break;
    default:
        return MAE_INVALID;
    }
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/*
 * x looks at its range and inserts into y's, y the other way round, in the steps' order. Returns how many committed.
 * `order` bit 0: which transaction begins first; bit 1: which acts first; bit 2: which commits first.
 */
static unsigned cross(struct world *world, enum look how, const uint64_t ranges[2][2], const uint64_t inserts[2],
                      unsigned order)
{
    struct mae_txn *txns[2];
    enum mae_status status[2];
    unsigned commits = 0;
    catch_up(world);
    uint64_t after = 0;
    for (unsigned i = 0; i < 2; i++) {
        const unsigned who = i ^ (order & 1);
        assert_int_equal(mae_begin(world->workers[who], MAE_READ_WRITE, after, &txns[who]), MAE_OK);
        after = mae_txn_timestamp(txns[who]);
    }
    for (unsigned i = 0; i < 2; i++) {
        const unsigned who = i ^ (order >> 1 & 1);
        status[who] = look(world, txns[who], how, ranges[who][0], ranges[who][1]);
    }
    for (unsigned i = 0; i < 2; i++) {
        const unsigned who = i ^ (order >> 1 & 1);
        if (status[who] == MAE_OK)
            status[who] = insert(world, txns[who], inserts[who]);
    }
    for (unsigned i = 0; i < 2; i++) {
        const unsigned who = i ^ (order >> 2 & 1);
        if (status[who] == MAE_OK)
            status[who] = mae_commit(txns[who]);
        else
            mae_abort(txns[who]);
        assert_true(status[who] == MAE_OK || mae_status_is_retryable(status[who]));
        commits += status[who] == MAE_OK;
    }
    return commits;
}

static void nobody_inserts_unseen(uint64_t filled, uint64_t x, uint64_t y, uint64_t width)
{
    for (unsigned how = 0; how < LOOK_COUNT; how++) {
        for (unsigned order = 0; order < 8; order++) {
            struct world world = world_open(false);
            if (filled > 0)
                fill(&world, 1000, 10, filled); /* keys end in 0: what is looked for below does not */
            const uint64_t ranges[2][2] = {{x, x + width}, {y, y + width}};
            /* Points are looked at where the other inserts. */
            const uint64_t offset = how >= LOOK_READ ? 0 : width / 2 - width / 2 % 10;
            const uint64_t inserts[2] = {y + offset, x + offset};
            const unsigned commits = cross(&world, how, ranges, inserts, order);
            if (commits > 1)
                fail_msg("both committed: %" PRIu64 " keys, look %u, order %u, ranges at %" PRIu64 " and %" PRIu64,
                         filled, how, order, x, y);
            world_close(&world);
        }
    }
}

static void write_skew_between_ranges_of_one_leaf_aborts(void **state)
{
    (void)state;
    nobody_inserts_unseen(0, 105, 205, 50);    /* an empty tree */
    nobody_inserts_unseen(20, 1005, 1105, 50); /* ranges with entries */
    nobody_inserts_unseen(20, 1005, 1105, 4);  /* empty ranges between entries */
    nobody_inserts_unseen(20, 5, 5005, 500);   /* below the first and above the last entry */
}

static void write_skew_between_ranges_of_different_leaves_aborts(void **state)
{
    (void)state;
    nobody_inserts_unseen(5000, 6005, 36005, 30);
    nobody_inserts_unseen(5000, 6005, 36005, 3000); /* many leaves, the insert into one in the middle */
    nobody_inserts_unseen(5000, 5, 60005, 900);
    nobody_inserts_unseen(5000, 20005, 20605, 4);
}

/* The gap's edges: leaf boundaries are where fences meet, so try all. */
static void every_gap_of_a_small_tree_is_protected(void **state)
{
    (void)state;
    struct world world = world_open(false);
    fill(&world, 1000, 10, 300);
    for (uint64_t i = 0; i < 295; i++) {
        const uint64_t x = 1001 + 10 * i, y = 1001 + 10 * (295 - i);
        if (x == y)
            continue;
        const uint64_t ranges[2][2] = {{x, x + 8}, {y, y + 8}};
        const uint64_t inserts[2] = {y + 3 + i % 2, x + 3 + i % 2};
        assert_true(cross(&world, i % 2 ? LOOK_FORWARD : LOOK_BACKWARD, ranges, inserts, (unsigned)i % 8) <= 1);
    }
    world_close(&world);
}

/* Validation of leaves is no validation of everything: far apart, both commit. */
static void far_apart_nobody_disturbs_the_other(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 8; order++) {
        struct world world = world_open(false);
        fill(&world, 1000, 10, 5000);
        const uint64_t ranges[2][2] = {{6005, 6205}, {36005, 36205}};
        const uint64_t inserts[2] = {16005, 26005};
        assert_int_equal(cross(&world, LOOK_FORWARD, ranges, inserts, order), 2);
        world_close(&world);
    }
}

/* ---- A leaf that is read and then split or merged by another. ---- */

static struct mae_txn *begin(struct world *world, unsigned who)
{
    struct mae_txn *txn;
    assert_int_equal(mae_begin(world->workers[who], MAE_READ_WRITE, 0, &txn), MAE_OK);
    return txn;
}

static void a_split_or_merge_of_a_scanned_leaf_is_noticed(void **state)
{
    (void)state;
    for (unsigned merge = 0; merge < 2; merge++) {
        for (unsigned later = 0; later < 2; later++) {
            struct world world = world_open(false);
            fill(&world, 1000, 10, 2000);
            catch_up(&world);
            struct mae_txn *reader, *writer;
            uint64_t after = 0;
            for (unsigned i = 0; i < 2; i++) {
                struct mae_txn **const txn = i == later ? &writer : &reader;
                assert_int_equal(mae_begin(world.workers[i == later ? 1 : 0], MAE_READ_WRITE, after, txn), MAE_OK);
                after = mae_txn_timestamp(*txn);
            }
            const uint64_t lo = 5000, hi = 6000;
            struct scanned scanned = {0};
            assert_int_equal(mae_index_scan(reader, world.index, &lo, &hi, 0, 0, note, &scanned), MAE_OK);
            assert_int_equal(scanned.count, 101);
            /* The reader writes, so that it matters where it stands. */
            assert_int_equal(insert(&world, reader, 1), MAE_OK);
            enum mae_status status = MAE_OK;
            for (uint64_t key = lo; key <= hi && status == MAE_OK; key += 10)
                for (uint64_t more = merge ? 0 : 1; more < (merge ? 1u : 4u) && status == MAE_OK; more++) {
                    const uint64_t changed = key + more;
                    status = merge ? mae_delete(writer, world.index, &changed) : insert(&world, writer, changed);
                }
            if (status == MAE_OK)
                status = mae_commit(writer);
            else
                mae_abort(writer);
            const enum mae_status read = mae_commit(reader);
            /* A writer that is later in order may commit beside a reader that is earlier; not the other way. */
            if (!later)
                assert_true(status != MAE_OK || read != MAE_OK);
            assert_true(status == MAE_OK || read == MAE_OK);
            world_close(&world);
        }
    }
}

/* ---- Own changes and snapshots. ---- */

static void scans_see_own_changes_in_both_directions(void **state)
{
    (void)state;
    struct world world = world_open(false);
    fill(&world, 1000, 10, 1000);
    struct mae_txn *const txn = begin(&world, 1);
    /* Enough of both to split and merge leaves within the transaction, again and again. */
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t key = 2001; key < 4000; key += 2)
            if (key % 10 != 0)
                assert_int_equal(insert(&world, txn, key), MAE_OK);
        struct scanned up = {0}, down = {0};
        const uint64_t lo = 2000, hi = 3999;
        assert_int_equal(mae_index_scan(txn, world.index, &lo, &hi, 0, 0, note, &up), MAE_OK);
        assert_int_equal(mae_index_scan(txn, world.index, &lo, &hi, MAE_SCAN_BACKWARD, 0, note, &down), MAE_OK);
        assert_int_equal(up.count, 200 + 1000);
        assert_int_equal(down.count, up.count);
        assert_int_equal(up.first, 2000);
        assert_int_equal(up.last, 3999);
        assert_int_equal(down.first, 3999);
        assert_int_equal(down.last, 2000);
        for (uint64_t key = 2001; key < 4000; key += 2)
            assert_int_equal(mae_delete(txn, world.index, &key), MAE_OK);
        struct scanned left = {0};
        assert_int_equal(mae_index_scan(txn, world.index, &lo, &hi, 0, 0, note, &left), MAE_OK);
        assert_int_equal(left.count, 200);
    }
    assert_int_equal(mae_commit(txn), MAE_OK);
    world_close(&world);
}

static void a_roll_back_leaves_no_trace(void **state)
{
    (void)state;
    struct world world = world_open(false);
    fill(&world, 1000, 10, 1000);
    struct mae_space before, after;
    mae_index_space(world.index, &before);
    struct mae_txn *txn = begin(&world, 1);
    for (uint64_t key = 0; key < 900; key++)
        assert_int_equal(insert(&world, txn, key), MAE_OK);
    for (uint64_t key = 5000; key < 9000; key += 10)
        assert_int_equal(mae_delete(txn, world.index, &key), MAE_OK);
    mae_abort(txn);
    mae_index_space(world.index, &after);
    assert_int_equal(after.rows, before.rows);
    assert_int_equal(after.version_bytes, before.version_bytes);
    struct scanned scanned = {0};
    txn = begin(&world, 1);
    assert_int_equal(mae_index_scan(txn, world.index, NULL, NULL, 0, 0, note, &scanned), MAE_OK);
    assert_int_equal(scanned.count, 1000);
    assert_int_equal(mae_commit(txn), MAE_OK);
    world_close(&world);
}

static void a_snapshot_keeps_its_tree_through_splits_and_merges(void **state)
{
    (void)state;
    struct world world = world_open(false);
    fill(&world, 1000, 10, 2000);
    /* Until the horizon has passed the filling. */
    struct mae_txn *snapshot;
    struct scanned scanned;
    for (unsigned attempt = 0;; attempt++) {
        catch_up(&world);
        assert_int_equal(mae_begin(world.workers[1], MAE_SNAPSHOT, 0, &snapshot), MAE_OK);
        scanned = (struct scanned){0};
        assert_int_equal(mae_index_scan(snapshot, world.index, NULL, NULL, 0, 0, note, &scanned), MAE_OK);
        if (scanned.count == 2000)
            break;
        assert_int_equal(mae_commit(snapshot), MAE_OK);
        assert_true(attempt < 1000000);
    }
    fill(&world, 1001, 10, 2000);
    for (uint64_t key = 1000; key < 15000; key += 10) {
        struct mae_txn *const txn = begin(&world, 0);
        assert_int_equal(mae_delete(txn, world.index, &key), MAE_OK);
        assert_int_equal(mae_commit(txn), MAE_OK);
    }
    for (unsigned backward = 0; backward < 2; backward++) {
        scanned = (struct scanned){0};
        assert_int_equal(
            mae_index_scan(snapshot, world.index, NULL, NULL, backward ? MAE_SCAN_BACKWARD : 0, 0, note, &scanned),
            MAE_OK);
        assert_int_equal(scanned.count, 2000);
        assert_int_equal(backward ? scanned.last : scanned.first, 1000);
        assert_int_equal(backward ? scanned.first : scanned.last, 20990);
    }
    uint64_t row;
    const uint64_t there = 1000, not_there = 1001;
    assert_int_equal(mae_index_find(snapshot, world.index, &there, &row), MAE_OK);
    assert_int_equal(mae_index_find(snapshot, world.index, &not_there, &row), MAE_NOT_FOUND);
    assert_int_equal(mae_index_insert(snapshot, world.index, &not_there, row), MAE_READ_ONLY);
    assert_int_equal(mae_index_remove(snapshot, world.index, &there, row), MAE_READ_ONLY);
    assert_int_equal(mae_commit(snapshot), MAE_OK);
    world_close(&world);
}

/* ---- Non-unique. ---- */

static void a_key_may_have_many_rows(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    struct world world = world_open(true);
    uint64_t rows[ROWS];
    const uint64_t keys[3] = {6, 7, 8};
    struct mae_txn *txn = begin(&world, 0);
    for (unsigned i = 0; i < ROWS; i++) {
        void *data;
        assert_int_equal(mae_row_insert(txn, world.table, sizeof(uint64_t), &rows[i], &data), MAE_OK);
        *(uint64_t *)data = i;
        assert_int_equal(mae_index_insert(txn, world.index, &keys[1], rows[i]), MAE_OK);
        assert_int_equal(mae_index_insert(txn, world.index, &keys[1], rows[i]), MAE_EXISTS);
    }
    assert_int_equal(mae_commit(txn), MAE_OK);
    txn = begin(&world, 0);
    uint64_t row;
    struct scanned scanned = {0};
    assert_int_equal(mae_index_find(txn, world.index, &keys[0], &row), MAE_NOT_FOUND);
    assert_int_equal(mae_index_find(txn, world.index, &keys[2], &row), MAE_NOT_FOUND);
    assert_int_equal(mae_index_scan(txn, world.index, &keys[1], &keys[1], 0, 0, note, &scanned), MAE_OK);
    assert_int_equal(scanned.count, ROWS);
    uint64_t smallest = UINT64_MAX;
    for (unsigned i = 0; i < ROWS; i++)
        smallest = rows[i] < smallest ? rows[i] : smallest;
    assert_int_equal(mae_index_find(txn, world.index, &keys[1], &row), MAE_OK);
    assert_true(row == smallest);
    for (unsigned i = 0; i < ROWS; i++) {
        assert_int_equal(mae_index_remove(txn, world.index, &keys[1], rows[i]), MAE_OK);
        assert_int_equal(mae_index_remove(txn, world.index, &keys[1], rows[i]), MAE_NOT_FOUND);
        assert_int_equal(mae_row_delete(txn, world.table, rows[i]), MAE_OK);
    }
    assert_int_equal(mae_index_find(txn, world.index, &keys[1], &row), MAE_NOT_FOUND);
    assert_int_equal(mae_commit(txn), MAE_OK);
    world_close(&world);
}

static bool count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key;
    (void)row;
    ++*(unsigned *)arg;
    return true;
}

/* What an entry leads to is the caller's business: looking ahead must not touch rows that there are none of. */
static void entries_may_lead_to_no_row(void **state)
{
    (void)state;
    struct world world = world_open(false);
    struct mae_txn *txn;
    unsigned entries = 0;
    uint64_t keys[40];
    assert_int_equal(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn), MAE_OK);
    for (uint64_t key = 0; key < 40; key++) {
        keys[key] = key;
        assert_int_equal(tree_index_insert(txn, &world.index->tree, &key, UINT64_C(1) << 50), MAE_OK);
    }
    mae_prefetch(txn, world.index, keys, 40);
    assert_int_equal(mae_index_scan(txn, world.index, NULL, NULL, 0, 0, count_entry, &entries), MAE_OK);
    assert_int_equal(mae_index_scan(txn, world.index, NULL, NULL, MAE_SCAN_BACKWARD, 0, count_entry, &entries), MAE_OK);
    assert_int_equal(entries, 80);
    mae_abort(txn);
    world_close(&world);
}

/* Runs of keys in one transaction, between removals, splits and others: the last leaf is not trusted blindly. */
static void runs_of_keys_keep_their_order(void **state)
{
    (void)state;
    struct world world = world_open(false);
    struct mae_txn *txn;
    uint64_t random = 7, count = 0;
    static bool there[4096];
    memset(there, 0, sizeof(there));
    assert_int_equal(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn), MAE_OK);
    for (unsigned i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t key = random >> 40 & 4095;
        for (unsigned k = 0; k < 1 + (random >> 60); k++, key = (key + 1) & 4095) {
            if (there[key] && (random >> 55 & 1)) {
                assert_int_equal(mae_delete(txn, world.index, &key), MAE_OK);
                there[key] = false;
            } else {
                assert_int_equal(insert(&world, txn, key), there[key] ? MAE_EXISTS : MAE_OK);
                there[key] = true;
            }
        }
    }
    assert_int_equal(mae_commit(txn), MAE_OK);
    unsigned entries = 0;
    for (unsigned key = 0; key < 4096; key++)
        count += there[key];
    assert_int_equal(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn), MAE_OK);
    assert_int_equal(mae_index_scan(txn, world.index, NULL, NULL, 0, 0, count_entry, &entries), MAE_OK);
    assert_int_equal(entries, count);
    assert_int_equal(mae_commit(txn), MAE_OK);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_skew_between_ranges_of_one_leaf_aborts),
        cmocka_unit_test(write_skew_between_ranges_of_different_leaves_aborts),
        cmocka_unit_test(every_gap_of_a_small_tree_is_protected),
        cmocka_unit_test(far_apart_nobody_disturbs_the_other),
        cmocka_unit_test(a_split_or_merge_of_a_scanned_leaf_is_noticed),
        cmocka_unit_test(scans_see_own_changes_in_both_directions),
        cmocka_unit_test(a_roll_back_leaves_no_trace),
        cmocka_unit_test(a_snapshot_keeps_its_tree_through_splits_and_merges),
        cmocka_unit_test(a_key_may_have_many_rows),
        cmocka_unit_test(entries_may_lead_to_no_row),
        cmocka_unit_test(runs_of_keys_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
