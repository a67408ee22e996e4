/*
 * anomalies.c - small transactions that are known to provoke anomalies: each interleaving must have a serial order.
 *
 *   scripts  Those of tests/support/anomaly_scripts.h. Each is run call by call in the order that provokes it, in each
 *            order of the timestamps, then under all schedules of at most 2 preemptions (1 if there are three
 *            transactions).
 *   pairs    All pairs of transactions of two operations on two rows and one absent key, under all schedules with at
 *            most 1, then 2, then 3 preemptions, for as long as a third of MAE_SECONDS allows. The program prints what
 *            it completed. MAE_SECONDS are seconds of CPU time, so other load on the machine does not matter.
 *
 * The history check and mae_db_verify judge each schedule. How to read a failure: the program's operations, the trace
 * (see tests/support/explore.h), then the report. The test is deterministic: running it again repeats the failure.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/db/db.h"
#include "engine/time/timestamp.h"
#include "engine/txn/membership.h"
#include "harness/proof/judge.h"
#include "harness/targets/recording.h"
#include "harness/targets/targets.h"
#include "tests/support/anomaly_scripts.h"
#include "tests/support/scheduler.h"
#include "tests/support/target_open.h"

SCHEDULER_INTERPOSE

enum {
    ERROR_BYTES = 512,
    PREEMPTIONS_MAX = 3,
    CLOCK_STEP = 100000,
    USES_MAX = 10000,
    SAMPLE_EVERY = 64, /* schedules: verified, and repeated */
};

struct txn_state {
    struct target_worker *worker;
    struct target_txn *txn;
    char ops[ANOMALY_OPS_MAX][3];
    unsigned count, next;
    enum target_status status;
    bool over;
};

static struct stage {
    struct recording *recording;
    const struct target_ops *ops;
    struct target *target;
    struct target_index *index;
    struct target_table *table;
    struct mae_db *db;
    const struct anomaly_script *program;
    struct txn_state txns[ANOMALY_TXNS_MAX];
    unsigned txn_count;
    uint64_t clock, base; /* of all workers; the timestamp that a program's are told from in traces */
    struct history_checker *checker;
    uint64_t runs, committed;
    bool ordered;
    bool loaded;  /* x and y are there */
    bool spoiled; /* a program has run after which they may not be */
    unsigned uses;
} stage;

static struct mae_worker *engine_worker(unsigned i)
{
    return (struct mae_worker *)recording_worker_inner(stage.txns[i].worker);
}

static void require(enum target_status status, const char *what)
{
    if (status == TARGET_OK)
        return;
    printf("FAILED: %s: %s\n", what, target_status_name(status));
    exit(1);
}

/* ---- Operations. ---- */

static enum target_status run_op(struct txn_state *state, const char *op)
{
    const struct anomaly_stage where = {stage.ops, stage.table, stage.index, NULL};
    enum target_status status = anomaly_run_op(&where, state->txn, op);
    scheduler_note(op, (uint64_t)(op[1] - 'x'), 0, (int)status);
    return status == TARGET_NOT_FOUND || status == TARGET_EXISTS ? TARGET_OK : status;
}

/* One turn: begin and the next operation, or the end. */
static void turn(unsigned i)
{
    struct txn_state *state = &stage.txns[i];
    if (state->over)
        return;
    if (state->txn == NULL) {
        require(stage.ops->begin(state->worker, stage.program->snapshot[i] ? TARGET_SNAPSHOT : TARGET_READ_WRITE,
                                 &state->txn),
                "begin");
        state->status = TARGET_OK;
        scheduler_note("begin at", 0, stage.ops->timestamp(state->txn) - stage.base, TARGET_OK);
    }
    if (state->status == TARGET_OK && state->next < state->count) {
        state->status = run_op(state, state->ops[state->next++]);
        return;
    }
    if (state->status != TARGET_OK || stage.program->aborts[i])
        stage.ops->abort(state->txn);
    else
        state->status = stage.ops->commit(state->txn);
    scheduler_note("end", 0, 0, (int)state->status);
    stage.committed += state->status == TARGET_OK && !stage.program->aborts[i];
    state->over = true;
}

static void body(void *arg, unsigned worker)
{
    (void)arg;
    while (!stage.txns[worker].over)
        turn(worker);
}

/* ---- The stage. ---- */

