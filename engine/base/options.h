/*
 * options.h - the resolved options of one database, from the one table in engine/options.def.
 * Read once by mae_open; workers keep what their hot path needs in their own cache lines.
 */
#ifndef ENGINE_BASE_OPTIONS_H
#define ENGINE_BASE_OPTIONS_H

#include "engine/base/option.h"
#include "engine/maemio.h"

enum { TIMESTAMPS_MULTI, TIMESTAMPS_CENTRAL };
enum { ORDER_SERIAL, ORDER_STRICT };
enum { SNAPSHOT_LATEST, SNAPSHOT_DURABLE };
enum { DURABILITY_OFF, DURABILITY_ASYNC, DURABILITY_GROUP, DURABILITY_SYNC };
enum { RECOVERY_STRICT, RECOVERY_SALVAGE };
enum { LOG_IO_SYNC, LOG_IO_URING };
enum { PENDING_WAIT, PENDING_ABORT, PENDING_SKIP };
enum { RESTAMP_OFF, RESTAMP_RETRY, RESTAMP_EXTEND };

/* Values of `backoff` besides a fixed bound in nanoseconds. */
#define BACKOFF_ADAPTIVE OPTION_WORD_FIRST
#define BACKOFF_OFF (OPTION_WORD_FIRST - 1)
#define BACKOFF_LEARN (OPTION_WORD_FIRST - 2)

struct mae_options {
#define OPTION(type, name, ...) _Alignas(OPTION_SLOT_BYTES) option_##type name;
#include "engine/options.def"
#undef OPTION
};

extern const struct option_spec options_table[]; /* of the fields above */

void options_init(struct mae_options *options); /* all defaults */

#endif
