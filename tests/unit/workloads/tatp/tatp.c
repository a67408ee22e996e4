/*
 * tatp.c - tests of TATP: what is loaded, what each transaction does and how often it succeeds, and that the check
 * finds what a broken database could do. That it runs and proves itself: tests/unit/workloads/micro/micro.c.
 */
#include "workloads/tatp/tatp.h"

#include "tests/unit/workloads/drive.h"
#include "workloads/tatp/instance.h"

static void open_register(struct drive *drive, const char *subscribers, const char *mix)
{
    drive_open(drive, &oracle_target_ops, &tatp_workload_ops, 2, drive_seed(),
               (const char *[]){"subscribers", subscribers, "mix", mix, NULL});
}

static struct drive_row open_row(struct drive *drive, unsigned table, uint64_t key)
{
    return drive_row_open(drive, drive->workload->micro.indexes[table], key, 0);
}

static void add_to(struct drive *drive, unsigned table, uint64_t key, size_t offset, int amount)
{
    struct drive_row row = open_row(drive, table, key);
    row.data[offset] = (unsigned char)(row.data[offset] + amount);
    drive_row_close(drive, row);
}

/* The first key from `key` on that is loaded in the table, or that is not. */
static uint64_t next_key(struct drive *drive, unsigned table, uint64_t key, bool loaded)
{
    while (tatp_is_loaded(drive->workload, table, key) != loaded)
        key++;
    return key;
}

static void insert_row(struct drive *drive, unsigned table, uint64_t key, const void *data, size_t bytes)
{
    struct target_txn *txn;
    void *row;
    assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive->ops->insert(txn, drive->workload->micro.indexes[table], &key, bytes, NULL, &row),
                     TARGET_OK);
    memcpy(row, data, bytes);
    assert_int_equal(drive->ops->commit(txn), TARGET_OK);
}

/* 1 to 4 kinds of access and facilities, 0 to 3 forwardings, each number a quarter of the time; 85% active. */
static void the_population_is_as_described(void **state)
{
    enum { SUBSCRIBERS = 20000 };
    unsigned kinds[2][TATP_KINDS + 1] = {{0}}, starts[TATP_STARTS + 1] = {0}, active = 0, facilities = 0;
    struct drive drive;
    (void)state;
    assert_int_equal(drive_create(&drive, &oracle_target_ops, &tatp_workload_ops, 1, drive_seed(),
                                  (const char *[]){"subscribers", "20k", NULL}),
                     TARGET_OK);
    for (uint64_t id = 1; id <= SUBSCRIBERS; id++) {
        unsigned counts[2] = {0};
        for (unsigned kind = 0; kind < TATP_KINDS; kind++) {
            uint64_t key = tatp_kind_key(id, kind);
            unsigned forwardings = 0;
            counts[0] += tatp_is_loaded(drive.workload, TATP_ACCESS, key);
            for (unsigned start = 0; start < TATP_STARTS; start++)
                forwardings += tatp_is_loaded(drive.workload, TATP_FORWARDING, tatp_forwarding_key(key, start));
            if (!tatp_is_loaded(drive.workload, TATP_FACILITY, key)) {
                assert_int_equal(forwardings, 0);
                continue;
            }
            struct tatp_facility facility;
            tatp_fill_facility(drive.workload, key, &facility);
            active += facility.is_active;
            facilities++;
            counts[1]++;
            starts[forwardings]++;
        }
        kinds[0][counts[0]]++;
        kinds[1][counts[1]]++;
    }
    assert_int_equal(kinds[0][0] + kinds[1][0], 0);
    for (unsigned i = 1; i <= TATP_KINDS; i++)
        for (unsigned table = 0; table < 2; table++)
            assert_in_range(kinds[table][i], SUBSCRIBERS * 23 / 100, SUBSCRIBERS * 27 / 100);
    for (unsigned i = 0; i <= TATP_STARTS; i++)
        assert_in_range(starts[i], facilities * 24 / 100, facilities * 26 / 100);
    assert_in_range(active, facilities * 84 / 100, facilities * 86 / 100);
    drive.workload_ops->destroy(drive.workload);
}

static void numbers_are_ids_in_fifteen_digits(void **state)
{
    char number[TATP_NUMBER_BYTES];
    (void)state;
    tatp_number(1234567, number);
    assert_string_equal(number, "000000001234567");
    tatp_number(999999999999999, number);
    assert_string_equal(number, "999999999999999");
}