static void stage_open(bool ordered)
{
    const struct target_key_value settings[] = {
        {"huge_pages", "off"},    {"memory_limit", "64M"},      {"inline_bytes", "0"},
        {"adaptive_skip", "off"}, {"clock_sync_us", "0"},       {"clock_boost_ns", "0"},
        {"backoff", "off"},       {"early_abort_newer", "off"}, {NULL, NULL},
    };
    char error[ERROR_BYTES] = "";
    struct target_table_config table = {.payload_max_bytes = 8};
    struct target_index_config index = {.kind = ordered ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH, .key_bytes = 8};
    stage.recording = recording_create(&native_target_ops, NULL, error, sizeof error);
    stage.ops = recording_ops(stage.recording);
    stage.ordered = ordered;
    stage.loaded = stage.spoiled = false;
    stage.uses = 0;
    if (target_open(stage.ops, settings, &stage.target, error, sizeof error) != TARGET_OK ||
        stage.ops->table_create(stage.target, "rows", &table, &stage.table) != TARGET_OK ||
        stage.ops->index_create(stage.target, stage.table, "key", &index, &stage.index) != TARGET_OK)
        abort();
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
        if (stage.ops->worker_join(stage.target, &stage.txns[i].worker) != TARGET_OK)
            abort();
    stage.db = (struct mae_db *)engine_worker(0)->core;
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++) {
        struct mae_worker *worker = engine_worker(i);
        worker->clock.step_max_units = 0;               /* clocks stand still but for 1 a timestamp */
        worker->protocol.gc_interval_ticks = INT64_MAX; /* no quiescent points but those of settle */
        stage.clock = worker->clock.clock > stage.clock ? worker->clock.clock : stage.clock;
    }
    stage.clock += CLOCK_STEP;
}

static void stage_close(void)
{
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++)
        stage.ops->worker_leave(stage.txns[i].worker);
    if (stage.ops->close(stage.target) != TARGET_OK)
        abort();
    recording_destroy(stage.recording);
}

/*
 * A new one for each schedule if rows come and go: they would have other addresses each time, and addresses count. A
 * program that only reads and updates through a hash index leaves the stage as it was.
 */
static void stage_renew(const struct anomaly_script *program)
{
    bool keeps = !stage.ordered;
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX && program->ops[i]; i++)
        keeps &= strpbrk(program->ops[i], "di") == NULL;
    if (!keeps || stage.spoiled || stage.uses == USES_MAX) {
        stage_close();
        stage_open(stage.ordered);
    }
    stage.uses++;
    stage.spoiled = !keeps;
}

/* Quiescent points until nothing is left to collect and the horizon has passed everything. */
static void settle(void)
{
    uint64_t far = UINT64_C(1) << 40;
    for (unsigned round = 0; round < 8; round++)
        for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++) {
            struct mae_worker *worker = engine_worker(i);
            worker->clock.clock = stage.clock++;
            atomic_store(&stage.db->core.horizon.round_ticks, far);
            atomic_store(&worker->slot->in_txn, OWNER_BUSY);
            worker_quiescent(worker, 0); /* "now" is before the last round: always due */
            atomic_store(&worker->slot->in_txn, OWNER_IDLE);
        }
}

static void prepare_txns(const struct anomaly_script *program)
{
    stage.program = program;
    stage.txn_count = 0;
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX && program->ops[i]; i++, stage.txn_count++) {
        struct txn_state *state = &stage.txns[i];
        *state = (struct txn_state){.worker = state->worker};
        state->count = anomaly_ops_of(program->ops[i], state->ops);
    }
}

