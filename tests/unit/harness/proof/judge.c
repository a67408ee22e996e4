/* judge.c - hand-written histories: good ones pass, and of each anomaly a bad one is found and named. */
#include "harness/proof/judge.h"
#include "harness/proof/elle.h"
#include "harness/proof/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scratch.h"

#define LOAD "begin 10 rw worker 0\n insert x 1\n insert y 2\n commit 10\n"
#define ORDERED "index 0 names ordered unique fixed 8\n"
#define TEXTS "index 0 texts ordered unique variable 3\n"

static struct history_verdict judge_as(const struct target_promises *promises, const char *text)
{
    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    struct history_verdict verdict = {0};
    char error[256] = "";
    history_init(history);
    if (!history_parse(history, "text", text, error, sizeof error))
        fail_msg("%s", error);
    bool fine = history_check(checker, history, promises, &verdict);
    assert_int_equal(fine, verdict.found == 0);
    history_checker_destroy(checker);
    history_fini(history);
    free(history);
    return verdict;
}

static struct history_verdict judge(const char *text)
{
    return judge_as(&history_serializable, text);
}

static void assert_fine(const char *text)
{
    struct history_verdict verdict = judge(text);
    if (verdict.found)
        fail_msg("%s", verdict.report.text);
    history_verdict_fini(&verdict);
}

static bool produced[HISTORY_ANOMALY_COUNT]; /* by the tests before the last one */

/* The anomaly is found, and the report says `says`. */
static void assert_found(const char *text, enum history_anomaly anomaly, const char *says)
{
    struct history_verdict verdict = judge(text);
    produced[anomaly] = true;
    if (verdict.findings[anomaly] == 0 || strstr(verdict.report.text, says) == NULL)
        fail_msg("no %s with '%s' in: %s", history_anomalies[anomaly].name, says,
                 verdict.report.text ? verdict.report.text : "nothing");
    history_verdict_fini(&verdict);
}

static void serial_histories_are_fine(void **state)
{
    (void)state;
    assert_fine("");
    assert_fine(LOAD "begin 20 rw worker 1\n read x 10.1\n write x 1 over 10.1\n commit 20\n"
                     "begin 30 rw worker 2\n read x 20.1\n delete y 1 over 10.2\n commit 30\n"
                     "begin 40 rw worker 2\n miss y\n insert y 1\n blind x 2\n commit 40\n"
                     "begin 45 rw worker 1\n write x 1 over 40.2\n abort TARGET_RETRY+4\n"
                     "begin 50 snapshot worker 1\n read x 40.2\n read y 40.1\n commit 50\n");
}

/* Streams need not be in timestamp order, and a snapshot may be older than what committed before it. */
static void order_is_that_of_timestamps(void **state)
{
    (void)state;
    assert_fine("begin 30 rw worker 1\n write x 1 over 20.1\n commit 30\n"
                "begin 15 snapshot worker 1\n read x 10.1\n commit 15\n" LOAD
                "begin 20 rw worker 2\n write x 1 over 10.1\n commit 20\n");
}

/* Who moved has its place where it committed; its versions keep the name they were written with. */
static void who_moved_stands_at_its_commit(void **state)
{
    (void)state;
    assert_fine(LOAD "begin 20 rw worker 1\n read y 10.2\n write x 1 over 10.1\n read x 20.1\n commit 40\n"
                     "begin 30 rw worker 2\n read x 10.1\n commit 30\n"
                     "begin 50 rw worker 2\n read x 20.1\n write x 1 over 20.1\n commit 50\n");
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n commit 40\n"
                      "begin 30 rw worker 2\n read x 20.1\n commit 30\n",
                 HISTORY_ANOMALY_FUTURE_READ, "read x 20.1");
    assert_found(LOAD "begin 20 rw worker 1\n read x 10.1\n commit 40\n"
                      "begin 30 rw worker 2\n write x 1 over 10.1\n commit 30\n",
                 HISTORY_ANOMALY_STALE_READ, "read x 10.1");
}

/* The first version seen of a row that no transaction inserts is its initial one; there is only one. */
static void rows_may_have_been_there_before(void **state)
{
    (void)state;
    assert_fine(
        "begin 20 rw worker 1\n read x 5.1\n commit 20\nbegin 30 rw worker 1\n write x 1 over 5.1\n commit 30\n");
    assert_found("begin 20 rw worker 1\n read x 5.1\n commit 20\nbegin 30 rw worker 1\n read x 6.1\n commit 30\n",
                 HISTORY_ANOMALY_UNKNOWN_READ, "read x 6.1");
}

static void own_writes_are_seen(void **state)
{
    (void)state;
    assert_fine(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write x 2 over 20.1\n read x 20.2\n commit 20\n"
                     "begin 30 rw worker 1\n read x 20.2\n commit 30\n");
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write x 2 over 20.1\n read x 20.1\n commit 20\n",
                 HISTORY_ANOMALY_OWN_WRITE, "read x 20.1");
}

static void insert_and_delete_in_one_transaction_leave_nothing(void **state)
{
    (void)state;
    assert_fine("begin 20 rw worker 1\n insert z 1\n delete z 2 over *\n commit 20\nbegin 30 rw worker 1\n miss z\n "
                "commit 30\n");
    assert_fine(LOAD "begin 20 rw worker 1\n delete x 1 over *\n insert x 2\n commit 20\nbegin 30 rw worker 1\n read x "
                     "20.2\n commit 30\n");
}

static void dirty_write_is_g0(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write y 2 over 30.2\n commit 20\n"
                      "begin 30 rw worker 2\n write x 1 over 20.1\n write y 2 over 10.2\n commit 30\n",
                 HISTORY_ANOMALY_G0, "the shortest cycle has 2 transactions");
}

static void aborted_read_is_g1a(void **state)
{
    (void)state;
    assert_found(LOAD
                 "begin 20 rw worker 1\n write x 1 over 10.1\n abort\nbegin 30 rw worker 2\n read x 20.1\n commit 30\n",
                 HISTORY_ANOMALY_ABORTED_READ, "read x 20.1");
}

