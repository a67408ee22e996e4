/* external.c - see external.h: descriptions, and loading. */
#include "harness/targets/external.h"
#include "harness/targets/server_program.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What all of them promise, as their options are by default. */
#define EXTERNAL_PROMISES                                                                         \
    .durability = TARGET_DURABILITY_OFF, .rows = TARGET_ROWS_COPIES, .order = TARGET_ORDER_NEVER, \
    .workers_max = TARGET_WORKERS_MAX

/* best: what the third word is. */
static struct target_promises with_durability(const struct target_ops *target, enum external_durability durability,
                                              enum target_durability best)
{
    struct target_promises promises = target->promises;
    promises.durability = durability == EXTERNAL_OFF     ? TARGET_DURABILITY_OFF
                          : durability == EXTERNAL_ASYNC ? TARGET_DURABILITY_ASYNC
                                                         : best;
    return promises;
}

/* ---- LMDB. ---- */

static const struct option_spec lmdb_specs[] = {LMDB_OPTIONS(OPTION_SPEC) OPTION_END};

static struct target_promises lmdb_promises_with(const void *values)
{
    return with_durability(&lmdb_target_ops, ((const struct lmdb_options *)values)->durability, TARGET_DURABILITY_SYNC);
}

const struct target_ops lmdb_target_ops = {
    .name = "lmdb",
    .label = "LMDB",
    .help = "LMDB, embedded: one writer at a time, readers on snapshots",
    .options = lmdb_specs,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 EXTERNAL_PROMISES,
                 .note = "serializable: one read-write transaction at a time, the others queue at begin"},
    .promises_with = lmdb_promises_with,
};

/* ---- SQLite. ---- */

static const struct option_spec sqlite_specs[] = {SQLITE_OPTIONS(OPTION_SPEC) OPTION_END};

static const struct target_reason sqlite_reasons[] = {
    {"busy", "the database was locked for longer than the target waits"},
    {NULL, NULL},
};

static struct target_promises sqlite_promises_with(const void *values)
{
    return with_durability(&sqlite_target_ops, ((const struct sqlite_options *)values)->durability,
                           TARGET_DURABILITY_SYNC);
}

const struct target_ops sqlite_target_ops = {
    .name = "sqlite",
    .label = "SQLite",
    .help = "SQLite, embedded, with a write-ahead log: one writer at a time, readers on snapshots",
    .options = sqlite_specs,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 EXTERNAL_PROMISES,
                 .note = "serializable: one read-write transaction at a time, the others queue at begin"},
    .promises_with = sqlite_promises_with,
    .reasons = sqlite_reasons,
};

/* ---- RocksDB. ---- */

static const struct option_spec rocksdb_specs[] = {ROCKSDB_OPTIONS(OPTION_SPEC) OPTION_END};

static const struct target_reason rocksdb_reasons[] = {
    [ROCKSDB_CONFLICT] = {"conflict", "the database found that another transaction had changed what it used"},
    [ROCKSDB_DEADLOCK] = {"deadlock", "transactions waited for each other, and the database chose this one"},
    [ROCKSDB_TIMEOUT] = {"timeout", "a lock was held by others for longer than the target waits"},
    [ROCKSDB_TRY_AGAIN] = {"try_again", "the database does not remember enough to check the transaction"},
    {NULL, NULL},
};

static struct target_promises rocksdb_promises_with(const void *values)
{
    const struct rocksdb_options *options = values;
    struct target_promises promises =
        with_durability(&rocksdb_target_ops, options->durability, TARGET_DURABILITY_GROUP);
    switch ((enum rocksdb_isolation)options->isolation) {
    case ROCKSDB_SERIALIZABLE:
        break;
    case ROCKSDB_SNAPSHOT:
        promises.isolation = TARGET_ISOLATION_SNAPSHOT;
        promises.phantom_safe = true; /* scans are of the snapshot, too */
        promises.note = "snapshot isolation: write skew is possible";
        break;
    case ROCKSDB_READ_COMMITTED:
        promises.isolation = TARGET_ISOLATION_READ_COMMITTED;
        promises.note = "read committed: reads are neither locked nor checked";
        break;
    }
    return promises;
}

