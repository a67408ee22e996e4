/*
 * kill.c - a process that is killed under load leaves everything that it was told to be safe, and the next one goes on
 * with the same history.
 *
 * A child opens a database in a real folder and moves money between accounts with two threads. An account says who has
 * written it last. Each transaction puts what it has read and written into a journal, which is a table, too. So the
 * database holds its own history. When a transaction is safe, its thread writes the number into a pipe. The parent
 * kills the child (SIGKILL) at a random moment, opens the database itself, and finds: the sum of all accounts; in the
 * journal each thread's transactions without a gap, up to what the pipe says at least, and all that were there at the
 * last recovery; as many of them as a tally says, to which each has added one without reading it (mae_apply); nothing
 * that mae_db_verify complains about. Then the next child goes on with the same folder. Every
 * second one writes by io_uring, where the system lets it. In the end the journal of all lives, and what the parent
 * reads then, must be one serializable history in the order of its timestamps (harness/proof/judge.h): nothing that
 * counts is lost, nothing is there twice, nothing comes from a transaction that is not there.
 *
 * The page cache survives the end of a process, so this shows nothing about syncs: power.c does. MAE_KILLS is the
 * number of kills. The folder is below /tmp; where that keeps nothing, durability is async. Half as many kills follow
 * in /dev/shm.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/proof/judge.h"

enum {
    ACCOUNTS = 50,
    TALLY = ACCOUNTS, /* its key */
    THREADS = 2,
    MONEY = 1000,
    TEXT_BYTES = 300,
    OPS = 3,
    LIVES_MAX = 2000,
    SLOW_MAX = 5, /* times two */
    TOLD_EACH = 32,
    TOLD_SELDOM = 1000,
    BEHIND_MAX = 100 /* bytes behind a name in the journal's keys */
};

struct account {
    uint64_t money, writer, seq; /* writer: a name as in histories, of its seq-th write; 0: the first contents */
};

/* A transaction's entry in the journal. Its first operation reads, the others move money. */
struct entry {
    uint64_t name, ts;
    struct {
        uint64_t account, writer, seq; /* what it found */
    } ops[OPS];
};

struct told {
    uint64_t thread, number;
};

struct mover {
    struct mae_db *db;
    uint64_t thread, life;
    int pipe;
};

/* By life and thread: the last number that the pipe said, and that the journal had. */
static struct {
    uint64_t told, found;
} known[LIVES_MAX][THREADS];

static char folder[64];
static const char *durability, *options_more;
static const char *other_io = "uring"; /* or what this system has instead */

static struct mae_db *open_folder(const char *log_io, enum mae_status *status)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "durability=%s log_io=%s log_dir=%s %s", durability, log_io, folder,
                   options_more);
    struct mae_options *options = world_options(text);
    struct mae_db *db = NULL;
    *status = mae_open(options, &db);
    mae_options_destroy(options);
    return db;
}

static uint64_t lives(const struct mae_db *db)
{
    struct mae_recover_info info;
    mae_recover_info(db, &info);
    return info.lives;
}

static enum mae_status load(struct mae_txn *txn, void *arg)
{
    for (uint64_t key = 0; key <= TALLY; key++) {
        uint64_t row;
        void *data;
        enum mae_status status = mae_insert(txn, arg, &key, sizeof(struct account), &row, &data);
        if (status != MAE_OK)
            return status;
        *(struct account *)data = (struct account){.money = key == TALLY ? 0 : MONEY};
    }
    return MAE_OK;
}

static struct mae_index *make_index(struct mae_db *db, const char *table_name, size_t bytes, const char *index_name,
                                    enum mae_index_kind kind)
{
    const struct mae_table_config table_config = {.payload_max_bytes = bytes};
    const bool variable = kind == MAE_INDEX_ORDERED;
    const struct mae_index_config index_config = {
        .kind = kind, .key_bytes = variable ? MAE_KEY_DATA_BYTES : sizeof(uint64_t), .variable = variable};
    struct mae_table *table;
    struct mae_index *index;
    assert_ok(mae_table_create(db, table_name, &table_config, &table));
    assert_ok(mae_index_create(db, table, index_name, &index_config, &index));
    return index;
}

static void make(struct mae_db *db)
{
    struct mae_worker *worker;
    struct mae_index *accounts = make_index(db, "accounts", sizeof(struct account), "by account", MAE_INDEX_HASH);
    (void)make_index(db, "journal", sizeof(struct entry), "by name", MAE_INDEX_ORDERED);
    assert_ok(mae_worker_join(db, &worker));
    assert_ok(mae_run(worker, MAE_READ_WRITE, load, accounts, 0));
    mae_worker_leave(worker);
}