static void intermediate_read_is_g1b(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write x 2 over 20.1\n commit 20\n"
                      "begin 30 rw worker 2\n read x 20.1\n commit 30\n",
                 HISTORY_ANOMALY_INTERMEDIATE_READ, "read x 20.1");
}

static void circular_information_flow_is_g1c(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n blind x 1\n read y 30.1\n commit 20\n"
                      "begin 30 rw worker 2\n blind y 1\n read x 20.1\n commit 30\n",
                 HISTORY_ANOMALY_G1C, "wr: wrote the version that the next one read, y");
}

/* OTV: T3 sees one of T2's writes, then one that T2 replaced. */
static void observed_transaction_vanishes(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write y 2 over 10.2\n commit 20\n"
                      "begin 30 rw worker 2\n write x 1 over 20.1\n write y 2 over 20.2\n commit 30\n"
                      "begin 40 rw worker 3\n read x 30.1\n read y 20.2\n commit 40\n",
                 HISTORY_ANOMALY_G_SINGLE, "rw: read a version that the next one replaced, y");
}

/* PMP: the predicate is evaluated to nothing, then the row that matches it is seen. */
static void predicate_many_preceders(void **state)
{
    (void)state;
    assert_found(ORDERED "begin 30 rw worker 1\n insert z 1\n add 0 5 1\n commit 30\n"
                         "begin 40 rw worker 2\n scan 0 forward 1 9 all :\n read z 30.1\n commit 40\n",
                 HISTORY_ANOMALY_G_SINGLE, "saw a presence or absence that the next one ended");
}

static void lost_update_is_p4(void **state)
{
    (void)state;
    const char *text = LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n commit 20\n"
                            "begin 30 rw worker 2\n write x 1 over 10.1\n commit 30\n";
    assert_found(text, HISTORY_ANOMALY_G_SINGLE, "the shortest cycle has 2 transactions");
    assert_found(text, HISTORY_ANOMALY_STALE_READ, "write x 1 over 10.1");
}

static void read_skew_is_g_single(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write y 2 over 10.2\n commit 20\n"
                      "begin 30 rw worker 2\n read x 10.1\n read y 20.2\n commit 30\n",
                 HISTORY_ANOMALY_G_SINGLE, "begin 30 rw");
}

static void write_skew_is_g2_item(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n read x 10.1\n read y 10.2\n write x 1 over 10.1\n commit 20\n"
                      "begin 30 rw worker 2\n read x 10.1\n read y 10.2\n write y 1 over 10.2\n commit 30\n",
                 HISTORY_ANOMALY_G2_ITEM, "rw: read a version that the next one replaced, x");
}

static void insert_into_each_others_range_is_g2(void **state)
{
    (void)state;
    const char *text =
        ORDERED "begin 20 rw worker 1\n scan 0 forward 1 9 all :\n insert a 1\n add 0 3 1\n commit 20\n"
                "begin 30 rw worker 2\n scan 0 backward - 9 all :\n insert b 1\n add 0 4 2\n commit 30\n";
    assert_found(text, HISTORY_ANOMALY_G2, "the shortest cycle has 2 transactions");
    assert_found(text, HISTORY_ANOMALY_PHANTOM, "at that timestamp there are: 3=1");
}

/* Two misses and two inserts: write skew on what is not there. */
static void misses_make_anti_dependencies(void **state)
{
    (void)state;
    assert_found("begin 20 rw worker 1\n miss a\n insert b 1\n commit 20\nbegin 30 rw worker 2\n miss b\n insert a 1\n "
                 "commit 30\n",
                 HISTORY_ANOMALY_G2, "begin 20 rw");
}

/* The read-only anomaly: the writers alone could be ordered, the snapshot between them cannot. */
static void inconsistent_snapshot_is_found(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n write x 1 over 10.1\n write y 2 over 10.2\n commit 20\n"
                      "begin 25 snapshot worker 2\n read x 20.1\n read y 10.2\n commit 25\n",
                 HISTORY_ANOMALY_STALE_READ, "read y 10.2");
}

static void each_misfit_has_its_name(void **state)
{
    (void)state;
    assert_found(
        LOAD "begin 20 rw worker 1\n read x 30.1\n commit 20\nbegin 30 rw worker 2\n write x 1 over 10.1\n commit 30\n",
        HISTORY_ANOMALY_FUTURE_READ, "read x 30.1");
    assert_found(LOAD "begin 20 rw worker 1\n read x 15.1\n commit 20\n", HISTORY_ANOMALY_UNKNOWN_READ, "read x 15.1");
    assert_found(
        LOAD "begin 20 rw worker 1\n delete x 1 over 10.1\n commit 20\nbegin 30 rw worker 2\n blind x 1\n commit 30\n",
        HISTORY_ANOMALY_DELETED_READ, "was deleted by 20.1");
    assert_found(LOAD "begin 20 rw worker 1\n miss x\n commit 20\n", HISTORY_ANOMALY_LOST_INSERT, "miss x");
    assert_found(LOAD "begin 20 rw worker 1\n insert x 1\n commit 20\n", HISTORY_ANOMALY_DOUBLE_INSERT, "insert x 1");
    assert_found(LOAD "begin 20 rw worker 1\n wrong x y\n commit 20\n", HISTORY_ANOMALY_WRONG_ROW, "wrong x y");
    assert_found(LOAD "begin 11 rw worker 2\n read x 10.1\n commit 10\n", HISTORY_ANOMALY_TIMESTAMP_TWICE, "begin 11");
    assert_found(
        "begin 10 rw worker 1\n insert x 1 row 1\n commit 10\nbegin 20 snapshot worker 1\n rows 0 2\n commit 20\n",
        HISTORY_ANOMALY_PHANTOM, "rows 0 2");
}