const struct target_ops rocksdb_target_ops = {
    .name = "rocksdb",
    .label = "RocksDB",
    .help = "RocksDB, embedded: transactions that lock keys, or check them at the commit",
    .options = rocksdb_specs,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = false,
                 EXTERNAL_PROMISES,
                 .note = "serializable by key, each read locked or checked; scans are not: there are no range locks"},
    .promises_with = rocksdb_promises_with,
    .reasons = rocksdb_reasons,
};

/* ---- WiredTiger. ---- */

static const struct option_spec wiredtiger_specs[] = {WIREDTIGER_OPTIONS(OPTION_SPEC) OPTION_END};

static const struct target_reason wiredtiger_reasons[] = {
    {"conflict", "the database found that another transaction had changed what it used"},
    {NULL, NULL},
};

static struct target_promises wiredtiger_promises_with(const void *values)
{
    const struct wiredtiger_options *options = values;
    struct target_promises promises =
        with_durability(&wiredtiger_target_ops, options->durability, TARGET_DURABILITY_GROUP);
    if (options->isolation == WIREDTIGER_READ_COMMITTED) {
        promises.isolation = TARGET_ISOLATION_READ_COMMITTED;
        promises.phantom_safe = false;
        promises.note = "read committed";
    }
    return promises;
}

const struct target_ops wiredtiger_target_ops = {
    .name = "wiredtiger",
    .label = "WiredTiger",
    .help = "WiredTiger, embedded: snapshot isolation, of two transactions that write a key one is aborted",
    .options = wiredtiger_specs,
    .promises = {.isolation = TARGET_ISOLATION_SNAPSHOT,
                 .phantom_safe = true,
                 EXTERNAL_PROMISES,
                 .note = "snapshot isolation: write skew is possible"},
    .promises_with = wiredtiger_promises_with,
    .reasons = wiredtiger_reasons,
};

/* ---- PostgreSQL. ---- */

static const struct option_spec postgresql_specs[] = {POSTGRESQL_OPTIONS(OPTION_SPEC) OPTION_END};

static const struct target_reason postgresql_reasons[] = {
    [POSTGRESQL_CONFLICT] = {"conflict", "the server could not serialize it, or others had added its key before"},
    [POSTGRESQL_DEADLOCK] = {"deadlock", "transactions waited for each other, and the server chose this one"},
    [POSTGRESQL_TIMEOUT] = {"timeout", "a lock was held by others for longer than the target waits"},
    {NULL, NULL},
};

static struct target_promises postgresql_promises_with(const void *values)
{
    const struct postgresql_options *options = values;
    struct target_promises promises =
        with_durability(&postgresql_target_ops, options->durability, TARGET_DURABILITY_GROUP);
    switch ((enum postgresql_isolation)options->isolation) {
    case POSTGRESQL_SERIALIZABLE:
        break;
    case POSTGRESQL_SNAPSHOT:
        promises.isolation = TARGET_ISOLATION_SNAPSHOT;
        promises.note = "REPEATABLE READ is snapshot isolation: write skew is possible";
        break;
    case POSTGRESQL_READ_COMMITTED:
        promises.isolation = TARGET_ISOLATION_READ_COMMITTED;
        promises.phantom_safe = false;
        promises.note = "READ COMMITTED: each statement has a snapshot of its own; what will be written is locked";
        break;
    }
    return promises;
}

const struct target_ops postgresql_target_ops = {
    .name = "postgresql",
    .label = "PostgreSQL",
    .help = "PostgreSQL, a server of the target's own or one that runs elsewhere, by libpq",
    .options = postgresql_specs,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 EXTERNAL_PROMISES,
                 .note = "serializable: snapshots whose reads are watched for what others write (SSI)"},
    .promises_with = postgresql_promises_with,
    .reasons = postgresql_reasons,
};

/* ---- Redis. ---- */

static const struct option_spec redis_specs[] = {REDIS_OPTIONS(OPTION_SPEC) OPTION_END};

static const struct target_reason redis_reasons[] = {
    {"conflict", "the database found that another transaction had changed what it used"},
    {NULL, NULL},
};

static struct target_promises redis_promises_with(const void *values)
{
    return with_durability(&redis_target_ops, ((const struct redis_options *)values)->durability,
                           TARGET_DURABILITY_GROUP);
}

const struct target_ops redis_target_ops = {
    .name = "redis",
    .label = "Redis",
    .help = "Redis, a server of the target's own: reads are watched, writes are sent together (WATCH, MULTI, EXEC)",
    .options = redis_specs,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 EXTERNAL_PROMISES,
                 .note = "serializable: a commit is refused if a key that was read, or a keyspace that was scanned, "
                         "has changed"},
    .promises_with = redis_promises_with,
    .reasons = redis_reasons,
};

