/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: Kafka, Redis, clocks, crashes, and the real runtime in the middle.
 *
 * One thread, one seed, one order of things: an event heap in virtual time. What makes the real
 * thing hard is in the models: transactions whose markers reach each partition at their own time, a
 * generation that is checked at TxnOffsetCommit only, stable offsets, late copies of EndTxn and
 * TxnOffsetCommit, lost replies, zombies, Redis that falls back to an older prefix. The checkers
 * share no code with the runtime but the cut format. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdio.h>

#include "base/arena.h"
#include "base/random.h"
#include "runtime/cut.h"
#include "runtime/head.h"
#include "runtime/mutant.h"
#include "runtime/worker.h"

enum {
    SIM_PROCESSES = 3,
    SIM_TASKS = 4,
    SIM_JOURNALS = 2,
    SIM_SOURCES = 2,
    SIM_CUSTOMERS = 160,
    SIM_CUTS_MAX = 4096,
    SIM_QUEUE = 4096,
    SIM_CONNECTIONS = 1 + SIM_TASKS,
    SIM_PHASE_1_US = 4000000, /* with faults; the inputs arrive in that time and a little longer */
};

/* Two seconds before the end of a minute: the due buckets change in the middle of the faults. */
#define SIM_WALL_MS INT64_C(1700000038000)

/* ---- faults of one seed: each seed enables a random subset ---- */
struct sim_faults {
    double kill;           /* per second and process */
    double freeze;         /* per second and process */
    double rebalance;      /* per second: a member that leaves and comes back */
    double commit_lost;    /* the reply of EndTxn does not come */
    double commit_refused; /* the transaction is aborted by the broker */
    double late_end;       /* a second EndTxn arrives much later */
    double late_offsets;   /* a second TxnOffsetCommit arrives much later */
    double slow_marker;    /* a partition's marker takes long */
    double redis_break;    /* a connection breaks, before or after its commands ran */
    double redis_error;    /* -OOM or -LOADING */
    double redis_slow;
    double redis_back;     /* per second: falls back to an older prefix */
    double redis_one_step; /* of these falls: by one step only */
    double redis_flush;    /* per second: everything is lost */
    double redis_partial;  /* an error inside EXEC */
    double clock_jump;     /* per second and process */
    double fetch_away;     /* per second and process: the brokers of the inputs cannot be reached */
    double leader;         /* per second: a partition loses its leader for a while */
    double retention;      /* per second: a task's inputs lose all that is committed */
};

/* ---- Kafka ---- */
enum {
    SIM_PARTITION_OUT = SIM_JOURNALS,
    SIM_PARTITION_CHECKPOINTS,
    SIM_PARTITIONS = SIM_PARTITION_CHECKPOINTS + SIM_JOURNALS
};

struct sim_txn {
    uint32_t producer;
    uint32_t epoch;
    enum { TXN_OPEN, TXN_COMMITTED, TXN_ABORTED } state;
    bool has_offsets;
    bool offsets_final;
    uint32_t offset_count;
    uint32_t markers_left;
    uint64_t partitions;            /* bit per partition that has records of it */
    uint32_t first[SIM_PARTITIONS]; /* where they begin there */
    int64_t began_us;
    struct log_offset offsets[SIM_TASKS * SIM_SOURCES]; /* offset_count; the rest is not zeroed */
};

struct sim_entry {
    struct sim_txn *txn;
    bool marked; /* the marker has reached this partition */
    uint32_t topic;
    int64_t append_ms;
    size_t size;
    uint8_t *data;
    bool tombstone;
    struct slice key; /* checkpoints */
    struct header header;
};

struct sim_partition {
    struct sim_entry *entries;
    uint32_t count;
    uint32_t limit;
    uint32_t stable; /* the last stable offset: everything before has its marker */
    int64_t start;   /* first offset not deleted */
    int64_t led_us;  /* until then it has no leader: nothing is written, read or marked there */
};

struct sim_input {
    uint32_t customer;
    uint32_t number;
    int64_t time_ms;
    int64_t visible_us;
    int64_t append_ms;
    bool garbage;
    uint8_t value[32];
    uint8_t value_size;
};

struct sim_place {
    uint8_t source;
    uint32_t offset;
};

