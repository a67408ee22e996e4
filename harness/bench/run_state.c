/* run_state.c - how far a run is: phase, messages, deadline; see run_inner.h. */
#include <stdarg.h>
#include <unistd.h>

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"

/* The automatic deadline, see its option. */
#define DEADLINE_BASE_NS (120 * SECOND_NS)
#define DEADLINE_TXN_NS UINT64_C(1000000)
#define DEADLINE_ROW_NS UINT64_C(20000)

atomic_int run_signal;

enum exit_code run_complain(struct run_watch *watch, const char *format, ...)
{
    va_list arguments;
    progress_clear(&watch->progress);
    (void)fputs("maemio: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return EXIT_FAILED;
}

bool run_is_timed(const struct run_setup *setup)
{
    return setup->options->run.latency != RUN_LATENCY_OFF;
}

bool run_is_checked(const struct run_setup *setup)
{
    return setup->options->run.check != RUN_CHECK_OFF;
}

void run_loaded_sum(const struct run_session *session, uint64_t *done, uint64_t *total)
{
    *done = *total = 0;
    for (unsigned i = 0; i < session->setup->worker_count; i++) {
        *done += atomic_load_explicit(&session->workers[i].progress.done, memory_order_relaxed);
        *total += atomic_load_explicit(&session->workers[i].progress.total, memory_order_relaxed);
    }
}

/* Phases go down the table of phase.h, but for the next database or repetition. */
static bool may_follow(enum phase before, enum phase phase)
{
    switch (phase) {
    case PHASE_SETUP:
        return before == PHASE_SETUP || before == PHASE_CLOSE;
    case PHASE_COOLDOWN:
        return before == PHASE_LOAD || before == PHASE_CHECK_LOADED || before == PHASE_SPACE || before == PHASE_CHECK;
    case PHASE_PREPARE:
        return before == PHASE_COOLDOWN;
    default:
        return before < phase;
    }
}

void run_phase_begin(struct run_watch *watch, enum phase phase, uint64_t length_ns)
{
    MAE_CHECK(may_follow((enum phase)atomic_load(&watch->phase), phase));
    watch->phase_begin_ns = support_clock_ns();
    watch->phase_ns = length_ns;
    watch->drawn_ns = watch->phase_begin_ns;
    watch->drawn_commits = 0;
    atomic_store(&watch->phase, (int)phase);
}

enum exit_code run_unfinished(const struct run_watch *watch)
{
    return watch->interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/* ---- Deadline. ---- */

static uint64_t deadline_length(const struct run_setup *setup, uint64_t load_rows)
{
    const struct run_options *options = &setup->options->run;
    if (options->deadline != 0)
        return options->deadline;
    uint64_t warmup = options->warmup_until == RUN_WARMUP_UNTIL_STEADY ? options->warmup_max : options->warmup;
    uint64_t passes = options->reload ? 2 * options->repetitions : 1 + options->repetitions; /* over all rows */
    if (options->check == RUN_CHECK_FULL)
        passes += 2; /* load and history of the sample */
    double counted_ns = (double)options->txns * (double)DEADLINE_TXN_NS;
    if (options->rate != 0) /* they come no faster */
        counted_ns += 2e9 * (double)options->txns * (double)options->threads / (double)options->rate;
    double ns = (double)DEADLINE_BASE_NS +
                (double)options->repetitions * (2 * (double)(options->cooldown + warmup + options->time) + counted_ns) +
                (double)passes * (double)load_rows * (double)DEADLINE_ROW_NS;
    double latest = 3e18; /* a century; keeps the sum in range */
    return (uint64_t)(ns < latest ? ns : latest);
}

void run_deadline_renew(struct run_watch *watch, uint64_t load_rows)
{
    MAE_CHECK(watch->deadline != NULL);
    atomic_store(&watch->deadline_ns, deadline_length(watch->setup, load_rows));
    deadline_set(watch->deadline, watch->begin_ns + atomic_load(&watch->deadline_ns));
}

/* On the deadline's thread; the coordinator may be anywhere. */
static void deadline_expired(void *arg)
{
    struct run_watch *watch = arg;
    unsigned repetition = atomic_load(&watch->repetition);
    const struct crew *crew = atomic_load(&watch->watched);
    (void)fprintf(stderr, "%smaemio: the deadline of %s passed in phase %s", watch->progress.terminal ? "\n" : "",
                  quantity_time(atomic_load(&watch->deadline_ns)), phase_text((enum phase)atomic_load(&watch->phase)));
    if (repetition > 0)
        (void)fprintf(stderr, " of repetition %u", repetition);
    const char *separator = "; not ready: worker ";
    for (unsigned i = 0; crew != NULL && i < watch->setup->worker_count; i++)
        if (crew_is_busy(crew, i)) {
            (void)fprintf(stderr, "%s%u", separator, i);
            separator = ", ";
        }
    (void)fprintf(stderr, "; %u of %llu repetitions were measured\n", atomic_load(&watch->results_kept),
                  (unsigned long long)watch->setup->options->run.repetitions);
    (void)fflush(stderr);
    _exit(EXIT_DEADLINE);
}

bool run_deadline_start(struct run_watch *watch)
{
    watch->begin_ns = support_clock_ns();
    atomic_store(&watch->deadline_ns, deadline_length(watch->setup, 0));
    watch->deadline = deadline_start(watch->begin_ns + atomic_load(&watch->deadline_ns), deadline_expired, watch);
    return watch->deadline != NULL;
}
