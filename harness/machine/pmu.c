/*
 * pmu.c - see pmu.h.
 *
 * A plan is tried out before the run for four reasons. Encoding proves nothing about support: libpfm4 encodes "cycles"
 * on a machine without a PMU. The kernel checks permission before support. It notices a full group only when the group
 * is opened. Some virtual PMUs open everything and count nothing. After the trial each worker opens only events that
 * are known to work.
 */
#include "harness/machine/pmu.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <strings.h>

#include <perfmon/pfmlib_perf_event.h>

static const struct {
    const char *name, *text;
} statuses[] = {PMU_STATUS_TABLE(TABLE_RESTS)};

enum pmu_system {
#define PMU_SYSTEM(id, name, always, meaning) SYSTEM_##id,
#include "harness/machine/events.def"
};

static const struct {
    const char *name, *encoding, *meaning;
    unsigned group, floor_percent;
} hardware_table[] = {
#define PMU_HARDWARE(name, group, encoding, floor_percent, meaning) {name, encoding, meaning, group, floor_percent},
#include "harness/machine/events.def"
};

static const struct {
    const char *name, *meaning;
    bool always;
} system_table[] = {
#define PMU_SYSTEM(id, name, always, meaning) {name, meaning, always},
#include "harness/machine/events.def"
};

const struct pmu_derived pmu_derived[] = {
#define PMU_DERIVED(name, numerator, denominator, meaning) {name, numerator, denominator},
#include "harness/machine/events.def"
    {NULL, NULL, NULL}};

enum {
    HARDWARE_COUNT = sizeof(hardware_table) / sizeof(hardware_table[0]),
    SYSTEM_COUNT = sizeof(system_table) / sizeof(system_table[0]),
    OTHER_FILES = 64, /* files the command needs besides counters: libraries, results, terminals */
    PARANOID_ALL = 1  /* the highest perf_event_paranoid that lets everyone count the kernel too */
};

static_assert((int)HARDWARE_COUNT + (int)SYSTEM_COUNT <= (int)PMU_EVENTS_MAX, "auto fits a plan");

#define REMEDY "sysctl kernel.perf_event_paranoid=1, or setcap cap_perfmon+ep on the maemio binary"

const char *pmu_status_name(enum pmu_status status)
{
    return statuses[status].name;
}

/* ---- From names to events. ---- */

static bool same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* Fills attr through libpfm4 and returns its error code. For both privilege levels; the trial may have to take one
 * back. */
static int encode(const char *name, struct perf_event_attr *attr)
{
    pfm_perf_encode_arg_t request;
    int result = pfm_initialize();
    if (result != PFM_SUCCESS)
        return result;
    memset(attr, 0, sizeof(*attr));
    memset(&request, 0, sizeof(request));
    request.attr = attr;
    request.size = sizeof(request);
    result = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &request);
    attr->size = sizeof(*attr);
    attr->read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return result;
}

#define BLAME(event, why, ...) \
    ((event)->status = (why), (void)support_error((event)->reason, sizeof((event)->reason), __VA_ARGS__))

