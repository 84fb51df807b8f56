/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a state machine that owns some tasks and one Kafka producer, and never blocks.
 *
 *   fetch -> decode -> customers (cache or Redis) -> engine -> cut -> one transaction -> fenced apply to Redis
 *
 * This is the only place that knows order, commit and retry; README.md beside it has the order of effects
 * and the crash table. All trouble is answered in one of three ways: wait and try again; forget a task and
 * claim it again (Kafka holds the truth); leave the process (WORKER_LEAVE, exit 75).
 *
 * Threads: everything of a worker belongs to one thread, except struct worker_stats (atomics). */
#ifndef RUNTIME_WORKER_H
#define RUNTIME_WORKER_H

#include <stdatomic.h>

#include "base/metrics.h"
#include "engine/engine.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/store.h"
#include "runtime/learn.h"

/* Clock stream: an event dated further ahead of the wall clock is rejected. No history is of then, and synthetic
 * ones of the next years are welcome. */
#define WORKER_STREAM_FUTURE_MS_MAX (INT64_C(3653) * 86400000)

enum {
    WORKER_APPLY_QUEUE_MAX = 16,      /* the most that apply_queue_max may be */
    WORKER_APPLICATION_SIZE_MAX = 64, /* bytes of the application's name */
    WORKER_CLUSTER_ID_SIZE_MAX = 64,  /* bytes of Kafka's cluster id */
    WORKER_HISTOGRAM_BUCKETS = METRIC_BUCKET_COUNT + 1,
    WORKER_REASON_SIZE = 480,
    WORKER_GATES_MAX = 32, /* gates of an offer that are counted */
};

/* What decode says about a record. */
enum worker_decode {
    WORKER_DECODED,
    WORKER_REJECTED, /* a dead letter with that reason */
    WORKER_WAIT,     /* its schema is not known yet: the task stops here and asks again */
};

/* Bytes <-> events and outputs. Production passes codec/, the simulator its own. */
struct worker_codec {
    void *context;
    /* Read a record. `out_event` borrows from the record. Called again after WORKER_WAIT, and may be called
     * twice for one record. partition, offset and source are filled in by the caller afterwards. */
    enum worker_decode (*decode)(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject);
    /* Turn an output into a record to write. Everything `out_write` points to is taken from `arena`, or is
     * static. `processed_at_ms`: the wall clock. STATUS_FULL: the arena is full (nothing was written). */
    enum status (*encode)(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write);
};

struct worker_limits {
    uint32_t chunk_records;      /* records a task takes at a time; default 512 */
    uint32_t customers_per_cut;  /* customers of a task a transaction may touch; default 8192 */
    uint32_t records_per_commit; /* inputs of one transaction; default 50000 */
    uint32_t outputs_per_commit; /* records of one transaction; default 16384 */
    uint32_t due_entries;        /* deadlines a task holds in memory; default 4096 */
    size_t input_bytes;          /* keys and values of one transaction's inputs; default 16 MiB */
    size_t cut_bytes;            /* a task's cut, written or read; default 4 MiB */
    size_t commit_bytes;         /* cuts and outputs of one transaction, each; default 16 MiB */
    size_t step_bytes;    /* room for the encoded outputs of one engine step; default 512 KiB */
    size_t message_bytes; /* a journal record's value; larger cuts are split; default 900 KiB */
    size_t cache_bytes;   /* customers' blocks in memory; default 64 MiB */
};

enum worker_start { WORKER_START_EARLIEST, WORKER_START_OFFSET };

struct worker_source {
    bool used;
    enum worker_start start; /* of a first start only */
    /* WORKER_START_OFFSET: per task, where the first start begins; static */
    const int64_t *start_offsets;
    int64_t stale_after_ms; /* nobody's record for so long: its absences are held; 0: never */
    const char *topic;      /* named in dead letters; static */
};

/* When each source's newest record was appended, over all tasks of the process; INT64_MIN: not known. */
struct worker_heard {
    atomic_int_least64_t at_ms[SOURCE_COUNT];
};

