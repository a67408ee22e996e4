/*
 * redis.c - the store for Redis: a keyspace is a string for each key, a sorted set of the keys, and a number that
 * changes with each commit that writes there.
 *
 * Redis has no transactions that can be undone, but WATCH, MULTI and EXEC: what is sent between the last two is done as
 * one, unless something that was watched has changed. So a transaction watches each key before it reads it, keeps its
 * writes to itself, and sends them when it commits. What it has read is then still so: it is as if all of it happened
 * at EXEC. A transaction that only reads ends with an EXEC of nothing, for the same reason. Who is doomed may have read
 * keys that do not fit together before it learns of it.
 *
 * Keys that the workload announces (ahead.h) are watched and read together, all by the round trip of the first one.
 *
 * The number of a keyspace is watched for scans, of which nothing else would notice new keys, by snapshots, which read
 * much, and in place of more than KEYS_WATCHED keys, since Redis looks through all of a connection's watched keys for
 * each new one.
 *
 * The server is the store's own (server.h), and listens on a socket in its folder only.
 */
#include <hiredis/hiredis.h>

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/targets/plugins/ahead.h"
#include "harness/targets/plugins/arena.h"
#include "harness/targets/plugins/server.h"
#include "harness/targets/plugins/store.h"
#include "harness/targets/plugins/trips.h"
#include "harness/targets/server_program.h"

enum {
    PREFIX_BYTES = 3, /* what it is, and the number of the keyspace */
    KEYS_WATCHED = 512,
    ENTRIES_LEAST = 32, /* of a scan that does not say how many it wants; each time four times as many */
    ENTRIES_MOST = 1024,
    ASKED_BYTES_FIRST = 4096,
    ARGUMENTS_MAX = 9,
    RETRY_CONFLICT = TARGET_RETRY
};

struct store {
    struct folder folder;
    struct server server;
    char socket[PATH_MAX], version[TARGET_VERSION_BYTES];
    atomic_bool has_complained; /* relaxed: one of those who set it says why */
    struct trips trips;
};

/* What the transaction has changed under a key. It stays where it is. */
struct change {
    unsigned space;
    bool is_new, is_gone;
    size_t key_bytes, value_bytes;
    char key[STORE_KEY_MAX_BYTES];
    char *value;
};

struct store_session {
    struct store *store;
    redisContext *connection;
    char *asked; /* requests that have not been sent */
    size_t asked_bytes, asked_room;
    const char *broken; /* why no more can be asked; NULL */
    redisReply *answer; /* whose bytes are given out */
    struct arena arena; /* of the changes */
    struct change **changes;
    size_t change_count, change_room;
    bool is_snapshot, watches;
    unsigned watched[STORE_SPACES_MAX]; /* keys; beyond KEYS_WATCHED: the number of the keyspace */
    bool is_changed[STORE_SPACES_MAX];
    struct ahead ahead;                /* answers are redisReply */
    const struct store_cursor *cursor; /* that has given out an entry last, and is open; NULL */
    struct trips_session trips;
};

struct store_cursor {
    struct store_session *session;
    unsigned space;
    bool backward, is_last; /* no more will come than there is in `entries` */
    uint64_t wanted;
    redisReply *entries; /* two arrays: keys and values */
    size_t at;
    struct change **changes; /* of the range, in the order of the scan */
    size_t change_count, change_at;
    size_t lo_bytes, hi_bytes; /* with the character that ZRANGEBYLEX wants in front */
    char lo[1 + STORE_KEY_MAX_BYTES], hi[1 + STORE_KEY_MAX_BYTES];
    struct store_bytes key, value; /* of the entry that was given out */
};

const size_t store_options_bytes = sizeof(struct redis_options);
const bool store_locks_writes = false;

/* ---- Requests. ---- */