static bool add_event(struct pmu_plan *plan, const char *name, char *error, size_t error_bytes)
{
    if (plan->event_count == PMU_EVENTS_MAX)
        return support_error(error, error_bytes, "more than %d counters", PMU_EVENTS_MAX);
    struct pmu_event *event = &plan->events[plan->event_count];
    memset(event, 0, sizeof(*event));
    if (*name == '\0' || strlen(name) >= sizeof(event->name))
        return support_error(error, error_bytes, "%s counter name in the list", *name ? "an overlong" : "an empty");
    strcpy(event->name, name);
    if (pmu_find(plan, event->name) >= 0)
        return support_error(error, error_bytes, "counter %s is in the list twice", event->name);
    plan->event_count++;

    for (unsigned i = 0; i < SYSTEM_COUNT; i++) {
        if (same_name(system_table[i].name, event->name)) {
            event->system = i;
            return true;
        }
    }
    const char *encoding = event->name;
    bool ours = false;
    event->hardware = true;
    for (unsigned i = 0; i < HARDWARE_COUNT; i++) {
        if (same_name(hardware_table[i].name, event->name)) {
            encoding = hardware_table[i].encoding;
            event->floor_percent = hardware_table[i].floor_percent;
            ours = true;
        }
    }
    int result = encode(encoding, &event->attr);
    if (result == PFM_SUCCESS)
        return true;
    if (ours) { /* the name is right, so this machine lacks it: libpfm4 finds no perf events without /proc, say */
        BLAME(event, PMU_ABSENT, "libpfm4 knows no such event here: %s", pfm_strerror(result));
        return true;
    }
    return support_error(error, error_bytes,
                         "counter %s: %s; `maemio list counters` shows names, and libpfm4's showevtinfo all events",
                         event->name, pfm_strerror(result));
}

static bool add_auto(struct pmu_plan *plan, char *error, size_t error_bytes)
{
    for (unsigned i = 0; i < HARDWARE_COUNT; i++) {
        if (!add_event(plan, hardware_table[i].name, error, error_bytes))
            return false;
        plan->events[plan->event_count - 1].table_group = hardware_table[i].group;
    }
    for (unsigned i = 0; i < SYSTEM_COUNT; i++)
        if (system_table[i].always && !add_event(plan, system_table[i].name, error, error_bytes))
            return false;
    return true;
}

static bool add_list(struct pmu_plan *plan, const char *list, char *error, size_t error_bytes)
{
    SUPPORT_FREED char *copy = support_copy(list);
    for (char *rest = copy, *name; (name = strsep(&rest, ",")) != NULL;)
        if (!add_event(plan, support_trimmed(name), error, error_bytes))
            return false;
    return true;
}

static bool add_events(struct pmu_plan *plan, const char *counters, char *error, size_t error_bytes)
{
    static const char *const words[] = {[PMU_OFF] = "off", [PMU_AUTO] = "auto", [PMU_REQUIRE] = "require"};
    plan->mode = PMU_OFF;
    while (plan->mode < PMU_LIST && strcmp(words[plan->mode], counters) != 0)
        plan->mode++;
    if (plan->mode == PMU_OFF)
        return true;
    if (plan->mode == PMU_AUTO || plan->mode == PMU_REQUIRE)
        return add_auto(plan, error, error_bytes);
    bool require = strncmp(counters, "require:", 8) == 0;
    plan->mode = require ? PMU_REQUIRE : PMU_LIST;
    return add_list(plan, require ? counters + 8 : counters, error, error_bytes);
}

int pmu_find(const struct pmu_plan *plan, const char *name)
{
    for (unsigned i = 0; i < plan->event_count; i++)
        if (same_name(plan->events[i].name, name))
            return (int)i;
    return -1;
}

/* ---- Opening. ---- */

static enum pmu_status status_of(int error)
{
    switch (error) {
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
    case ENXIO:
        return PMU_ABSENT;
    case EACCES:
    case EPERM:
        return PMU_FORBIDDEN;
    case EMFILE:
    case ENFILE:
        return PMU_NO_FILES;
    default:
        return PMU_FAILED;
    }
}

/* Opens one event of the calling thread in the group of `leader_fd`, or (-1) as a leader that waits for enable. */
static int open_event(const struct pmu_sys *sys, const struct perf_event_attr *planned, int leader_fd)
{
    struct perf_event_attr attr = *planned;
    uint64_t limit;
    attr.disabled = leader_fd < 0;
    int fd = sys->open(sys->arg, &attr, leader_fd);
    if (fd != -EMFILE || sys->raise_files(sys->arg, UINT64_MAX, &limit) < 0)
        return fd;
    return sys->open(sys->arg, &attr, leader_fd);
}

