/* anomaly.c - see anomaly.h. */
#include "harness/proof/anomaly.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
} anomalies[] = {
#define HISTORY_ANOMALY_TEXTS(name, text, meaning) {text, meaning},
    HISTORY_ANOMALIES(HISTORY_ANOMALY_TEXTS)
#undef HISTORY_ANOMALY_TEXTS
};

const char *history_anomaly_name(enum history_anomaly anomaly)
{
    return anomalies[anomaly].name;
}

const char *history_anomaly_meaning(enum history_anomaly anomaly)
{
    return anomalies[anomaly].meaning;
}

void history_verdict_fini(struct history_verdict *verdict)
{
    free(verdict->report.text);
    memset(verdict, 0, sizeof *verdict);
}
