/* provenance.c - harness/machine/provenance.h: what must be known on any Linux, and what must never be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/machine/provenance.h"

static struct provenance provenance;

static void the_common_fields_are_known(void **state)
{
    (void)state;
    provenance_read(&provenance);
    assert_true(provenance.version[0] != '\0');
    assert_true(provenance.revision[0] != '\0');
    assert_null(strstr(provenance.revision, "dirty"));
    assert_true(strncmp(provenance.compiler, "gcc ", 4) == 0 || strncmp(provenance.compiler, "clang ", 6) == 0);
    assert_true(provenance.kernel[0] != '\0');
    assert_int_equal(strlen(provenance.start_utc), strlen("2000-01-01T00:00:00Z"));
    assert_true(strtoull(provenance.memory_bytes, NULL, 10) > UINT64_C(64) << 20);
    assert_true(strtoul(provenance.cpus_online, NULL, 10) >= 1);
    assert_int_equal(strtol(provenance.cpus_online, NULL, 10), sysconf(_SC_NPROCESSORS_ONLN));
}

static void values_are_single_words_where_they_must_be(void **state)
{
    (void)state;
    provenance_read(&provenance);
    const char *const words[] = {provenance.thp,
                                 provenance.governor,
                                 provenance.clocksource,
                                 provenance.smt,
                                 provenance.hugepages_reserved,
                                 provenance.cgroup_cpus,
                                 provenance.cgroup_memory_bytes};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strpbrk(words[i], " []\n\t") != NULL)
            fail_msg("'%s'", words[i]);
    assert_true(provenance.thp[0] == '\0' || strcmp(provenance.thp, "always") == 0 ||
                strcmp(provenance.thp, "madvise") == 0 || strcmp(provenance.thp, "never") == 0);
}

static void the_host_is_not_named(void **state)
{
    (void)state;
    char name[256] = "";
    assert_int_equal(gethostname(name, sizeof name - 1), 0);
    if (strlen(name) < 6) /* too short to tell from other words */
        skip();
    provenance_read(&provenance);
    const char *bytes = (const char *)&provenance;
    for (size_t i = 0; i + strlen(name) <= sizeof provenance; i++)
        assert_true(memcmp(bytes + i, name, strlen(name)) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_common_fields_are_known),
        cmocka_unit_test(values_are_single_words_where_they_must_be),
        cmocka_unit_test(the_host_is_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