/* The id by which a group's reading names an event that may have been opened; the event, or -errno. */
static int identify(const struct pmu_sys *sys, int fd, uint64_t *id)
{
    if (fd < 0 || sys->event_id(sys->arg, fd, id) >= 0)
        return fd;
    sys->close(sys->arg, fd);
    return -EIO;
}

static void explain(struct pmu_event *event, enum pmu_status status, int error, int paranoid)
{
    if (status == PMU_FORBIDDEN)
        BLAME(event, status, "not permitted (%s, kernel.perf_event_paranoid = %d): " REMEDY,
              error == EPERM ? "EPERM" : "EACCES", paranoid);
    else if (status == PMU_NO_FILES)
        BLAME(event, status, "too many open files (workers x events): raise ulimit -n, or count fewer events");
    else if (status == PMU_FAILED && error == EBUSY)
        BLAME(event, status, "the counter is in use by someone else (EBUSY)");
    else if (status == PMU_FAILED && error == ENOSYS)
        BLAME(event, status, "the kernel or the container has no perf_event_open (ENOSYS)");
    else if (status == PMU_FAILED)
        BLAME(event, status, "the system refused: %s", strerror(error));
    else
        BLAME(event, status, "%s%s", statuses[status].text,
              status == PMU_ABSENT ? " (no PMU, or the virtual machine hides it)" : "");
}

/* Whether this is a software event that happens in the kernel: counted in user mode only it would silently be 0. */
static bool counts_in_kernel_only(const struct perf_event_attr *attr)
{
    return attr->type == PERF_TYPE_SOFTWARE &&
           (attr->config == PERF_COUNT_SW_CONTEXT_SWITCHES || attr->config == PERF_COUNT_SW_CPU_MIGRATIONS);
}

/* As open_event. If that is forbidden it opens the event for user mode only and notes that in the event. */
static int open_permitted(const struct pmu_sys *sys, struct pmu_event *event, int leader_fd)
{
    int fd = open_event(sys, &event->attr, leader_fd);
    if ((fd != -EACCES && fd != -EPERM) || event->attr.exclude_kernel || counts_in_kernel_only(&event->attr))
        return fd;
    struct perf_event_attr user = event->attr;
    user.exclude_kernel = 1;
    user.exclude_hv = 1;
    int second = open_event(sys, &user, leader_fd);
    /* EINVAL means "not in this group": the caller tries again alone, and comes back here. */
    if (second < 0)
        return second == -EINVAL ? second : (status_of(-second) == PMU_ABSENT ? second : fd);
    event->attr = user;
    event->user_only = true;
    BLAME(event, event->status, "user mode only (kernel.perf_event_paranoid = %d); with the kernel: " REMEDY,
          sys->paranoid(sys->arg));
    return second;
}

/* Tries every hardware event on this thread, forms the groups, and leaves them open in `set`. */
static void try_events(struct pmu_plan *plan, struct pmu_set *set)
{
    const struct pmu_sys *sys = plan->sys;
    int leader_fd = -1;
    unsigned in_group = 0, table_group = 0;

    for (unsigned i = 0; i < plan->event_count; i++) {
        struct pmu_event *event = &plan->events[i];
        if (!event->hardware || event->status != PMU_COUNTED)
            continue;
        if (in_group == PMU_GROUP_EVENTS || event->table_group != table_group)
            leader_fd = -1;
        table_group = event->table_group;

        int fd = open_permitted(sys, event, leader_fd);
        if (fd == -EINVAL && leader_fd >= 0) {
            leader_fd = -1;
            fd = open_permitted(sys, event, leader_fd);
        }
        fd = identify(sys, fd, &set->events[i].id);
        if (fd < 0) {
            explain(event, status_of(-fd), -fd, sys->paranoid(sys->arg));
            continue;
        }
        if (leader_fd < 0) {
            leader_fd = fd;
            in_group = 0;
            plan->group_count++;
        }
        in_group++;
        event->group = plan->group_count - 1;
        set->events[i].fd = fd;
        set->events[i].status = PMU_COUNTED;
    }
}