static enum target_status failed(struct store_session *session, const char *said)
{
    /* Nobody can act on it: it is told once. */
    if (!atomic_exchange_explicit(&session->store->has_complained, true, memory_order_relaxed))
        (void)fprintf(stderr, "maemio: Redis: %s\n", said);
    return TARGET_FAILED;
}

static bool asked_grow(struct store_session *session, size_t bytes)
{
    size_t room = session->asked_room > 0 ? session->asked_room : ASKED_BYTES_FIRST;
    while (room - session->asked_bytes < bytes)
        room *= 2;
    char *grown = room > session->asked_room ? realloc(session->asked, room) : session->asked;
    if (grown == NULL)
        return false;
    session->asked = grown;
    session->asked_room = room;
    return true;
}

static void ask(struct store_session *session, size_t count, const struct store_bytes *arguments)
{
    const char *data[ARGUMENTS_MAX];
    size_t bytes[ARGUMENTS_MAX];
    char *request = NULL;
    for (size_t i = 0; i < count; i++) {
        data[i] = arguments[i].data;
        bytes[i] = arguments[i].count;
    }
    int request_bytes = redisFormatCommandArgv(&request, (int)count, data, bytes);
    if (request_bytes >= 0 && asked_grow(session, (size_t)request_bytes)) {
        memcpy(session->asked + session->asked_bytes, request, (size_t)request_bytes);
        session->asked_bytes += (size_t)request_bytes;
    } else {
        session->broken = "out of memory";
    }
    redisFreeCommand(request);
}

#define WORD(text) ((struct store_bytes){"" text, sizeof(text) - 1})

/* Not by hiredis, which writes as to a file: where the server has gone, SIGPIPE would end the program. */
static void send_asked(struct store_session *session)
{
    size_t sent = 0;
    while (session->broken == NULL && sent < session->asked_bytes) {
        ssize_t some = send(session->connection->fd, session->asked + sent, session->asked_bytes - sent, MSG_NOSIGNAL);
        if (some >= 0)
            sent += (size_t)some;
        else if (errno != EINTR)
            session->broken = "the server has closed the connection";
    }
    session->asked_bytes = 0;
}

/* The next reply. An error of the server's is one here, too. */
static enum target_status take(struct store_session *session, redisReply **reply)
{
    void *taken = NULL;
    send_asked(session);
    if (session->broken == NULL && redisGetReply(session->connection, &taken) != REDIS_OK)
        session->broken = session->connection->errstr;
    if (session->broken != NULL)
        return failed(session, session->broken);
    *reply = taken;
    return (*reply)->type == REDIS_REPLY_ERROR ? failed(session, (*reply)->str) : TARGET_OK;
}

/* Replies that say nothing. */
static enum target_status skip(struct store_session *session, size_t count)
{
    enum target_status status = TARGET_OK;
    for (size_t i = 0; i < count && session->broken == NULL; i++) {
        redisReply *reply = NULL;
        enum target_status one = take(session, &reply);
        freeReplyObject(reply);
        status = status == TARGET_OK ? one : status;
    }
    return session->broken == NULL ? status : TARGET_FAILED;
}

static void release(struct store_session *session)
{
    freeReplyObject(session->answer);
    session->answer = NULL;
}

/* kind: v, a value by key; o, the keys in their order; n, the number. */
static struct store_bytes name_of(char kind, unsigned space, struct store_bytes key,
                                  char room[PREFIX_BYTES + STORE_KEY_MAX_BYTES])
{
    room[0] = kind;
    room[1] = (char)(space >> 8);
    room[2] = (char)space;
    if (key.count > 0)
        memcpy(room + PREFIX_BYTES, key.data, key.count);
    return (struct store_bytes){room, PREFIX_BYTES + key.count};
}

