/*
 * protocol.pml - install, raise, check and collection for three transactions on two rows.
 *
 * Transaction t has timestamp t and does, on each row, nothing, a read, a read-modify-write or (BLIND) a blind write,
 * as the verifier chooses. Version t of a row is the one that transaction t writes; version 0 is there from the
 * beginning. A chain is ordered by timestamp, so an array by timestamp stands for it: what is not LINKED is not in it.
 *
 * Memory. Loads and stores happen one at a time, in some order. Where the engine's ORD-3 asks for sequential
 * consistency, and DROP_ORD3 takes that away, a store goes to a buffer of its transaction first and becomes visible at
 * any later moment up to the decision: what store-before-load reordering does on all hardware of today. The rows of the
 * engine's table of memory orders (engine/DESIGN.md), where they act here:
 *
 *   step                      engine                          order kept by the model
 *   link the pending version  commit.c install                ORD-3 writer half: before the loads of rts in the check
 *                                                             ORD-8: release; its header is there when it is reached
 *   raise rts                 commit.c raise_rts              ORD-3 reader half: before the search again in the check
 *   look at newer versions    commit.c newer_stand            ORD-3 writer half: after the link
 *   decide                    commit.c decide                 ORD-7: release; everything before it is visible by then
 *   publish, leader           horizon.c                       ORD-2: acquire and release, in program order here
 *   collect                   gc.c collect                    ORD-6: one collector
 *
 * A search down a chain is one step, but for waiting; every other load or store that others can see is one of its own.
 * A link below newer versions is made by a CAS that does not notice a version linked above meanwhile, as in the engine
 * below an aborted one.
 * Collection: a worker passes a quiescent point before its transaction or does not, and parks after it. The leader
 * reads slot by slot; the collector cuts off any row below any base that the horizon has passed.
 *
 * Checked: after the end each committed read is of the version that timestamp order says (SERIAL); with GC, no version
 * is given back while a transaction that read it runs, and no search meets one that was (G1, H4).
 *
 * Switches: DROP_ORD3_WRITER, DROP_ORD3_READER (a half of ORD-3 each), SKIP_CHECK, SKIP_RAISE, IGNORE_PENDING_IN_CHECK,
 * RESTS_UNMARKED, BELOW_UNCHECKED (faults); GC (with horizon and collector), HORIZON_TOO_HIGH, NO_RTS_BOUND (faults of
 * GC); BLIND (blind writes too); TWO (two transactions only), ONE_ROW (one row only).
 */
#if defined(DROP_ORD3_WRITER) || defined(DROP_ORD3_READER)
#define DROP_ORD3
#endif
#ifdef TWO
#define TXNS 2
#else
#define TXNS 3
#endif
#ifdef ONE_ROW
#define ROWS 1
#else
#define ROWS 2
#endif
#define AT(r, v) ((r) * 4 + (v))

#define NONE 0
#define READ 1
#define UPDATE 2
#define OVERWRITE 3

#define UNLINKED 0
#define PENDING 1
#define COMMITTED 2
#define ABORTED 3
#define FREE 4

byte status[8];
byte rts[8];
bool rests[8];          /* its writer has read the version below (V6) */
bool committed[8];      /* ghost: what status said before collection */
byte read_of[8];        /* ghost, by AT(row, transaction): version read + 1 */
bool has_committed[4];  /* ghost */
byte over;              /* transactions that ended */

/* Store buffers, by AT(row, transaction). */
bool buffered_link[8], buffered_rts[8];

#ifdef GC
byte min_wts = 1, min_rts = 0;
byte slot_wts[4], slot_rts[4];
#define FINISHED 9 /* a parked worker's slot: holds nothing back */
#endif

/* The version of row r that t sees; waits for pending ones. Continues below what it waited for, as the engine does. */
inline find(r, v, wait_for_pending)
{
    atomic {
        v = t;
        do
        :: v--;
           if
           :: wait_for_pending && status[AT(r, v)] == PENDING -> status[AT(r, v)] != PENDING
           :: else
           fi;
           assert(status[AT(r, v)] != FREE); /* G1 */
           if
           :: status[AT(r, v)] == COMMITTED -> break
           :: else -> assert(v > 0)
           fi
        od
    }
}

/* The newest linked version below t, of whatever status: what a CAS at t's place would expect to find. */
inline below(r, v)
{
    v = t - 1;
    do
    :: status[AT(r, v)] != UNLINKED -> break
    :: else -> v--
    od
}