/* ---- Does it count? ---- */

static int leader_of(const struct pmu_set *set, unsigned group)
{
    for (unsigned i = 0; i < set->plan->event_count; i++)
        if (set->events[i].fd >= 0 && set->plan->events[i].group == group)
            return set->events[i].fd;
    return -1;
}

/* Tests one group after the other: the kernel might let groups take turns, and the loop is shorter than a turn. */
static void self_test(struct pmu_plan *plan, struct pmu_set *set)
{
    const struct pmu_sys *sys = plan->sys;
    for (unsigned group = 0; group < plan->group_count; group++) {
        int leader_fd = leader_of(set, group);
        if (leader_fd < 0 || sys->enable(sys->arg, leader_fd) < 0)
            continue;
        sys->work(sys->arg, PMU_LOOP_ITERATIONS);
        sys->disable(sys->arg, leader_fd);
    }

    struct pmu_value values[PMU_EVENTS_MAX];
    pmu_set_read(set, values);
    const char *broken = NULL;
    for (unsigned i = 0; i < plan->event_count; i++) {
        struct pmu_event *event = &plan->events[i];
        if (!event->hardware || event->status != PMU_COUNTED)
            continue;
        if (values[i].status != PMU_COUNTED) {
            explain(event, values[i].status, 0, 0);
            continue;
        }
        uint64_t floor = (uint64_t)event->floor_percent * PMU_LOOP_ITERATIONS / 100;
        if (values[i].raw < floor) {
            BLAME(event, PMU_IMPLAUSIBLE, "broken virtual PMU? counted %llu in a self-test that takes at least %llu",
                  (unsigned long long)values[i].raw, (unsigned long long)floor);
            broken = event->name;
        }
    }
    /* An event that the loop cannot test is believed, unless it stayed 0 beside an event that failed the test. */
    for (unsigned i = 0; broken && i < plan->event_count; i++) {
        struct pmu_event *event = &plan->events[i];
        if (event->hardware && event->status == PMU_COUNTED && event->attr.type != PERF_TYPE_SOFTWARE &&
            event->floor_percent == 0 && values[i].raw == 0)
            BLAME(event, PMU_IMPLAUSIBLE, "stayed 0 in the self-test, in which %s was found broken", broken);
    }
}

/* Every worker opens every counted event: allows that many open files, or gives up the last events. */
static void fit_files(struct pmu_plan *plan, unsigned workers)
{
    uint64_t counted = 0, limit;
    for (unsigned i = 0; i < plan->event_count; i++)
        counted += plan->events[i].hardware && plan->events[i].status == PMU_COUNTED;
    if (counted == 0 || plan->sys->raise_files(plan->sys->arg, counted * workers + OTHER_FILES, &limit) < 0)
        return;
    for (unsigned i = plan->event_count; i-- > 0 && counted * workers + OTHER_FILES > limit;) {
        struct pmu_event *event = &plan->events[i];
        if (!event->hardware || event->status != PMU_COUNTED)
            continue;
        BLAME(event, PMU_NO_FILES,
              "too many open files: %u workers may open %llu in all: raise ulimit -n, or count fewer events", workers,
              (unsigned long long)limit);
        counted--;
    }
}

enum pmu_result pmu_plan_init(struct pmu_plan *plan, const char *counters, unsigned workers, const struct pmu_sys *sys,
                              char *error, size_t error_bytes)
{
    memset(plan, 0, sizeof(*plan));
    plan->sys = sys;
    if (!add_events(plan, counters, error, error_bytes))
        return PMU_USAGE;

    struct pmu_set set = {.plan = plan};
    for (unsigned i = 0; i < PMU_EVENTS_MAX; i++)
        set.events[i].fd = -1;
    try_events(plan, &set);
    self_test(plan, &set);
    pmu_set_close(&set);
    fit_files(plan, workers);

    if (plan->mode != PMU_REQUIRE)
        return PMU_OK;
    for (unsigned i = 0; i < plan->event_count; i++) {
        if (plan->events[i].status != PMU_COUNTED) {
            snprintf(error, error_bytes, "required counter %s is not to be had: %s", plan->events[i].name,
                     plan->events[i].reason);
            return PMU_UNMET;
        }
    }
    return PMU_OK;
}