void worker_heard_init(struct worker_heard *heard);

struct worker_options {
    const struct engine *engine;
    struct log *log;
    struct store *store;
    struct clock *clock;
    struct worker_codec codec;
    const char *application;        /* static, at most WORKER_APPLICATION_SIZE_MAX - 1 bytes */
    const char *cluster_id;         /* Kafka's; static */
    const char *journal_topic;      /* static */
    const char *checkpoint_topic;   /* static */
    uint32_t task_count;            /* N */
    uint32_t journal_partitions;    /* J: task t's journal is partition floor(t * J / N) */
    uint32_t checkpoint_partitions; /* likewise */
    uint32_t tasks_max; /* tasks this worker may own at a time, at most LOG_TASKS_PER_WORKER_MAX */
    struct worker_source sources[SOURCE_COUNT];
    enum engine_clock clock_mode;
    int64_t commit_interval_ms; /* latest; default 50 */
    /* latest while of each task in it four times as much waits to be read as it holds; default 500 */
    int64_t commit_catch_up_ms;
    uint32_t apply_queue_max; /* committed cuts of a task that may wait for Redis; default 3 */
    int64_t commit_floor_ms;  /* least time between two commits while little arrives; default 5 */
    int64_t checkpoint_interval_ms; /* default 30,000 */
    int64_t journal_keep_ms;   /* no journal record younger than this is deleted; default 1 h */
    int64_t future_ms_max;     /* an event dated further ahead is rejected; default 5 min */
    int64_t clock_lead_ms_max; /* how far the wall clock may run ahead of Kafka's; default 60 s */
    /* A Redis answer later than this breaks its connection; default 10 s */
    int64_t store_timeout_ms;
    bool store_reads_per_task; /* a connection for the reads of each task, after those that write */
    /* clock stream: how long a record waits for a source at its end; default 2 s */
    int64_t merge_wait_ms;
    /* Shared by all workers of the process; NULL: the worker's own, and its own counters only. */
    struct worker_heard *heard;
    struct worker_learning *learning;
    /* customers a second that sweeps of this worker look at; 0: as fast as cuts have room */
    uint32_t sweep_rate;
    struct worker_limits limits;
};

/* The defaults; the caller fills in the rest. */
void worker_options_init(struct worker_options *options);

/* A task's cut has at most `cut_bytes`, and is read with as much. A transaction has room for four such cuts, but
 * for no more than 16 MiB of them unless one alone needs it. */
void worker_limit_cuts(struct worker_limits *limits, size_t cut_bytes);

enum task_state {
    TASK_IDLE,     /* not ours */
    TASK_CLAIMING, /* learning the truth from Kafka, fencing Redis, catching up */
    TASK_LIVE,
    TASK_REBUILDING, /* Redis is being written anew from checkpoints and journal */
    TASK_HALTED,     /* a person must look; the reason says what to do */
    TASK_STATE_COUNT
};

const char *task_state_name(enum task_state state);

/* Counters for /metrics; one writer (the worker), any reader. */
struct worker_task_stats {
    atomic_uint_least32_t task;      /* number, UINT32_MAX: slot not in use */
    atomic_int_least32_t state;      /* enum task_state */
    atomic_uint_least32_t halt;      /* enum halt: why, while the state is TASK_HALTED */
    atomic_uint_least64_t committed; /* C */
    atomic_uint_least64_t applied;   /* W */
    atomic_int_least64_t now_ms;     /* the task's clock */
    atomic_int_least64_t lag;        /* records not read yet, all sources; -1: not known */
    atomic_int_least64_t
        due_lag_ms; /* live: now_ms past the earliest deadline not looked at; else, and when none waits, 0 */
    atomic_uint_least64_t rebuilt;   /* customers written by the last rebuild */
    atomic_uint_least64_t customers; /* with a record */
    atomic_uint_least64_t low;       /* cuts from here on are needed for a rebuild */
};