struct sim_group {
    uint32_t generation;
    uint32_t members[SIM_PROCESSES]; /* member id; 0: not in the group */
    uint32_t next_member;
    uint32_t owner[SIM_TASKS]; /* process; UINT32_MAX: nobody */
    int64_t offsets[SIM_TASKS][SOURCE_COUNT];
    char metadata[SIM_TASKS][SOURCE_COUNT][LOG_METADATA_SIZE_MAX];
};

struct sim_node;
struct sim_map;
struct sim_answer {
    struct sim_op *op;
};

/* ---- a process ---- */
struct late;
struct sim_connection {
    uint64_t epoch; /* 0: not connected */
    uint64_t counter;
    int64_t last_us; /* pipelines of a connection keep their order */
    struct {
        struct sim_node *node;
        uint64_t version;
    } watched[SIM_TASKS];
    uint32_t watched_count;
    struct late *late; /* arrives just before the next transaction, if it has not by then */
};

struct sim_log {
    struct log log;
    uint32_t process;
};

struct sim_store {
    struct store store;
    uint32_t process;
};

struct sim_clock {
    struct clock clock;
    uint32_t process;
};

struct sim_reader {
    bool active;
    bool held;
    uint32_t serial;
    int64_t offset;
    /* Its end is told from here on: the high watermark when a read of checkpoints began */
    int64_t target;
};

struct sim_process {
    bool alive;
    uint32_t life; /* counts starts: what was sent to an older life is lost */
    int64_t frozen_until_us;
    int64_t start_at_us;
    int64_t turn_at_us;
    int64_t clock_skew_ms;
    struct worker *worker;
    struct sim_log log;
    struct sim_store store;
    struct sim_clock clock;
    struct log_event *events; /* SIM_QUEUE, arrived */
    uint32_t event_head, event_count;
    uint8_t *record_copy;                     /* of the journal record handed out last */
    int64_t fetch_at[SIM_TASKS][SIM_SOURCES]; /* -1: not reading */
    bool handed_out[SIM_TASKS][SIM_SOURCES];
    int64_t end_seen[SIM_TASKS][SIM_SOURCES]; /* as the last fetch or answer said; -1: none yet */
    int64_t fetch_away_until_us;
    struct sim_reader journal[SIM_TASKS];
    struct sim_reader checkpoint[SIM_TASKS];
    uint32_t epoch;                                /* of its producer instance; 0: none */
    uint32_t instance;                             /* counts open_producer */
    uint32_t metadata_generation, metadata_member; /* captured at the assignment */
    uint32_t member;
    bool committing;
    struct sim_connection connections[SIM_CONNECTIONS];
    struct sim_answer *answers; /* arrived */
    uint32_t answer_count, answers_taken;
};

/* What a violation is of. Each mutant is named with those that found it. */
#define SIM_ORACLES(X)                                                                             \
    X(ORACLE_NONE, "none")                                                                         \
    X(ORACLE_READABLE, "readable")   /* what is committed, and what Redis has, can be read */      \
    X(ORACLE_CUTS, "cuts")           /* contiguous, each with its predecessor's hash */            \
    X(ORACLE_INPUTS, "inputs")       /* a cut reads on from where the last one ended */            \
    X(ORACLE_OFFSETS, "offsets")     /* committed with their cut, and never going back */          \
    X(ORACLE_CLOCK, "clock")         /* nothing is ahead of the brokers' clock */                  \
    X(ORACLE_CUSTOMERS, "customers") /* a cut says how many there are */                           \
    X(ORACLE_ORDER, "order")         /* clock stream: all sources merged by time */                \
    X(ORACLE_OUTPUTS, "outputs")     /* of a customer follow each other */                         \
    X(ORACLE_SWEEPS, "sweeps")       /* begin once, leave nobody behind */                         \
    X(ORACLE_AHEAD, "ahead")         /* Redis has nothing that is not committed */                 \
    X(ORACLE_STATE, "state")         /* Redis is the state after the cut that it names */          \
    X(ORACLE_COPIES, "copies")       /* a checkpoint is the customer as of its cut */              \
    X(ORACLE_COMMANDS, "commands")   /* nothing that the ACL forbids */                            \
    X(ORACLE_RECOUNT, "recount")     /* of the inputs, and every output once */                    \
    X(ORACLE_DEADLINES, "deadlines") /* none is missed */                                          \
    X(ORACLE_DUE_SETS, "due sets")   /* a customer is in one, that his record names */             \
    X(ORACLE_MENDED, "mended")       /* nothing half done is left */                               \
    X(ORACLE_LIVENESS, "liveness")   /* with no more faults, everything is processed */