/* ---- One worker. ---- */

void pmu_set_open(struct pmu_set *set, const struct pmu_plan *plan)
{
    MAE_CHECK(plan->event_count <= PMU_EVENTS_MAX && plan->group_count <= PMU_EVENTS_MAX);
    const struct pmu_sys *sys = plan->sys;
    int leaders[PMU_EVENTS_MAX];
    memset(set, 0, sizeof(*set));
    set->plan = plan;
    for (unsigned i = 0; i < PMU_EVENTS_MAX; i++)
        leaders[i] = set->events[i].fd = -1;

    for (unsigned i = 0; i < plan->event_count; i++) {
        const struct pmu_event *event = &plan->events[i];
        struct pmu_set_event *mine = &set->events[i];
        mine->status = event->status;
        if (!event->hardware || event->status != PMU_COUNTED)
            continue;
        MAE_CHECK(event->group < plan->group_count);
        int fd = identify(sys, open_event(sys, &event->attr, leaders[event->group]), &mine->id);
        if (fd < 0) {
            mine->status = status_of(-fd);
            continue;
        }
        mine->fd = fd;
        if (leaders[event->group] < 0)
            leaders[event->group] = fd;
    }
}

static bool is_leader(const struct pmu_set *set, unsigned i)
{
    return set->events[i].fd >= 0 && leader_of(set, set->plan->events[i].group) == set->events[i].fd;
}

void pmu_set_enable(struct pmu_set *set)
{
    const struct pmu_sys *sys = set->plan->sys;
    set->ended = false;
    set->usage_known = set->plan->mode != PMU_OFF && sys->usage(sys->arg, &set->begin) == 0;
    for (unsigned i = 0; i < set->plan->event_count; i++)
        if (is_leader(set, i) && sys->enable(sys->arg, set->events[i].fd) < 0)
            set->events[i].status = PMU_FAILED;
}

void pmu_set_disable(struct pmu_set *set)
{
    MAE_CHECK(!set->ended); /* once for each time it was enabled */
    const struct pmu_sys *sys = set->plan->sys;
    for (unsigned i = 0; i < set->plan->event_count; i++)
        if (is_leader(set, i) && sys->disable(sys->arg, set->events[i].fd) < 0)
            set->events[i].status = PMU_FAILED;
    set->ended = true;
    set->usage_known = set->usage_known && sys->usage(sys->arg, &set->end) == 0;
}

static uint64_t system_value(const struct pmu_usage *usage, unsigned which)
{
    switch ((enum pmu_system)which) {
    case SYSTEM_CPU_TIME:
        return usage->cpu_ns;
    case SYSTEM_PAGE_FAULTS:
        return usage->minor_faults + usage->major_faults;
    case SYSTEM_MAJOR_FAULTS:
        return usage->major_faults;
    case SYSTEM_VOLUNTARY_SWITCHES:
        return usage->voluntary_switches;
    case SYSTEM_INVOLUNTARY_SWITCHES:
        return usage->involuntary_switches;
    case SYSTEM_CONTEXT_SWITCHES:
        return usage->voluntary_switches + usage->involuntary_switches;
    }
    return 0;
}

/* What read() on a leader gives for its whole group. */
struct group_reading {
    uint64_t count, enabled_ns, running_ns;
    struct {
        uint64_t value, id;
    } events[PMU_GROUP_EVENTS];
};

