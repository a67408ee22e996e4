/*
 * run_proof.c - --check full: a sample of what the run will do, recorded and judged before anything is measured.
 *
 * The sample has a database of its own, loaded like the one that is measured and gone before that is opened, because
 * recording (harness/targets/recording.h) costs time and space that must not be in the window. It holds the load and
 * some ten thousand requests of each worker, fewer where they are long, and is judged in this process as `maemio check`
 * would (harness/proof/judge.h). So what the workloads' own checks cannot see, a broken read above all, is seen, if
 * the sample has it.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/bench/run_inner.h"
#include "harness/proof/judge.h"
#include "harness/targets/recording.h"

/* A worker's part of the sample ends at whichever comes first, looked at after every PROOF_SLICE requests. */
enum { PROOF_REQUESTS = 16384, PROOF_SLICE = 64, PROOF_WORDS = 8 << 20 };
#define PROOF_NS (10 * SECOND_NS)
#define PROOF_STEP_NS (SECOND_NS / 20) /* between two looks at the clock and at signals */

struct proof {
    const struct run_setup *setup;
    struct run_watch *watch;
    char *report; /* what was proved */
    const struct target_ops *ops;
    struct target *target;
    struct workload *workload;
    struct crew *crew;
    struct target_worker **workers;
    _Atomic bool stop;
};

static enum target_status task_nothing(void *arg, unsigned worker)
{
    (void)arg, (void)worker;
    return TARGET_OK;
}

static enum target_status task_load(void *arg, unsigned worker)
{
    struct proof *proof = arg;
    struct workload_progress progress = {0};
    enum target_status status = proof->ops->worker_join(proof->target, &proof->workers[worker]);
    if (status == TARGET_OK) {
        target_idle(proof->ops, proof->workers[worker]);
        status = proof->setup->workload_ops->load(proof->workload, proof->workers[worker], worker,
                                                  proof->setup->worker_count, &progress, &proof->stop);
    }
    if (proof->workers[worker] != NULL)
        target_idle(proof->ops, proof->workers[worker]);
    return status;
}

static enum target_status task_sample(void *arg, unsigned worker)
{
    struct proof *proof = arg;
    struct loop_worker loop = {.workload = proof->setup->workload_ops,
                               .target = proof->ops,
                               .target_worker = proof->workers[worker],
                               .stop = &proof->stop,
                               .commits_max = PROOF_SLICE};
    enum target_status status = loop.workload->worker_create(proof->workload, loop.target_worker, worker, &loop.state);
    if (status != TARGET_OK)
        return status;
    size_t before = recording_words(loop.target_worker);
    loop.counters = loop_counters_create(proof->setup->type_count);
    for (unsigned i = 0; i < PROOF_REQUESTS / PROOF_SLICE && status == TARGET_OK && !atomic_load(&proof->stop) &&
                         recording_words(loop.target_worker) - before < PROOF_WORDS / proof->setup->worker_count;
         i++)
        status = loop_run(&loop);
    free(loop.counters);
    loop.workload->worker_destroy(loop.state);
    target_idle(proof->ops, loop.target_worker);
    return status;
}

static enum target_status task_leave(void *arg, unsigned worker)
{
    struct proof *proof = arg;
    if (proof->workers[worker] != NULL)
        proof->ops->worker_leave(proof->workers[worker]);
    return TARGET_OK;
}

/* Lets all workers do it; from `until_ns` on, or when a signal came, they are told to stop. */
static bool crew_do(struct proof *proof, crew_task_fn task, uint64_t until_ns)
{
    unsigned worker;
    enum target_status status;
    crew_begin(proof->crew, proof->setup->worker_count, task, proof);
    while (!crew_wait(proof->crew, support_clock_ns() + PROOF_STEP_NS))
        if (support_clock_ns() >= until_ns || atomic_load(&run_signal) != 0)
            atomic_store(&proof->stop, true);
    if (!crew_failure(proof->crew, &worker, &status))
        return true;
    run_complain(proof->watch, "--check full: worker %u cannot go on: %s: %s", worker, target_status_name(status),
                 target_status_text(status));
    return false;
}

