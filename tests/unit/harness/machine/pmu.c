/*
 * Tests of harness/machine/pmu.c with a made-up kernel and PMU behind the system-call seam: grouping, scaling, and
 * every way in which counting can fail. Events are encoded by the real libpfm4, also for a PMU this machine does not
 * have.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/machine/pmu.h"
#include "tests/support/scratch.h"

enum { FAKE_FILES = 256, FAKE_RULES = 16 };

/* How the made-up machine treats one event. */
struct rule {
    uint64_t type, config;
    int error;         /* open fails with it */
    int error_kernel;  /* open fails with it unless exclude_kernel */
    uint64_t per_loop; /* what it counts in the loop, or a window of PMU_LOOP_ITERATIONS */
};

struct fake_file {
    bool open;
    int leader;
    uint64_t config, type, value;
    bool user_only, disabled_at_open;
};

struct fake {
    struct rule rules[FAKE_RULES];
    unsigned rule_count;
    unsigned group_capacity; /* more events in a group: EINVAL */
    uint64_t files_soft, files_hard;
    unsigned files_now;
    uint64_t enabled_ns, running_ns;
    bool read_nothing;
    unsigned opens, raises;
    struct pmu_usage usage;
    struct fake_file files[FAKE_FILES];
};

static const struct rule *rule_for(const struct fake *fake, uint64_t type, uint64_t config)
{
    for (unsigned i = 0; i < fake->rule_count; i++)
        if (fake->rules[i].type == type && fake->rules[i].config == config)
            return &fake->rules[i];
    return NULL;
}

static int fake_open(void *arg, struct perf_event_attr *attr, int group_fd)
{
    struct fake *fake = arg;
    fake->opens++;
    const struct rule *rule = rule_for(fake, attr->type, attr->config);
    if (attr->size != sizeof(*attr) || attr->read_format != 15)
        return -E2BIG; /* the event must ask for GROUP, ID and both times */
    if (rule && rule->error_kernel && !(attr->exclude_kernel && attr->exclude_hv))
        return -rule->error_kernel;
    if (!rule)
        return -ENOENT;
    if (rule->error)
        return -rule->error;
    unsigned members = 0;
    for (int i = 0; i < FAKE_FILES; i++)
        members += fake->files[i].open && fake->files[i].leader == group_fd;
    if (group_fd >= 0 && members >= fake->group_capacity)
        return -EINVAL;
    if (fake->files_now >= fake->files_soft)
        return -EMFILE;
    for (int i = 0; i < FAKE_FILES; i++) {
        if (fake->files[i].open)
            continue;
        fake->files_now++;
        fake->files[i] = (struct fake_file){.open = true,
                                            .leader = group_fd < 0 ? i : group_fd,
                                            .config = attr->config,
                                            .type = attr->type,
                                            .user_only = attr->exclude_kernel,
                                            .disabled_at_open = attr->disabled};
        return i;
    }
    return -EMFILE;
}

static int fake_event_id(void *arg, int fd, uint64_t *id)
{
    (void)arg;
    *id = 1000 + (uint64_t)fd;
    return 0;
}

static int fake_enable(void *arg, int leader_fd)
{
    struct fake *fake = arg;
    if (fake->files[leader_fd].leader != leader_fd || !fake->files[leader_fd].disabled_at_open)
        return -EBADF; /* only leaders, and they must have waited */
    for (int i = 0; i < FAKE_FILES; i++)
        if (fake->files[i].open && fake->files[i].leader == leader_fd)
            fake->files[i].value = rule_for(fake, fake->files[i].type, fake->files[i].config)->per_loop;
    return 0;
}

static int fake_disable(void *arg, int leader_fd)
{
    const struct fake *fake = arg;
    return fake->files[leader_fd].leader == leader_fd ? 0 : -EBADF;
}

static ssize_t fake_read(void *arg, int fd, void *buffer, size_t bytes)
{
    const struct fake *fake = arg;
    uint64_t out[3 + 2 * 8] = {0, fake->enabled_ns, fake->running_ns};
    if (fake->read_nothing)
        return 0;
    for (int i = FAKE_FILES; i-- > 0;) { /* not in the order of opening: ids must decide */
        if (!fake->files[i].open || fake->files[i].leader != fd)
            continue;
        out[3 + 2 * out[0]] = fake->files[i].value;
        out[4 + 2 * out[0]] = 1000 + (uint64_t)i;
        out[0]++;
    }
    size_t have = (3 + 2 * out[0]) * sizeof(uint64_t);
    if (have > bytes)
        return -ENOSPC;
    memcpy(buffer, out, have);
    return (ssize_t)have;
}

