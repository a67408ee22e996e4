/*
 * metrics.h - live numbers of a run in the text format of Prometheus: a file that is rewritten once a second, or a port
 * of the loopback device that answers a request.
 *
 * The coordinator serves both while it waits for its workers, so there is no further thread, and a request is answered
 * within a tenth of a second. Workers do not notice: the numbers are read as the progress line's are. Where neither is
 * asked for, nothing is done. A client that reads slowly is left after 50 ms.
 * Checked by: tests/cli/run.sh. Not here: which numbers (run_metrics.c).
 */
#ifndef HARNESS_BENCH_METRICS_H
#define HARNESS_BENCH_METRICS_H

#include "harness/common/support.h"

enum { METRICS_ERROR_BYTES = 1024 };

struct metrics {
    const char *path; /* NULL: no file */
    int listener;     /* -1: no port */
    uint64_t next_ns; /* when the file is due again */
};

/* `path` "" and `port` 0: none. False with a message in `error` if the port cannot be had. */
bool metrics_open(struct metrics *metrics, const char *path, unsigned port, char *error);
void metrics_close(struct metrics *metrics);

/* Whether the file is due, or a client waits; *client: that client, or -1. */
bool metrics_wanted(struct metrics *metrics, int *client);

/* Answers the client, if there is one, and writes the file, if there is one. False with a message if the file cannot be
 * written. */
bool metrics_put(struct metrics *metrics, int client, const char *text, char *error);

/* A sample: name{labels} value, where `labels` is what metrics_label_add has made, or NULL. */
void metrics_add(struct support_text *text, const char *name, const char *labels, double value);
/* # HELP and # TYPE of the samples that follow. `type`: counter or gauge. */
void metrics_head(struct support_text *text, const char *name, const char *type, const char *help);
/* Adds label="value", escaped, with a comma where others stand before it. */
void metrics_label_add(struct support_text *labels, const char *label, const char *value);

#endif
