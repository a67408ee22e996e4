/* anomaly.c - see anomaly.h. */
#include "harness/proof/anomaly.h"

static const struct {
    const char *name, *meaning;
    enum target_isolation forbidden_from;
} anomalies[] = {
#define HISTORY_ANOMALY_ROW(name, text, forbidden_from, meaning) {text, meaning, TARGET_ISOLATION_##forbidden_from},
    HISTORY_ANOMALIES(HISTORY_ANOMALY_ROW)
#undef HISTORY_ANOMALY_ROW
};

const char *history_anomaly_name(enum history_anomaly anomaly)
{
    return anomalies[anomaly].name;
}

const char *history_anomaly_meaning(enum history_anomaly anomaly)
{
    return anomalies[anomaly].meaning;
}

const struct target_promises history_serializable = {.isolation = TARGET_ISOLATION_SERIALIZABLE, .phantom_safe = true};

bool history_anomaly_is_allowed(const struct target_promises *promises, enum history_anomaly anomaly)
{
    bool phantom = anomaly == HISTORY_ANOMALY_PHANTOM || anomaly == HISTORY_ANOMALY_LOST_INSERT;
    return promises->isolation < anomalies[anomaly].forbidden_from || (phantom && !promises->phantom_safe);
}

void history_verdict_fini(struct history_verdict *verdict)
{
    free(verdict->report.text);
    memset(verdict, 0, sizeof *verdict);
}
