/*
 * race.h - race points: named points at which another worker may act, one before each step that touches shared memory.
 * Release builds contain none. In debug builds a test sets race_hook and so decides the interleaving.
 */
#ifndef ENGINE_BASE_RACE_H
#define ENGINE_BASE_RACE_H

#define RACE_POINTS(X)   \
    X(READ_HEAD)         \
    X(READ_VERSION)      \
    X(READ_OLDER)        \
    X(WAIT_PENDING)      \
    X(WAIT_ROW)          \
    X(WAIT_ELDER)        \
    X(CLAIM_INLINE)      \
    X(WAIT_RESOLVING)    \
    X(CLAIM_DELTA)       \
    X(RESOLVE)           \
    X(PRECHECK)          \
    X(INSTALL_LINK)      \
    X(RAISE_RTS)         \
    X(CHECK_READ)        \
    X(CHECK_WRITE)       \
    X(DECIDE)            \
    X(ABORT_INSTALLED)   \
    X(PUBLISH_QUIESCENT) \
    X(LEADER_SCAN)       \
    X(LEADER_PUBLISH)    \
    X(LOAD_HORIZON)      \
    X(GC_LOCK)           \
    X(GC_LOOK)           \
    X(GC_UNLINK)         \
    X(GC_FREE)           \
    X(SETTLE)            \
    X(ROW_FREE)          \
    X(PARK)              \
    X(UNPARK)            \
    X(OVERTAKE)          \
    X(WAIT_HORIZON)      \
    X(IN_TXN)            \
    X(PARK_OTHER)        \
    X(MATERIALISE)       \
    X(BACKOFF)           \
    X(CLOCK_SYNC)        \
    X(NODE_READ)         \
    X(NODE_CHECK)        \
    X(NODE_LOCK)         \
    X(NODE_UNLOCK)       \
    X(WAIT_NODE)         \
    X(ROW_READ)          \
    X(ROW_COPY)          \
    X(ROW_CHECK)         \
    X(ROW_LOCK)          \
    X(ROW_RAISE)         \
    X(ROW_RESERVE)       \
    X(ROW_RETIRE)        \
    X(NODE_RAISE)        \
    X(ROW_WRITE)         \
    X(ROW_UNLOCK)        \
    X(WAIT_LOCK)         \
    X(ENTRY_CHECK)       \
    X(ENTRY_APPLY)       \
    X(ENTRY_UNDO)        \
    X(EPOCH_ADVANCE)     \
    X(EPOCH_FREE)        \
    X(LOG_APPEND)        \
    X(LOG_TAKE)          \
    X(WAIT_LOG)          \
    X(CHECKPOINT_BATCH)

enum race_point {
#define RACE_ENUM(name) RACE_##name,
    RACE_POINTS(RACE_ENUM)
#undef RACE_ENUM
        RACE_POINT_COUNT
};

#ifdef MAE_DEBUG
extern void (*race_hook)(enum race_point point);
const char *race_point_name(enum race_point point);
#define RACE(name) (race_hook ? race_hook(RACE_##name) : (void)0)
#else
#define RACE(name) ((void)0)
#endif

#endif