static void fake_close(void *arg, int fd)
{
    struct fake *fake = arg;
    fake->files[fd].open = false;
    fake->files_now--;
}

static int fake_raise_files(void *arg, uint64_t wanted, uint64_t *limit)
{
    struct fake *fake = arg;
    fake->raises++;
    if (fake->files_soft < wanted)
        fake->files_soft = wanted < fake->files_hard ? wanted : fake->files_hard;
    *limit = fake->files_soft;
    return 0;
}

static int fake_usage(void *arg, struct pmu_usage *usage)
{
    struct fake *fake = arg;
    *usage = fake->usage;
    fake->usage.cpu_ns += 5000;
    fake->usage.minor_faults += 7;
    fake->usage.major_faults += 1;
    fake->usage.voluntary_switches += 2;
    fake->usage.involuntary_switches += 3;
    return 0;
}

static int fake_paranoid(void *arg)
{
    (void)arg;
    return 2;
}

static void fake_work(void *arg, uint64_t iterations)
{
    (void)arg;
    (void)iterations;
}

static struct fake fake;
static const struct pmu_sys sys = {&fake,      fake_open,        fake_event_id, fake_enable,   fake_disable, fake_read,
                                   fake_close, fake_raise_files, fake_usage,    fake_paranoid, fake_work};
static struct pmu_plan plan;
static struct pmu_set set;
static struct pmu_value values[PMU_EVENTS_MAX];
static char error[PMU_REASON_BYTES];

/* perf's generic configurations: hardware 0 cycles, 1 instructions, 4 branches, 5 branch misses; cache (type 3). */
enum { HARDWARE = 0, SOFTWARE = 1, CACHE = 3, L1_MISS = 0x10000, LLC = 2, LLC_MISS = 0x10002, DTLB_MISS = 0x10003 };

/* A machine that has all of auto's events and no limits. */
static int healthy(void **state)
{
    (void)state;
    static const struct rule rules[] = {
        {HARDWARE, 0, 0, 0, 3000000}, {HARDWARE, 1, 0, 0, 4000000}, {HARDWARE, 4, 0, 0, 1000000},
        {HARDWARE, 5, 0, 0, 10},      {CACHE, L1_MISS, 0, 0, 100},  {CACHE, LLC, 0, 0, 40},
        {CACHE, LLC_MISS, 0, 0, 10},  {CACHE, DTLB_MISS, 0, 0, 0},  {SOFTWARE, 4, 0, EACCES, 0},
    };
    memset(&fake, 0, sizeof(fake));
    memcpy(fake.rules, rules, sizeof(rules));
    fake.rule_count = sizeof(rules) / sizeof(rules[0]);
    fake.group_capacity = 4;
    fake.files_soft = fake.files_hard = FAKE_FILES;
    fake.enabled_ns = fake.running_ns = 1000000;
    return 0;
}

static struct rule *rule_of(uint64_t type, uint64_t config)
{
    for (unsigned i = 0; i < fake.rule_count; i++)
        if (fake.rules[i].type == type && fake.rules[i].config == config)
            return &fake.rules[i];
    fail_msg("no rule");
    return NULL;
}

static enum pmu_result make_plan(const char *counters, unsigned workers)
{
    error[0] = '\0';
    enum pmu_result result = pmu_plan_init(&plan, counters, workers, &sys, error, sizeof(error));
    assert_int_equal(fake.files_now, 0); /* the trial leaves nothing open */
    return result;
}

static void measure(void)
{
    pmu_set_open(&set, &plan);
    pmu_set_enable(&set);
    pmu_set_disable(&set);
    pmu_set_read(&set, values);
    pmu_set_close(&set);
    assert_int_equal(fake.files_now, 0);
}

static unsigned event(const char *name)
{
    int i = pmu_find(&plan, name);
    if (i < 0)
        fail_msg("no event %s", name);
    return (unsigned)i;
}

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static double derived(const char *name)
{
    for (size_t i = 0; pmu_derived[i].name != NULL; i++)
        if (strcmp(pmu_derived[i].name, name) == 0)
            return pmu_derive(&plan, values, i);
    fail_msg("no derived value %s", name);
    return 0;
}