static void entries_are_those_of_the_timestamp(void **state)
{
    (void)state;
    const char *load =
        ORDERED "index 1 towns ordered non-unique fixed 16\n"
                "begin 10 rw worker 0\n add 0 3 1\n add 0 5 2\n add 0 7 3\n"
                "add 1 00000000000000000000000000000001 4\nadd 1 00000000000000000000000000000001 5\n commit 10\n"
                "begin 20 rw worker 0\n remove 0 5 2\n remove 1 00000000000000000000000000000001 4\n commit 20\n";
    static const struct {
        const char *record;
        bool fine;
    } cases[] = {
        {"find 0 3 1", true},
        {"find 0 3 2", false},
        {"find 0 5 *", false},
        {"absent 0 5", true},
        {"absent 0 6", true},
        {"absent 0 7", false},
        {"remove 0 7 *", true},
        {"add 0 7 9", false},
        {"add 0 5 9", true},
        {"scan 0 forward - - all : 3=1 7=3", true},
        {"scan 0 backward - - all : 7=3 3=1", true},
        {"scan 0 forward - - all : 3=1", false},
        {"scan 0 forward - 3 all : 3=1", true},
        {"scan 0 forward 4 6 all :", true},
        {"scan 0 forward - - all : 3=1 5=2 7=3", false},
        {"scan 0 forward 3 7 all : 7=3 3=1", false},
        {"find 1 00000000000000000000000000000001 5", true},
        {"find 1 00000000000000000000000000000001 4", false},
        {"absent 1 00000000000000000000000000000001", false},
        {"absent 1 00000000000000000000000000000002", true},
        {"add 1 00000000000000000000000000000001 4", true},
        {"add 1 00000000000000000000000000000001 5", false},
        {"scan 1 forward - - all : 00000000000000000000000000000001=5", true},
        {"scan 1 forward - 00000000000000000000000000000001 all :", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%sbegin 30 rw worker 1\n %s\n commit 30\n", load, cases[i].record);
        struct history_verdict verdict = judge(text);
        if ((verdict.found == 0) != cases[i].fine)
            fail_msg("'%s' is %s: %s", cases[i].record, cases[i].fine ? "right" : "wrong",
                     verdict.report.text ? verdict.report.text : "no finding");
        history_verdict_fini(&verdict);
    }
}

/* The shorter of two keys that begin one another comes first, and a zero at the end is part of a key. */
static void keys_of_variable_length_have_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        bool fine;
    } cases[] = {
        {"scan 0 forward - - all : 61=1 6100=2 6162=3 62=4", true},
        {"scan 0 backward - - all : 62=4 6162=3 6100=2 61=1", true},
        {"scan 0 forward - - all : 6100=2 61=1 6162=3 62=4", false},
        {"scan 0 forward - - all : 61=1 62=4 6100=2 6162=3", false},
        {"scan 0 forward - - all : 61=1 6162=3 62=4", false},
        {"scan 0 forward 6100 6162 all : 6100=2 6162=3", true},
        {"scan 0 forward 6101 616200 all : 6162=3", true},
        {"scan 0 forward - 61 all : 61=1", true},
        {"scan 0 forward - 61 all : 61=1 6100=2", false},
        {"find 0 6100 2", true},
        {"find 0 6100 1", false},
        {"absent 0 610000", true},
        {"absent 0 6162", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 TEXTS "begin 10 rw worker 0\n add 0 62 4\n add 0 6162 3\n add 0 61 1\n add 0 6100 2\n commit 10\n"
                       "begin 30 rw worker 1\n %s\n commit 30\n",
                 cases[i].record);
        struct history_verdict verdict = judge(text);
        if ((verdict.found == 0) != cases[i].fine)
            fail_msg("'%s' is %s: %s", cases[i].record, cases[i].fine ? "right" : "wrong",
                     verdict.report.text ? verdict.report.text : "no finding");
        history_verdict_fini(&verdict);
    }
}

/* A scan of a non-unique index that stopped inside a key has not promised that it saw all of the key's rows. */
static void partial_scans_promise_less(void **state)
{
    (void)state;
    const char *text = "index 0 towns ordered non-unique fixed 8\nbegin 10 rw worker 0\n add 0 3 1\n add 0 3 2\n add 0 "
                       "4 3\n commit 10\n"
                       "begin 20 rw worker 1\n scan 0 forward - %s : 3=1\n commit 20\n";
    char part[512], all[512], beyond[512];
    snprintf(part, sizeof part, text, "3 part");
    snprintf(all, sizeof all, text, "3 all");
    snprintf(beyond, sizeof beyond, text, "4 part");
    assert_fine(part);
    assert_found(all, HISTORY_ANOMALY_PHANTOM, "3=1 3=2");
    struct history_verdict verdict = judge(beyond); /* stops in the middle of 3 but claims 4 */
    assert_int_equal(verdict.found, 0);             /* the next entry has key 3: as far as the record says, fine */
    history_verdict_fini(&verdict);
}

/* The same without an order: of two rows of the key the scan has seen one, and another transaction adds a third, having
 * read what the scanner wrote. */
static void partial_scans_accuse_nobody(void **state)
{
    (void)state;
    assert_fine("index 0 towns ordered non-unique fixed 8\n"
                "begin 1/1 rw worker 1\n insert a 1 row 1\n add 0 3 1\n insert b 1 row 2\n add 0 3 2\n"
                " insert x 1\n commit\n"
                "begin 2/1 rw worker 2\n insert c 1 row 4\n add 0 3 4\n commit\n"
                "begin 3/1 rw worker 3\n scan 0 forward - 3 part : 3=1\n read c 2/1.1\n commit\n");
}

/* Entries of several indexes with keys that are alike are different things. */
static void indexes_are_told_apart(void **state)
{
    (void)state;
    FILE *out = scratch_text_open();
    for (unsigned index = 0; index < 8; index++)
        fprintf(out, "index %u i%u ordered unique fixed 8\n", index, index);
    for (unsigned index = 0; index < 8; index++) {
        fprintf(out, "begin %u/1 rw worker %u\n", index + 1, index + 1);
        for (unsigned key = 0; key < 256; key++)
            fprintf(out, " add %u %u %u\n", index, key, index << 8 | key);
        fprintf(out, " commit\n");
    }
    char *text = scratch_text_close(out);
    assert_fine(text);
    free(text);
}