/* Asks to watch a key, or without one the keyspace. Returns how many replies will come. */
static size_t watch(struct store_session *session, unsigned space, struct store_bytes key)
{
    char room[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
    unsigned *watched = &session->watched[space];
    if (*watched > KEYS_WATCHED)
        return 0;
    bool is_whole = key.count == 0 || session->is_snapshot || *watched == KEYS_WATCHED;
    *watched = is_whole ? KEYS_WATCHED + 1 : *watched + 1;
    session->watches = true;
    const struct store_bytes arguments[] = {WORD("WATCH"), is_whole ? name_of('n', space, (struct store_bytes){0}, room)
                                                                    : name_of('v', space, key, room)};
    ask(session, 2, arguments);
    return 1;
}

/* ---- Opening. ---- */

/* $1: the server. $2, $3: whether it has a log, and when that is flushed. */
static const char server_script[] =
    "exec \"$1\" --port 0 --unixsocket \"$PWD/redis.sock\" --dir \"$PWD\" --pidfile \"$PWD/server.pid\" "
    "--daemonize no --save '' --appendonly \"$2\" --appendfsync \"$3\" --maxclients 300\n";

static bool server_begin(struct store *store, const struct redis_options *options, char *error, size_t error_bytes)
{
    static const char *const logs[] = {[EXTERNAL_OFF] = "no", [EXTERNAL_ASYNC] = "yes", [EXTERNAL_DURABLE] = "yes"};
    static const char *const flushes[] = {
        [EXTERNAL_OFF] = "no", [EXTERNAL_ASYNC] = "everysec", [EXTERNAL_DURABLE] = "always"};
    char program[PATH_MAX];
    if (strcmp(options->server, "auto") != 0) {
        (void)snprintf(program, sizeof program, "%s/redis-server", options->server);
    } else if (!server_program_find(REDIS_PLACES, program)) {
        (void)snprintf(error, error_bytes,
                       "no Redis server here: apt install redis-server, or --set server=FOLDER of its program");
        return false;
    }
    const char *const arguments[] = {program, logs[options->durability], flushes[options->durability], NULL};
    const struct server_plan plan = {.folder = &store->folder,
                                     .user = "redis",
                                     .signal = "TERM",
                                     .cpus = options->server_cpus,
                                     .script = server_script,
                                     .arguments = arguments};
    if (snprintf(store->socket, sizeof store->socket, "%s/redis.sock", store->folder.path) >= PATH_MAX)
        return false;
    return server_start(&store->server, &plan, error, error_bytes);
}

/* Waits until somebody answers. */
static bool server_await(struct store *store, char *error, size_t error_bytes)
{
    static const char version_line[] = "# Server\r\nredis_version:"; /* begins what it says of itself */
    uint64_t begun_ns = server_clock_ns();
    for (;;) {
        redisContext *connection = redisConnectUnix(store->socket);
        redisReply *reply = connection != NULL && connection->err == 0 ? redisCommand(connection, "INFO server") : NULL;
        bool is_ready = reply != NULL && reply->type == REDIS_REPLY_STRING;
        if (is_ready)
            (void)snprintf(store->version, sizeof store->version, "Redis %.*s",
                           (int)strcspn(reply->str + strlen(version_line), "\r\n"), reply->str + strlen(version_line));
        freeReplyObject(reply);
        if (connection != NULL)
            redisFree(connection);
        if (is_ready)
            return true;
        if (!server_wait(&store->server, begun_ns, error, error_bytes))
            return false;
    }
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct redis_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    trips_init(&store->trips);
    if (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes) ||
        !server_begin(store, options, error, error_bytes) || !server_await(store, error, error_bytes)) {
        (void)store_close(store);
        return TARGET_INVALID;
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    server_stop(&store->server);
    folder_release(&store->folder);
    trips_fini(&store->trips);
    free(store);
    return TARGET_OK;
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "%s", store->version);
    server_outside(&store->server, &store->folder, trips_sum(&store->trips), outside);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    (void)store, (void)space, (void)key_bytes; /* it is there when a key has it */
    return TARGET_OK;
}

/* ---- Sessions and transactions. ---- */