/* ---- The child. ---- */

/* Streams of histories have 16 bits: a life and a thread have one of their own. */
static uint64_t name_of(uint64_t life, uint64_t thread, uint64_t number)
{
    return (life * THREADS + thread + 1) << HISTORY_NAME_BITS | number;
}

struct move {
    struct mae_index *accounts, *journal;
    struct entry entry; /* the name and the accounts are given */
};

static enum mae_status put_into_journal(struct mae_txn *txn, struct move *move)
{
    static const char padding[BEHIND_MAX];
    uint64_t row;
    void *data;
    struct mae_key key; /* the name, and as many bytes as it says */
    mae_key_clear(&key);
    enum mae_status status = mae_key_add_uint64(&key, move->entry.name);
    if (status == MAE_OK)
        status = mae_key_add_bytes(&key, padding, move->entry.name % BEHIND_MAX);
    if (status == MAE_OK)
        status = mae_insert(txn, move->journal, &key, sizeof move->entry, &row, &data);
    move->entry.ts = mae_txn_timestamp(txn);
    if (status != MAE_OK)
        return status;
    memcpy(data, &move->entry, sizeof move->entry);
    const uint64_t tally = TALLY;
    const int64_t one = 1;
    return mae_apply(txn, move->accounts, &tally, MAE_ADD, offsetof(struct account, money), &one, sizeof one);
}

static enum mae_status move_money(struct mae_txn *txn, void *arg)
{
    struct move *move = arg;
    for (unsigned i = 0; i < OPS; i++) {
        const void *old;
        void *data = NULL;
        size_t bytes;
        uint64_t key = move->entry.ops[i].account;
        enum mae_status status = i == 0 ? mae_read(txn, move->accounts, &key, &old, &bytes)
                                        : mae_update(txn, move->accounts, &key, sizeof(struct account), &old, &data);
        if (status != MAE_OK)
            return status;
        const struct account found = *(const struct account *)old;
        move->entry.ops[i].writer = found.writer;
        move->entry.ops[i].seq = found.seq;
        if (i > 0)
            *(struct account *)data = (struct account){
                .money = found.money + (i == 1 ? 1 : (uint64_t)-1), .writer = move->entry.name, .seq = i};
    }
    return put_into_journal(txn, move);
}

/* Different ones. */
static void draw_accounts(struct entry *entry, uint64_t *random)
{
    entry->ops[0].account = random_below(random, ACCOUNTS);
    entry->ops[1].account = random_below(random, ACCOUNTS);
    do
        entry->ops[2].account = random_below(random, ACCOUNTS);
    while (entry->ops[2].account == entry->ops[1].account);
}

static void *mover_run(void *arg)
{
    struct mover *mover = arg;
    struct mae_worker *worker;
    uint64_t random = mover->life * THREADS + mover->thread;
    struct move move = {.accounts = mae_index_by_name(mover->db, "by account"),
                        .journal = mae_index_by_name(mover->db, "by name")};
    if (mae_worker_join(mover->db, &worker) != MAE_OK)
        _exit(1);
    for (uint64_t number = 1;; number++) { /* until it is killed */
        move.entry.name = name_of(mover->life, mover->thread, number);
        draw_accounts(&move.entry, &random);
        if (mae_run(worker, MAE_READ_WRITE, move_money, &move, 0) != MAE_OK)
            _exit(2);
        if (number % (mover->thread == 0 ? TOLD_EACH : TOLD_SELDOM) != 0)
            continue;
        if (mae_wait_durable(worker, mae_worker_last_commit(worker)) != MAE_OK)
            _exit(3);
        struct told told = {mover->thread, number};
        if (write(mover->pipe, &told, sizeof told) != (ssize_t)sizeof told)
            _exit(4);
    }
    return NULL;
}

static void child(int pipe, uint64_t life)
{
    enum mae_status status;
    struct mae_db *db = open_folder(life % 4 == 1 ? other_io : "sync", &status);
    pthread_t threads[THREADS];
    struct mover movers[THREADS];
    if (status != MAE_OK)
        _exit(5);
    for (uint64_t i = 0; i < THREADS; i++) {
        movers[i] = (struct mover){db, i, lives(db), pipe};
        if (pthread_create(&threads[i], NULL, mover_run, &movers[i]) != 0)
            _exit(6);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

/* Lets a child of this life run for a while, kills it, and notes what it has told. */
static void run_and_kill(uint64_t ms, uint64_t life)
{
    int ends[2], result;
    struct told told;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child(ends[1], life);
        _exit(7);
    }
    (void)close(ends[1]);
    const struct timespec moment = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&moment, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told)
        known[life][told.thread].told = told.number;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &result, 0), pid);
    if (WIFEXITED(result))
        fail_msg("the child has ended by itself with %d", WEXITSTATUS(result));
}