/* The rows as a program expects them, and clocks such that transaction `order[i]` gets the i-th timestamp. */
static void prepare(const struct anomaly_script *program, const unsigned *order)
{
    static const struct anomaly_script load = {.name = "load"};
    settle();
    recording_clear(stage.target);
    stage.program = &load;
    struct txn_state *state = &stage.txns[0];
    uint64_t absent = ANOMALY_KEYS - 1, ref;
    require(stage.ops->begin(state->worker, TARGET_READ_WRITE, &state->txn), "begin of the load");
    /* A miss makes an untouched bucket: on a stage that is kept only the first one would. */
    if (!stage.loaded && !stage.ordered && stage.ops->find(state->txn, stage.index, &absent, &ref) != TARGET_NOT_FOUND)
        require(TARGET_CORRUPT, "an absent key");
    for (uint64_t key = 0; key < ANOMALY_KEYS - 1; key++) {
        void *fresh;
        require(stage.loaded ? stage.ops->update(state->txn, stage.index, &key, 8, NULL, &fresh)
                             : stage.ops->insert(state->txn, stage.index, &key, 8, NULL, &fresh),
                "load");
    }
    require(stage.ops->commit(state->txn), "commit of the load");
    settle();
    stage.loaded = true;
    stage.clock += CLOCK_STEP;
    stage.base = timestamp_make(stage.clock, 0);
    prepare_txns(program);
    for (unsigned i = 0; i < ANOMALY_TXNS_MAX; i++) {
        struct mae_worker *worker = engine_worker(i);
        worker->commits_in_a_row = 0;
        worker->clock.clock = stage.clock;
    }
    for (unsigned i = 0; i < stage.txn_count; i++)
        engine_worker(order[i])->clock.clock = stage.clock + i * 1000;
    stage.clock += CLOCK_STEP;
}

static void print_program(const struct anomaly_script *program, const unsigned *order)
{
    printf("program: %s\n", program->name);
    for (unsigned i = 0; i < stage.txn_count; i++)
        printf("  worker %u: %s%s\n", i, program->ops[i], program->aborts[i] ? ", aborts" : "");
    printf("  timestamps rise in the order of workers");
    for (unsigned i = 0; i < stage.txn_count; i++)
        printf(" %u", order[i]);
    printf("\n");
}

/* False, with everything printed, when what has just run was wrong. */
static bool check(const struct anomaly_script *program, const unsigned *order, bool verify)
{
    static struct history history;
    struct history_verdict verdict;
    char error[ERROR_BYTES] = "";
    history_init(&history);
    if (!recording_history(stage.target, &history, error, sizeof error))
        abort();
    bool fine = history_check(stage.checker, &history, &history_serializable, &verdict);
    if (fine && verify && mae_db_verify(stage.db, error, sizeof error) != MAE_OK)
        fine = false;
    if (!fine) {
        print_program(program, order);
        scheduler_print(stdout);
        printf("\nFAILED: %s\n%s\n%s\n", program->name, error, verdict.report.text ? verdict.report.text : "");
    }
    history_fini(&history);
    history_verdict_fini(&verdict);
    stage.runs++;
    return fine;
}

/* ---- Runs. ---- */

static const unsigned orders2[][ANOMALY_TXNS_MAX] = {{0, 1}, {1, 0}};
static const unsigned orders3[][ANOMALY_TXNS_MAX] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static unsigned txn_count(const struct anomaly_script *program)
{
    return program->ops[2] ? 3 : 2;
}

static const unsigned *order_at(const struct anomaly_script *program, unsigned i)
{
    if (txn_count(program) == 2)
        return i < 2 ? orders2[i] : NULL;
    return i < 6 ? orders3[i] : NULL;
}

/* Call by call, in the order given; then the rest, so that every transaction ends. */
static bool run_script(const struct anomaly_script *program)
{
    const unsigned *order;
    for (unsigned n = 0; (order = order_at(program, n)) != NULL; n++) {
        stage_renew(program);
        prepare(program, order);
        for (const char *at = program->order; *at; at++)
            turn((unsigned)(*at - '1'));
        for (unsigned i = 0; i < stage.txn_count; i++)
            body(NULL, i);
        if (!check(program, order, true))
            return false;
    }
    return true;
}

/* Of the CPU, so that a busy machine explores as much as an idle one. */
static double used_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One schedule, the search's current one. False, with everything printed, if something was wrong. */
static bool run_once(const struct anomaly_script *program, const unsigned *order, unsigned preemptions, bool verify,
                     uint64_t *digest)
{
    struct scheduler_plan plan = {SCHEDULER_BOUNDED, preemptions, SCHEDULER_CLOCKS_EVEN, 1};
    stage_renew(program);
    prepare(program, order);
    (void)scheduler_digest();
    bool ended = scheduler_run(&plan, stage.txn_count, body, NULL);
    *digest = scheduler_digest();
    if (ended && !scheduler_diverged())
        return check(program, order, verify);
    print_program(program, order);
    scheduler_print(stdout);
    printf("\nFAILED: %s\n", ended ? "a schedule did not repeat: the search is not exhaustive" : "a livelock");
    return false;
}

