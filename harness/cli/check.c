/* check.c - `maemio check HISTORY`: was what a run recorded serializable? The checks are those of harness/proof. */
#include <errno.h>

#include "harness/cli/commands.h"
#include "harness/proof/elle.h"
#include "harness/proof/load.h"
#include "harness/proof/text.h"

static const char *excluded(const struct command_line *line)
{
    return line->options[0].given && line->options[1].given ? "--text and --elle exclude each other" : NULL;
}

static enum exit_code export_elle(struct history_checker *checker, const struct history *history, const char *path)
{
    char error[512];
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (out == NULL && !support_complain("maemio check", "--elle %s: %s", path, strerror(errno)))
        return EXIT_FAILED;
    bool fine = history_export_elle(checker, history, out, error, sizeof error) &&
                ((fflush(out) == 0 && !ferror(out)) || support_error(error, sizeof error, "%s", strerror(errno)));
    if (out != stdout)
        (void)fclose(out);
    return fine || support_complain("maemio check", "--elle %s: %s", path, error) ? EXIT_FINE : EXIT_FAILED;
}

/* What --isolation says, and what target.h calls it. */
#define ISOLATION_NAMES "serializable|repeatable-read|snapshot|read-committed"
static struct target_promises promises_of(const char *name)
{
    struct target_promises promises = history_serializable;
    promises.phantom_safe = strcmp(name, "repeatable-read") != 0;
    if (strcmp(name, "snapshot") == 0)
        promises.isolation = TARGET_ISOLATION_SNAPSHOT;
    else if (strcmp(name, "read-committed") == 0)
        promises.isolation = TARGET_ISOLATION_READ_COMMITTED;
    return promises;
}

static const char *praise(const struct history_verdict *verdict, const struct target_promises *promises)
{
    return !verdict->committed ? "nothing committed: nothing to check"
           : promises->isolation != TARGET_ISOLATION_SERIALIZABLE || !promises->phantom_safe
               ? "nothing that this isolation forbids"
           : verdict->ordered ? "serializable, in timestamp order"
                              : "no cycle found; the target does not know its order, so none was replayed";
}

static enum exit_code check(struct history_checker *checker, const struct history *history, const char *isolation,
                            const char *path, FILE *out)
{
    const struct target_promises promises = promises_of(isolation);
    struct history_verdict verdict;
    uint64_t begun_ns = support_clock_ns();
    bool fine = history_check(checker, history, &promises, &verdict);
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
        fprintf(out, "%s\n", praise(&verdict, &promises));
    else
        fprintf(out, "NOT %s%s: %" PRIu64 " finding%s\n%s", isolation, verdict.ordered ? " in timestamp order" : "",
                verdict.found, verdict.found == 1 ? "" : "s", verdict.report.text);
    for (enum history_anomaly i = 0; i < HISTORY_ANOMALY_COUNT; i++)
        if (verdict.findings[i])
            fprintf(out, "%-16s %10" PRIu64 "  %s%s\n", history_anomalies[i].name, verdict.findings[i],
                    history_anomalies[i].meaning, history_anomaly_is_allowed(&promises, i) ? " (allowed)" : "");
    if (verdict.undecided)
        fprintf(out,
                "not decided: %" PRIu64 ": which version a read or write of what came and went saw or replaced, or "
                "transactions that the search for cycles did not get to\n",
                verdict.undecided);
    enum exit_code code = !fine ? EXIT_CHECK : verdict.committed ? EXIT_FINE : EXIT_FAILED;
    history_verdict_fini(&verdict);
    if (fflush(out) != 0 || ferror(out)) {
        support_complain("maemio check", "the result cannot be written");
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    return code;
}

enum exit_code check_command(int argc, char **argv)
{
    const char *elle = NULL, *isolation = "serializable";
    bool text = false;
    struct command_option options[] = {
        COMMAND_OPTION("elle", TEXT, &elle, "FILE",
                       "also write the history in the EDN form of Elle's list-append checker (- is stdout)",
                       .letter = 'e'),
        COMMAND_OPTION("text", FLAG, &text, NULL,
                       "print the history as text instead of checking it; `maemio check' reads that too",
                       .letter = 't'),
        COMMAND_OPTION("isolation", WORD, &isolation, ISOLATION_NAMES,
                       "what the target promised: serializable (the default), repeatable-read, snapshot or "
                       "read-committed; findings that it allows are counted as such",
                       .shown = "LEVEL", .letter = 'i'),
        {0}};
    struct command_line line = {
        .arguments = "HISTORY",
        .doc =
            "Checks a recorded history: that the order of timestamps explains every read, that the graph of "
            "conflicts has no cycle, and that nothing aborted, intermediate or missing was seen. Prints what does not "
            "fit and the shortest cycle, and exits with 3, if not; with 1 if the history is not whole or no history at "
            "all.\v"
            "HISTORY is what `maemio run --history HISTORY' wrote, or a text (docs/histories.md).",
        .options = options,
        .least = 1,
        .most = 1,
        .wanted = "name a history: a file that `maemio run --history FILE' wrote, or a text",
        .excess = ": one history at a time",
        .check = excluded};
    (void)command_read(&line, argc, argv);
    const char *path = argv[1];
    SUPPORT_FREED struct history *history = support_alloc(sizeof *history);
    char error[512];
    enum exit_code code = EXIT_FAILED;
    history_init(history);
    if (!history_load(history, path, error, sizeof error)) {
        support_complain("maemio check", "%s", error);
    } else if (text) {
        bool whole = history_print(history, stdout);
        if (!whole)
            support_complain("maemio check", "%s: a malformed record follows", path);
        code = whole && fflush(stdout) == 0 && !ferror(stdout) ? EXIT_FINE : EXIT_FAILED;
    } else {
        struct history_checker *checker = history_checker_create();
        bool elle_on_stdout = elle != NULL && strcmp(elle, "-") == 0;
        code = check(checker, history, isolation, path, elle_on_stdout ? stderr : stdout);
        if (elle != NULL) {
            enum exit_code exported = export_elle(checker, history, elle);
            code = code == EXIT_FINE ? exported : code;
        }
        history_checker_destroy(checker);
    }
    history_fini(history);
    return code;
}
