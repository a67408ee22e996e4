/* status.c - names, texts and kinds of statuses. */
#include "tests/support/world.h"

static void every_status_has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int s = 0; s < MAE_STATUS_COUNT; s++) {
        assert_int_equal(strncmp(mae_status_name((enum mae_status)s), "MAE_", 4), 0);
        assert_true(strlen(mae_status_text((enum mae_status)s)) > 0);
        for (int other = 0; other < s; other++)
            assert_string_not_equal(mae_status_name((enum mae_status)s), mae_status_name((enum mae_status)other));
    }
    assert_string_equal(mae_status_name(MAE_OK), "MAE_OK");
    assert_string_equal(mae_status_name(MAE_ABORT_RTS), "MAE_ABORT_RTS");
}

static void statuses_outside_the_table_are_harmless(void **state)
{
    (void)state;
    static const int outside[] = {MAE_STATUS_COUNT, -1, 1000000};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(mae_status_name((enum mae_status)outside[i]), "MAE_?");
        assert_non_null(mae_status_text((enum mae_status)outside[i]));
        assert_false(mae_status_is_abort((enum mae_status)outside[i]));
        assert_false(mae_status_is_retryable((enum mae_status)outside[i]));
    }
}

static void kinds_say_what_to_do(void **state)
{
    (void)state;
    static const enum mae_status retry[] = {MAE_ABORT_NEWER,       MAE_ABORT_RTS,     MAE_ABORT_PENDING,
                                            MAE_ABORT_PRECHECK,    MAE_ABORT_INSTALL, MAE_ABORT_READ_CHECK,
                                            MAE_ABORT_WRITE_CHECK, MAE_ABORT_INDEX};
    static const enum mae_status go_on[] = {MAE_OK,      MAE_NOT_FOUND, MAE_EXISTS, MAE_TOO_LARGE,   MAE_READ_ONLY,
                                            MAE_INVALID, MAE_BUSY,      MAE_FULL,   MAE_UNSUPPORTED, MAE_CORRUPT};
    for (size_t i = 0; i < sizeof retry / sizeof retry[0]; i++)
        assert_true(mae_status_is_abort(retry[i]) && mae_status_is_retryable(retry[i]));
    for (size_t i = 0; i < sizeof go_on / sizeof go_on[0]; i++)
        assert_false(mae_status_is_abort(go_on[i]) || mae_status_is_retryable(go_on[i]));
    assert_true(mae_status_is_abort(MAE_ABORT_USER) && !mae_status_is_retryable(MAE_ABORT_USER));
    assert_true(mae_status_is_abort(MAE_NO_MEMORY) && !mae_status_is_retryable(MAE_NO_MEMORY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name_and_a_text),
        cmocka_unit_test(statuses_outside_the_table_are_harmless),
        cmocka_unit_test(kinds_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