/*
 * All schedules with at most `preemptions`; *done false if the time is over first. The search is exhaustive only if
 * nothing but the choices decides what happens: some run twice, and must be the same both times.
 */
static bool run_bounded(const struct anomaly_script *program, unsigned preemptions, double until, bool *done)
{
    const unsigned *order;
    for (unsigned n = 0; (order = order_at(program, n)) != NULL; n++) {
        uint64_t count = 0, digest, again;
        scheduler_first();
        do {
            bool sample = count++ % SAMPLE_EVERY == 0;
            if (!run_once(program, order, preemptions, sample, &digest))
                return false;
            if (sample && !run_once(program, order, preemptions, false, &again))
                return false;
            if (sample && digest != again) {
                print_program(program, order);
                printf("\nFAILED: a schedule did not repeat: something beside its choices decides\n");
                return false;
            }
            if ((stage.runs & 0xff) == 0 && used_seconds() > until) {
                *done = false;
                return true;
            }
        } while (scheduler_next());
    }
    return true;
}

/* Every pair of transactions of two operations; unordered pairs, since schedules begin with either. */
static bool run_pairs(unsigned preemptions, bool ordered, double until, bool *done)
{
    static const char *const all[] = {"rx", "ry", "wx", "wy", "bx", "dx", "rz", "iz"};
    enum { OPS = sizeof all / sizeof all[0], TXNS = OPS * OPS };
    uint64_t programs = 0, before = stage.runs, committed = stage.committed;
    *done = true;
    for (unsigned a = 0; a < TXNS && *done; a++)
        for (unsigned b = a; b < TXNS && *done; b++) {
            char first[8], second[8], name[32];
            snprintf(first, sizeof first, "%s %s", all[a / OPS], all[a % OPS]);
            snprintf(second, sizeof second, "%s %s", all[b / OPS], all[b % OPS]);
            snprintf(name, sizeof name, "%s / %s", first, second);
            struct anomaly_script program = {.name = name, .ops = {first, second}, .order = ""};
            if (!run_bounded(&program, preemptions, until, done))
                return false;
            programs += *done;
        }
    printf("pairs     %s index, at most %u preemptions: %s%" PRIu64 " programs, %" PRIu64 " schedules, %" PRIu64
           " commits\n",
           ordered ? "ordered" : "hash", preemptions, *done ? "all " : "", programs, stage.runs - before,
           stage.committed - committed);
    fflush(stdout);
    return true;
}

static bool run_scripts(bool ordered)
{
    for (const struct anomaly_script *program = anomaly_scripts; program->name; program++) {
        uint64_t before = stage.runs, committed = stage.committed;
        bool done = true;
        if (program->ordered && !ordered)
            continue;
        if (!run_script(program) || !run_bounded(program, txn_count(program) == 2 ? 2 : 1, INFINITY, &done))
            return false;
        printf("%-36s %s index: %6" PRIu64 " schedules, %6" PRIu64 " commits\n", program->name,
               ordered ? "ordered" : "hash", stage.runs - before, stage.committed - committed);
    }
    return true;
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *seconds_text = getenv("MAE_SECONDS");
    double seconds = seconds_text ? strtod(seconds_text, NULL) : 30;
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    bool fine = true, done = true;
    setvbuf(stdout, NULL, _IOLBF, 0); /* how far it has come is in the log if it is killed */
    scheduler_open(1);
    stage.checker = history_checker_create();
    for (int ordered = 0; ordered < 2 && fine; ordered++) {
        stage_open(ordered);
        fine = run_scripts(ordered);
        stage_close();
    }
    double until = used_seconds() + seconds / 3;
    for (unsigned preemptions = 1; preemptions <= PREEMPTIONS_MAX && fine && done; preemptions++)
        for (int ordered = 0; ordered < 2 && fine && done; ordered++) {
            stage_open(ordered);
            fine = run_pairs(preemptions, ordered, until, &done);
            stage_close();
        }
    history_checker_destroy(stage.checker);
    scheduler_close();
    if (!fine)
        printf("repeat: %s\n", argv[0]);
    else
        printf("%" PRIu64 " schedules, %" PRIu64 " commits\n", stage.runs, stage.committed);
    return !fine;
}