static void auto_counts_everything_in_two_groups(void **state)
{
    (void)state;
    assert_int_equal(make_plan("auto", 4), PMU_OK);
    assert_int_equal(plan.group_count, 2);
    measure();
    for (unsigned i = 0; i < plan.event_count; i++) {
        assert_int_equal(plan.events[i].status, PMU_COUNTED);
        assert_int_equal(values[i].status, PMU_COUNTED);
        assert_string_equal(pmu_value_reason(&plan, i, &values[i]), "");
    }
    assert_true(values[event("cycles")].value == 3000000);
    assert_true(values[event("dTLB-load-misses")].value == 0); /* quiet, and that is fine: cycles count */
    assert_true(values[event("task-clock")].value == 5000);
    assert_true(values[event("page-faults")].value == 8);
    assert_true(values[event("major-faults")].value == 1);
    assert_true(values[event("voluntary-switches")].value == 2);
    assert_true(values[event("involuntary-switches")].value == 3);
    assert_int_equal(pmu_find(&plan, "context-switches"), -1);
    assert_near(derived("ipc"), 4.0 / 3);
    assert_near(derived("llc_miss_ratio"), 0.25);
    assert_near(pmu_per(&values[event("cycles")], 1000), 3000);
    assert_true(isnan(pmu_per(&values[event("cycles")], 0)));
    assert_null(pmu_plan_warning(&plan));
}

static void off_opens_and_counts_nothing(void **state)
{
    (void)state;
    assert_int_equal(make_plan("off", 4), PMU_OK);
    assert_int_equal(plan.event_count, 0);
    measure();
    assert_int_equal(fake.opens, 0);
    assert_true(fake.usage.cpu_ns == 0);
    assert_true(isnan(derived("ipc")));
}

static void a_multiplexed_count_is_scaled_and_its_share_told(void **state)
{
    (void)state;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    fake.enabled_ns = 1000000;
    fake.running_ns = 250000;
    measure();
    const struct pmu_value *cycles = &values[event("cycles")];
    assert_true(cycles->raw == 3000000);
    assert_near(cycles->value, 12000000);
    assert_near(cycles->share, 0.25);
    assert_near(derived("ipc"), 4.0 / 3);
    SUPPORT_FREED char *warning = pmu_share_warning(&plan, values);
    assert_non_null(strstr(warning, "cycles"));
    assert_non_null(strstr(warning, "25%"));
    assert_null(strstr(warning, "task-clock"));
    fake.running_ns = 950000;
    measure();
    assert_null(pmu_share_warning(&plan, values));
}

static void no_time_running_or_an_empty_read_is_not_scheduled_rather_than_0(void **state)
{
    (void)state;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    fake.running_ns = 0;
    measure();
    assert_int_equal(values[event("cycles")].status, PMU_NOT_SCHEDULED);
    assert_true(isnan(pmu_per(&values[event("cycles")], 10)));
    assert_true(isnan(derived("ipc")));
    assert_int_equal(values[event("task-clock")].status, PMU_COUNTED);
    fake.running_ns = fake.enabled_ns;
    fake.read_nothing = true;
    measure();
    assert_int_equal(values[event("cycles")].status, PMU_NOT_SCHEDULED);
    assert_string_equal(pmu_value_reason(&plan, event("cycles"), &values[event("cycles")]),
                        "never got a hardware counter");
    /* Seen in the trial already: the plan has the reason. */
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.events[event("cycles")].status, PMU_NOT_SCHEDULED);
}

static void einval_begins_a_new_group(void **state)
{
    (void)state;
    fake.group_capacity = 2;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.group_count, 4);
    assert_int_equal(plan.events[event("cycles")].group, plan.events[event("instructions")].group);
    assert_int_not_equal(plan.events[event("cycles")].group, plan.events[event("branches")].group);
    measure();
    for (unsigned i = 0; i < plan.event_count; i++)
        assert_int_equal(values[i].status, PMU_COUNTED);
    assert_true(values[event("branches")].value == 1000000);
    assert_near(derived("branch_miss_ratio"), 1e-5);

    fake.group_capacity = 1;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    measure();
    assert_int_equal(values[event("instructions")].status, PMU_COUNTED);
    assert_true(isnan(derived("ipc"))); /* not of one group: no ratio */
}

static void a_list_fills_groups_of_four_in_its_order(void **state)
{
    (void)state;
    assert_int_equal(make_plan("cycles, LLC-load-misses,instructions,branches,branch-misses,context-switches", 1),
                     PMU_OK);
    assert_int_equal(plan.event_count, 6);
    assert_int_equal(plan.group_count, 2);
    assert_int_equal(plan.events[event("branches")].group, 0);
    assert_int_equal(plan.events[event("branch-misses")].group, 1);
    measure();
    assert_true(values[event("context-switches")].value == 5);
    assert_true(isnan(derived("branch_miss_ratio")));
}

