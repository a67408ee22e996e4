/*
 * run_proof.c - --check full: a sample of what the run will do, recorded and judged before anything is measured.
 *
 * The sample has a database of its own, loaded like the one that is measured and gone before that is opened, because
 * recording (harness/targets/recording.h) costs time and space that must not be in the window. It holds the load and
 * some ten thousand requests of each worker, fewer where they are long, and is judged in this process as `maemio check`
 * would (harness/proof/judge.h). So what the workloads' own checks cannot see, a broken read above all, is seen, if
 * the sample has it.
 */

#include "harness/bench/interleave.h"
#include "harness/bench/run_inner.h"
#include "harness/proof/judge.h"
#include "harness/targets/recording.h"

/* A worker's part of the sample ends at whichever comes first, looked at after every PROOF_SLICE requests. */
enum { PROOF_REQUESTS = 16384, PROOF_SLICE = 64, PROOF_WORDS = 8 << 20 };
#define PROOF_NS (10 * SECOND_NS)

/* The loops of a thread, for a slice of the sample at a time. */
static enum target_status sample_run(struct loop_worker *const *loops, unsigned count)
{
    return count == 1 ? loop_run(loops[0]) : interleave_run(loops, count);
}

static enum target_status task_sample(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    const struct run_setup *setup = session->setup;
    struct loop_worker lanes[INTERLEAVE_MAX], *loops[INTERLEAVE_MAX] = {NULL};
    unsigned count = 0;
    enum target_status status = TARGET_OK;
    for (unsigned lane = worker; lane < setup->lane_count && status == TARGET_OK; lane += setup->worker_count) {
        const struct loop_worker *own = &session->workers[lane].loop;
        struct loop_worker *loop = loops[count] = &lanes[count];
        *loop = (struct loop_worker){.workload = setup->workload_ops,
                                     .target = setup->target_ops,
                                     .target_worker = own->target_worker,
                                     .counters = own->counters,
                                     .stop = &session->stop,
                                     .commits_max = PROOF_SLICE / setup->options->run.interleave};
        status = loop->workload->worker_create(session->workload, loop->target_worker, lane, &loop->state);
        count += status == TARGET_OK;
    }
    size_t before = status == TARGET_OK ? recording_words(loops[0]->target_worker) : 0;
    for (unsigned i = 0; i < PROOF_REQUESTS / PROOF_SLICE && status == TARGET_OK && !atomic_load(&session->stop) &&
                         recording_words(loops[0]->target_worker) - before < PROOF_WORDS / setup->lane_count;
         i++)
        status = sample_run(loops, count);
    for (unsigned i = 0; i < count; i++) {
        loops[i]->workload->worker_destroy(loops[i]->state);
        target_idle(setup->target_ops, loops[i]->target_worker);
    }
    return status;
}

/* Held against what the target promises. */
static enum exit_code verdict_tell(const struct run_session *session, const struct target_promises *promises,
                                   const struct history_verdict *verdict, struct support_text *report)
{
    unsigned long long committed = verdict->committed;
    if (verdict->found != 0) {
        run_complain(session->watch, "the check of a sample by its history failed: %llu findings\n%s",
                     (unsigned long long)verdict->found, verdict->report.text);
        return EXIT_CHECK;
    }
    if (!target_is_transactional(promises))
        support_text_add(
            report, "a sample of %llu transactions has %llu findings; the target is not transactional and owes none",
            committed, (unsigned long long)verdict->allowed);
    else if (promises->isolation != TARGET_ISOLATION_SERIALIZABLE || !promises->phantom_safe)
        support_text_add(report, "a sample of %llu transactions, the load included, kept what is promised (%s)",
                         committed, result_isolation(promises));
    else
        support_text_add(report, "a sample of %llu transactions, the load included, was %s", committed,
                         verdict->ordered ? "serializable in timestamp order" : "without a cycle of dependencies");
    if (target_is_transactional(promises) && verdict->allowed > 0)
        support_text_add(report, "; allowed there: %llu", (unsigned long long)verdict->allowed);
    if (target_is_transactional(promises) && verdict->undecided > 0)
        support_text_add(report, "; not decided: %llu", (unsigned long long)verdict->undecided);
    return EXIT_FINE;
}

static enum exit_code judge(const struct run_session *session, struct support_text *report)
{
    SUPPORT_FREED struct history *history = support_alloc(sizeof *history);
    struct history_verdict verdict;
    char error[OPTION_ERROR_BYTES];
    history_init(history);
    enum exit_code code = EXIT_FAILED;
    if (!recording_history(session->target, history, error, sizeof error)) {
        run_complain(session->watch, "--check full: %s", error);
    } else {
        struct history_checker *checker = history_checker_create();
        const struct target_promises promises = options_promises(session->setup->options);
        (void)history_check(checker, history, &promises, &verdict);
        code = verdict_tell(session, &promises, &verdict, report);
        history_verdict_fini(&verdict);
        history_checker_destroy(checker);
    }
    history_fini(history);
    return code;
}

enum exit_code run_proof(const struct run_setup *setup, struct run_watch *watch, struct support_text *report)
{
    struct recording *recording = recording_create(setup->target_ops, NULL, NULL, 0); /* in memory: cannot fail */
    struct options options = *setup->options;
    struct run_setup own = *setup;
    options.run.check = RUN_CHECK_OFF; /* its history is what is checked */
    own.options = &options;
    own.target_ops = recording_ops(recording);
    SUPPORT_FREED struct run_session *session = support_alloc_aligned(sizeof *session);
    session->setup = &own;
    session->watch = watch;
    enum exit_code code = run_session_open(session);
    if (code == EXIT_FINE) {
        run_phase_begin(watch, PHASE_PROOF, 0);
        bool done = run_crew_do_for(session, setup->worker_count, task_sample, session, PROOF_NS);
        code = done && !watch->interrupted ? judge(session, report) : run_unfinished(watch);
    }
    bool fine = run_session_close(session);
    recording_destroy(recording);
    return code == EXIT_FINE && !fine ? EXIT_FAILED : code;
}