/* ---- Loading. ---- */

static const struct external {
    const struct target_ops *description;
    const char *header, *package, *server, *places;
    size_t options_bytes;
} externals[] = {
#define EXTERNAL_ENTRY(name, header, libraries, package, server, places) \
    {&name##_target_ops, header, package, server, places, sizeof(struct name##_options)},
    EXTERNAL_TABLE(EXTERNAL_ENTRY)
#undef EXTERNAL_ENTRY
};
enum { EXTERNALS = sizeof externals / sizeof externals[0] };

static struct target_ops loaded[EXTERNALS]; /* without a name: not loaded yet */

/* Its place in the table, EXTERNALS if it is not there. */
static size_t place_of(const struct target_ops *target)
{
    size_t i = 0;
    while (i < EXTERNALS && externals[i].description != target && &loaded[i] != target)
        i++;
    return i;
}

bool external_is(const struct target_ops *target)
{
    return place_of(target) < EXTERNALS;
}

/* Where the shared object is: beside the program, where `make install` puts it, or in the tree that built it. */
static bool find(const char *name, char path[PATH_MAX])
{
    static const char *const beside[] = {"targets", "../lib/maemio/targets", "build/release/targets", "../../targets",
                                         "../../../../targets"};
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        int bytes = snprintf(path, PATH_MAX, "%s/%s/%s.so", folder, beside[i], name);
        if (bytes < PATH_MAX && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static bool find_or_explain(size_t i, char path[PATH_MAX], char *why, size_t why_bytes)
{
    const struct external *external = &externals[i];
    if (find(external->description->name, path))
        return true;
#ifdef MAE_UNPLUGGED /* the MODE: by the Makefile */
    (void)snprintf(why, why_bytes, "not built: no external targets with MODE=%s (make MODE=release, debug or asan)",
                   MAE_UNPLUGGED);
#else
    (void)snprintf(why, why_bytes, "not built: no %s (apt install %s, or scripts/setup --targets; then make)",
                   external->header, external->package);
#endif
    return false;
}

bool external_is_there(const struct target_ops *target, char *why, size_t why_bytes)
{
    char path[PATH_MAX];
    size_t i = place_of(target);
    if (i == EXTERNALS)
        return true;
    if (!find_or_explain(i, path, why, why_bytes))
        return false;
    if (externals[i].places[0] == '\0' || server_program_find(externals[i].places, path))
        return true;
    (void)snprintf(why, why_bytes, "no server here (apt install %s, or scripts/setup --targets)", externals[i].server);
    return false;
}

/* Whether it was built for this program. */
static bool fits(const struct external_plugin *plugin, size_t i, const char *path, char *why, size_t why_bytes)
{
    if (plugin->abi == EXTERNAL_ABI && plugin->ops_bytes == sizeof(struct target_ops) &&
        *plugin->options_bytes == externals[i].options_bytes)
        return true;
    (void)snprintf(why, why_bytes, "%s was not built for this program: build both by one `make'", path);
    return false;
}

/* The description with the shared object's calls. */
static void join(struct target_ops *target, const struct target_ops *description, const struct target_ops *calls)
{
    *target = *calls;
    target->label = description->label;
    target->help = description->help;
    target->options = description->options;
    target->promises = description->promises;
    target->promises_with = description->promises_with;
    target->reasons = description->reasons;
    target->name = description->name;
}

const struct target_ops *external_load(const struct target_ops *target, char *why, size_t why_bytes)
{
    char path[PATH_MAX];
    size_t i = place_of(target);
    if (i == EXTERNALS || target == &loaded[i])
        return target;
    if (loaded[i].name != NULL)
        return &loaded[i];
    if (!find_or_explain(i, path, why, why_bytes))
        return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct external_plugin *plugin = library != NULL ? dlsym(library, EXTERNAL_SYMBOL) : NULL;
    if (plugin == NULL) {
        (void)snprintf(why, why_bytes, "%s", dlerror()); /* it begins with the path */
        return NULL;
    }
    if (!fits(plugin, i, path, why, why_bytes))
        return NULL;
    join(&loaded[i], externals[i].description, plugin->ops);
    return &loaded[i];
}
