/*
 * pmu.h - performance counters of the workers over the measured window.
 *
 * Model. A *plan* is made once, before the workers start. It resolves --counters to events, encodes them with libpfm4,
 * tries each on the calling thread, packs them into groups of at most 4, and proves with a loop of known length that
 * they count. It keeps a status and a reason for each event that cannot be had. Each worker then opens a *set* of the
 * plan on its own thread (pid 0, cpu -1) and enables it for the window. The values are read when the window is over.
 *
 *     main                       worker                                main
 *     pmu_plan_init  ------>     pmu_set_open
 *                                pmu_set_enable  [ window ]  pmu_set_disable
 *                                pmu_set_read; pmu_set_close  ------>  pmu_values_add; pmu_derive; columns
 *
 * Numbers. A value is raw count x time enabled / time running. It is an estimate if the kernel had to let groups take
 * turns; `share` (running / enabled) says in how much of the window the event was really counted. A counter that is not
 * COUNTED has no value, never 0. Events count in kernel and user mode if that is permitted, else only in user mode
 * (`user_only`, with a note). If one event fails, the others still count.
 *
 * Threads. A plan is constant once made. A set belongs to the thread that opened it; only pmu_set_read may also be
 * called by another thread, during the window, and then gives the hardware events alone.
 * Checked by: tests/unit/harness/machine/pmu.c with a made-up PMU. Source of the errno rules: perf_event_open(2).
 */
#ifndef HARNESS_MACHINE_PMU_H
#define HARNESS_MACHINE_PMU_H

#include "harness/machine/pmu_sys.h"

enum {
    PMU_GROUP_EVENTS = 4, /* general counters of a core with SMT; the kernel may never schedule a larger group */
    PMU_EVENTS_MAX = 32,
    PMU_NAME_BYTES = 96,
    PMU_REASON_BYTES = 240,
    PMU_LOOP_ITERATIONS = 1000000
};

/* name, spelling, text for people */
#define PMU_STATUS_TABLE(X)                                                                  \
    X(PMU_COUNTED, "counted", "counted")                                                     \
    X(PMU_ABSENT, "absent", "this machine has no such event")                                \
    X(PMU_FORBIDDEN, "forbidden", "not permitted")                                           \
    X(PMU_NO_FILES, "no_files", "too many open files: workers x events")                     \
    X(PMU_NOT_SCHEDULED, "not_scheduled", "never got a hardware counter")                    \
    X(PMU_IMPLAUSIBLE, "implausible", "does not count what it should (broken virtual PMU?)") \
    X(PMU_PARTIAL, "partial", "not counted on every worker")                                 \
    X(PMU_UNFINISHED, "unfinished", "known only when the window is over")                    \
    X(PMU_FAILED, "failed", "the system refused")

#define PMU_STATUS_ENUM(name, spelling, text) name,
enum pmu_status { PMU_STATUS_TABLE(PMU_STATUS_ENUM) };

const char *pmu_status_name(enum pmu_status status);

enum pmu_mode { PMU_OFF, PMU_AUTO, PMU_REQUIRE, PMU_LIST };

struct pmu_event {
    char name[PMU_NAME_BYTES]; /* as given */
    bool hardware;             /* opened through perf_event_open; else the kernel keeps it (`system`) */
    unsigned system;
    unsigned table_group; /* wanted: that of events.def with auto; one for all of a list, split every 4 */
    unsigned group;       /* the group it is opened in; meaningful when COUNTED */
    unsigned floor_percent;
    struct perf_event_attr attr;
    bool user_only;
    enum pmu_status status;
    char reason[PMU_REASON_BYTES]; /* why not, or a note when COUNTED; "" if there is nothing to say */
};

struct pmu_plan {
    const struct pmu_sys *sys;
    enum pmu_mode mode;
    unsigned event_count;
    unsigned group_count;
    struct pmu_event events[PMU_EVENTS_MAX];
};

enum pmu_result {
    PMU_OK,
    PMU_USAGE, /* `counters` is wrong: an unknown name, too many */
    PMU_UNMET  /* `require`, and a counter cannot be had */
};

/*
 * `counters`: "auto", "off", "require" (auto, but each must be had), "require:LIST", or a LIST of names joined by
 * commas: those of events.def, or any event libpfm4 knows ("spr::MEM_LOAD_RETIRED:L3_MISS:u"); groups are filled in
 * that order. `workers` sets will be open at once. Takes some milliseconds. Unless PMU_OK, `error` has a message.
 */
enum pmu_result pmu_plan_init(struct pmu_plan *plan, const char *counters, unsigned workers, const struct pmu_sys *sys,
                              char *error, size_t error_bytes);

/* One line for people if hardware events are missing or count user mode only, else NULL. The caller frees it. */
char *pmu_plan_warning(const struct pmu_plan *plan);

/* `maemio list counters`: name, group, status and reason of what auto counts, and the PMUs libpfm4 sees. */
void pmu_list(FILE *file, const struct pmu_sys *sys);

/* The place of an event in the plan, -1 if not there. */
int pmu_find(const struct pmu_plan *plan, const char *name);

/* ---- One worker. No allocation, no lock, no print. ---- */

struct pmu_set_event {
    int fd; /* -1: not open */
    uint64_t id;
    enum pmu_status status;
};

struct pmu_set {
    const struct pmu_plan *plan;
    struct pmu_set_event events[PMU_EVENTS_MAX];
    struct pmu_usage begin, end;
    bool usage_known, ended;
};

struct pmu_value {
    enum pmu_status status;
    double value; /* scaled; meaningful when COUNTED */
    uint64_t raw;
    double share; /* of the window that was really counted, 0..1 */
};

void pmu_set_open(struct pmu_set *set, const struct pmu_plan *plan); /* an event that cannot be opened gets a status */
void pmu_set_enable(struct pmu_set *set);                            /* from zero; may be repeated for a new window */
void pmu_set_disable(struct pmu_set *set);
void pmu_set_read(const struct pmu_set *set, struct pmu_value values[PMU_EVENTS_MAX]);
void pmu_set_close(struct pmu_set *set);

/* ---- All workers. ---- */

/* Adds one worker's values. `workers_so_far` 0 begins a total. A counter missing on any worker is PARTIAL in the total
 * (or keeps its status if it is the same on all); the share is the smallest. */
void pmu_values_add(const struct pmu_plan *plan, struct pmu_value total[PMU_EVENTS_MAX], unsigned workers_so_far,
                    const struct pmu_value values[PMU_EVENTS_MAX]);

/* Why a value is missing: the plan's reason if it has one, else the text of the status. */
const char *pmu_value_reason(const struct pmu_plan *plan, unsigned event_idx, const struct pmu_value *value);

/* One line naming counters seen in less than 90% of the window, else NULL. The caller frees it. */
char *pmu_share_warning(const struct pmu_plan *plan, const struct pmu_value values[PMU_EVENTS_MAX]);

/* Derived values, in the order of events.def. NAN where one is missing or they are not of one group. */
extern const struct pmu_derived {
    const char *name, *numerator, *denominator;
} pmu_derived[]; /* ended by an empty one */
double pmu_derive(const struct pmu_plan *plan, const struct pmu_value values[PMU_EVENTS_MAX], size_t i);

/* A counter per transaction or per operation. NAN if it was not counted or `count` is 0. */
double pmu_per(const struct pmu_value *value, uint64_t count);

#endif