static void an_absent_event_never_takes_another_with_it(void **state)
{
    (void)state;
    static const int absent[] = {ENOENT, EOPNOTSUPP, ENODEV, ENXIO};
    for (size_t i = 0; i < 4; i++) {
        rule_of(HARDWARE, 0)->error = absent[i]; /* would be the group's leader */
        assert_int_equal(make_plan("auto", 1), PMU_OK);
        assert_int_equal(plan.events[event("cycles")].status, PMU_ABSENT);
        measure();
        assert_int_equal(values[event("cycles")].status, PMU_ABSENT);
        assert_true(values[event("instructions")].value == 4000000);
        assert_int_equal(plan.group_count, 2);
    }
    SUPPORT_FREED char *warning = pmu_plan_warning(&plan);
    assert_non_null(strstr(warning, "no counter cycles; `maemio list counters` says why"));
    assert_in_range(strlen(warning), 1, 79);
    assert_null(strchr(warning, '\n'));
}

static void a_machine_without_a_pmu_still_counts_what_the_kernel_keeps(void **state)
{
    (void)state;
    fake.rule_count = 0;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.group_count, 0);
    measure();
    for (unsigned i = 0; i < plan.event_count; i++) {
        assert_int_equal(values[i].status, plan.events[i].hardware ? PMU_ABSENT : PMU_COUNTED);
        if (plan.events[i].hardware)
            assert_true(strlen(pmu_value_reason(&plan, i, &values[i])) > 0);
    }
    assert_int_equal(make_plan("require", 1), PMU_UNMET);
    assert_non_null(strstr(error, "cycles"));
    assert_non_null(strstr(error, "no such event"));
    assert_int_equal(make_plan("require:task-clock", 1), PMU_OK);
}

static void without_permission_user_mode_is_counted_and_said(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        fake.rules[i].error_kernel = i % 2 ? EPERM : EACCES;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    const struct pmu_event *cycles = &plan.events[event("cycles")];
    assert_int_equal(cycles->status, PMU_COUNTED);
    assert_true(cycles->user_only);
    assert_non_null(strstr(cycles->reason, "user mode only"));
    assert_non_null(strstr(cycles->reason, "sysctl kernel.perf_event_paranoid=1"));
    assert_non_null(strstr(cycles->reason, "setcap cap_perfmon+ep"));
    measure();
    assert_int_equal(values[event("cycles")].status, PMU_COUNTED);
    SUPPORT_FREED char *warning = pmu_plan_warning(&plan);
    assert_non_null(strstr(warning, "user mode only"));
    assert_near(derived("ipc"), 4.0 / 3);

    plan.events[event("cycles")].user_only = false; /* a ratio of two different modes means nothing */
    assert_true(isnan(derived("ipc")));
}

static void forbidden_in_user_mode_too_gives_the_remedy(void **state)
{
    (void)state;
    rule_of(HARDWARE, 0)->error = EACCES;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.events[event("cycles")].status, PMU_FORBIDDEN);
    assert_non_null(strstr(plan.events[event("cycles")].reason, "sysctl kernel.perf_event_paranoid=1"));
    assert_int_equal(plan.events[event("instructions")].status, PMU_COUNTED);
    assert_int_equal(make_plan("require:cycles", 1), PMU_UNMET);
    /* Permission is checked before support: absent in the second try is absent. */
    rule_of(HARDWARE, 0)->error_kernel = EACCES;
    rule_of(HARDWARE, 0)->error = ENOENT;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.events[event("cycles")].status, PMU_ABSENT);
}

static void kernel_events_are_not_counted_as_0_in_user_mode(void **state)
{
    (void)state;
    assert_int_equal(make_plan("cpu-migrations", 1), PMU_OK); /* the rule forbids kernel mode */
    assert_int_equal(plan.events[0].status, PMU_FORBIDDEN);
    assert_non_null(strstr(plan.events[0].reason, "perf_event_paranoid"));
}

