/*
 * smallbank.c - tests of SmallBank: what each transaction does to the money, and that the check finds what a broken
 * database could do to it. That it runs and proves itself: tests/unit/workloads/micro/micro.c.
 */
#include "workloads/smallbank/smallbank.h"

#include "tests/unit/workloads/drive.h"
#include "workloads/micro/common.h"

enum { SAVINGS = 1, CHECKING = 2, BALANCE_AT = 8, CHANGES_AT = 16 }; /* indexes; bytes within a row */

static struct target_index *index_of(struct drive *drive, unsigned i)
{
    return ((struct micro *)(void *)drive->workload)->indexes[i];
}

static void open_seeded(struct drive *drive, uint64_t seed, const char *accounts, const char *mix, const char *balance)
{
    drive_open(drive, &oracle_target_ops, &smallbank_workload_ops, 2, seed,
               (const char *[]){"accounts", accounts, "mix", mix, "balance_min", balance, "balance_max", balance,
                                "amount_max", "1", NULL});
}

static void open_bank(struct drive *drive, const char *accounts, const char *mix, const char *balance)
{
    open_seeded(drive, drive_seed(), accounts, mix, balance);
}

static int64_t number_at(struct drive *drive, unsigned table, uint64_t key, size_t offset)
{
    int64_t number;
    struct drive_row row = drive_row_open(drive, index_of(drive, table), key, 0);
    memcpy(&number, row.data + offset, sizeof number);
    drive_row_close(drive, row);
    return number;
}

static void add_to(struct drive *drive, unsigned table, uint64_t key, size_t offset, int64_t amount)
{
    struct drive_row row = drive_row_open(drive, index_of(drive, table), key, 0);
    int64_t number;
    memcpy(&number, row.data + offset, sizeof number);
    number += amount;
    memcpy(row.data + offset, &number, sizeof number);
    drive_row_close(drive, row);
}

static int64_t total(struct drive *drive, unsigned table, uint64_t accounts)
{
    int64_t sum = 0;
    for (uint64_t key = 0; key < accounts; key++)
        sum += number_at(drive, table, key, BALANCE_AT);
    return sum;
}

/* Each type by itself, with amounts of 1. */
static void each_transaction_moves_what_it_says(void **state)
{
    static const struct {
        const char *mix, *balance;
        int64_t savings, checking; /* of two customers, after 40 */
    } cases[] = {
        {"100/0/0/0/0/0", "50", 100, 100}, /* Balance */
        {"0/100/0/0/0/0", "50", 100, 140}, /* DepositChecking */
        {"0/0/0/0/100/0", "50", 100, 60},  /* WriteCheck, covered */
        {"0/0/0/0/100/0", "0", 0, -4040},  /* and not: a penalty of 100 */
        {"0/0/0/100/0/0", "50", 0, 200},   /* Amalgamate */
        {"0/0/0/0/0/100", "50", 100, 100}, /* SendPayment */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drive drive;
        open_bank(&drive, "2", cases[i].mix, cases[i].balance);
        drive_run(&drive, 40);
        drive_expect_sound(&drive);
        assert_int_equal(total(&drive, CHECKING, 2), cases[i].checking);
        assert_int_equal(total(&drive, SAVINGS, 2), cases[i].savings);
        drive_close(&drive);
    }
}

static void too_little_money_rolls_back(void **state)
{
    struct drive drive;
    (void)state;
    open_bank(&drive, "2", "0/0/0/0/0/100", "0");
    drive_run(&drive, 10);
    assert_int_equal(drive.committed[5], 0);
    drive_expect_sound(&drive);
    drive_close(&drive);

    open_seeded(&drive, 1, "2", "0/0/100/0/0/0", "0"); /* of all seeds 3 in 1000 never meet too little money */
    drive_run(&drive, 400);
    assert_in_range(drive.committed[2], 200, 399);
    assert_true(number_at(&drive, SAVINGS, 0, BALANCE_AT) >= 0 && number_at(&drive, SAVINGS, 1, BALANCE_AT) >= 0);
    drive_expect_sound(&drive);
    drive_close(&drive);
}