/* Of a long cycle and a short one the short one is shown. */
static void shortest_cycle_is_shown(void **state)
{
    (void)state;
    assert_found("begin 10 rw worker 0\n insert a 1\n insert b 2\n insert c 3\n insert x 4\n insert y 5\n commit 10\n"
                 "begin 20 rw worker 1\n read a 10.1\n write b 1 over 10.2\n commit 20\n"
                 "begin 30 rw worker 2\n read b 10.2\n write c 1 over 10.3\n commit 30\n"
                 "begin 40 rw worker 3\n read c 10.3\n write a 1 over 10.1\n commit 40\n"
                 "begin 50 rw worker 4\n read x 10.4\n write y 1 over 10.5\n commit 50\n"
                 "begin 60 rw worker 5\n read y 10.5\n write x 1 over 10.4\n commit 60\n",
                 HISTORY_ANOMALY_G2_ITEM, "the shortest cycle has 2 transactions");
    assert_found("begin 10 rw worker 0\n insert a 1\n insert b 2\n insert c 3\n commit 10\n"
                 "begin 20 rw worker 1\n read a 10.1\n write b 1 over 10.2\n commit 20\n"
                 "begin 30 rw worker 2\n read b 10.2\n write c 1 over 10.3\n commit 30\n"
                 "begin 40 rw worker 3\n read c 10.3\n write a 1 over 10.1\n commit 40\n",
                 HISTORY_ANOMALY_STALE_READ, "read b 10.2");
}

/* ---- No order is claimed: the graph, and what can be deduced. ---- */

#define UNORDERED "begin 10 rw worker 0\n insert x 1\n insert y 2\n commit\n"

static void without_an_order_serial_histories_are_fine(void **state)
{
    (void)state;
    /* As recorded, not as they happened: 1/2 saw what 2/1 wrote. */
    assert_fine("begin 1/1 rw worker 1\n read x 10.1\n commit\n"
                "begin 1/2 rw worker 1\n read x 2/1.1\n write x 1 over 2/1.1\n write x 2 over 1/2.1\n commit\n"
                "begin 2/1 rw worker 2\n write x 1 over 10.1\n commit\n"
                "begin 2/2 rw worker 2\n read x 1/2.2\n read y 10.2\n abort TARGET_RETRY+1\n" UNORDERED);
    /* A row that came and went, and came again; missed before and after. */
    assert_fine("begin 3/1 rw worker 3\n miss z\n commit\n"
                "begin 1/1 rw worker 1\n insert z 1\n commit\n"
                "begin 1/2 rw worker 1\n insert z 1\n delete z 2 over 1/2.1\n commit\n"
                "begin 2/1 rw worker 2\n read z 1/1.1\n delete z 1 over 1/1.1\n commit\n"
                "begin 2/2 rw worker 2\n insert z 1\n commit\n");
    struct history_verdict verdict = judge(UNORDERED);
    assert_false(verdict.ordered);
    history_verdict_fini(&verdict);
}

static void without_an_order_cycles_are_found(void **state)
{
    (void)state;
    assert_found(UNORDERED "begin 1/1 rw worker 1\n read x 10.1\n write x 1 over 10.1\n commit\n"
                           "begin 2/1 rw worker 2\n read x 10.1\n write x 1 over 10.1\n commit\n",
                 HISTORY_ANOMALY_G2_ITEM, "write x 1 over 10.1"); /* a lost update: each read what the other replaced */
    assert_found("begin 1/1 rw worker 1\n read y 10.2\n write x 1 over 10.1\n commit\n"
                 "begin 2/1 rw worker 2\n read x 10.1\n write y 1 over 10.2\n commit\n" UNORDERED,
                 HISTORY_ANOMALY_G2_ITEM, "read x 10.1");
    assert_found("begin 1/1 rw worker 1\n write x 1 over 10.1\n write y 2 over 10.2\n commit\n"
                 "begin 2/1 rw worker 2\n read x 10.1\n read y 1/1.2\n commit\n" UNORDERED,
                 HISTORY_ANOMALY_G_SINGLE, "read y 1/1.2");
    assert_found("begin 1/1 rw worker 1\n miss a\n insert b 1\n commit\n"
                 "begin 2/1 rw worker 2\n miss b\n insert a 1\n commit\n",
                 HISTORY_ANOMALY_G2, "miss a");
    assert_found("begin 1/1 rw worker 1\n insert a 1\n commit\nbegin 2/1 rw worker 2\n insert a 1\n commit\n",
                 HISTORY_ANOMALY_G2, "insert a 1");
    assert_found(ORDERED "begin 1/1 rw worker 1\n scan 0 forward 1 9 all :\n insert a 1\n add 0 3 1\n commit\n"
                         "begin 2/1 rw worker 2\n scan 0 forward 1 9 all :\n insert b 1\n add 0 4 2\n commit\n",
                 HISTORY_ANOMALY_G2, "scan 0 forward");
}

static void without_an_order_impossible_reads_are_found(void **state)
{
    (void)state;
    assert_found(UNORDERED "begin 1/1 rw worker 1\n write x 1 over 10.1\n abort\n"
                           "begin 2/1 rw worker 2\n read x 1/1.1\n commit\n",
                 HISTORY_ANOMALY_ABORTED_READ, "read x 1/1.1");
    assert_found(UNORDERED "begin 1/1 rw worker 1\n write x 1 over 10.1\n write x 2 over 1/1.1\n commit\n"
                           "begin 2/1 rw worker 2\n read x 1/1.1\n commit\n",
                 HISTORY_ANOMALY_INTERMEDIATE_READ, "read x 1/1.1");
    assert_found(UNORDERED "begin 1/1 rw worker 1\n write x 1 over 10.1\n read x 10.1\n commit\n",
                 HISTORY_ANOMALY_OWN_WRITE, "read x 10.1");
}

