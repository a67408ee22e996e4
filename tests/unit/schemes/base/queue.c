/* queue.c - how a row's lock is handed on (schemes/base/queue.h). One thread: who waits stands in the queue. */
#include "schemes/base/queue.h"

#include "tests/support/world.h"

static struct row row;
static struct queue_entry entries[5];

static bool enter(unsigned i, bool exclusive)
{
    return queue_enter(&row, &entries[i], exclusive, true);
}

static bool try_enter(unsigned i, bool exclusive)
{
    return queue_enter(&row, &entries[i], exclusive, false);
}

static void leave(unsigned i)
{
    queue_leave(&row, &entries[i]);
}

static void locks_go_on_in_order(void **state)
{
    (void)state;
    row = (struct row){0};
    assert_true(enter(0, false));
    assert_true(enter(1, false)); /* readers share */
    assert_false(enter(2, true));
    assert_false(enter(3, false)); /* behind one that writes */
    leave(0);
    assert_false(queue_has(&entries[2]));
    leave(1);
    assert_true(queue_has(&entries[2]));
    assert_false(queue_has(&entries[3]));
    assert_false(enter(4, false));
    leave(2);
    assert_true(queue_has(&entries[3]) && queue_has(&entries[4]));
    leave(4);
    leave(3);
    assert_true(enter(0, true));
    leave(0);
}

static void try_leaves_nothing_behind(void **state)
{
    (void)state;
    row = (struct row){0};
    assert_true(try_enter(0, false));
    assert_false(try_enter(1, true));
    assert_true(try_enter(2, false));
    leave(0);
    leave(2);
    assert_true(try_enter(3, true));
    assert_false(try_enter(4, false));
    leave(3);
    assert_true(try_enter(4, true));
    leave(4);
}

static void only_one_alone_is_upgraded(void **state)
{
    (void)state;
    row = (struct row){0};
    assert_true(enter(0, false));
    assert_true(enter(1, false));
    assert_false(queue_upgrade(&row, &entries[0]));
    assert_false(queue_upgrade(&row, &entries[1]));
    leave(1);
    assert_false(enter(2, true));
    assert_true(queue_upgrade(&row, &entries[0])); /* in front of the one that waits */
    assert_false(queue_has(&entries[2]));
    assert_false(enter(3, false));
    leave(0);
    assert_true(queue_has(&entries[2]));
    assert_false(queue_has(&entries[3]));
    leave(2);
    leave(3);
}

static void waits_can_be_given_up(void **state)
{
    (void)state;
    row = (struct row){0};
    assert_true(enter(0, false));
    assert_false(enter(1, true));
    assert_false(enter(2, false));
    assert_true(queue_give_up(&row, &entries[1]));
    assert_true(queue_has(&entries[2])); /* nothing is in its way any more */
    assert_false(enter(3, true));
    leave(0);
    leave(2);
    assert_false(queue_give_up(&row, &entries[3])); /* it has got the lock */
    leave(3);
    assert_true(enter(4, true));
    leave(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_go_on_in_order),
        cmocka_unit_test(try_leaves_nothing_behind),
        cmocka_unit_test(only_one_alone_is_upgraded),
        cmocka_unit_test(waits_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