#define ORACLE_ENUM(id, name) id,
enum sim_oracle { SIM_ORACLES(ORACLE_ENUM) ORACLE_COUNT };
#undef ORACLE_ENUM

struct sim_checker {
    uint64_t seq[SIM_TASKS];
    int64_t position[SIM_TASKS][SOURCE_COUNT];
    uint64_t hash[SIM_TASKS];                     /* of the last cut's payload */
    uint64_t state_hash[SIM_TASKS][SIM_CUTS_MAX]; /* S_n as a sum over its items */
    struct sim_map *model[SIM_TASKS];             /* S_C itself */
    uint32_t merged[SIM_TASKS];                   /* how far in sim->order the outputs are */
    uint64_t changed[SIM_CUSTOMERS];              /* the last cut about him */
    uint32_t outputs_counts[SIM_CUSTOMERS];       /* the last count that an output named */
    uint32_t outputs_fires[SIM_CUSTOMERS];
    uint32_t outputs_swept[SIM_CUSTOMERS];
    uint32_t begun[SIM_TASKS],
        complete[SIM_TASKS];       /* version of the playbook in the last marker; 0: none */
    bool completes[SIM_TASKS];     /* in the transaction that is being checked */
    uint32_t customers[SIM_TASKS]; /* with a record in S_C */
    uint32_t dead_letters;
    uint32_t
        fired;   /* so many customers, from the first, had no deadline left when that was asked */
    bool asking; /* whether the end would hold: nothing is a violation yet, .. */
    bool unmet;  /* ..but it would be one */
    bool failed;
    enum sim_oracle oracle; /* that failed first */
    char text[512];
};

struct sim {
    struct random random, elections;
    uint64_t seed;
    int64_t now_us;
    bool quiet; /* phase 2: no more faults */
    bool tail;  /* nothing is left to read: deadlines only */
    /* How far all wall clocks went on without anybody noticing: in the tail, time is short */
    int64_t leapt_ms;
    struct sim_faults faults;
    struct sim_process processes[SIM_PROCESSES];
    struct sim_group group;
    struct sim_input *inputs[SIM_SOURCES][SIM_TASKS];
    uint32_t input_count[SIM_SOURCES][SIM_TASKS];
    uint32_t input_end[SIM_SOURCES][SIM_TASKS];  /* how many have appeared so far */
    int64_t input_first[SIM_SOURCES][SIM_TASKS]; /* offset of the first not deleted */
    bool stream;                                 /* this seed's clock */
    uint32_t playbook; /* the version that a process starts with; all begin with 1 */
    int32_t pace;      /* who waits for a millisecond is woken after so many: a busy machine */
    struct sim_place *order[SIM_TASKS]; /* stream: all good inputs as they merge */
    uint32_t order_count[SIM_TASKS];
    int64_t order_now_ms[SIM_TASKS]; /* the latest event's time */
    uint32_t input_expected[SIM_CUSTOMERS];
    uint32_t garbage_expected;
    struct sim_partition partitions[SIM_PARTITIONS];
    struct {
        uint32_t epoch;
        struct sim_txn *txn; /* open, or ended with markers under way */
    } producers[SIM_PROCESSES];
    struct sim_map *redis; /* everything */
    uint64_t redis_hash[SIM_TASKS];
    uint64_t damaged
        [SIM_TASKS]; /* the EXEC of this cut ran in part: wrong until that is written again; 0: none */
    struct sim_checker checker;
    bool traced; /* somebody looks at the trace or at its hash */
    uint64_t trace_hash;
    FILE *trace; /* NULL: quiet */
    uint64_t steps;
    struct {
        uint64_t kills, freezes, rebalances, backs, flushes, commits, aborted, late_ends,
            late_offsets, breaks, elections;
        uint64_t cuts, applies, rebuilds, trims, checkpoints;
    } counts;
};

extern struct sim *sim;          /* the one being run */
extern uint32_t sim_process_now; /* whose turn it is: its memory_take, its random numbers */