/* A deduction that is wrong would be a cycle in a history that has none: serial executions, recorded in any order. */
static void without_an_order_no_serial_history_is_accused(void **state)
{
    (void)state;
    enum { REGISTERS = 3, TXNS = 24, ROUNDS = 300, TEXT_BYTES = 512 };
    srand(4711);
    for (int round = 0; round < ROUNDS; round++) {
        struct {
            int name, seq;
        } rows[REGISTERS] = {{0, 0}};
        char texts[TXNS][TEXT_BYTES], whole[TXNS * TEXT_BYTES + 64] = ORDERED;
        for (int t = 0; t < TXNS; t++) {
            int seq = 0, length = snprintf(texts[t], TEXT_BYTES, "begin %d rw worker 1\n", t + 1);
            for (int op = 0; op < 4; op++) {
                int r = rand() % REGISTERS, choice = rand() % 3;
                char *at = texts[t] + length;
                size_t left = TEXT_BYTES - (size_t)length;
                if (rows[r].seq == 0 && choice == 0)
                    length += snprintf(at, left, "miss r%d\nabsent 0 %d\n", r, r);
                else if (rows[r].seq == 0) {
                    length += snprintf(at, left, "insert r%d %d\nadd 0 %d 7\n", r, ++seq, r);
                    rows[r].name = t + 1, rows[r].seq = seq;
                } else if (choice == 0)
                    length += snprintf(at, left, "read r%d %d.%d\nfind 0 %d 7\n", r, rows[r].name, rows[r].seq, r);
                else {
                    bool erase = choice == 1;
                    length += snprintf(at, left, "%s r%d %d over %d.%d\n", erase ? "delete" : "write", r, seq + 1,
                                       rows[r].name, rows[r].seq);
                    if (erase)
                        length += snprintf(texts[t] + length, TEXT_BYTES - (size_t)length, "remove 0 %d *\n", r);
                    rows[r].name = t + 1, rows[r].seq = erase ? 0 : ++seq;
                    seq += erase;
                }
            }
            (void)snprintf(texts[t] + length, TEXT_BYTES - (size_t)length, "commit\n");
        }
        for (int left = TXNS; left > 0; left--) { /* in any order */
            int t = rand() % left;
            strcat(whole, texts[t]);
            memmove(texts[t], texts[left - 1], TEXT_BYTES);
        }
        assert_fine(whole);
    }
}

#define UNORDERED_LOAD "begin 1 rw worker 0\n insert x 1\n insert y 2\n commit\n"
#define WRITE_SKEW                                                                  \
    "begin 2 rw worker 1\n read x 1.1\n read y 1.2\n write x 1 over 1.1\n commit\n" \
    "begin 3 rw worker 2\n read x 1.1\n read y 1.2\n write y 1 over 1.2\n commit\n"
/* Of rows that nobody inserts, so that they share no transaction with those above. */
#define READ_SKEW                                                               \
    "begin 10 rw worker 1\n write a 1 over 9.1\n write b 2 over 9.2\n commit\n" \
    "begin 11 rw worker 2\n read a 9.1\n read b 10.2\n commit\n"

/* Each is found from its level on, and allowed below; the graph says so, without an order. */
static void what_a_level_does_not_forbid_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum history_anomaly anomaly;
        enum target_isolation forbidden_from;
    } cases[] = {
        {UNORDERED_LOAD WRITE_SKEW, HISTORY_ANOMALY_G2_ITEM, TARGET_ISOLATION_SERIALIZABLE},
        {READ_SKEW, HISTORY_ANOMALY_G_SINGLE, TARGET_ISOLATION_SNAPSHOT},
        {UNORDERED_LOAD WRITE_SKEW READ_SKEW, HISTORY_ANOMALY_G_SINGLE, TARGET_ISOLATION_SNAPSHOT},
        {UNORDERED_LOAD "begin 2 rw worker 1\n write x 1 over 1.1\n commit\n"
                        "begin 3 rw worker 2\n write x 1 over 1.1\n commit\n",
         HISTORY_ANOMALY_LOST_UPDATE, TARGET_ISOLATION_SNAPSHOT},
        {UNORDERED_LOAD "begin 2 rw worker 1\n write x 1 over 1.1\n read y 3.1\n commit\n"
                        "begin 3 rw worker 2\n write y 1 over 1.2\n read x 2.1\n commit\n",
         HISTORY_ANOMALY_G1C, TARGET_ISOLATION_READ_COMMITTED},
        {UNORDERED_LOAD WRITE_SKEW "begin 12 rw worker 1\n write c 1 over 9.1\n abort\n"
                                   "begin 13 rw worker 1\n read c 12.1\n commit\n",
         HISTORY_ANOMALY_ABORTED_READ, TARGET_ISOLATION_READ_COMMITTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (enum target_isolation level = TARGET_ISOLATION_NONE; level <= TARGET_ISOLATION_SERIALIZABLE; level++) {
            const struct target_promises promises = {.isolation = level, .phantom_safe = true};
            struct history_verdict verdict = judge_as(&promises, cases[i].text);
            bool forbidden = level >= cases[i].forbidden_from;
            if ((verdict.found > 0) != forbidden || verdict.undecided > 0)
                fail_msg("case %zu at '%s': %d found: %s", i, target_isolation_text(level), (int)verdict.found,
                         verdict.report.text ? verdict.report.text : "nothing");
            if (forbidden && level < TARGET_ISOLATION_SERIALIZABLE)
                assert_true(verdict.findings[cases[i].anomaly] > 0);
            assert_true(forbidden || verdict.allowed > 0);
            produced[cases[i].anomaly] = true;
            history_verdict_fini(&verdict);
        }
}

/* Neither edges of what was absent nor misses that the order does not explain. */
static void who_promises_no_phantom_safety_owes_none(void **state)
{
    (void)state;
    const struct target_promises promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE};
    static const char *const texts[] = {
        "begin 2 rw worker 1\n miss a\n insert b 1\n commit\nbegin 3 rw worker 2\n miss b\n insert a 1\n commit\n",
        LOAD "begin 20 rw worker 1\n miss x\n commit 20\n"};
    for (size_t i = 0; i < 2; i++) {
        struct history_verdict verdict = judge(texts[i]);
        assert_true(verdict.found > 0);
        history_verdict_fini(&verdict);
        verdict = judge_as(&promises, texts[i]);
        assert_int_equal(verdict.found, 0);
        history_verdict_fini(&verdict);
    }
}