static void too_many_files_raise_the_limit_else_fewer_events(void **state)
{
    (void)state;
    fake.files_soft = 3; /* already the trial has too few */
    fake.files_hard = FAKE_FILES;
    assert_int_equal(make_plan("auto", 8), PMU_OK);
    for (unsigned i = 0; i < plan.event_count; i++)
        assert_int_equal(plan.events[i].status, PMU_COUNTED);
    assert_true(fake.files_soft >= 64 + 64);

    fake.files_soft = 10;
    fake.files_hard = 64 + 3 * 20; /* 20 workers: 3 events each */
    assert_int_equal(make_plan("auto", 20), PMU_OK);
    unsigned counted = 0;
    for (unsigned i = 0; i < plan.event_count; i++)
        counted += plan.events[i].hardware && plan.events[i].status == PMU_COUNTED;
    assert_int_equal(counted, 3);
    assert_int_equal(plan.events[event("branches")].status, PMU_COUNTED); /* the first of the list are kept */
    assert_int_equal(plan.events[event("branch-misses")].status, PMU_NO_FILES);
    assert_non_null(strstr(plan.events[event("branch-misses")].reason, "ulimit -n"));
}

static void a_worker_that_gets_no_file_makes_the_total_partial(void **state)
{
    (void)state;
    struct pmu_value total[PMU_EVENTS_MAX];
    assert_int_equal(make_plan("cycles,instructions", 2), PMU_OK);
    measure();
    pmu_values_add(&plan, total, 0, values);
    fake.running_ns = fake.enabled_ns / 2;
    measure();
    pmu_values_add(&plan, total, 1, values);
    assert_near(total[0].value, 3000000 + 6000000);
    assert_near(total[0].share, 0.5);
    fake.files_soft = fake.files_hard = 1; /* the leader alone */
    measure();
    assert_int_equal(values[0].status, PMU_COUNTED);
    assert_int_equal(values[1].status, PMU_NO_FILES);
    pmu_values_add(&plan, total, 2, values);
    assert_int_equal(total[0].status, PMU_COUNTED);
    assert_int_equal(total[1].status, PMU_PARTIAL);
    assert_string_equal(pmu_value_reason(&plan, 1, &total[1]), "not counted on every worker");
    fake.files_soft = fake.files_hard = 0;
    measure();
    assert_int_equal(values[0].status, PMU_NO_FILES);
}

static void events_that_open_and_stay_0_are_found_by_the_self_test(void **state)
{
    (void)state;
    for (unsigned i = 0; i < fake.rule_count; i++)
        fake.rules[i].per_loop = 0;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    for (unsigned i = 0; i < plan.event_count; i++)
        assert_int_equal(plan.events[i].status, plan.events[i].hardware ? PMU_IMPLAUSIBLE : PMU_COUNTED);
    assert_non_null(strstr(plan.events[event("cycles")].reason, "broken virtual PMU"));
    assert_non_null(strstr(plan.events[event("LLC-load-misses")].reason, "stayed 0"));
    measure();
    assert_int_equal(values[event("cycles")].status, PMU_IMPLAUSIBLE);

    healthy(NULL);
    rule_of(HARDWARE, 1)->per_loop = 1999999; /* one instruction short of two an iteration */
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    assert_int_equal(plan.events[event("instructions")].status, PMU_IMPLAUSIBLE);
    assert_int_equal(plan.events[event("cycles")].status, PMU_COUNTED);
}

static void the_sampler_reads_hardware_events_during_the_window(void **state)
{
    (void)state;
    assert_int_equal(make_plan("auto", 1), PMU_OK);
    pmu_set_open(&set, &plan);
    pmu_set_enable(&set);
    pmu_set_read(&set, values);
    assert_int_equal(values[event("cycles")].status, PMU_COUNTED);
    assert_int_equal(values[event("task-clock")].status, PMU_UNFINISHED);
    pmu_set_disable(&set);
    pmu_set_read(&set, values);
    assert_int_equal(values[event("task-clock")].status, PMU_COUNTED);
    pmu_set_enable(&set); /* a second window begins from zero */
    pmu_set_disable(&set);
    pmu_set_read(&set, values);
    assert_true(values[event("task-clock")].value == 5000);
    pmu_set_close(&set);
}

static void native_names_are_encoded_for_a_pmu_that_is_not_here(void **state)
{
    (void)state;
    assert_int_equal(make_plan("spr::INST_RETIRED:ANY_P:u,instructions", 1), PMU_OK);
    assert_int_equal(plan.events[0].status, PMU_ABSENT); /* the made-up machine does not know it yet */
    assert_int_equal(plan.events[0].attr.type, PERF_TYPE_RAW);
    assert_true(plan.events[0].attr.exclude_kernel);
    assert_int_equal(plan.events[1].status, PMU_COUNTED);

    fake.rules[0] = (struct rule){PERF_TYPE_RAW, plan.events[0].attr.config, 0, 0, 2000000};
    assert_int_equal(make_plan("spr::INST_RETIRED:ANY_P:u,instructions", 1), PMU_OK);
    measure();
    assert_int_equal(values[0].status, PMU_COUNTED);
    assert_false(plan.events[0].user_only); /* it was asked for like that: nothing to note */
}

