/* target.c - names, texts and kinds of a target's statuses. */
#include "workloads/target.h"

enum kind { DONE, USE, DOOMED, REFUSED };

static const struct {
    const char *name, *text;
    enum kind kind;
} table[] = {
#define STATUS_ROW(name, kind, text) {#name, text, kind},
    TARGET_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *target_status_name(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY  ? table[status].name
           : target_status_is_retry(status) ? "TARGET_RETRY"
           : status == TARGET_FAILED        ? "TARGET_FAILED"
                                            : "TARGET_?";
}

const char *target_status_text(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY  ? table[status].text
           : target_status_is_retry(status) ? "aborted: run again it may succeed"
           : status == TARGET_FAILED        ? "the target cannot go on"
                                            : "unknown status";
}

bool target_status_is_abort(enum target_status status)
{
    return (unsigned)status < TARGET_RETRY ? table[status].kind == DOOMED
                                           : target_status_is_retry(status) || status == TARGET_FAILED;
}
