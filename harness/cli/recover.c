/* recover.c - `maemio recover': restores the database of a log's folder, verifies it, and says what was found. */
#include <dirent.h>
#include <errno.h>

#include "engine/maemio.h"
#include "harness/cli/commands.h"
#include "harness/targets/targets.h"
#include "workloads/workload.h"

/* Whether the first folder of a list has a manifest or a segment. Opening one that has neither would begin a new log
 * there. */
static bool has_log(const char *folders, const char **why)
{
    char *first = strndup(folders, strcspn(folders, ","));
    DIR *listing = first ? opendir(first) : NULL;
    bool found = false;
    free(first);
    if (listing == NULL) {
        *why = strerror(errno);
        return false;
    }
    for (const struct dirent *entry; !found && (entry = readdir(listing)) != NULL;)
        found = strcmp(entry->d_name, "manifest") == 0 || strncmp(entry->d_name, "log-", strlen("log-")) == 0;
    (void)closedir(listing);
    *why = "there is no log in this folder: neither a manifest nor segments";
    return found;
}

/* durability=async, which every file system can give. */
static enum mae_status open_folder(const char *folder, bool salvage, struct mae_db **db)
{
    struct mae_options *options = mae_options_create();
    if (!options)
        return MAE_NO_MEMORY;
    enum mae_status status = mae_options_set(options, "durability", "async", NULL, 0);
    if (status == MAE_OK)
        status = mae_options_set(options, "log_dir", folder, NULL, 0);
    if (status == MAE_OK && salvage)
        status = mae_options_set(options, "recovery", "salvage", NULL, 0);
    if (status == MAE_OK)
        status = mae_open(options, db);
    mae_options_destroy(options);
    return status;
}

static void print_info(const struct mae_recover_info *info)
{
    double seconds = (double)info->elapsed_ns / 1e9, rate = seconds > 0 ? (double)info->rows / seconds : 0;
    (void)printf("database               %016" PRIx64 "\n", info->database);
    (void)printf("opened before          %" PRIu64 " times\n", info->lives);
    (void)printf("transactions restored  %" PRIu64 "\n", info->transactions);
    (void)printf("transactions cut off   %" PRIu64 ", %s\n", info->lost,
                 info->salvaged ? "some of which were safe: the log was cut at damage" : "which were not safe");
    (void)printf("rows, index entries    %" PRIu64 ", %" PRIu64 "\n", info->rows, info->entries);
    (void)printf("checkpoint, log read   %.1f MiB, %.1f MiB\n", (double)info->checkpoint_bytes / (1 << 20),
                 (double)info->read_bytes / (1 << 20));
    (void)printf("time                   %.3f s: %.0f rows/s, %.0f on each of %" PRIu64 " threads\n", seconds, rate,
                 info->threads > 0 ? rate / (double)info->threads : 0, info->threads);
    (void)printf("of that                checkpoint %.3f s, log %.3f s, indexes %.3f s\n",
                 (double)info->checkpoint_ns / 1e9, (double)info->log_ns / 1e9, (double)info->index_ns / 1e9);
    (void)printf("timestamps             cut %" PRIu64 ", this life from %" PRIu64 "\n", info->cut, info->start);
}

/* ---- The check of a workload, whose tables are there already. ---- */

enum { SETTINGS_MAX = 64 };

struct workload_check {
    const struct workload_ops *ops; /* NULL: none is wanted */
    uint64_t values[SETTINGS_MAX];  /* of its options */
};

static void workload_check_end(struct workload_check *check)
{
    if (check->ops)
        option_values_clear(check->ops->options, check->values);
}

/* To the workload the target is what has been restored. */
static struct mae_db *restored(struct target *target)
{
    return (struct mae_db *)target;
}

