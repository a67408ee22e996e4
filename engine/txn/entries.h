/*
 * entries.h - no transaction deletes a row to which index entries lead.
 *
 * The caller keeps indexes in step with rows, and may forget an entry of a row that it deletes. Whoever finds that
 * entry later would find no row, or another row once the row id is used again. So the lock byte of each row counts the
 * entries that lead to the row (store/table.h), and a transaction that would delete a row and leave an entry does not
 * commit.
 *
 *   I4  When a transaction decides to delete a row, the row's count plus the entries that the transaction itself adds
 *       minus those that it removes is 0. The count then holds what all transactions that come before have changed.
 *
 * Why the count is exact. Whoever adds or removes an entry writes the row, with an unchanged copy if need be. That
 * version stands above all others but aborted ones (commit.c, write_is_newest): otherwise a blind write above it could
 * commit first, and a deletion above the blind write could miss the entry. The transaction counts when nothing can make
 * it abort any more, before it decides any of its versions. Whoever deletes the row reads and supersedes its newest
 * version, and waits for pending ones. So all who come before have decided, hence counted. All who come later find the
 * tombstone, and add no entry.
 *
 * Entries of single-version indexes are counted, too. They change right after the row has counted, before anything is
 * decided. So whoever sees the row as the transaction has left it finds the index changed.
 *
 * A row that has too many entries for its lock byte has its number elsewhere (store/entry_counts.h). Only one
 * transaction at a time changes the number of a row, by the argument above.
 *
 * Checked by: db/verify.c, tests/unit/txn/entries.c, tests/model/entries.c, tests/schedule; mutations
 * entry_left_behind, entry_gain_untouched, entry_gain_below_blind and entries_counted_late.
 */
#ifndef ENGINE_TXN_ENTRIES_H
#define ENGINE_TXN_ENTRIES_H

#include "engine/maemio.h"

struct access_set;
struct table;

/*
 * For a transaction that is about to add an entry that leads to the row: touches the row (txn_touch) and notes the
 * entry. MAE_NOT_FOUND: the transaction sees no such row. Other statuses as txn_update.
 */
enum mae_status txn_gain_entry(struct mae_txn *txn, struct table *table, uint64_t row);
/* Takes the note back: the index has refused the entry, and the transaction goes on without it. */
void txn_gain_refused(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * For a transaction that has removed an entry that led to the row: touches and notes likewise. With `peeked`, the index
 * does not validate hits, and the new version is MOVED, so that every later transaction that has used the entry
 * conflicts with this one (I3). MAE_OK also if there is no row.
 */
enum mae_status txn_lose_entry(struct mae_txn *txn, struct table *table, uint64_t row, bool peeked);

/* For a transaction that has passed all checks and has decided nothing yet: MAE_CORRUPT if it would delete a row and
 * leave an entry; MAE_NO_MEMORY if there is none to count the entries of a row that has many. */
enum mae_status entries_prepare(const struct access_set *set, uint32_t write_count);
/* At the same point, when the commit is certain: adds to the counts of the rows what the transaction has noted. */
void entries_count(const struct access_set *set, uint32_t write_count);

#endif
