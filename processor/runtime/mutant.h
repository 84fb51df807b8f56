/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that the simulator takes away, one at a time, to see that its checkers notice (`sim mutants`), and
 * that a build for a control of tests/chaos or for tests/bench/exactness.py leaves out
 * (-DSEGUE_WITHOUT=MUTANT_NO_WATCH). In every other build SIM_WITHOUT is constant false and the compiler
 * removes it. */
#ifndef RUNTIME_MUTANT_H
#define RUNTIME_MUTANT_H

#define MUTANTS(X)                                                                                 \
    X(MUTANT_NONE, "none", "no rule removed")                                                      \
    X(MUTANT_REDIS_FIRST, "redis-first", "apply to Redis before the transaction has committed")    \
    X(MUTANT_NO_MARKER_WAIT, "no-marker-wait", "take the journal as it is, cut C or not")          \
    X(MUTANT_NO_READ_JUDGE, "no-read-judge", "believe a read without its head")                    \
    X(MUTANT_NO_WATCH, "no-watch", "write to Redis without comparing the head")                    \
    X(MUTANT_NO_FENCE, "no-fence", "write to Redis command by command, comparing nothing")         \
    X(MUTANT_NO_REINIT, "no-reinit", "keep the producer after a failed or retried commit")         \
    X(MUTANT_NO_RECLAIM, "no-reclaim", "go on from memory after a failed commit")                  \
    X(MUTANT_ASK_EARLY, "ask-early", "read C while a commit of our own is still running")          \
    X(MUTANT_EVICT_PINNED, "evict-pinned", "evict customers whose cut Redis does not have")        \
    X(MUTANT_NO_OVERLAY, "no-overlay", "read a due bucket without what Redis does not have yet")   \
    X(MUTANT_KEEP_CACHE, "keep-cache", "keep customers in memory through a claim")                 \
    X(MUTANT_OLD_ANSWER, "old-answer", "believe answers to questions of an earlier claim")         \
    X(MUTANT_BLIND_SEND, "blind-send", "write after a reconnect without looking at the head")      \
    X(MUTANT_NO_FROM, "half-offsets", "commit the offsets of one source only")                     \
    X(MUTANT_SKIP_PARTIAL, "skip-partial", "take an EXEC with errors inside for a good one")       \
    X(MUTANT_NO_REDO, "no-redo", "take the head's cut for whole when a task is claimed")           \
    X(MUTANT_TAKE_FOR_DONE, "take-for-done", "take a head that moved for a write that went well")  \
    X(MUTANT_NIL_IS_DONE, "nil-is-done", "take a late write of ours for the one that was refused") \
    X(MUTANT_COPY_EARLY, "copy-early", "write checkpoints of a cut whose answer is not here yet")  \
    X(MUTANT_GUESS_APPLY, "guess-apply", "take a lost apply for done")                             \
    X(MUTANT_SKIP_GAP, "skip-gap", "apply the next cut that the journal has, whichever it is")     \
    X(MUTANT_FENCE_ALL, "fence-all", "a fence takes away what was assigned since, too")            \
    X(MUTANT_WALL_CLOCK, "wall-clock", "believe this machine's clock, however far ahead it is")    \
    X(MUTANT_OLD_CHECKPOINT, "old-checkpoint", "count checkpoints of an earlier claim as written") \
    X(MUTANT_OLD_BUCKET, "old-bucket", "restore checkpoints without asking for older ones")        \
    X(MUTANT_BOTH_COUNT, "both-count", "restore two checkpoints of a customer from one batch")     \
    X(MUTANT_LOW_EARLY, "low-early", "call a cut checkpointed before its customers are")           \
    X(MUTANT_CURSOR_AHEAD, "cursor-ahead", "record the due cursor at now, whoever still waits")    \
    X(MUTANT_SWEEP_MISSED, "sweep-missed", "who did not fit into the heap counts as swept")        \
    X(MUTANT_SWEEP_PARTS, "sweep-parts", "a due set is divided anew while its parts are swept")    \
    X(MUTANT_SWEEP_CURSOR, "sweep-cursor", "a scan goes on after a reconnect where it was before") \
    X(MUTANT_SWEEP_LATE, "sweep-late", "customers are looked at before the sweep has begun")       \
    X(MUTANT_NO_MERGE_WAIT, "no-merge-wait", "take the earliest record that is here")              \
    X(MUTANT_STALE_END, "stale-end", "believe an end that was heard of long ago")

#define MUTANT_ENUM(name, text, what) name,
enum mutant { MUTANTS(MUTANT_ENUM) MUTANT_COUNT };
#undef MUTANT_ENUM

#ifdef SEGUE_MUTANTS
extern enum mutant sim_mutant;
#define SIM_WITHOUT(rule) (sim_mutant == (rule))
#elif defined(SEGUE_WITHOUT)
#define SIM_WITHOUT(rule) ((rule) == SEGUE_WITHOUT)
#else
#define SIM_WITHOUT(rule) false
#endif

#endif