static enum target_status found_table(struct target *target, const char *name, const struct target_table_config *config,
                                      struct target_table **table)
{
    (void)config;
    *table = (struct target_table *)mae_table_find(restored(target), name);
    return *table ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status found_index(struct target *target, struct target_table *table, const char *name,
                                      const struct target_index_config *config, struct target_index **index)
{
    (void)table, (void)config;
    *index = (struct target_index *)mae_index_by_name(restored(target), name);
    return *index ? TARGET_OK : TARGET_NOT_FOUND;
}

/* False with a message in `why`. */
static bool workload_check_read(struct workload_check *check, const char *name, const struct support_list *settings,
                                char *why, size_t why_bytes)
{
    const struct workload_ops *ops = workload_by_name(name);
    if (!ops || !ops->check_live)
        return support_error(why, why_bytes, "--workload %s: %s", name,
                             ops ? "its check needs the run" : "there is no such workload");
    MAE_CHECK(option_count(ops->options) <= SETTINGS_MAX);
    if (!option_values_init(ops->options, check->values, why, why_bytes))
        return false;
    check->ops = ops;
    for (size_t i = 0; i < settings->count; i++) {
        const char *value = strchr(settings->items[i], '=');
        char *key = support_short("%.*s", value ? (int)(value - settings->items[i]) : 0, settings->items[i]);
        size_t option = option_find(check->ops->options, key);
        if (!value || !check->ops->options[option].name)
            return support_error(why, why_bytes, "--with %s: not an option of %s and its value", settings->items[i],
                                 name);
        if (!option_set(check->ops->options, option, value + 1, check->values, why, why_bytes))
            return false;
    }
    return true;
}

/* What holds in every snapshot of this workload's tables must hold in what has been restored. */
static enum mae_status workload_check_run(const struct workload_check *check, struct mae_db *db, char *report,
                                          size_t report_bytes)
{
    struct target_ops found = native_target_ops;
    struct workload *workload = NULL;
    struct mae_worker *worker = NULL;
    found.table_create = found_table;
    found.index_create = found_index;
    enum target_status status = check->ops->create(check->values, &found, 1, 1, &workload, report, report_bytes);
    if (status == TARGET_OK)
        status = check->ops->setup(workload, (struct target *)db, report, report_bytes);
    if (status == TARGET_OK)
        status = (enum target_status)mae_worker_join(db, &worker); /* the native target's are the engine's */
    if (status == TARGET_OK)
        status = check->ops->check(workload, (struct target_worker *)worker, NULL, report, report_bytes);
    if (worker)
        mae_worker_leave(worker);
    if (workload)
        check->ops->destroy(workload);
    (void)printf("check of %-13s %s%s\n", check->ops->name, status == TARGET_OK ? "passed\n" : "FAILED: ", report);
    return (enum mae_status)status;
}

enum exit_code recover_command(int argc, char **argv)
{
    bool salvage = false;
    const char *copy = NULL, *name = NULL;
    SUPPORT_ENDED_BY(support_list_free) struct support_list settings = {0};
    SUPPORT_ENDED_BY(workload_check_end) struct workload_check check = {0};
    struct command_option options[] = {
        COMMAND_OPTION("salvage", FLAG, &salvage, NULL,
                       "if the log is damaged, cut it there, for good, and say where (recovery=salvage)"),
        COMMAND_OPTION("backup", TEXT, &copy, "DIR", "copy the restored database into another folder"),
        COMMAND_OPTION("workload", TEXT, &name, "NAME",
                       "also run the check of the workload whose tables these are, as far as it holds at any time"),
        COMMAND_OPTION("with", LIST, &settings, "KEY=VALUE", "an option of that workload, as it was in the run"),
        {0},
    };
    struct command_line line = {
        .options = options,
        .arguments = "DIR",
        .doc = "Restores the database whose log is in DIR (log_dir of an earlier run, with all its folders), "
               "verifies every chain and index, and says what was found and how long it took. DIR counts one more "
               "opening afterwards. Ends with 3 if "
               "something that was safe is damaged or missing.",
        .least = 1,
        .most = 1,
        .wanted = "name the folder of a log"};
    char report[512] = "";
    struct mae_recover_info info;
    struct mae_db *db;
    const char *why;
    (void)command_read(&line, argc, argv);
    if (!name && settings.count > 0)
        return command_refuse(argv[0], "--with: it is an option of a workload, so name that with --workload");
    if (name && !workload_check_read(&check, name, &settings, report, sizeof report))
        return command_refuse(argv[0], report);
    if (!has_log(argv[1], &why)) {
        support_complain(argv[0], "%s: %s", argv[1], why);
        return EXIT_FAILED;
    }
    enum mae_status status = open_folder(argv[1], salvage, &db);
    if (status != MAE_OK) {
        support_complain(argv[0], "%s", mae_open_problem()[0] ? mae_open_problem() : mae_status_text(status));
        return status == MAE_CORRUPT ? EXIT_CHECK : EXIT_FAILED;
    }
    mae_recover_info(db, &info);
    print_info(&info);
    if (info.torn)
        (void)printf("torn end, cut off      %s\n", mae_open_problem());
    if (info.salvaged)
        (void)printf("cut off at damage      %s\n", mae_open_problem());
    status = mae_db_verify(db, report, sizeof report);
    (void)printf("verification           %s\n", status == MAE_OK ? "ok" : report);
    if (status == MAE_OK && copy && (status = mae_backup(db, copy)) != MAE_OK)
        support_complain(argv[0], "%s", mae_open_problem());
    if (status == MAE_OK && check.ops)
        status = workload_check_run(&check, db, report, sizeof report);
    enum mae_status closed = mae_close(db);
    if (closed != MAE_OK)
        support_complain(argv[0], "%s", mae_open_problem());
    status = status == MAE_OK ? closed : status;
    return command_end(argv[0], status == MAE_OK ? EXIT_FINE : status == MAE_CORRUPT ? EXIT_CHECK : EXIT_FAILED);
}