/* Two absences: the miss may have seen either, unless other reads tell which; or neither, and then that is a cycle. */
static void what_nothing_tells_is_undecided(void **state)
{
    (void)state;
#define CAME_AND_WENT                                                           \
    "begin 1 rw worker 0\n insert z 1\n commit\n"                               \
    "begin 2 rw worker 0\n delete z 1 over 1.1\n write q 2 over 9.1\n commit\n" \
    "begin 3 rw worker 0\n insert z 1\n write r 2 over 9.2\n commit\n"
    static const struct {
        const char *text;
        bool fine;
        unsigned undecided;
    } cases[] = {
        {CAME_AND_WENT "begin 4 rw worker 1\n miss z\n commit\n", true, 1},
        {CAME_AND_WENT "begin 4 rw worker 1\n read q 2.2\n miss z\n commit\n", true, 0},
        {CAME_AND_WENT "begin 4 rw worker 1\n read q 9.1\n miss z\n commit\n", true, 0},
        {CAME_AND_WENT "begin 4 rw worker 1\n read q 2.2\n read r 3.2\n miss z\n commit\n", false, 0},
        {CAME_AND_WENT "begin 4 rw worker 1\n read r 3.2\n miss z\n commit\n", false, 0},
        /* Of the second miss the first one tells: what it saw came before. */
        {CAME_AND_WENT "begin 4 rw worker 1\n read q 2.2\n miss z\n insert p 1\n commit\n"
                       "begin 5 rw worker 1\n read p 4.1\n miss z\n commit\n",
         true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history_verdict verdict = judge(cases[i].text);
        if ((verdict.found == 0) != cases[i].fine || verdict.undecided != cases[i].undecided)
            fail_msg("case %zu: %d found, %d undecided: %s", i, (int)verdict.found, (int)verdict.undecided,
                     verdict.report.text ? verdict.report.text : "");
        history_verdict_fini(&verdict);
    }
}

static void texts_with_mistakes_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"read x 1.1\n", "text:1: 'read' outside of a transaction"},
        {"\nbegin ten rw worker 1\n", "text:2: 'ten' is no name"},
        {"begin 1 rw worker 1\nread x 7\n", "text:2: '7' is no version"},
        {"begin 1 rw worker 1\nread x 7.0\n", "sequence numbers are 1 to 255"},
        {"begin 1 rw worker 1\nfind 3 1 1\n", "text:2: index 3 has not been declared"},
        {"begin 1 rw worker 1\ncommit now\n", "text:2: 'now' is no place"},
        {"begin 1 rw worker 1\n", "the last transaction has neither"},
        {"begin 1 rw worker 1\nabort OOPS\n", "'OOPS' is no status"},
        {"index 0 i ordered unique fixed 256\n", "keys have 1 to 255 bytes"},
        {"boo\n", "'boo' is no record of a history, such as begin, read or commit"},
        {"index 1024 i ordered unique fixed 8\n", "index numbers are below 1024"},
        {"index 0 i sorted unique fixed 8\n", "'sorted' where 'hash' or 'ordered' should be"},
        {"begin 1 rw thread 1\n", "'thread' where 'worker' should be"},
        {"begin 1 rw\n", "worker is missing"},
        {"begin 1 rw worker 1\nwrite x 1 over *\n", "'*' is no version"},
        {"begin 1 rw worker 1\ninsert x 1 line 2\n", "'line' where 'row' should be"},
        {"begin 1 rw worker 1\nmiss x y\n", "'y' is too much"},
        {"begin 1 rw worker 1\nindex 0 i ordered unique fixed 8\n", "before the first transaction"},
        {"begin 1 rw worker 1\nbegin 2 rw worker 1\n", "has neither 'commit' nor 'abort'"},
        {ORDERED "begin 1 rw worker 1\nscan 0 forward 1\n", "the high bound is missing"},
        {ORDERED "begin 1 rw worker 1\nscan 0 forward - - all : 5\n", "'5' is no entry"},
        {TEXTS "begin 1 rw worker 1\nadd 0 abc 1\n", "'abc' is no key: an even number of 2 to 6 hex digits are"},
        {TEXTS "begin 1 rw worker 1\nadd 0 61626364 1\n", "'61626364' is no key"},
        {TEXTS "begin 1 rw worker 1\nadd 0 6g 1\n", "'6g' is no key"},
        {"index 0 i ordered unique 8\n", "'8' where 'fixed' or 'variable' should be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history *history = calloc(1, sizeof *history);
        char error[256] = "";
        history_init(history);
        assert_false(history_parse(history, "text", cases[i].text, error, sizeof error));
        if (strstr(error, cases[i].error) == NULL)
            fail_msg("'%s' where '%s' should be", error, cases[i].error);
        history_fini(history);
        free(history);
    }
}

/* What is printed can be read again, and says the same. */
static void text_form_survives_a_round_trip(void **state)
{
    (void)state;
    const char *text = "index 0 names ordered unique fixed 8\nindex 1 towns hash non-unique fixed 12\n"
                       "index 2 texts ordered unique variable 255\n"
                       "begin 10 rw worker 3\ninsert x 1 row 5\nadd 0 7 5\nadd 1 000000000000000000000abc 5\n"
                       "add 2 6b00 5\nadd 2 6b00000000000001 6\nscan 2 forward 6a 6bff all : 6b00=5\ncommit\n"
                       "begin 20 rw worker 2\nread x 10.1\nwrite x 1 over 10.1\nblind x 2\ndelete x 3 over 20.2\n"
                       "delete x 4 over *\nmiss y\nexists x\nwrong x y\nremove 0 7 *\nfind 0 7 5\nabsent 0 8\n"
                       "scan 0 backward - 9 part : 7=5 3=1\nrows 2 14\nabort TARGET_RETRY+4\n";
    struct history *history = calloc(1, sizeof *history);
    char error[256] = "";
    history_init(history);
    if (!history_parse(history, "text", text, error, sizeof error))
        fail_msg("%s", error);
    FILE *out = scratch_text_open();
    history_print(history, out);
    char *printed = scratch_text_close(out);
    assert_string_equal(printed, text);
    free(printed);
    history_fini(history);
    free(history);
}

static char *elle_of(const char *text, char *error, size_t error_bytes)
{
    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    history_init(history);
    assert_true(history_parse(history, "text", text, error, error_bytes));
    FILE *out = scratch_text_open();
    bool ok = history_export_elle(checker, history, out, error, error_bytes);
    char *printed = scratch_text_close(out);
    history_checker_destroy(checker);
    history_fini(history);
    free(history);
    if (!ok) {
        free(printed);
        return NULL;
    }
    return printed;
}