/* Buckets as of base/metrics.h, each for itself; the last is beyond. */
struct worker_histogram {
    atomic_uint_least64_t buckets[WORKER_HISTOGRAM_BUCKETS];
    atomic_uint_least64_t sum_us;
    atomic_uint_least64_t count;
};

/* Of a task while it was this worker's. Never falls, whoever has the task now. */
struct worker_task_totals {
    atomic_uint_least64_t events;
    atomic_uint_least64_t rejects;
    struct worker_histogram apply_latency;
};

struct worker_stats {
    atomic_uint_least64_t events;
    atomic_uint_least64_t rejects[REJECT_REASON_COUNT];
    atomic_uint_least64_t outputs[OUTPUT_KIND_COUNT];
    atomic_uint_least64_t deadlines; /* customers looked at with no event */
    atomic_uint_least64_t commits;
    atomic_uint_least64_t commits_failed;
    atomic_uint_least64_t claims;
    atomic_uint_least64_t decisions;                 /* committed, with at least one offer */
    atomic_uint_least64_t no_offers;                 /* without */
    atomic_uint_least64_t blocked[WORKER_GATES_MAX]; /* offers stopped, by the engine's gates */
    atomic_uint_least64_t unsure[SOURCE_COUNT]; /* committed: events that may have come before */
    atomic_uint_least64_t rebuilds;
    atomic_uint_least64_t applies;
    atomic_uint_least64_t cache_hits;
    atomic_uint_least64_t cache_misses;
    atomic_uint_least64_t cache_used;     /* customers in memory */
    atomic_uint_least64_t cache_limit;    /* room for so many */
    atomic_uint_least64_t redis_connects; /* connections made ready */
    atomic_uint_least64_t redis_breaks;   /* lost after they were ready */
    atomic_uint_least64_t redis_commands;
    atomic_uint_least64_t redis_sent;     /* bytes */
    atomic_uint_least64_t redis_received; /* bytes */
    atomic_uint_least64_t redis_ready;    /* 1: the connection for reads is ready */
    atomic_uint_least64_t checkpoints;
    atomic_uint_least64_t journal_bytes;
    atomic_uint_least64_t turns;               /* a watchdog looks at this */
    atomic_int_least64_t transaction_since_ms; /* when the running commit began; 0: none */
    /* Tasks whose customers are being looked at under another playbook */
    atomic_uint_least64_t sweeping;
    atomic_uint_least64_t swept;      /* customers brought by for that */
    atomic_uint_least64_t held_clock; /* tasks for which the wall clock runs ahead of Kafka's */
    atomic_uint_least64_t silent[SOURCE_COUNT]; /* tasks for which that source is silent */
    struct worker_histogram commit_latency;
    struct worker_task_stats tasks[LOG_TASKS_PER_WORKER_MAX];
    struct worker_task_totals *totals; /* by task number: options.task_count of them */
};

struct worker;

/* Bytes that Redis' answers to the largest write of a task take (struct redis_settings' write_reply_size_max). */
size_t worker_reply_size(const struct worker_limits *limits);

/* Take all memory (base/memory.h) and open a producer. STATUS_INVALID: an option is out of range. */
MUST_USE enum status worker_open(struct worker **out_worker, const struct worker_options *options,
                                 struct status_text *out_text);

enum worker_outcome {
    WORKER_GO_ON,   /* call again after at most out_wait_ms, or when log or store have something */
    WORKER_DRAINED, /* after worker_stop: everything is committed and applied */
    WORKER_LEAVE,   /* leave the process at once with exit code 75; worker_reason says why */
};

/* Do what can be done now. Never blocks, never sleeps. */
enum worker_outcome worker_turn(struct worker *worker, int32_t *out_wait_ms);

/* Finish the batch that is being built, commit, apply, then WORKER_DRAINED. Read no more. */
void worker_stop(struct worker *worker);

struct worker_stats *worker_stats(struct worker *worker);

/* Why a task waits, halted or was claimed last; or why the worker leaves (task UINT32_MAX). Never NULL. */
const char *worker_reason(const struct worker *worker, uint32_t number);

#endif
