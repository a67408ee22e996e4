/* check.c - `maemio check HISTORY`: was what a run recorded serializable? The checks are those of harness/proof. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/common/support.h"
#include "harness/proof/check.h"

struct arguments {
    const char *path, *elle;
    bool text;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'e':
        arguments->elle = argument;
        return 0;
    case 't':
        arguments->text = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path != NULL)
            argp_error(state, "one history at a time, not also '%s'", argument);
        arguments->path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a history: a file that `maemio run --history FILE' wrote, or a text");
        return 0;
    case ARGP_KEY_END:
        if (arguments->text && arguments->elle != NULL)
            argp_error(state, "--text and --elle exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum exit_code export_elle(struct history_checker *checker, const struct history *history, const char *path)
{
    char error[512];
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (out == NULL) {
        fprintf(stderr, "maemio check: --elle %s: %s\n", path, strerror(errno));
        return EXIT_FAILED;
    }
    bool ok = history_export_elle(checker, history, out, error, sizeof error);
    if (ok && (fflush(out) != 0 || ferror(out))) {
        snprintf(error, sizeof error, "%s", strerror(errno));
        ok = false;
    }
    if (out != stdout)
        (void)fclose(out);
    if (!ok)
        fprintf(stderr, "maemio check: --elle %s: %s\n", path, error);
    return ok ? EXIT_FINE : EXIT_FAILED;
}

static enum exit_code check(struct history_checker *checker, const struct history *history, const char *path, FILE *out)
{
    struct history_verdict verdict;
    uint64_t begun_ns = support_clock_ns();
    bool fine = history_check(checker, history, &verdict);
    double seconds = (double)(support_clock_ns() - begun_ns) * 1e-9;
    if (verdict.findings[HISTORY_ANOMALY_MALFORMED]) { /* then nothing else was looked at */
        fprintf(stderr, "maemio check: %s: %s", path, verdict.report.text);
        history_verdict_fini(&verdict);
        return EXIT_FAILED;
    }
    fprintf(out,
            "%s: %" PRIu64 " committed transactions (%" PRIu64 " of them snapshots), %" PRIu64 " aborted, %" PRIu64
            " records, checked in %.2f s\n",
            path, verdict.committed, verdict.snapshots, verdict.aborted, verdict.records, seconds);
    if (fine)
        fprintf(out, "%s\n",
                verdict.committed ? "serializable, in timestamp order" : "nothing committed: nothing to check");
    else
        fprintf(out, "NOT serializable in timestamp order: %" PRIu64 " finding%s\n%s", verdict.found,
                verdict.found == 1 ? "" : "s", verdict.report.text);
    for (int i = 0; i < HISTORY_ANOMALY_COUNT; i++)
        if (verdict.findings[i])
            fprintf(out, "%-16s %10" PRIu64 "  %s\n", history_anomaly_name((enum history_anomaly)i),
                    verdict.findings[i], history_anomaly_meaning((enum history_anomaly)i));
    enum exit_code code = !fine ? EXIT_CHECK : verdict.committed ? EXIT_FINE : EXIT_FAILED;
    history_verdict_fini(&verdict);
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(stderr, "maemio check: the result cannot be written\n");
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    return code;
}

enum exit_code check_command(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"elle", 'e', "FILE", 0, "also write the history in the EDN form of Elle's list-append checker (- is stdout)",
         0},
        {"text", 't', NULL, 0, "print the history as text instead of checking it; `maemio check' reads that too", 0},
        {0},
    };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "HISTORY",
        .doc =
            "Checks a recorded history: that the order of timestamps explains every read, that the graph of "
            "conflicts has no cycle, and that nothing aborted, intermediate or missing was seen. Prints what does not "
            "fit and the shortest cycle, and exits with 3, if not; with 1 if the history is not whole or no history at "
            "all.\v"
            "HISTORY is what `maemio run --history HISTORY' wrote, or a text (docs/histories.md).",
    };
    struct arguments arguments = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct history *history = support_alloc(sizeof *history);
    char error[512];
    enum exit_code code = EXIT_FAILED;
    history_init(history);
    if (!history_load(history, arguments.path, error, sizeof error)) {
        fprintf(stderr, "maemio check: %s\n", error);
    } else if (arguments.text) {
        bool whole = history_print(history, stdout);
        if (!whole)
            fprintf(stderr, "maemio check: %s: a malformed record follows\n", arguments.path);
        code = whole && fflush(stdout) == 0 && !ferror(stdout) ? EXIT_FINE : EXIT_FAILED;
    } else {
        struct history_checker *checker = history_checker_create();
        bool elle_on_stdout = arguments.elle != NULL && strcmp(arguments.elle, "-") == 0;
        code = check(checker, history, arguments.path, elle_on_stdout ? stderr : stdout);
        if (arguments.elle != NULL) {
            enum exit_code exported = export_elle(checker, history, arguments.elle);
            code = code == EXIT_FINE ? exported : code;
        }
        history_checker_destroy(checker);
    }
    history_fini(history);
    free(history);
    return code;
}