/* Each type by itself: how many rows change, and how often it succeeds. */
static void each_transaction_does_its_part(void **state)
{
    static const struct {
        const char *mix;
        bool changes_subscribers, changes_facilities;
        int forwardings; /* -1: fewer, 1: more */
    } cases[] = {
        {"100/0/0/0/0/0/0", false, false, 0},  {"0/100/0/0/0/0/0", false, false, 0},
        {"0/0/100/0/0/0/0", false, false, 0},  {"0/0/0/100/0/0/0", true, true, 0},
        {"0/0/0/0/100/0/0", true, false, 0},   {"0/0/0/0/0/100/0", false, false, 1},
        {"0/0/0/0/0/0/100", false, false, -1},
    };
    (void)state;
    for (size_t i = 0; i < TATP_TXN_COUNT; i++) {
        struct drive drive;
        uint64_t before, after, bytes;
        open_register(&drive, "50", cases[i].mix);
        drive.workload_ops->data_size(drive.workload, &before, &bytes);
        drive_run(&drive, 300);
        drive_expect_sound(&drive);
        drive.workload_ops->data_size(drive.workload, &after, &bytes);
        assert_int_equal(after > before ? 1 : after < before ? -1 : 0, cases[i].forwardings);
        struct tatp_tally sum = {0};
        for (unsigned worker = 0; worker < 2; worker++) {
            const struct tatp_tally *tally = micro_tally(drive.workload, worker);
            sum.tries[i] += tally->tries[i];
            sum.failures[i] += tally->failures[i];
            sum.subscriber_print |= tally->subscriber_print;
            sum.facility_print |= tally->facility_print;
        }
        assert_int_equal(sum.tries[i], 300);
        assert_int_equal(sum.subscriber_print != 0, cases[i].changes_subscribers);
        assert_int_equal(sum.facility_print != 0, cases[i].changes_facilities);
        bool never_fails = i == TATP_get_subscriber_data || i == TATP_update_location;
        assert_int_equal(sum.failures[i] == 0, never_fails);
        /* Those that fail and have written roll back, the others commit. */
        assert_int_equal(drive.committed[i], 300 - (i == TATP_update_subscriber_data ? sum.failures[i] : 0));
        drive_close(&drive);
    }
}

static void nonuniform_requests_prefer_some_subscribers(void **state)
{
    enum { DRAWS = 40000, SUBSCRIBERS = 65536 };
    static unsigned counts[SUBSCRIBERS + 1];
    struct drive drive;
    unsigned dense = 0;
    (void)state;
    open_register(&drive, "65536", "100/0/0/0/0/0/0");
    for (int i = 0; i < DRAWS; i++) {
        drive.workload_ops->next(drive.states[0]);
        assert_in_range(drive.states[0]->subscriber, 1, SUBSCRIBERS);
        counts[drive.states[0]->subscriber]++;
    }
    /* Of random | random three bits in four are set: ids with 12 bits or more of 16 are 63% of the draws, 4% of all. */
    for (unsigned i = 1; i <= SUBSCRIBERS; i++)
        dense += __builtin_popcount(i - 1) >= 12 ? counts[i] : 0;
    assert_in_range(dense, DRAWS * 58 / 100, DRAWS * 68 / 100);
    drive_close(&drive);
}

/* A second round must not ask for the same rows again. */
static void rounds_draw_other_requests(void **state)
{
    struct drive drive;
    struct workload_worker *again;
    unsigned same = 0;
    (void)state;
    open_register(&drive, "1000", "0/0/0/0/0/50/50");
    assert_int_equal(drive.workload_ops->worker_create(drive.workload, drive.worker, 0, &again), TARGET_OK);
    for (int i = 0; i < 100; i++) {
        drive.workload_ops->next(drive.states[0]);
        drive.workload_ops->next(again);
        same += drive.states[0]->subscriber == again->subscriber;
    }
    assert_true(same < 20);
    drive.workload_ops->worker_destroy(again);
    drive_close(&drive);
}