/* Whether what is newer stands although t writes row r (V6). */
inline newer_stand(r, stand)
{
    stand = true;
    v = TXNS;
    do
    :: v > t ->
       if
       :: (status[AT(r, v)] == PENDING || status[AT(r, v)] == COMMITTED) && (rests[AT(r, v)] || rts[AT(r, v)] > v) ->
          stand = false
       :: status[AT(r, v)] == COMMITTED && !rests[AT(r, v)] && rts[AT(r, v)] <= v -> stand = true
       :: else
       fi;
       v--
    :: else -> break
    od;
    v = 0
}

inline link(r)
{
#ifndef RESTS_UNMARKED
    rests[AT(r, t)] = op[r] == UPDATE;
#endif
#ifdef DROP_ORD3_WRITER
    buffered_link[AT(r, t)] = true
#else
    status[AT(r, t)] = PENDING
#endif
}

inline raise(r, v)
{
#ifdef GC
    assert(status[AT(r, v)] != FREE);
#endif
#ifdef DROP_ORD3_READER
    buffered_rts[AT(r, t)] = true
#else
    if
    :: rts[AT(r, v)] < t -> rts[AT(r, v)] = t
    :: else
    fi
#endif
}

/* One buffered store of transaction t becomes visible. */
inline flush_one(r)
{
    if
    :: buffered_link[AT(r, t)] -> buffered_link[AT(r, t)] = false; status[AT(r, t)] = PENDING
    :: buffered_rts[AT(r, t)] -> buffered_rts[AT(r, t)] = false;
       if
       :: rts[AT(r, read_of[AT(r, t)] - 1)] < t -> rts[AT(r, read_of[AT(r, t)] - 1)] = t
       :: else
       fi
    fi
}

#ifdef DROP_ORD3
proctype buffer(byte t)
{
end:
    do
    :: atomic { buffered_link[AT(0, t)] || buffered_rts[AT(0, t)] -> flush_one(0) }
    :: atomic { buffered_link[AT(1, t)] || buffered_rts[AT(1, t)] -> flush_one(1) }
    od
}
#endif

#ifdef GC
/* A quiescent point. */
inline publish()
{
    v = min_wts; /* ORD-2: acquire */
    atomic { slot_rts[t] = v - 1; v = 0 } /* ORD-2: release */
}
#endif

/* ---- The steps of a transaction on one row. Each statement, atomic or d_step is one step of the interleaving. ---- */

inline choose(r)
{
    if
    :: op[r] = NONE
    :: op[r] = READ
    :: op[r] = UPDATE
#ifdef BLIND
    :: op[r] = OVERWRITE
#endif
    fi
}

inline read_row(r)
{
    if
    :: atomic {
           op[r] == READ || op[r] == UPDATE ->
           find(r, v, true);
           read[r] = v;
           read_of[AT(r, t)] = v + 1;
           v = 0
       }
    :: else
    fi
}

/* 3. Install: until the CAS succeeds, or the version below may not be superseded. */
inline install(r)
{
    if
    :: op[r] >= UPDATE && !fails ->
       do
       :: d_step { below(r, expected); v = 0 };
          find(r, v, true);
          if
          :: (op[r] == UPDATE && v != read[r]) || rts[AT(r, v)] > t ->
             d_step { fails = true; v = 0; expected = 0 };
             break
          :: else
          fi;
          d_step { newer_stand(r, stands) };
          if
          :: !stands -> d_step { fails = true; v = 0; expected = 0 };
             break
          :: else
          fi;
          atomic {
              below(r, v);
              if
              :: v != expected -> v = 0; expected = 0 /* the CAS fails */
              :: else -> link(r); linked[r] = true; v = 0; expected = 0; break
              fi
          }
       od
    :: else
    fi
}

/* 4. Raise, then 5. check. */
inline raise_and_check(r)
{
    if
    :: op[r] != NONE && !fails ->
#ifndef SKIP_RAISE
       if
       :: op[r] == READ -> atomic { raise(r, read[r]) }
       :: else
       fi;
#endif
#ifndef SKIP_CHECK
#ifndef BELOW_UNCHECKED
       d_step {
           if
           :: op[r] >= UPDATE ->
              newer_stand(r, stands);
              fails = !stands
           :: else
           fi;
           stands = true
       }
#endif
       atomic {
#ifdef IGNORE_PENDING_IN_CHECK
           find(r, v, false);
#else
           find(r, v, true);
#endif
           if
           :: op[r] != OVERWRITE && v != read[r] -> fails = true
           :: else
           fi
       }
       d_step {
           if
           :: op[r] >= UPDATE && !fails && rts[AT(r, v)] > t -> fails = true
           :: else
           fi;
           v = 0
       }
#endif
    :: else
    fi
}