static void read_group(const struct pmu_set *set, unsigned leader_idx, struct pmu_value *values)
{
    MAE_CHECK(is_leader(set, leader_idx));
    const struct pmu_sys *sys = set->plan->sys;
    struct group_reading reading;
    memset(&reading, 0, sizeof(reading));
    ssize_t bytes = sys->read(sys->arg, set->events[leader_idx].fd, &reading, sizeof(reading));
    enum pmu_status status = PMU_COUNTED;
    if (bytes < 0)
        status = PMU_FAILED;
    else if (bytes == 0 || reading.running_ns == 0)
        status = PMU_NOT_SCHEDULED;

    unsigned group = set->plan->events[leader_idx].group;
    for (unsigned i = 0; i < set->plan->event_count; i++) {
        if (set->events[i].fd < 0 || set->plan->events[i].group != group)
            continue;
        values[i].status = status;
        if (status != PMU_COUNTED)
            continue;
        values[i].status = PMU_FAILED; /* unless the reading has it */
        for (uint64_t k = 0; k < reading.count && k < PMU_GROUP_EVENTS; k++) {
            if (reading.events[k].id != set->events[i].id)
                continue;
            values[i].status = set->events[leader_idx].status;
            values[i].raw = reading.events[k].value;
            values[i].share = (double)reading.running_ns / (double)reading.enabled_ns;
            values[i].value = (double)values[i].raw * (double)reading.enabled_ns / (double)reading.running_ns;
        }
    }
}

void pmu_set_read(const struct pmu_set *set, struct pmu_value values[PMU_EVENTS_MAX])
{
    memset(values, 0, PMU_EVENTS_MAX * sizeof(values[0]));
    for (unsigned i = 0; i < set->plan->event_count; i++) {
        const struct pmu_event *event = &set->plan->events[i];
        if (event->hardware) {
            if (set->events[i].fd < 0)
                values[i].status = set->events[i].status;
            else if (is_leader(set, i))
                read_group(set, i, values);
            continue;
        }
        values[i].status = !set->ended ? PMU_UNFINISHED : set->usage_known ? PMU_COUNTED : PMU_FAILED;
        if (values[i].status == PMU_COUNTED) {
            values[i].raw = system_value(&set->end, event->system) - system_value(&set->begin, event->system);
            values[i].value = (double)values[i].raw;
            values[i].share = 1;
        }
    }
}

void pmu_set_close(struct pmu_set *set)
{
    for (unsigned i = 0; i < set->plan->event_count; i++) {
        if (set->events[i].fd >= 0)
            set->plan->sys->close(set->plan->sys->arg, set->events[i].fd);
        set->events[i].fd = -1;
    }
}

/* ---- All workers. ---- */

void pmu_values_add(const struct pmu_plan *plan, struct pmu_value total[PMU_EVENTS_MAX], unsigned workers_so_far,
                    const struct pmu_value values[PMU_EVENTS_MAX])
{
    if (workers_so_far == 0) {
        memcpy(total, values, PMU_EVENTS_MAX * sizeof(total[0]));
        return;
    }
    for (unsigned i = 0; i < plan->event_count; i++) {
        if (total[i].status != PMU_COUNTED || values[i].status != PMU_COUNTED) {
            if (total[i].status != values[i].status)
                total[i].status = PMU_PARTIAL;
            continue;
        }
        total[i].value += values[i].value;
        total[i].raw += values[i].raw;
        total[i].share = fmin(total[i].share, values[i].share);
    }
}

const char *pmu_value_reason(const struct pmu_plan *plan, unsigned event_idx, const struct pmu_value *value)
{
    MAE_CHECK(event_idx < plan->event_count);
    if (plan->events[event_idx].reason[0])
        return plan->events[event_idx].reason;
    return value->status == PMU_COUNTED ? "" : statuses[value->status].text;
}