static void elle_sees_lists(void **state)
{
    (void)state;
    char error[256] = "";
    char *edn = elle_of("begin 1 rw worker 0\ninsert x 1\ncommit\nbegin 2 rw worker 1\nwrite x 1 over 1.1\ncommit\n"
                        "begin 3 rw worker 1\nread x 2.1\nabort\n",
                        error, sizeof error);
    assert_non_null(edn);
    assert_string_equal(edn, "{:index 0, :type :invoke, :f :txn, :process 0, :value [[:append 1 257]]}\n"
                             "{:index 1, :type :ok, :f :txn, :process 0, :value [[:append 1 257]]}\n"
                             "{:index 2, :type :invoke, :f :txn, :process 1, :value [[:r 1 nil] [:append 1 513]]}\n"
                             "{:index 3, :type :ok, :f :txn, :process 1, :value [[:r 1 [257]] [:append 1 513]]}\n"
                             "{:index 4, :type :invoke, :f :txn, :process 1, :value [[:r 1 nil]]}\n"
                             "{:index 5, :type :fail, :f :txn, :process 1, :value [[:r 1 nil]]}\n");
    free(edn);
    assert_null(elle_of("begin 1 rw worker 0\nblind x 1\ncommit\n", error, sizeof error));
    assert_non_null(strstr(error, "blind x 1"));
}

/* Every read repeats its list: 20000 appends to one would print 200 million elements. */
static void elle_refuses_what_would_be_too_long(void **state)
{
    (void)state;
    enum { APPENDS = 20000 };
    char error[256] = "";
    FILE *out = scratch_text_open();
    fprintf(out, "begin 1 rw worker 0\ninsert x 1\ncommit\n");
    for (int i = 2; i < APPENDS; i++)
        fprintf(out, "begin %d rw worker 0\nwrite x 1 over %d.1\ncommit\n", i, i - 1);
    char *text = scratch_text_close(out);
    assert_null(elle_of(text, error, sizeof error));
    assert_non_null(strstr(error, "199970001 elements"));
    free(text);
}

