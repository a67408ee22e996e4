/*
 * reader.h - reads a database's folder for people (mae_log_read): what it holds, and which of it counts.
 *
 * It decides nothing itself: the cuts are those that scan.c finds, as a recovery with recovery=salvage would, so that
 * of a damaged log what stands before the damage can be looked at. But it changes nothing, so it works on a folder that
 * may only be read, and beside a process that has the database open. That process writes blocks, and may remove and
 * rename segments. So the reader may see a later block and not the one before, which looks like damage:
 *   R1  Damage counts only if two looks at the folder find the same, at the same place, and the second by what the
 *       first has found promised: all of that was on the disk before the second began. So two looks do, however fast
 *       the log grows; a third one is for files that have gone.
 *   R2  Records are visited up to the cuts that were found before, and none is missing: if a block of them is not there
 *       any more, the end is MAE_BUSY.
 *   R3  So it is if the checkpoint cannot be read and is not the one that counts any more: its file goes, or serves for
 *       a later one.
 * Checked by: tests/unit/db/log_read.c, tests/fuzz/log.c, tests/fuzz/checkpoint.c.
 */
#ifndef ENGINE_DURABLE_READER_H
#define ENGINE_DURABLE_READER_H

#include "engine/durable/problem.h"

/* `log_dir`: the folder, or several. Statuses of mae_log_read. */
enum mae_status reader_read(const char *log_dir, const struct mae_log_visitor *visitor, void *arg,
                            struct mae_log_summary *summary, struct problem *problem);

#endif
