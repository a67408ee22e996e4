/* status.c - names and kinds of statuses, from the one table in maemio.h. */
#include "engine/maemio.h"

enum status_kind { DONE, USE, RETRY, DOOMED, REFUSED, UNKNOWN };

static const struct {
    enum status_kind kind;
    const char *name, *text;
} table[] = {
#define STATUS_ROW(status, kind, text) {kind, #status, text},
    MAE_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *mae_status_name(enum mae_status status)
{
    return (unsigned)status < MAE_STATUS_COUNT ? table[status].name : "MAE_?";
}

const char *mae_status_text(enum mae_status status)
{
    return (unsigned)status < MAE_STATUS_COUNT ? table[status].text : "unknown status";
}

bool mae_status_is_abort(enum mae_status status)
{
    return (unsigned)status < MAE_STATUS_COUNT && (table[status].kind == RETRY || table[status].kind == DOOMED);
}

bool mae_status_is_retryable(enum mae_status status)
{
    return (unsigned)status < MAE_STATUS_COUNT && table[status].kind == RETRY;
}
