/* anomaly.c - see anomaly.h. */
#include "harness/proof/anomaly.h"

#include <stdlib.h>
#include <string.h>

const char *history_anomaly_name(enum history_anomaly anomaly)
{
    static const char *const names[] = {
#define HISTORY_ANOMALY_NAME(name, text, meaning) text,
        HISTORY_ANOMALIES(HISTORY_ANOMALY_NAME)
#undef HISTORY_ANOMALY_NAME
    };
    return names[anomaly];
}

const char *history_anomaly_meaning(enum history_anomaly anomaly)
{
    static const char *const meanings[] = {
#define HISTORY_ANOMALY_MEANING(name, text, meaning) meaning,
        HISTORY_ANOMALIES(HISTORY_ANOMALY_MEANING)
#undef HISTORY_ANOMALY_MEANING
    };
    return meanings[anomaly];
}

void history_verdict_fini(struct history_verdict *verdict)
{
    free(verdict->report.text);
    memset(verdict, 0, sizeof *verdict);
}