/* world */
bool sim_chance(double chance);
int64_t sim_between(int64_t low, int64_t high);
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The first violation ends the seed; what is said later is not kept. */
void sim_fail(enum sim_oracle oracle, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *sim_oracle_name(enum sim_oracle oracle);
int64_t sim_wall_ms(void);
/* how far ahead a task may be of it: as worker_options_init has it */
enum { CLOCK_LEAD_MS = 60000 }; /* the brokers' clock, and a good machine's */
void *sim_take(size_t size);    /* zeroed; lives until the seed ends */
/* Not zeroed, for who writes all of it before anything of it is read. */
void *sim_take_raw(size_t size);
/* Call fn(data, process) at now + delay, unless `life` of the process has ended by then
 * (UINT32_MAX: always). */
void sim_later(int64_t delay_us, uint32_t process, uint32_t life,
               void (*fn)(void *data, uint32_t process), void *data);
void sim_wake(uint32_t index);

/* kafka */
void sim_kafka_init(void);
void sim_lose_leader(uint32_t partition, int64_t length_us);
/* Something for that process's log to say. */
void sim_push(uint32_t index, const struct log_event *event);
/* An event has room for offsets and their metadata, most of which no event but one has. */
void sim_event_copy(struct log_event *to, const struct log_event *from);
void sim_log_open(struct sim_process *process, uint32_t index);
void sim_group_join(uint32_t process, bool restart);
void sim_group_leave(uint32_t process);
void sim_process_died(uint32_t process);

/* intake: struct log_ops' functions about the inputs */
uint32_t sim_intake_fetch(struct log *log, uint32_t task, uint32_t source,
                          struct log_record *out_records, uint32_t max);
void sim_intake_release(struct log *log, struct log_record *records, uint32_t count);
void sim_intake_start(struct log *log, uint32_t task, const int64_t *offsets);
void sim_intake_stop(struct log *log, uint32_t task);
int64_t sim_intake_high_watermark(struct log *log, uint32_t task, enum source source,
                                  bool *out_empty);
void sim_intake_ask_ends(struct log *log, uint32_t task, uint32_t ticket);

/* Every record of the task's inputs whose offset is committed is deleted. */
void sim_intake_retention(uint32_t task);

/* inputs: made, and put into the order that clock stream must make of them */
void sim_make_inputs(void);
void sim_merge_inputs(void);

/* redis */
struct sim_map *sim_map_open(void);
void sim_redis_init(void);
void sim_store_open(struct sim_process *process, uint32_t index);
void sim_redis_back(uint32_t steps);
void sim_redis_flush(void);
void sim_redis_restart(void);
/* The commutative hash of one item; part of both sides of the prefix check. */
uint64_t sim_item_hash(char kind, struct slice key, struct slice name, struct slice value);
/* Value of a string key, or an empty slice. */
struct slice sim_redis_get(struct slice key);
/* In how many due sets of his task is each customer, and which one (the last found)? SIM_CUSTOMERS entries. */
struct sim_due {
    uint32_t sets;
    int64_t bucket;
};
void sim_redis_due(struct sim_due *out_due);

/* checkers */
void sim_check_commit(const struct sim_txn *txn);
void sim_check_redis(uint32_t task);
/* sim_copies.c; after the cuts of the same transaction. */
void sim_check_copies(const struct sim_txn *txn);
/* W of a head that says READY, or 0. */
uint64_t sim_check_ready(uint32_t task);
/* Would sim_check_end find nothing, and is no deadline left that the clock would still bring about? */
bool sim_check_is_over(void);
void sim_check_end(void);

/* toy engine */

struct slice sim_customer_id(uint32_t customer); /* static */
int64_t sim_customer_index(struct slice id);
uint32_t sim_customer_task(uint32_t customer);
struct toy_state {
    uint32_t count, fires, version, swept;
    int64_t deadline_ms;
};
bool toy_read(struct slice packed, struct toy_state *out);
enum {
    TOY_OUTPUT_COUNT = 1,
    TOY_OUTPUT_FIRE = 2,
    TOY_OUTPUT_DEAD = 3,
    TOY_OUTPUT_SWEPT = 4,
    TOY_OUTPUT_BEGIN = 5,
    TOY_OUTPUT_COMPLETE = 6
};
extern const struct worker_codec toy_codec;
const struct engine *toy_engine(uint32_t version);

#endif