/* ---- The parent. ---- */

struct reading {
    struct mae_txn *txn;
    struct mae_index *accounts, *journal;
    struct mae_table *journal_rows;
    struct history_log *log; /* NULL: no history is wanted */
    uint64_t numbers[LIVES_MAX][THREADS];
    uint64_t sum, tally, transactions;
    enum mae_status status;
};

static void log_access(struct history_log *log, enum history_kind kind, unsigned own_seq, uint64_t account,
                       uint64_t writer, uint64_t seq)
{
    uint64_t *words = history_log_add(log, 3);
    assert_non_null(words);
    words[0] = kind == HISTORY_READ ? history_word(kind, seq, 0) : history_word(kind, own_seq, seq);
    words[1] = account;
    words[2] = writer;
}

static void log_begin(struct history_log *log, uint64_t name)
{
    uint64_t *words = history_log_add(log, 2);
    assert_non_null(words);
    words[0] = history_word(HISTORY_BEGIN, 0, name >> HISTORY_NAME_BITS);
    words[1] = name;
}

static void log_commit(struct history_log *log, uint64_t ts)
{
    uint64_t *words = history_log_add(log, 2);
    assert_non_null(words);
    words[0] = history_word(HISTORY_COMMIT, 0, 0);
    words[1] = ts;
}

static bool read_entry(void *arg, const void *key, uint64_t row)
{
    struct reading *reading = arg;
    const void *data;
    size_t at = 0;
    uint64_t name;
    assert_ok(mae_key_get_uint64(key, &at, &name));
    reading->status = mae_row_read(reading->txn, reading->journal_rows, row, &data, NULL);
    if (reading->status != MAE_OK)
        return false;
    const struct entry *entry = data;
    uint64_t stream = (name >> HISTORY_NAME_BITS) - 1, *number = &reading->numbers[stream / THREADS][stream % THREADS];
    assert_int_equal(entry->name, name);
    assert_int_equal(name & ((UINT64_C(1) << HISTORY_NAME_BITS) - 1), *number + 1); /* in the order of names */
    ++*number;
    reading->transactions++;
    if (!reading->log)
        return true;
    log_begin(reading->log, name);
    for (unsigned i = 0; i < OPS; i++)
        log_access(reading->log, i == 0 ? HISTORY_READ : HISTORY_WRITE, i, entry->ops[i].account, entry->ops[i].writer,
                   entry->ops[i].seq);
    log_commit(reading->log, entry->ts);
    return true;
}

static enum mae_status read_all(struct mae_txn *txn, void *arg)
{
    struct reading *reading = arg;
    reading->txn = txn;
    reading->sum = reading->transactions = 0;
    memset(reading->numbers, 0, sizeof reading->numbers);
    if (reading->log) {
        history_log_clear(reading->log);
        log_begin(reading->log, name_of(LIVES_MAX, 0, 1));
    }
    for (uint64_t key = 0; key <= TALLY; key++) {
        const void *data;
        enum mae_status status = mae_read(txn, reading->accounts, &key, &data, NULL);
        if (status != MAE_OK)
            return status;
        const struct account *account = data;
        if (key == TALLY) {
            reading->tally = account->money;
            break;
        }
        reading->sum += account->money;
        if (reading->log)
            log_access(reading->log, HISTORY_READ, 0, key, account->writer, account->seq);
    }
    if (reading->log)
        log_commit(reading->log, mae_txn_timestamp(txn));
    enum mae_status status = mae_index_scan(txn, reading->journal, NULL, NULL, 0, 0, read_entry, reading);
    return status == MAE_OK ? reading->status : status;
}

static void check_numbers(const struct reading *reading)
{
    for (unsigned life = 0; life < LIVES_MAX; life++)
        for (unsigned thread = 0; thread < THREADS; thread++) {
            uint64_t number = reading->numbers[life][thread];
            if (number < known[life][thread].told || number < known[life][thread].found)
                fail_msg("life %u, thread %u: the journal ends at %" PRIu64 ", told was %" PRIu64
                         ", and at the last recovery it ended at %" PRIu64,
                         life, thread, number, known[life][thread].told, known[life][thread].found);
            known[life][thread].found = number;
        }
}