static void the_check_finds_changed_and_missing_rows(void **state)
{
    struct drive drive;
    (void)state;
    open_register(&drive, "20", "35/10/35/2/14/2/2");
    drive_run(&drive, 500);
    drive_expect_sound(&drive);
    add_to(&drive, TATP_SUBSCRIBER, 7, offsetof(struct tatp_subscriber, bits) + 1, 1);
    drive_expect_corrupt(&drive, (const char *[]){"subscriber 7: fields that no transaction sets", NULL});
    add_to(&drive, TATP_SUBSCRIBER, 7, offsetof(struct tatp_subscriber, bits) + 1, -1);
    add_to(&drive, TATP_SUBSCRIBER, 7, offsetof(struct tatp_subscriber, updates), 1);
    drive_expect_corrupt(&drive, (const char *[]){"updates that subscribers count", "missing, doubled", NULL});
    add_to(&drive, TATP_SUBSCRIBER, 8, offsetof(struct tatp_subscriber, updates), -1); /* the number is right */
    drive_expect_corrupt(&drive, (const char *[]){"updates that subscribers count", NULL});
    add_to(&drive, TATP_SUBSCRIBER, 7, offsetof(struct tatp_subscriber, updates), -1);
    add_to(&drive, TATP_SUBSCRIBER, 8, offsetof(struct tatp_subscriber, updates), 1);
    drive_expect_sound(&drive);

    uint64_t facility = next_key(&drive, TATP_FACILITY, tatp_kind_key(5, 0), true);
    add_to(&drive, TATP_FACILITY, facility, offsetof(struct tatp_facility, updates), -1);
    drive_expect_corrupt(&drive, (const char *[]){"updates that special facilities count", NULL});
    add_to(&drive, TATP_FACILITY, facility, offsetof(struct tatp_facility, updates), 1);
    uint64_t missing = next_key(&drive, TATP_ACCESS, tatp_kind_key(5, 0), true);
    drive_erase(&drive, drive.workload->micro.indexes[TATP_ACCESS], missing);
    drive_expect_corrupt(&drive, (const char *[]){"access_info", "no row, though it was loaded", NULL});
    drive_close(&drive);
}

static void the_check_finds_phantoms(void **state)
{
    struct drive drive;
    struct tatp_access access = {0};
    struct tatp_forwarding row;
    (void)state;
    open_register(&drive, "20", "35/10/35/2/14/2/2");
    drive_run(&drive, 500);
    uint64_t key = next_key(&drive, TATP_ACCESS, tatp_kind_key(3, 0), false);
    insert_row(&drive, TATP_ACCESS, key, &access, sizeof access);
    drive_expect_corrupt(&drive, (const char *[]){"access_info", "never loaded", NULL});
    drive_erase(&drive, drive.workload->micro.indexes[TATP_ACCESS], key);
    drive_expect_sound(&drive);
    drive_close(&drive);

    open_register(&drive, "20", "100/0/0/0/0/0/0"); /* the forwardings stay as they were loaded */
    uint64_t facility = next_key(&drive, TATP_FACILITY, tatp_kind_key(3, 0), true);
    uint64_t none = tatp_forwarding_key(next_key(&drive, TATP_FACILITY, facility, false), 1);
    key = next_key(&drive, TATP_FORWARDING, tatp_forwarding_key(facility, 0), false);
    while (!tatp_is_loaded(drive.workload, TATP_FACILITY, key / TATP_STARTS))
        key = next_key(&drive, TATP_FORWARDING, key + 1, false);
    tatp_fill_forwarding(key, 12, &row);
    insert_row(&drive, TATP_FORWARDING, key, &row, sizeof row); /* an insert that never committed */
    drive_expect_corrupt(&drive, (const char *[]){"keys of call forwardings", NULL});
    uint64_t other = next_key(&drive, TATP_FORWARDING, tatp_forwarding_key(facility, 0), true);
    drive_erase(&drive, drive.workload->micro.indexes[TATP_FORWARDING], other); /* and a delete: the number is right */
    drive_expect_corrupt(&drive, (const char *[]){"keys of call forwardings", NULL});
    add_to(&drive, TATP_FORWARDING, key, offsetof(struct tatp_forwarding, number) + 3, 1);
    drive_expect_corrupt(&drive, (const char *[]){"call_forwarding", "not as any transaction wrote it", NULL});
    add_to(&drive, TATP_FORWARDING, key, offsetof(struct tatp_forwarding, number) + 3, -1);
    drive_erase(&drive, drive.workload->micro.indexes[TATP_FORWARDING], key);
    tatp_fill_forwarding(none, 12, &row);
    insert_row(&drive, TATP_FORWARDING, none, &row, sizeof row);
    drive_expect_corrupt(&drive, (const char *[]){"its special facility does not exist", NULL});
    drive_close(&drive);
}