enum target_status store_join(struct store *store, struct store_session **result)
{
    struct store_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return TARGET_NO_MEMORY;
    session->store = store;
    trips_join(&store->trips, &session->trips);
    session->connection = redisConnectUnix(store->socket);
    if (session->connection == NULL || session->connection->err != 0) {
        enum target_status status =
            failed(session, session->connection != NULL ? session->connection->errstr : "out of memory");
        store_leave(session);
        return status;
    }
    *result = session;
    return TARGET_OK;
}

void store_leave(struct store_session *session)
{
    release(session);
    trips_leave(&session->store->trips, &session->trips);
    if (session->connection != NULL)
        redisFree(session->connection);
    ahead_reset(&session->ahead, freeReplyObject);
    arena_free(&session->arena);
    free(session->asked);
    free(session->changes);
    free(session);
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    session->is_snapshot = snapshot;
    return TARGET_OK;
}

static void end(struct store_session *session)
{
    release(session);
    memset(session->watched, 0, sizeof session->watched);
    memset(session->is_changed, 0, sizeof session->is_changed);
    ahead_reset(&session->ahead, freeReplyObject);
    session->watches = false;
    session->change_count = 0;
    arena_reset(&session->arena);
}

void store_abort(struct store_session *session)
{
    if (session->watches && session->broken == NULL) {
        ask(session, 1, &WORD("UNWATCH"));
        trips_count(&session->trips);
        (void)skip(session, 1);
    }
    end(session);
}