static enum target_status open_all(struct proof *proof, char *error)
{
    const struct options *options = proof->setup->options;
    enum target_status status =
        proof->ops->open(proof->ops, options->target_values, &proof->target, error, OPTION_ERROR_BYTES);
    if (status != TARGET_OK) {
        proof->target = NULL;
        return status;
    }
    status =
        proof->setup->workload_ops->create(options->workload_values, proof->ops, options->run.seed,
                                           proof->setup->worker_count, &proof->workload, error, OPTION_ERROR_BYTES);
    if (status != TARGET_OK) {
        proof->workload = NULL;
        return status;
    }
    return proof->setup->workload_ops->setup(proof->workload, proof->target, error, OPTION_ERROR_BYTES);
}

/* Nothing is owed by a target that is not transactional: what was found is said, and is no failure. */
static enum exit_code verdict_tell(const struct proof *proof, const struct history_verdict *verdict)
{
    const struct target_promises promises = options_promises(proof->setup->options);
    unsigned long long committed = verdict->committed, found = verdict->found;
    if (!target_is_transactional(&promises)) {
        (void)snprintf(proof->report, RUN_PROOF_BYTES,
                       "a sample of %llu transactions has %llu findings; the target is not transactional and owes none",
                       committed, found);
        return EXIT_FINE;
    }
    if (found == 0) {
        (void)snprintf(proof->report, RUN_PROOF_BYTES, "a sample of %llu transactions, the load included, was %s",
                       committed,
                       verdict->ordered ? "serializable in timestamp order" : "without a cycle of dependencies");
        return EXIT_FINE;
    }
    run_complain(proof->watch, "the check of a sample by its history failed: %llu findings\n%s", found,
                 verdict->report.text);
    return EXIT_CHECK;
}

static enum exit_code judge(struct proof *proof)
{
    struct history *history = support_alloc(sizeof *history);
    struct history_verdict verdict;
    char error[OPTION_ERROR_BYTES];
    history_init(history);
    enum exit_code code = EXIT_FAILED;
    if (!recording_history(proof->target, history, error, sizeof error)) {
        run_complain(proof->watch, "--check full: %s", error);
    } else {
        struct history_checker *checker = history_checker_create();
        (void)history_check(checker, history, &verdict);
        code = verdict_tell(proof, &verdict);
        history_verdict_fini(&verdict);
        history_checker_destroy(checker);
    }
    history_fini(history);
    free(history);
    return code;
}

static enum exit_code sample(struct proof *proof)
{
    char error[OPTION_ERROR_BYTES] = "";
    enum target_status status = open_all(proof, error);
    if (status != TARGET_OK) {
        run_complain(proof->watch, "--check full: %s", error[0] != '\0' ? error : target_status_text(status));
        return status == TARGET_INVALID ? EXIT_USAGE : EXIT_FAILED;
    }
    proof->crew = crew_create(proof->setup->worker_count, task_nothing, proof);
    if (proof->crew == NULL) {
        run_complain(proof->watch, "cannot start %u threads", proof->setup->worker_count);
        return EXIT_FAILED;
    }
    bool done = crew_do(proof, task_load, UINT64_MAX);
    atomic_store(&proof->stop, false);
    if (done && atomic_load(&run_signal) == 0)
        done = crew_do(proof, task_sample, support_clock_ns() + PROOF_NS);
    if (!crew_do(proof, task_leave, UINT64_MAX) || !done)
        return EXIT_FAILED;
    return atomic_load(&run_signal) != 0 ? EXIT_INTERRUPTED : judge(proof);
}

enum exit_code run_proof(const struct run_setup *setup, struct run_watch *watch, char *report)
{
    struct recording *recording = recording_create(setup->target_ops, NULL, NULL, 0); /* in memory: cannot fail */
    struct proof proof = {.setup = setup, .watch = watch, .report = report, .ops = recording_ops(recording)};
    run_phase_begin(watch, PHASE_PROOF, 0);
    proof.workers = support_alloc(setup->worker_count * sizeof(struct target_worker *));
    enum exit_code code = sample(&proof);
    crew_destroy(proof.crew);
    if (proof.target != NULL)
        proof.ops->close(proof.target);
    if (proof.workload != NULL)
        setup->workload_ops->destroy(proof.workload);
    free(proof.workers);
    recording_destroy(recording);
    return code;
}