/* Words that the text form cannot say. */
static void broken_words_are_malformed(void **state)
{
    (void)state;
    enum { VARIABLE_INDEX = HISTORY_ORDERED | HISTORY_VARIABLE };
    static const struct {
        uint64_t words[18];
        size_t count;
        const char *says;
    } cases[] = {
        {{HISTORY_KIND_COUNT}, 1, "word 0: no record"},
        {{0}, 1, "word 0: no record"},
        {{HISTORY_BEGIN, 5, HISTORY_READ, 7}, 4, "word 2: no record"},
        {{HISTORY_BEGIN, 5, HISTORY_FIND, 7}, 4, "word 2: no record"}, /* of an index that is not declared */
        {{HISTORY_BEGIN, 5, HISTORY_BEGIN, 6}, 4, "word 2: a transaction begins inside another"},
        {{HISTORY_COMMIT, 5}, 2, "word 0: a record outside of a transaction"},
        /* A key of 4 bytes, of an index whose keys have 3 at most. */
        {{[0] = HISTORY_INDEX | VARIABLE_INDEX << 8, 3, [10] = HISTORY_BEGIN, 5, [12] = HISTORY_FIND, 4, 7},
         15,
         "word 12: no record"},
        {{[0] = HISTORY_INDEX | VARIABLE_INDEX << 8, 3, [10] = HISTORY_BEGIN, 5, [12] = HISTORY_SCAN, 0, 0, 1, 4, 7},
         18,
         "word 12: no record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct history *history = calloc(1, sizeof *history);
        struct history_checker *checker = history_checker_create();
        struct history_verdict verdict;
        char error[256];
        history_init(history);
        assert_true(history_add(history, cases[i].words, cases[i].count, error, sizeof error));
        assert_false(history_check(checker, history, &history_serializable, &verdict));
        assert_int_equal(verdict.findings[HISTORY_ANOMALY_MALFORMED], 1);
        if (strstr(verdict.report.text, cases[i].says) == NULL)
            fail_msg("'%s' where '%s' should be", verdict.report.text, cases[i].says);
        produced[HISTORY_ANOMALY_MALFORMED] = true;
        history_verdict_fini(&verdict);
        history_checker_destroy(checker);
        history_fini(history);
        free(history);
    }
}

/* Stands last: no anomaly of the table may be without a history that has it. */
static void every_anomaly_has_a_test(void **state)
{
    (void)state;
    for (int i = HISTORY_ANOMALY_NONE + 1; i < HISTORY_ANOMALY_COUNT; i++)
        if (!produced[i])
            fail_msg("no test above produces %s", history_anomalies[i].name);
}

#define APPLY(name) "begin " #name " rw worker 1\n apply x 1\n commit " #name "\n"

static void readers_see_the_applies_before_them(void **state)
{
    (void)state;
    assert_fine(LOAD APPLY(20)
                    APPLY(30) "begin 40 rw worker 2\n read x 10.1+20.1+30.1\n commit 40\n"
                              "begin 25 snapshot worker 3\n read x 10.1+20.1\n commit 25\n"
                              "begin 15 rw worker 3\n read x 10.1\n commit 15\n" APPLY(
                                  50) "begin 60 rw worker 2\n write x 1 over 10.1+20.1+30.1+50.1\n commit "
                                      "60\n" APPLY(70) "begin 80 rw worker 2\n apply x 1\n apply x 2\n read x "
                                                       "60.1+70.1+80.1+80.2\n commit 80\n"
                                                       "begin 90 rw worker 2\n blind x 1\n apply x 2\n commit 90\n"
                                                       "begin 91 rw worker 2\n delete x 1 over 90.1+90.2\n commit "
                                                       "91\n");
    /* What stood before the history has a name only once somebody has read it. */
    assert_fine(APPLY(20) "begin 30 rw worker 2\n read x 5.1+20.1\n commit 30\n" APPLY(
        40) "begin 50 rw worker 2\n write x 1 over 5.1+20.1+40.1\n commit 50\n");
}

static void a_reader_that_misses_an_apply_is_found(void **state)
{
    (void)state;
    assert_found(LOAD APPLY(20) APPLY(30) "begin 40 rw worker 2\n read x 10.1+20.1\n commit 40\n",
                 HISTORY_ANOMALY_STALE_READ, "in timestamp order this does not fit");
    assert_found(LOAD APPLY(20) APPLY(30) "begin 40 rw worker 2\n read x 10.1+30.1\n commit 40\n",
                 HISTORY_ANOMALY_STALE_READ, "in timestamp order this does not fit");
    assert_found(LOAD APPLY(20) "begin 40 rw worker 2\n read x 10.1\n commit 40\n", HISTORY_ANOMALY_STALE_READ,
                 "in timestamp order this does not fit");
    assert_found(LOAD APPLY(20) "begin 40 rw worker 2\n write x 1 over 10.1\n commit 40\n", HISTORY_ANOMALY_STALE_READ,
                 "write x 1 over 10.1");
    assert_found(LOAD "begin 40 rw worker 2\n apply x 1\n read x 10.1\n commit 40\n", HISTORY_ANOMALY_OWN_WRITE,
                 "read x 10.1");
}

static void a_reader_that_sees_an_apply_too_many_is_found(void **state)
{
    (void)state;
    assert_found(LOAD APPLY(20) APPLY(50) "begin 40 rw worker 2\n read x 10.1+20.1+50.1\n commit 40\n",
                 HISTORY_ANOMALY_FUTURE_READ, "in timestamp order this does not fit");
    assert_found(LOAD "begin 20 rw worker 1\n apply x 1\n abort TARGET_ROLLED_BACK\n"
                      "begin 40 rw worker 2\n read x 10.1+20.1\n commit 40\n",
                 HISTORY_ANOMALY_ABORTED_READ, "in timestamp order this does not fit");
    assert_found(LOAD APPLY(20) "begin 40 rw worker 2\n read x 10.1+20.1+20.1\n commit 40\n",
                 HISTORY_ANOMALY_UNKNOWN_READ, "in timestamp order this does not fit");
    assert_found(LOAD "begin 20 rw worker 1\n delete x 1 over 10.1\n commit 20\n" APPLY(30),
                 HISTORY_ANOMALY_DELETED_READ, "apply x 1");
}

/* Both read the same version, and each applies to what the other one has read. */
static void write_skew_of_applies_is_a_cycle(void **state)
{
    (void)state;
    assert_found(LOAD "begin 20 rw worker 1\n read y 10.2\n apply x 1\n commit 20\n"
                      "begin 30 rw worker 2\n read x 10.1\n apply y 1\n commit 30\n",
                 HISTORY_ANOMALY_G2_ITEM, "write skew");
    assert_found(LOAD "begin 15 rw worker 1\n apply x 1\n apply y 2\n commit 15\n"
                      "begin 20 rw worker 1\n read y 10.2+15.2\n apply x 1\n commit 20\n"
                      "begin 30 rw worker 2\n read x 10.1+15.1\n apply y 1\n commit 30\n",
                 HISTORY_ANOMALY_G2_ITEM, "write skew");
}

static void applies_need_an_order(void **state)
{
    (void)state;
    assert_found("begin 10 rw worker 0\n insert x 1\n commit\nbegin 20 rw worker 1\n apply x 1\n commit\n",
                 HISTORY_ANOMALY_MALFORMED, "it has 'apply'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_the_applies_before_them),
        cmocka_unit_test(a_reader_that_misses_an_apply_is_found),
        cmocka_unit_test(a_reader_that_sees_an_apply_too_many_is_found),
        cmocka_unit_test(write_skew_of_applies_is_a_cycle),
        cmocka_unit_test(applies_need_an_order),
        cmocka_unit_test(serial_histories_are_fine),
        cmocka_unit_test(order_is_that_of_timestamps),
        cmocka_unit_test(who_moved_stands_at_its_commit),
        cmocka_unit_test(rows_may_have_been_there_before),
        cmocka_unit_test(own_writes_are_seen),
        cmocka_unit_test(insert_and_delete_in_one_transaction_leave_nothing),
        cmocka_unit_test(dirty_write_is_g0),
        cmocka_unit_test(aborted_read_is_g1a),
        cmocka_unit_test(intermediate_read_is_g1b),
        cmocka_unit_test(circular_information_flow_is_g1c),
        cmocka_unit_test(observed_transaction_vanishes),
        cmocka_unit_test(predicate_many_preceders),
        cmocka_unit_test(lost_update_is_p4),
        cmocka_unit_test(read_skew_is_g_single),
        cmocka_unit_test(write_skew_is_g2_item),
        cmocka_unit_test(insert_into_each_others_range_is_g2),
        cmocka_unit_test(misses_make_anti_dependencies),
        cmocka_unit_test(inconsistent_snapshot_is_found),
        cmocka_unit_test(each_misfit_has_its_name),
        cmocka_unit_test(entries_are_those_of_the_timestamp),
        cmocka_unit_test(keys_of_variable_length_have_their_order),
        cmocka_unit_test(partial_scans_promise_less),
        cmocka_unit_test(partial_scans_accuse_nobody),
        cmocka_unit_test(indexes_are_told_apart),
        cmocka_unit_test(shortest_cycle_is_shown),
        cmocka_unit_test(what_a_level_does_not_forbid_is_allowed),
        cmocka_unit_test(who_promises_no_phantom_safety_owes_none),
        cmocka_unit_test(what_nothing_tells_is_undecided),
        cmocka_unit_test(texts_with_mistakes_are_refused_with_their_line),
        cmocka_unit_test(text_form_survives_a_round_trip),
        cmocka_unit_test(elle_sees_lists),
        cmocka_unit_test(elle_refuses_what_would_be_too_long),
        cmocka_unit_test(broken_words_are_malformed),
        cmocka_unit_test(without_an_order_serial_histories_are_fine),
        cmocka_unit_test(without_an_order_cycles_are_found),
        cmocka_unit_test(without_an_order_impossible_reads_are_found),
        cmocka_unit_test(without_an_order_no_serial_history_is_accused),
        cmocka_unit_test(every_anomaly_has_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