static void check_history(struct history_log *log)
{
    struct history history;
    struct history_verdict verdict = {0};
    struct history_checker *checker = history_checker_create();
    char error[TEXT_BYTES] = "";
    history_init(&history);
    if (!history_add(&history, log->words, log->count, error, sizeof error))
        fail_msg("the history: %s", error);
    if (!history_check(checker, &history, &history_serializable, &verdict))
        fail_msg("%s", verdict.report.text);
    history_verdict_fini(&verdict);
    history_fini(&history);
    history_checker_destroy(checker);
}

/* Returns the number of the next life. */
static uint64_t check(bool is_last)
{
    static struct reading reading;
    struct history_log log;
    enum mae_status status;
    struct mae_db *db = open_folder("sync", &status);
    struct mae_worker *worker;
    if (status != MAE_OK)
        fail_msg("mae_open: %s: %s", mae_status_name(status), mae_open_problem());
    history_log_init(&log, -1, 1);
    reading = (struct reading){.accounts = mae_index_by_name(db, "by account"),
                               .journal = mae_index_by_name(db, "by name"),
                               .journal_rows = mae_table_find(db, "journal"),
                               .log = is_last ? &log : NULL};
    world_verify(db);
    assert_ok(mae_worker_join(db, &worker));
    assert_ok(mae_run(worker, MAE_READ_WRITE, read_all, &reading, 0));
    mae_worker_leave(worker);
    uint64_t next = lives(db) + 1;
    printf("life %" PRIu64 ": %" PRIu64 " transactions in the journal\n", next - 1, reading.transactions);
    assert_int_equal(reading.sum, ACCOUNTS * MONEY);
    assert_int_equal(reading.tally, reading.transactions);
    check_numbers(&reading);
    if (is_last)
        check_history(&log);
    history_log_fini(&log);
    mae_close(db);
    return next;
}

/* With the database in it. False: the system has not what a log needs. */
static bool make_folder(void)
{
    enum mae_status status;
    memset(known, 0, sizeof known);
    assert_non_null(mkdtemp(folder));
    struct mae_db *db = open_folder(other_io, &status);
    if (status == MAE_UNSUPPORTED && strstr(mae_open_problem(), "io_uring")) {
        printf("%s\n", mae_open_problem());
        other_io = "sync";
        db = open_folder(other_io, &status);
    }
    if (status == MAE_UNSUPPORTED) {
        printf("%s\n", mae_open_problem());
        durability = "async";
        db = open_folder(other_io, &status);
    }
    if (status == MAE_UNSUPPORTED)
        return false;
    assert_ok(status);
    make(db);
    mae_close(db);
    return true;
}

static void remove_folder(void)
{
    char command[TEXT_BYTES];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static uint64_t kills_wanted(void)
{
    const char *wanted = getenv("MAE_KILLS");
    return wanted ? strtoull(wanted, NULL, 0) : 10;
}

static void survive(uint64_t kills)
{
    uint64_t random = seed_from_environment(), life = 1, told = 0;
    unsigned slow = 0;
    if (!make_folder()) {
        remove_folder();
        skip();
    }
    for (uint64_t i = 0; i < kills && life < LIVES_MAX; i++) {
        uint64_t before = told;
        run_and_kill((20 + random_below(&random, 200)) << slow, life);
        for (unsigned thread = 0; thread < THREADS; thread++)
            told += known[life][thread].told;
        slow += told == before && slow < SLOW_MAX; /* a busy machine had not begun to commit */
        life = check(i + 1 == kills);
    }
    assert_true(told > 0);
    remove_folder();
}

static void what_was_told_to_be_safe_survives_a_kill(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/maemio-kill-XXXXXX");
    durability = "group";
    options_more = "log_segment_bytes=1M";
    survive(kills_wanted());
}

/* Where files are in memory, blocks are put together in segments that have served before. A kill leaves them as far as
 * they have come. */
static void what_was_put_together_in_its_place_survives_a_kill(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/dev/shm/maemio-kill-XXXXXX");
    durability = "async";
    options_more = "log_segment_bytes=64K checkpoint_log_bytes=256K checkpoint_rate=0";
    if (access("/dev/shm", W_OK) != 0)
        skip();
    survive((kills_wanted() + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_to_be_safe_survives_a_kill),
        cmocka_unit_test(what_was_put_together_in_its_place_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
