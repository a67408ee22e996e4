/*
 * logged.h - set-up and tear-down of tests of a database with a log on the simulated disk, where the logger acts when
 * the test lets it: in debug builds only.
 */
#ifndef TESTS_SUPPORT_LOGGED_H
#define TESTS_SUPPORT_LOGGED_H

#include "engine/log/logger.h"
#include "tests/support/disk.h"

#ifdef MAE_DEBUG

static inline int disk_set_up(void **state)
{
    (void)state;
    log_by_hand = true;
    disk_open();
    return 0;
}

static inline int disk_tear_down(void **state)
{
    (void)state;
    disk_close();
    log_by_hand = false;
    return 0;
}

#endif

#endif