/* 7. Decide. */
inline decide(r)
{
    if
    :: atomic {
           linked[r] ->
           if
           :: fails -> status[AT(r, t)] = ABORTED
           :: else -> rts[AT(r, t)] = (rts[AT(r, t)] < t -> t : rts[AT(r, t)]);
              status[AT(r, t)] = COMMITTED;
              committed[AT(r, t)] = true
           fi;
           linked[r] = false
       }
    :: else
    fi
}

#ifdef ONE_ROW
#define EACH_ROW(step) step(0)
#else
#define EACH_ROW(step) step(0); step(1)
#endif

proctype transaction(byte t)
{
    byte op[2], read[2], v, expected;
    bool fails, linked[2], stands = true;

    atomic { EACH_ROW(choose) }
#ifdef GC
    if
    :: publish()
    :: true
    fi;
#endif
    EACH_ROW(read_row);
    EACH_ROW(install);
    EACH_ROW(raise_and_check);
#ifdef DROP_ORD3
    /* ORD-7: the decision is a release store, so nothing is left in the buffers. */
    !buffered_link[AT(0, t)] && !buffered_link[AT(1, t)] && !buffered_rts[AT(0, t)] && !buffered_rts[AT(1, t)];
#endif
    EACH_ROW(decide);
    d_step {
#ifdef GC
        assert(op[0] == NONE || op[0] == OVERWRITE || status[AT(0, read[0])] != FREE); /* H4: still there at the end */
        assert(op[1] == NONE || op[1] == OVERWRITE || status[AT(1, read[1])] != FREE);
        slot_wts[t] = FINISHED; /* parks: one store of the slot's state */
        slot_rts[t] = FINISHED;
#endif
        has_committed[t] = !fails;
        over++;
        /* Forgets what matters no more, so that fewer states differ. */
        if
        :: fails -> read_of[AT(0, t)] = 0; read_of[AT(1, t)] = 0
        :: else
        fi;
        op[0] = 0; op[1] = 0; read[0] = 0; read[1] = 0; fails = false
    }
}

#ifdef GC
/* The leader's round, slot by slot, then collection of one row: what is older than a base below min_rts. */
proctype leader()
{
    byte i, wts, lowest_wts, lowest_rts, base;
end:
    do
    :: true ->
       lowest_wts = FINISHED;
       lowest_rts = FINISHED;
       i = 1;
       do
       :: i <= TXNS ->
          wts = slot_wts[i];
          d_step {
              if :: wts < lowest_wts -> lowest_wts = wts :: else fi;
              if :: slot_rts[i] < lowest_rts -> lowest_rts = slot_rts[i] :: else fi;
              wts = 0;
              i++
          }
       :: else -> break
       od;
#ifdef HORIZON_TOO_HIGH
       lowest_rts = lowest_wts;
#endif
#ifdef NO_RTS_BOUND
       lowest_rts = lowest_wts - 1;
#endif
       if :: lowest_wts > min_wts -> min_wts = lowest_wts :: else fi;
       if :: lowest_rts > min_rts -> min_rts = lowest_rts :: else fi;
       d_step { i = 0; lowest_wts = 0; lowest_rts = 0 }
    :: atomic {
           if :: i = 0 :: i = 1 fi;
           if :: base = 1 :: base = 2 :: base = 3 fi;
           if
           :: base < min_rts && status[AT(i, base)] == COMMITTED ->
              do
              :: base > 0 -> base--;
                 if :: status[AT(i, base)] != UNLINKED -> status[AT(i, base)] = FREE :: else fi
              :: else -> break
              od
           :: else
           fi;
           i = 0;
           base = 0
       }
    od
}
#endif

/* After the end: who committed has read what a serial execution in timestamp order would have shown. */
proctype judge()
{
    byte t, r, v;
    over == TXNS;
    d_step {
        t = 1;
        do
        :: t <= TXNS ->
           r = 0;
           do
           :: r < ROWS ->
              if
              :: has_committed[t] && read_of[AT(r, t)] ->
                 v = t - 1;
                 do
                 :: v == 0 || committed[AT(r, v)] -> break
                 :: else -> v--
                 od;
                 assert(read_of[AT(r, t)] == v + 1) /* SERIAL */
              :: else
              fi;
              r++
           :: else -> break
           od;
           t++
        :: else -> break
        od
    }
}

init
{
    byte i;
    atomic {
        status[AT(0, 0)] = COMMITTED;
        status[AT(1, 0)] = COMMITTED;
        i = 1;
        do
        :: i <= TXNS ->
#ifdef GC
           slot_wts[i] = i;
#endif
           run transaction(i);
#ifdef DROP_ORD3
           run buffer(i);
#endif
           i++
        :: else -> break
        od;
#ifdef GC
        run leader();
#endif
        run judge()
    }
}