/* Returns how many replies will come. */
static size_t send_change(struct store_session *session, const struct change *change)
{
    char name_room[PREFIX_BYTES + STORE_KEY_MAX_BYTES], order_room[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
    const struct store_bytes key = {change->key, change->key_bytes};
    const struct store_bytes name = name_of('v', change->space, key, name_room);
    const struct store_bytes order = name_of('o', change->space, (struct store_bytes){0}, order_room);
    if (change->is_gone) {
        ask(session, 2, (const struct store_bytes[]){WORD("DEL"), name});
        ask(session, 3, (const struct store_bytes[]){WORD("ZREM"), order, key});
        return 2;
    }
    ask(session, 3, (const struct store_bytes[]){WORD("SET"), name, {change->value, change->value_bytes}});
    if (!change->is_new)
        return 1;
    ask(session, 4, (const struct store_bytes[]){WORD("ZADD"), order, WORD("0"), key});
    return 2;
}

static size_t send_changes(struct store_session *session)
{
    char room[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
    size_t replies = 0;
    for (size_t i = 0; i < session->change_count; i++) {
        const struct change *change = session->changes[i];
        replies += send_change(session, change);
        if (session->is_changed[change->space]) {
            ask(session, 2,
                (const struct store_bytes[]){WORD("INCR"), name_of('n', change->space, (struct store_bytes){0}, room)});
            session->is_changed[change->space] = false;
            replies++;
        }
    }
    return replies;
}

enum target_status store_commit(struct store_session *session)
{
    redisReply *reply = NULL;
    if (session->watches || session->change_count > 0) {
        ask(session, 1, &WORD("MULTI"));
        size_t replies = 1 + send_changes(session);
        ask(session, 1, &WORD("EXEC"));
        trips_count(&session->trips);
        enum target_status status = skip(session, replies);
        if (session->broken == NULL) { /* after a refused command EXEC is refused, too */
            enum target_status last = take(session, &reply);
            status = status == TARGET_OK ? last : status;
        }
        if (status == TARGET_OK && reply->type == REDIS_REPLY_NIL)
            status = (enum target_status)RETRY_CONFLICT;
        freeReplyObject(reply);
        end(session);
        return status;
    }
    end(session);
    return TARGET_OK;
}

/* ---- Keys. ---- */

static struct change *find_change(const struct store_session *session, unsigned space, struct store_bytes key)
{
    for (size_t i = session->is_changed[space] ? session->change_count : 0; i-- > 0;) {
        struct change *change = session->changes[i];
        if (change->space == space && memcmp(change->key, key.data, key.count) == 0)
            return change;
    }
    return NULL;
}

static void note(struct store_session *session, unsigned space, struct store_bytes key)
{
    ahead_note(&session->ahead, space, key);
}
void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = note;

static enum target_status answer_of(const redisReply *reply, struct store_bytes *value)
{
    *value = (struct store_bytes){reply->str, reply->len};
    return reply->type == REDIS_REPLY_STRING ? TARGET_OK : TARGET_NOT_FOUND;
}

/* Watches and asks for all keys that were noted, with one request. */
static enum target_status look_noted(struct store_session *session)
{
    struct ahead *ahead = &session->ahead;
    char room[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
    size_t watches[AHEAD_MAX];
    enum target_status status = TARGET_OK;
    for (; ahead->asked < ahead->count; ahead->asked++) {
        const struct ahead_key *next = &ahead->keys[ahead->asked];
        const struct store_bytes key = {next->key, next->key_bytes};
        watches[ahead->asked] = watch(session, next->space, key);
        ask(session, 2, (const struct store_bytes[]){WORD("GET"), name_of('v', next->space, key, room)});
    }
    trips_count(&session->trips);
    /* All answers are taken, also behind a refusal, and no more when the server is gone. */
    while (ahead->answered < ahead->asked) {
        redisReply *reply = NULL;
        enum target_status one = skip(session, watches[ahead->answered]);
        status = status == TARGET_OK ? one : status;
        if (session->broken == NULL) {
            one = take(session, &reply);
            status = status == TARGET_OK ? one : status;
        }
        ahead->keys[ahead->answered++].answer = reply;
    }
    return session->broken == NULL ? status : TARGET_FAILED;
}

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    char room[PREFIX_BYTES + STORE_KEY_MAX_BYTES];
    const struct store_cursor *cursor = session->cursor;
    const struct change *change = find_change(session, space, key);
    (void)use; /* each key is watched */
    release(session);
    if (change != NULL) {
        *value = (struct store_bytes){change->value, change->value_bytes};
        return change->is_gone ? TARGET_NOT_FOUND : TARGET_OK;
    }
    if (cursor != NULL && cursor->space == space && memcmp(cursor->key.data, key.data, key.count) == 0) {
        *value = cursor->value; /* the row that a scan stands on */
        return TARGET_OK;
    }
    const struct ahead_key *noted = ahead_find(&session->ahead, space, key);
    if (noted != NULL) {
        enum target_status status = noted->answer == NULL ? look_noted(session) : TARGET_OK;
        return status == TARGET_OK ? answer_of(noted->answer, value) : status;
    }
    size_t replies = watch(session, space, key);
    ask(session, 2, (const struct store_bytes[]){WORD("GET"), name_of('v', space, key, room)});
    trips_count(&session->trips);
    enum target_status status = skip(session, replies);
    if (session->broken == NULL) {
        enum target_status last = take(session, &session->answer);
        status = status == TARGET_OK ? last : status;
    }
    return status == TARGET_OK ? answer_of(session->answer, value) : status;
}

/* The key's entry among the changes. */
static struct change *change_take(struct store_session *session, unsigned space, struct store_bytes key)
{
    struct change *change = find_change(session, space, key);
    if (change != NULL)
        return change;
    if (session->change_count == session->change_room) {
        size_t room = session->change_room == 0 ? 64 : session->change_room * 2;
        struct change **changes = realloc(session->changes, room * sizeof(struct change *));
        if (changes == NULL)
            return NULL;
        session->changes = changes;
        session->change_room = room;
    }
    change = arena_take(&session->arena, sizeof *change);
    if (change == NULL)
        return NULL;
    *change = (struct change){.space = space, .key_bytes = key.count};
    memcpy(change->key, key.data, key.count);
    session->changes[session->change_count++] = change;
    session->is_changed[space] = true;
    return change;
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    struct change *change = change_take(session, space, key);
    char *copy = change != NULL ? arena_take(&session->arena, value.count) : NULL;
    if (copy == NULL)
        return TARGET_NO_MEMORY;
    change->value = memcpy(copy, value.data, value.count);
    change->value_bytes = value.count;
    change->is_new |= is_new;
    change->is_gone = false;
    return TARGET_OK;
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    struct change *change = change_take(session, space, key);
    if (change == NULL)
        return TARGET_NO_MEMORY;
    change->is_gone = true;
    return TARGET_OK;
}

/* ---- Cursors: what Redis has, and what the transaction has changed, in one order. ---- */

/* All keys of a keyspace have one length. */
static int ascending(const void *a, const void *b)
{
    const struct change *first = *(struct change *const *)a, *second = *(struct change *const *)b;
    return memcmp(first->key, second->key, first->key_bytes);
}

static int descending(const void *a, const void *b)
{
    return ascending(b, a);
}

static bool gather_changes(struct store_cursor *cursor, struct store_bytes lo, struct store_bytes hi)
{
    const struct store_session *session = cursor->session;
    if (!session->is_changed[cursor->space])
        return true;
    cursor->changes = calloc(session->change_count, sizeof(struct change *));
    if (cursor->changes == NULL)
        return false;
    for (size_t i = 0; i < session->change_count; i++) {
        struct change *change = session->changes[i];
        if (change->space == cursor->space &&
            (lo.data == NULL || memcmp(change->key, lo.data, change->key_bytes) >= 0) &&
            (hi.data == NULL || memcmp(change->key, hi.data, change->key_bytes) <= 0))
            cursor->changes[cursor->change_count++] = change;
    }
    qsort(cursor->changes, cursor->change_count, sizeof(struct change *), cursor->backward ? descending : ascending);
    return true;
}

/* A bound as ZRANGEBYLEX has it. */
static size_t bound(char *room, char begin, struct store_bytes key)
{
    room[0] = begin;
    if (key.count > 0)
        memcpy(room + 1, key.data, key.count);
    return 1 + key.count;
}

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    *cursor = (struct store_cursor){.session = session, .space = space, .backward = backward};
    cursor->wanted = wanted == 0 ? ENTRIES_LEAST : wanted < ENTRIES_MOST ? wanted : ENTRIES_MOST;
    cursor->lo_bytes = bound(cursor->lo, lo.data != NULL ? '[' : '-', lo.data != NULL ? lo : (struct store_bytes){0});
    cursor->hi_bytes = bound(cursor->hi, hi.data != NULL ? '[' : '+', hi.data != NULL ? hi : (struct store_bytes){0});
    if (!gather_changes(cursor, lo, hi)) {
        store_cursor_close(cursor);
        return TARGET_NO_MEMORY;
    }
    *result = cursor;
    return TARGET_OK;
}

static const redisReply *entry_part(const struct store_cursor *cursor, size_t part)
{
    return cursor->entries->element[part]->element[cursor->at];
}

static size_t entry_count(const struct store_cursor *cursor)
{
    return cursor->entries->element[0]->elements;
}

/* Watches the keyspace and gets the next entries, those behind the last one, with one request. */
static enum target_status fetch(struct store_cursor *cursor)
{
    static const char script[] = "local keys = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4]) "
                                 "local values = {} "
                                 "for i, key in ipairs(keys) do values[i] = redis.call('GET', ARGV[5] .. key) end "
                                 "return {keys, values}";
    char order_room[PREFIX_BYTES + STORE_KEY_MAX_BYTES], value_room[PREFIX_BYTES + STORE_KEY_MAX_BYTES], limit[24];
    if (cursor->entries != NULL) {
        cursor->at--; /* the last one's key is the new bound */
        const redisReply *last = entry_part(cursor, 0);
        size_t count =
            bound(cursor->backward ? cursor->hi : cursor->lo, '(', (struct store_bytes){last->str, last->len});
        *(cursor->backward ? &cursor->hi_bytes : &cursor->lo_bytes) = count;
        cursor->wanted = cursor->wanted * 4 < ENTRIES_MOST ? cursor->wanted * 4 : ENTRIES_MOST;
        freeReplyObject(cursor->entries);
        cursor->entries = NULL;
    }
    size_t replies = watch(cursor->session, cursor->space, (struct store_bytes){0});
    int limit_bytes = snprintf(limit, sizeof limit, "%llu", (unsigned long long)cursor->wanted);
    const struct store_bytes lo = {cursor->lo, cursor->lo_bytes}, hi = {cursor->hi, cursor->hi_bytes};
    ask(cursor->session, ARGUMENTS_MAX,
        (const struct store_bytes[]){WORD("EVAL"),
                                     {script, sizeof script - 1},
                                     WORD("1"),
                                     name_of('o', cursor->space, (struct store_bytes){0}, order_room),
                                     cursor->backward ? WORD("ZREVRANGEBYLEX") : WORD("ZRANGEBYLEX"),
                                     cursor->backward ? hi : lo,
                                     cursor->backward ? lo : hi,
                                     {limit, (size_t)limit_bytes},
                                     name_of('v', cursor->space, (struct store_bytes){0}, value_room)});
    trips_count(&cursor->session->trips);
    enum target_status status = skip(cursor->session, replies);
    if (cursor->session->broken == NULL) {
        enum target_status last = take(cursor->session, &cursor->entries);
        status = status == TARGET_OK ? last : status;
    }
    cursor->at = 0;
    if (status == TARGET_OK)
        cursor->is_last = entry_count(cursor) < cursor->wanted;
    return status;
}

/* The next entry that Redis has; without data: there is none. */
static enum target_status peek(struct store_cursor *cursor, struct store_bytes *key)
{
    *key = (struct store_bytes){0};
    if (cursor->entries == NULL || (cursor->at == entry_count(cursor) && !cursor->is_last)) {
        enum target_status status = fetch(cursor);
        if (status != TARGET_OK)
            return status;
    }
    if (cursor->at < entry_count(cursor)) {
        const redisReply *found = entry_part(cursor, 0);
        *key = (struct store_bytes){found->str, found->len};
    }
    return TARGET_OK;
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    for (;;) {
        struct store_bytes stored;
        cursor->session->cursor = NULL;
        enum target_status status = peek(cursor, &stored);
        if (status != TARGET_OK)
            return status;
        struct change *change = cursor->change_at < cursor->change_count ? cursor->changes[cursor->change_at] : NULL;
        if (change == NULL && stored.data == NULL)
            return TARGET_NOT_FOUND;
        int order = change == NULL ? -1 : stored.data == NULL ? 1 : memcmp(stored.data, change->key, stored.count);
        if (cursor->backward && change != NULL && stored.data != NULL)
            order = -order;
        if (order < 0) {
            const redisReply *content = entry_part(cursor, 1);
            cursor->value = (struct store_bytes){content->str, content->len};
            cursor->key = stored;
            cursor->session->cursor = cursor;
        } else {
            cursor->key = (struct store_bytes){change->key, change->key_bytes};
            cursor->value = (struct store_bytes){change->value, change->value_bytes};
            cursor->change_at++;
        }
        if (order <= 0)
            cursor->at++; /* the bytes stay until the next ones are fetched */
        *key = cursor->key;
        *value = cursor->value;
        if (order < 0 || !change->is_gone)
            return TARGET_OK;
    }
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (cursor->session->cursor == cursor)
        cursor->session->cursor = NULL;
    freeReplyObject(cursor->entries);
    free(cursor->changes);
    free(cursor);
}