static void the_check_finds_lost_and_misplaced_changes(void **state)
{
    struct drive drive;
    (void)state;
    open_bank(&drive, "10", "15/15/15/15/15/25", "500");
    drive_run(&drive, 500);
    drive_expect_sound(&drive);
    for (unsigned table = SAVINGS; table <= CHECKING; table++) {
        add_to(&drive, table, 7, BALANCE_AT, 5); /* money from nowhere */
        drive_expect_corrupt(&drive, (const char *[]){"10 customers, total", "expected", NULL});
        add_to(&drive, table, 7, BALANCE_AT, -5);
        add_to(&drive, table, 7, CHANGES_AT, -1); /* a change that moved nothing was lost */
        drive_expect_corrupt(&drive, (const char *[]){"in another row", NULL});
        add_to(&drive, table, 7, CHANGES_AT, 1);
        drive_expect_sound(&drive);
    }
    add_to(&drive, CHECKING, 3, BALANCE_AT, 5); /* the total is right, and so is the number of changes */
    add_to(&drive, CHECKING, 4, BALANCE_AT, -5);
    drive_expect_corrupt(&drive, (const char *[]){"in another row", NULL});
    add_to(&drive, SAVINGS, 4, BALANCE_AT, 5); /* the right customer, the wrong account */
    add_to(&drive, CHECKING, 3, BALANCE_AT, -5);
    drive_expect_corrupt(&drive, (const char *[]){"in another row", NULL});
    add_to(&drive, SAVINGS, 4, BALANCE_AT, -5);
    add_to(&drive, CHECKING, 4, BALANCE_AT, 5);
    add_to(&drive, CHECKING, 3, CHANGES_AT, 1);
    add_to(&drive, CHECKING, 4, CHANGES_AT, -1);
    drive_expect_corrupt(&drive, (const char *[]){"in another row", NULL});
    drive_close(&drive);
}

static void the_check_finds_missing_and_foreign_rows(void **state)
{
    struct drive drive;
    (void)state;
    open_bank(&drive, "10", "15/15/15/15/15/25", "500");
    add_to(&drive, CHECKING, 2, 0, 1);
    drive_expect_corrupt(&drive, (const char *[]){"checking of customer 2: another row", NULL});
    add_to(&drive, CHECKING, 2, 0, -1);
    drive_erase(&drive, index_of(&drive, SAVINGS), 4);
    drive_expect_corrupt(&drive, (const char *[]){"savings of customer 4: no row", NULL});
    drive_close(&drive);
}

/* S4: what a committed transaction saw stays a finding, even if it is gone in the end. */
static void savings_below_zero_are_found(void **state)
{
    struct drive drive;
    (void)state;
    open_bank(&drive, "2", "100/0/0/0/0/0", "500");
    add_to(&drive, SAVINGS, 0, BALANCE_AT, -501);
    drive_expect_corrupt(&drive, (const char *[]){"savings of customer 0: -1, expected 0 or more", NULL});
    add_to(&drive, SAVINGS, 1, BALANCE_AT, -501);
    drive_step(&drive, 1);
    add_to(&drive, SAVINGS, 0, BALANCE_AT, 501);
    add_to(&drive, SAVINGS, 1, BALANCE_AT, 501);
    drive_expect_corrupt(&drive, (const char *[]){"worker 1: a balance saw savings of -1", NULL});
    drive_close(&drive);
}

/* Hot customers are the first ones; with one type of one customer, deposits show who was drawn. */
static void hot_customers_are_drawn_more_often(void **state)
{
    enum { ACCOUNTS = 40, DRAWS = 8000 };
    int64_t hot = 0;
    struct drive drive;
    (void)state;
    open_bank(&drive, "40", "0/100/0/0/0/0", "0");
    drive_run(&drive, DRAWS);
    for (uint64_t key = 0; key < ACCOUNTS / 4; key++)
        hot += number_at(&drive, CHECKING, key, CHANGES_AT);
    assert_in_range(hot, DRAWS * 88 / 100, DRAWS * 92 / 100);
    drive_close(&drive);
}

static void presets_are_sets_of_options(void **state)
{
    (void)state;
    drive_expect_presets(&smallbank_workload_ops);
}

static void combinations_that_cannot_work_are_refused(void **state)
{
    static const struct {
        const char *pairs[6], *text;
    } bad[] = {
        {{"mix", "50/50", NULL}, "mix=50/50: must be six percents"},
        {{"mix", "15/15/15/15/15/15", NULL}, "sum up to 90"},
        {{"balance_min", "6", "balance_max", "5", NULL}, "balance_min=6 is above balance_max=5"},
        {{"accounts", "1", NULL}, "accounts: '1' is out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        drive_expect_refused(&smallbank_workload_ops, bad[i].pairs, bad[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transaction_moves_what_it_says),
        cmocka_unit_test(too_little_money_rolls_back),
        cmocka_unit_test(the_check_finds_lost_and_misplaced_changes),
        cmocka_unit_test(the_check_finds_missing_and_foreign_rows),
        cmocka_unit_test(savings_below_zero_are_found),
        cmocka_unit_test(hot_customers_are_drawn_more_often),
        cmocka_unit_test(presets_are_sets_of_options),
        cmocka_unit_test(combinations_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