char *pmu_plan_warning(const struct pmu_plan *plan)
{
    const char *first = NULL, *note = "";
    unsigned more = 0;
    for (unsigned i = 0; i < plan->event_count; i++) {
        const struct pmu_event *event = &plan->events[i];
        if (event->status != PMU_COUNTED && first == NULL)
            first = event->name;
        else if (event->status != PMU_COUNTED)
            more++;
        else if (event->user_only)
            note = event->reason;
    }
    if (first != NULL)
        return support_format("no counter %s%s; `maemio list counters` says why", first,
                              more == 0 ? "" : support_short(" and %u more", more));
    return note[0] ? support_format("counters: %s", note) : NULL;
}

char *pmu_share_warning(const struct pmu_plan *plan, const struct pmu_value values[PMU_EVENTS_MAX])
{
    struct support_text text = {0};
    double least = 1;
    for (unsigned i = 0; i < plan->event_count; i++) {
        if (values[i].status != PMU_COUNTED || values[i].share >= 0.9)
            continue;
        support_text_add(&text, "%s%s", text.bytes > 0 ? ", " : "", plan->events[i].name);
        least = fmin(least, values[i].share);
    }
    if (text.bytes > 0)
        support_text_add(&text,
                         " counted only part of the window (from %.0f%%) and are scaled: more events than the PMU "
                         "has counters",
                         least * 100);
    return text.text;
}

double pmu_derive(const struct pmu_plan *plan, const struct pmu_value values[PMU_EVENTS_MAX], size_t i)
{
    int over = pmu_find(plan, pmu_derived[i].numerator), under = pmu_find(plan, pmu_derived[i].denominator);
    if (over < 0 || under < 0 || values[over].status != PMU_COUNTED || values[under].status != PMU_COUNTED)
        return NAN;
    const struct pmu_event *a = &plan->events[over], *b = &plan->events[under];
    if (a->group != b->group || a->user_only != b->user_only || !(values[under].value > 0))
        return NAN;
    return values[over].value / values[under].value;
}

double pmu_per(const struct pmu_value *value, uint64_t count)
{
    return value->status == PMU_COUNTED && count ? value->value / (double)count : NAN;
}

/* ---- maemio list counters. ---- */

static void list_pmus(FILE *file)
{
    fputs("\nPMUs that libpfm4 sees here:", file);
    int pmu;
    pfm_for_all_pmus(pmu)
    {
        pfm_pmu_info_t info;
        memset(&info, 0, sizeof(info));
        info.size = sizeof(info);
        if (pfm_get_pmu_info((pfm_pmu_t)pmu, &info) == PFM_SUCCESS && info.is_present)
            fprintf(file, " %s (%d events)", info.name, info.nevents);
    }
    fputs(
        "\nAny event libpfm4 knows may be named in --counters, also with its PMU (spr::MEM_LOAD_RETIRED:L3_MISS:u).\n",
        file);
}

static const char *meaning_of(const struct pmu_event *event)
{
    if (!event->hardware)
        return system_table[event->system].meaning;
    for (unsigned i = 0; i < HARDWARE_COUNT; i++)
        if (same_name(hardware_table[i].name, event->name))
            return hardware_table[i].meaning;
    return "";
}

void pmu_list(FILE *file, const struct pmu_sys *sys)
{
    static struct pmu_plan plan;
    char error[PMU_REASON_BYTES];
    if (pmu_plan_init(&plan, "auto", 1, sys, error, sizeof(error)) != PMU_OK) {
        fprintf(file, "counters: %s\n", error);
        return;
    }
    fprintf(file, "%-22s %-6s %-13s %s\n", "name", "group", "status", "meaning, or why not");
    for (unsigned i = 0; i < plan.event_count; i++) {
        const struct pmu_event *event = &plan.events[i];
        const char *group = !event->hardware               ? "kernel"
                            : event->status == PMU_COUNTED ? support_short("%u", event->group)
                                                           : "-";
        fprintf(file, "%-22s %-6s %-13s %s%s%s\n", event->name, group, statuses[event->status].name,
                event->status == PMU_COUNTED ? meaning_of(event) : "",
                event->status == PMU_COUNTED && event->reason[0] ? "; " : "", event->reason);
    }
    list_pmus(file);
}
