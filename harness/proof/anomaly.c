/* anomaly.c - see anomaly.h. */
#include "harness/proof/anomaly.h"

#define HISTORY_ANOMALY_ROW(name, text, forbidden_from, meaning) {text, meaning, TARGET_ISOLATION_##forbidden_from},
const struct history_anomaly_info history_anomalies[] = {HISTORY_ANOMALIES(HISTORY_ANOMALY_ROW)};

const struct target_promises history_serializable = {.isolation = TARGET_ISOLATION_SERIALIZABLE, .phantom_safe = true};

bool history_anomaly_is_allowed(const struct target_promises *promises, enum history_anomaly anomaly)
{
    bool phantom = anomaly == HISTORY_ANOMALY_PHANTOM || anomaly == HISTORY_ANOMALY_LOST_INSERT;
    return promises->isolation < history_anomalies[anomaly].forbidden_from || (phantom && !promises->phantom_safe);
}

void history_verdict_fini(struct history_verdict *verdict)
{
    free(verdict->report.text);
    memset(verdict, 0, sizeof *verdict);
}