/* T4: what a committed transaction saw stays a finding, even if it is gone in the end. */
static void what_transactions_see_is_found(void **state)
{
    struct drive drive;
    (void)state;
    open_register(&drive, "1", "100/0/0/0/0/0/0");
    add_to(&drive, TATP_SUBSCRIBER, 1, 0, 1);
    drive_step(&drive, 1);
    add_to(&drive, TATP_SUBSCRIBER, 1, 0, -1);
    drive_expect_corrupt(&drive,
                         (const char *[]){"worker 1: get_subscriber_data of subscriber 1 met another row", NULL});
    drive_close(&drive);

    open_register(&drive, "1", "0/0/100/0/0/0/0");
    for (unsigned kind = 0; kind < TATP_KINDS; kind++) {
        uint64_t key = tatp_kind_key(1, kind);
        struct tatp_access row;
        tatp_fill_access(drive.workload, key, &row);
        if (!tatp_is_loaded(drive.workload, TATP_ACCESS, key))
            insert_row(&drive, TATP_ACCESS, key, &row, sizeof row);
    }
    drive_run(&drive, 40);
    bool complete = true;
    for (unsigned kind = 0; kind < TATP_KINDS; kind++)
        if (!tatp_is_loaded(drive.workload, TATP_ACCESS, tatp_kind_key(1, kind))) {
            drive_erase(&drive, drive.workload->micro.indexes[TATP_ACCESS], tatp_kind_key(1, kind));
            complete = false;
        }
    if (complete)
        drive_expect_sound(&drive);
    else
        drive_expect_corrupt(&drive, (const char *[]){"a row that was never loaded", NULL});
    drive_close(&drive);

    open_register(&drive, "10", "0/100/0/0/0/0/0");
    for (uint64_t key = 0; key < 200; key++)
        if (tatp_is_loaded(drive.workload, TATP_FORWARDING, key))
            add_to(&drive, TATP_FORWARDING, key, offsetof(struct tatp_forwarding, start_hour), 1);
    drive_run(&drive, 300);
    for (uint64_t key = 0; key < 200; key++)
        if (tatp_is_loaded(drive.workload, TATP_FORWARDING, key))
            add_to(&drive, TATP_FORWARDING, key, offsetof(struct tatp_forwarding, start_hour), -1);
    drive_expect_corrupt(&drive, (const char *[]){"an unsound call forwarding", NULL});
    drive_close(&drive);
}

/* T5, on the smallest population that TATP has. */
static void transactions_succeed_as_often_as_they_should(void **state)
{
    struct drive drive;
    (void)state;
    open_register(&drive, "100k", "0/20/20/20/0/20/20");
    drive_run(&drive, 40000);
    drive_expect_sound(&drive);
    struct tatp_tally *tally = micro_tally(drive.workload, 1);
    tally->failures[TATP_delete_call_forwarding] += 1000; /* of some 8000 */
    drive_expect_corrupt(&drive, (const char *[]){"delete_call_forwarding:", "expected 31.2 to 31.2%", NULL});
    drive_close(&drive);
}

static void presets_are_sets_of_options(void **state)
{
    (void)state;
    drive_expect_presets(&tatp_workload_ops);
}

static void combinations_that_cannot_work_are_refused(void **state)
{
    (void)state;
    drive_expect_refused(&tatp_workload_ops, (const char *[]){"mix", "35/10/35/2/14/4", NULL},
                         "must be seven percents");
    drive_expect_refused(&tatp_workload_ops, (const char *[]){"subscribers", "0", NULL}, "subscribers: '0' is out");
    struct drive drive;
    assert_int_equal(drive_create(&drive, &bare_target_ops, &tatp_workload_ops, 1, 1, NULL), TARGET_INVALID);
    assert_non_null(strstr(drive.error, "target bare cannot roll back"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_population_is_as_described),
        cmocka_unit_test(numbers_are_ids_in_fifteen_digits),
        cmocka_unit_test(each_transaction_does_its_part),
        cmocka_unit_test(nonuniform_requests_prefer_some_subscribers),
        cmocka_unit_test(rounds_draw_other_requests),
        cmocka_unit_test(the_check_finds_changed_and_missing_rows),
        cmocka_unit_test(the_check_finds_phantoms),
        cmocka_unit_test(what_transactions_see_is_found),
        cmocka_unit_test(transactions_succeed_as_often_as_they_should),
        cmocka_unit_test(presets_are_sets_of_options),
        cmocka_unit_test(combinations_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