static void a_wrong_list_is_a_usage_error_that_names_the_item(void **state)
{
    (void)state;
    static const struct {
        const char *counters, *expect;
    } cases[] = {
        {"", "empty counter name"},
        {"cycles,,branches", "empty counter name"},
        {"cycles,", "empty counter name"},
        {"cycels", "counter cycels: event not found"},
        {"cycles,Cycles", "twice"},
        {"require:nonsense", "counter nonsense"},
        {"spr::NO_SUCH_EVENT", "counter spr::NO_SUCH_EVENT"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(make_plan(cases[i].counters, 1), PMU_USAGE);
        if (!strstr(error, cases[i].expect))
            fail_msg("'%s': %s", cases[i].counters, error);
    }
    char *endless = calloc(1, 5000);
    memset(endless, 'x', 4999);
    assert_int_equal(make_plan(endless, 1), PMU_USAGE);
    assert_non_null(strstr(error, "overlong"));
    free(endless);
}

static void the_listing_shows_every_event_with_status_and_reason(void **state)
{
    (void)state;
    rule_of(CACHE, LLC)->error = ENOENT;
    FILE *file = scratch_text_open();
    pmu_list(file, &sys);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "cycles"));
    assert_non_null(strstr(text, "absent        this machine has no such event"));
    assert_non_null(strstr(text, "involuntary-switches   kernel counted"));
    assert_non_null(strstr(text, "perf ("));
    free(text);
}

static void this_machine_counts_or_says_why_not(void **state)
{
    (void)state;
    assert_int_equal(pmu_plan_init(&plan, "auto", 2, &pmu_sys_linux, error, sizeof(error)), PMU_OK);
    pmu_set_open(&set, &plan);
    pmu_set_enable(&set);
    pmu_sys_linux.work(pmu_sys_linux.arg, PMU_LOOP_ITERATIONS);
    pmu_set_disable(&set);
    pmu_set_read(&set, values);
    pmu_set_close(&set);
    assert_int_equal(values[event("task-clock")].status, PMU_COUNTED);
    assert_true(values[event("task-clock")].value > 0);
    for (unsigned i = 0; i < plan.event_count; i++)
        if (values[i].status != PMU_COUNTED)
            assert_true(strlen(pmu_value_reason(&plan, i, &values[i])) > 0);
}

int main(void)
{
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(auto_counts_everything_in_two_groups, healthy),
        cmocka_unit_test_setup(off_opens_and_counts_nothing, healthy),
        cmocka_unit_test_setup(a_multiplexed_count_is_scaled_and_its_share_told, healthy),
        cmocka_unit_test_setup(no_time_running_or_an_empty_read_is_not_scheduled_rather_than_0, healthy),
        cmocka_unit_test_setup(einval_begins_a_new_group, healthy),
        cmocka_unit_test_setup(a_list_fills_groups_of_four_in_its_order, healthy),
        cmocka_unit_test_setup(an_absent_event_never_takes_another_with_it, healthy),
        cmocka_unit_test_setup(a_machine_without_a_pmu_still_counts_what_the_kernel_keeps, healthy),
        cmocka_unit_test_setup(without_permission_user_mode_is_counted_and_said, healthy),
        cmocka_unit_test_setup(forbidden_in_user_mode_too_gives_the_remedy, healthy),
        cmocka_unit_test_setup(kernel_events_are_not_counted_as_0_in_user_mode, healthy),
        cmocka_unit_test_setup(too_many_files_raise_the_limit_else_fewer_events, healthy),
        cmocka_unit_test_setup(a_worker_that_gets_no_file_makes_the_total_partial, healthy),
        cmocka_unit_test_setup(events_that_open_and_stay_0_are_found_by_the_self_test, healthy),
        cmocka_unit_test_setup(the_sampler_reads_hardware_events_during_the_window, healthy),
        cmocka_unit_test_setup(native_names_are_encoded_for_a_pmu_that_is_not_here, healthy),
        cmocka_unit_test_setup(a_wrong_list_is_a_usage_error_that_names_the_item, healthy),
        cmocka_unit_test_setup(the_listing_shows_every_event_with_status_and_reason, healthy),
        cmocka_unit_test(this_machine_counts_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
