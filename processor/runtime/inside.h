/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of runtime/ share: a worker, and its tasks, each a partition of the input that is ours and where
 * its claim or its live work stands. Nobody outside runtime/ includes this. */
#ifndef RUNTIME_INSIDE_H
#define RUNTIME_INSIDE_H

#include "runtime/cache.h"
#include "runtime/cut.h"
#include "runtime/due.h"
#include "runtime/flight.h"
#include "runtime/halt.h"
#include "runtime/head.h"
#include "runtime/merge.h"
#include "runtime/mutant.h"
#include "runtime/restore_batch.h"
#include "runtime/worker.h"

enum {
    FLIGHTS_BESIDES_QUEUE = 3, /* one is built, one commits, one is being given back */
    FLIGHTS_MAX = WORKER_APPLY_QUEUE_MAX + FLIGHTS_BESIDES_QUEUE,
    STORE_BUFFERS_READ = 8,
    STORE_BUFFERS_WRITE = 8,
    READERS_MIN = 4,
    READERS_MAX = 16,
#ifdef SEGUE_MUTANTS
    RECENT_CHECKPOINTS = 256, /* the simulator: places are taken over, and few pages are touched */
#else
    RECENT_CHECKPOINTS = 65536, /* power of two */
#endif
    RETRY_US = 50000,
    READ_KEYS_MAX = 1024,
    READ_KEYS_MORE = 8, /* after each answer that did fit */
    ENTRIES_AVERAGED = 256,
};

#define NO_INDEX UINT32_MAX

struct task_source {
    int64_t position; /* next offset to process; -1: not known yet */
    int64_t from;     /* position when the batch being built began */
    /* Of the record before position, unless `newest` is still to be reckoned */
    uint64_t fingerprint;
    struct slice newest; /* its value, or a tombstone's key; borrowed from the lane */
    bool newest_waits;
    /* The record at verify_offset must have this fingerprint; 0: nothing to check */
    uint64_t verify;
    int64_t verify_offset;
    int64_t heard_us; /* when a record last came */
};

enum claim_step {
    CLAIM_ASK,
    CLAIM_ASKED,
    CLAIM_READER, /* wait for a free reader */
    CLAIM_FIND,   /* read the journal until the cut that C names is whole */
    CLAIM_PROVE,  /* commit an empty cut: only a member can */
    CLAIM_PROVING,
    CLAIM_LOOK,           /* WATCH, GET head */
    CLAIM_OWN,            /* write our owner number */
    CLAIM_CATCH_UP,       /* apply cuts W+1..C from the journal */
    CLAIM_TASK_RECORD,    /* read the task record */
    CLAIM_REBUILD_DELETE, /* enumerate what Redis has through the due sets, and delete it */
    CLAIM_CHECKPOINTS,    /* write what the checkpoints have; the journal's cuts come after */
};

enum write_operation { WRITE_NONE, WRITE_LOOK, WRITE_OWN, WRITE_APPLY, WRITE_DELETE };
enum read_operation {
    READ_NONE,
    READ_CUSTOMERS,
    READ_DUE,
    READ_TASK,
    READ_ENUMERATE,
    READ_SWEEP,
    READ_CHECKPOINT,
    READ_OLD,
    READ_WISH
};

/* Records taken from the log and not yet released. Clock live, or one source: one lane for all, as they came.
 * Clock stream: a lane per source, and the rest of a source that is ahead stays with the log. */
struct lane {
    struct log_record *records; /* `limit` */
    uint32_t limit;
    uint32_t count;
    uint32_t at;
    uint32_t source; /* enum source; SOURCE_COUNT: all */
    struct cache_asking asking;
};

/* Puts a cut together from the parts the journal has. One per claiming task. */
struct reader {
    uint32_t slot; /* NO_INDEX: free */
    uint8_t *buffer;
    size_t size, limit;
    uint64_t seq, owner;
    uint32_t parts, next_part;
    int64_t first_offset;         /* of part 0 */
    struct restore_room *restore; /* checkpoints on their way to Redis; they lie in `buffer` */
};

enum follow_state {
    FOLLOW_REST,    /* until next_us */
    FOLLOW_READING, /* the journal, for the next cut */
    FOLLOW_CUT,     /* a cut is in the reader: its customers get their checkpoints */
};

/* The journal is the list of what changed: a task follows its own cuts, checkpoint.interval behind, and writes
 * a checkpoint of each customer in them that has none yet (checkpoint.c). */
struct follow {
    enum follow_state state;
    int64_t next_us;
    int64_t since_us;    /* when something last came of it */
    int64_t turn_us;     /* when this turn began */
    int64_t offset;      /* where to go on reading; -1: at the journal's first record */
    uint64_t done_seq;   /* every customer of the cuts up to here has a checkpoint in a flight.. */
    int64_t done_offset; /* ..and where that cut begins; -1: none */
    uint64_t seq;        /* of the cut in the reader */
    int64_t cut_offset;
    int64_t after_offset;
    uint32_t entries_left;
    size_t entries_at; /* in the reader's buffer */
    /* Redis was found at this cut before its answer was here: not asked again until it is, and then before the
     * next cut goes out, or under a backlog it would always be ahead. 0: no */
    uint64_t ahead;
    int64_t trimmed_us;
};

/* A rebuild's checkpoints: one batch is filled while Redis gets the other. */
struct restore {
    bool reading;
    bool ended;
    bool held;         /* both batches are full: reading waits */
    uint32_t fill;     /* which batch is being filled */
    uint32_t asked_to; /* the running question ends before this entry of the other */
    int64_t began_us;
    int64_t told_us;
    uint64_t newer;     /* a checkpoint is newer than C: ask again */
    uint64_t customers; /* of the batches whose answers were read */
};

struct task {
    uint32_t number;
    uint32_t slot;
    enum task_state state;
    uint64_t serial;     /* counts what was forgotten: an answer to an older serial is dropped */
    int64_t assigned_us; /* a fence against an older commit says nothing about this assignment */
    bool prove;          /* the head was lost: commit an empty cut before taking it back */
    bool want_rebuild;
    char reason[WORKER_REASON_SIZE];
    int64_t retry_us; /* not before */
    char prefix[KEY_PREFIX_SIZE_MAX];
    size_t prefix_size;

    /* claim */
    enum claim_step step;
    struct cut_metadata named; /* what the committed offsets say */
    bool named_any;
    int64_t committed[SOURCE_COUNT];
    int64_t claim_since_us;
    int64_t find_since_us; /* the journal is read for cut C */
    int64_t asked_us;
    uint32_t reader;
    bool reading;
    uint64_t beyond; /* a cut newer than C was seen: ask again before judging */
    uint32_t beyond_asks;
    int64_t next_offset; /* where the reader goes on */
    bool ahead_asked;    /* W > C was seen; C is being read again */
    uint64_t ahead_seq;
    uint64_t rebuild_asked; /* hash of the head to be rebuilt after which C was read; 0: none */
    int64_t rebuild_bucket; /* the due bucket being emptied */
    int64_t rebuild_next;   /* where it goes on after the running batch */

    /* the chain */
    uint64_t seq;           /* of the last cut that was sealed */
    uint64_t committed_seq; /* C */
    uint64_t acked_seq;     /* W as Redis confirmed */
    uint64_t sent_seq;      /* W as Redis may have it */
    uint64_t hash;          /* of cut `seq`'s payload */
    uint64_t owner;
    int64_t last_offset; /* where cut committed_seq begins in the journal */
    struct task_source sources[SOURCE_COUNT];
    struct pending pending[WORKER_APPLY_QUEUE_MAX + 1];
    uint32_t pending_count;
    bool held_building; /* has something in the flight that is being built */
    uint32_t events_built, outputs_built, customers_built;
    int64_t last_cut_us;

    /* its write connection */
    enum write_operation writing;
    uint32_t write_buffer;
    /* Connection epoch in which the head is watched and equals `head`; 0: not watched */
    uint64_t watch_epoch;
    int64_t write_since_us;
    struct head head; /* as Redis has it, to our knowledge */
    struct head
        acked_head; /* that of cut acked_seq; unlike `head` while a later write is in doubt */
    struct head next_head; /* what the running write will leave */
    uint64_t write_serial;
    uint32_t write_commands;

    /* reads */
    enum read_operation reading_store;
    uint32_t read_buffer;
    uint64_t read_acked; /* acked_seq when it was asked */
    int64_t read_since_us;
    uint64_t read_serial;
    uint32_t read_count;
    /* Customers to ask for at a time: fewer after an answer that did not fit */
    uint32_t read_keys_max;
    /* Due sets to ask for at a time, likewise, and fewer after an answer of which not all could be used */
    uint32_t due_sets_max, sweep_sets_max, rebuild_sets_max;
    int64_t read_bucket;

    struct lane lanes[SOURCE_COUNT];
    uint32_t lane_count;
    struct lane *lane;    /* whose head is next; NULL: to be found */
    uint32_t chunk_limit; /* limits.chunk_records; for a while less after a cut that did not fit */
    struct merge merge;   /* when there are several lanes */
    uint32_t ends_ticket; /* of the question about ends that was asked last */

    struct due due;
    int64_t now_ms;
    int64_t append_ms; /* the broker's time of our last cut */
    int64_t append_us; /* our monotonic time then */
    int64_t lag;       /* records not read yet, as far as the last fetch knows; -1: not known */
    bool behind;
    uint32_t silent; /* bit per source: silent for everybody, its absences are held */
    int64_t live_since_us;
    bool clock_held; /* the wall clock runs ahead of Kafka's and is not believed */

    int64_t sweep_bucket;  /* the next due set of a sweep; INT64_MIN: none begun */
    uint64_t sweep_cursor; /* where its scan goes on; 0: at the begin */
    uint64_t sweep_epoch;  /* of the connection that gave the cursor: in another it means nothing */
    uint64_t sweep_next;   /* the cursor behind the step of the scan whose parts are being swept */
    uint32_t sweep_part;   /* of that step, when it brings too many for the heap */
    uint32_t sweep_parts;  /* how many; 0: not chosen yet */
    bool sweep_missed;     /* not all of the part found room */
    bool sweep_yields;     /* the next read is not the sweep's */
    bool sweeping;

    void *state_block; /* the engine's task state */
    uint64_t learned;  /* version of the others' counters in it; 0: none yet */
    struct {           /* of its counters what has been shown */
        uint64_t decisions, no_offers, blocked[WORKER_GATES_MAX], unsure[SOURCE_COUNT];
    } tally;
    uint64_t state_hash;
    uint64_t low; /* committed: customers of the cuts before have their checkpoints */
    int64_t low_offset;
    uint64_t customer_count;
    bool held;       /* its reader waits */
    int64_t wish_us; /* when the head was last asked for a person's wish */
    bool accept;     /* a person asked for a rebuild: the input is taken as it is now */
    uint32_t gone;   /* bit per source: its next record is not there */
    /* Bit per source of which nothing was read since a person accepted its loss; of them, those that begin anew */
    uint32_t accepting, anew;
    /* Bit per source: the last claim found that the record before the next one is not there */
    uint32_t unverified;
    struct follow follow;
    struct restore restore;
};

/* Somebody put a key of another type where a set or a view should be. */
static inline bool reply_is_foreign(const struct store_reply *reply)
{
    return reply->kind == STORE_ERROR && store_text_begins(reply->text, "WRONGTYPE");
}

/* A head's due_first from a cut's cursor: no cursor yet means that nobody stands in a near bucket. */
static inline int64_t due_first_of(int64_t cursor)
{
    return cursor == INT64_MIN ? INT64_MAX : cursor;
}

static inline bool task_is_claiming(const struct task *task)
{
    return task->state == TASK_CLAIMING || task->state == TASK_REBUILDING;
}

enum producer_state { PRODUCER_OPENING, PRODUCER_READY, PRODUCER_WANTED };

struct store_buffer {
    uint8_t *data;
    bool used;
};

/* Customers whose checkpoint was written lately: place by hash, an older one is overwritten. */
struct recent_checkpoint {
    uint64_t hash;
    uint64_t seq;
    uint64_t claim; /* of which task, and which claim of it */
};

/* A cache entry and its task's slot, which is here too so that sealing one task passes by the others' entries
 * without touching them. */
struct touched {
    uint32_t entry;
    uint32_t slot;
};

struct worker {
    struct worker_options options;
    uint64_t cluster_hash;
    uint64_t layout_hash;
    uint64_t playbook_hash;
    struct worker_stats stats;
    struct worker_heard *heard, heard_here;
    struct engine_trials *others; /* room for one reading of options.learning */
    struct cache cache;
    struct task *tasks; /* tasks_max */
    struct flight flights[FLIGHTS_MAX];
    uint32_t flight_count;
    uint32_t building;   /* NO_INDEX: none free */
    uint32_t committing; /* NO_INDEX: none */
    enum producer_state producer;
    int64_t producer_retry_us;
    int64_t commit_began_us;
    size_t flight_bytes_max; /* of a flight, by how long commits took */
    struct touched *touched; /* by the flight that is being built */
    uint32_t touched_count;
    struct effects effects;
    struct event event;                /* the record in hand, decoded */
    const struct log_record *event_of; /* which one that is; NULL: none */
    uint32_t ends_tickets;             /* questions about ends so far */
    int64_t record_ms; /* its timestamp, which its outputs take over; 0: no record, time alone */
    /* Bytes that ENTRIES_AVERAGED entries of cuts took lately; more after one that did not fit */
    size_t entries_size;
    struct store_buffer read_buffers[STORE_BUFFERS_READ];
    struct store_buffer write_buffers[STORE_BUFFERS_WRITE];
    size_t read_buffer_size;
    size_t write_buffer_size;
    struct reader readers[READERS_MAX];
    uint32_t reader_count;
    /* Slot of the task that reads the journal for its checkpoints; NO_INDEX: none */
    uint32_t following;
    struct recent_checkpoint *recent; /* RECENT_CHECKPOINTS */
    uint8_t *packed;                  /* ENGINE_RECORD_SIZE_MAX + 16 */
    struct arena view_arena;          /* texts of one customer's view */
    struct view_change *view_changes;
    uint8_t *view_bytes;
    size_t view_bytes_size;
    int64_t counted_us;
    int64_t now_us;   /* of this turn */
    int64_t sweep_us; /* no sweep of a task takes more customers before */
    int64_t wall_ms;
    bool idle; /* this turn found nothing to read */
    bool stopping;
    bool leave;
    uint32_t turn_budget;
    char reason[WORKER_REASON_SIZE];
};

/* worker.c */
struct task *worker_task(struct worker *worker, uint32_t number);
/* Forget what is in memory and claim the task again, not before RETRY_US. */
void task_reclaim(struct worker *worker, struct task *task, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Stop the task until a person has decided. The text says what was seen and what to do. */
void task_halt(struct worker *worker, struct task *task, enum halt halt, const char *format, ...)
    PRINTF_LIKE(4, 5);
void task_forget(struct worker *worker, struct task *task);
void task_set_state(struct worker *worker, struct task *task, enum task_state state);

/* take.c */
void take_open(struct worker *worker, struct task *task);
/* Fetch where nothing is left. */
void take_begin(struct worker *worker, struct task *task);
/* The record that is next; NULL: none may be taken now. The same one until take_done. */
const struct log_record *take_next(struct worker *worker, struct task *task);
void take_done(struct worker *worker, struct task *task);
void take_forget(struct worker *worker, struct task *task);
/* Reckon the fingerprints of the newest records, which a cut names (seal.c). */
void take_fingerprints(struct task *task);
void take_ends(struct task *task, const struct log_event *event);
/* Decode into worker->event, unless it is there already. */
enum worker_decode take_decode(struct worker *worker, const struct log_record *record,
                               struct reject *out_reject);

/* batch.c */
void batch_step(struct worker *worker, struct task *task);
void batch_loaded(struct worker *worker, struct task *task, const struct store_answer *answer);
/* Is there room in the task's next cut for another customer? */
bool task_has_room(const struct worker *worker, const struct task *task);
/* Is there room for a step of this customer (NULL: of one who is not in it yet) in flight and cut? False: commit
 * first. */
bool batch_room(const struct worker *worker, const struct task *task,
                const struct cache_entry *entry);
/* The entry changes in the batch that is being built. */
void batch_touch(struct worker *worker, struct task *task, struct cache_entry *entry);
/* Encode what the engine said. False: it did not fit; the task was given back to its claim. */
bool batch_flush(struct worker *worker, struct task *task);
/* Give the task back to its claim, to try again with less. `least`: there is nothing less, and it halts. */
void batch_shrink(struct worker *worker, struct task *task, bool least);
/* A cut fitted: the next may have a few records more again. */
void batch_grow(const struct worker *worker, struct task *task);

/* apply.c */
/* Bytes of the commands for one customer; and for a whole cut of the largest size (one that needs more, full of
 * tiny fields of views, is divided). */
size_t apply_size(const struct cut_entry *entry);
size_t apply_size_max(const struct worker_limits *limits);
void apply_step(struct worker *worker, struct task *task);
void apply_look(struct worker *worker, struct task *task);
void apply_own(struct worker *worker, struct task *task, const struct head *next);
/* A fenced batch of a rebuilding task: MULTI, the caller's commands, SET head, EXEC; then rebuild_written. */
bool apply_fenced_begin(struct worker *worker, struct task *task,
                        struct store_pipeline *out_pipeline);
void apply_fenced_end(struct worker *worker, struct task *task, struct store_pipeline *pipeline,
                      const struct head *head);
/* "{app.NN}PART" in `out`, which has KEY_PREFIX_SIZE_MAX + 8 bytes. */
struct slice task_key(char *out, const struct task *task, const char *part);
void apply_answer(struct worker *worker, struct task *task, const struct store_answer *answer);
/* SADD or SREM of one customer. */
void apply_due(struct store_pipeline *pipeline, struct slice prefix, const char *command,
               int64_t bucket, struct slice id);
/* An entry's changes of the view; with CUT_VIEW_WHOLE the old one goes first. */
void apply_view(struct store_pipeline *pipeline, struct slice prefix,
                const struct cut_entry *entry);
/* All that a cut changes, and the head after it. Of somebody new an old view goes first, unless the task's keys are
 * known to be the state after the cut before. */
void apply_entries(struct store_pipeline *pipeline, const struct task *task,
                   const struct head *next, struct slice payload);
uint32_t buffer_take(struct store_buffer *buffers, uint32_t count);

/* What the writes have in common: a buffer, WATCH and GET of the head at the end of each, and sending it off. */
bool apply_write_begin(struct worker *worker, struct task *task,
                       struct store_pipeline *out_pipeline);
void apply_put_look(struct store_pipeline *pipeline, struct slice head_key);
void apply_put_plain(struct store_pipeline *pipeline, const char *command);
/* False: it could not be sent; the buffer is given back. */
bool apply_write_submit(struct worker *worker, struct task *task, struct store_pipeline *pipeline,
                        enum write_operation operation);
/* Is an answer under way? One that is overdue breaks its connection, and comes then. */
bool apply_is_writing(struct worker *worker, struct task *task);

/* read.c */
bool read_begin(struct worker *worker, struct task *task, enum read_operation operation,
                struct store_pipeline *out_pipeline);
void read_note_keys(struct worker *worker, struct task *task, const struct slice *keys,
                    uint32_t count);
struct slice read_key(const struct worker *worker, const struct task *task, uint32_t index);
uint32_t read_connection(const struct worker *worker, const struct task *task);
void read_submit(struct worker *worker, struct task *task, struct store_pipeline *pipeline);
void read_answer(struct worker *worker, struct task *task, const struct store_answer *answer);
/* The answer in hand was about due sets, and all that it said of so many of them was put to use. */
void read_sets_used(struct task *task, uint32_t used);
/* Is this head reply one that this task may believe? Reclaims the task or asks for a retry when not. */
enum read_trust { READ_TRUST, READ_AGAIN, READ_LOST };
enum read_trust read_judge(struct worker *worker, struct task *task,
                           const struct store_reply *head);
/* Beside a head that is trusted: is a key of another type? Then the task is claimed again, to be written anew. */
bool read_found_foreign(struct worker *worker, struct task *task, const struct store_reply *keys,
                        uint32_t count);

/* claim.c */
/* The slot is that task's from now on. */
void claim_assigned(struct worker *worker, struct task *task, uint32_t number);
void claim_begin(struct worker *worker, struct task *task);
void claim_step(struct worker *worker, struct task *task);
void claim_committed(struct worker *worker, struct task *task, const struct log_event *event);
void claim_journal(struct worker *worker, struct task *task, const struct log_event *event);
void claim_journal_end(struct worker *worker, struct task *task, const struct log_event *event);
void claim_looked(struct worker *worker, struct task *task, const struct store_reply *reply);
void claim_owned(struct worker *worker, struct task *task);
void claim_task_record(struct worker *worker, struct task *task, const struct store_answer *answer);
void claim_rebuild(struct worker *worker, struct task *task, const char *why);

/* start.c: of each source the offset to read on from, -1: not used, -2: the first one. */
void start_offsets(const struct worker *worker, struct task *task, int64_t *offsets);
/* Before the first record of a live task of which no source's position is known: the position is where that one
 * is. Until it comes nothing else is done for the task. */
void start_position(struct worker *worker, struct task *task);
/* The log says that what this task reads next of a source (the ticket) is not there. */
void start_input_gone(struct worker *worker, struct task *task, const struct log_event *event);

/* wish.c */
/* Has a person asked for a rebuild (`segue rebuild`)? Live and halted tasks look every few seconds. */
void wish_step(struct worker *worker, struct task *task);
void wish_answered(struct worker *worker, struct task *task, const struct store_answer *answer);

/* journal.c */
/* A free reader of cuts; false: none. `leave`: how many must stay free. */
bool journal_take_reader(struct worker *worker, struct task *task, uint32_t leave);
void journal_release_reader(struct worker *worker, struct task *task);
void journal_read(struct worker *worker, struct task *task, int64_t offset);
void journal_stop(struct worker *worker, struct task *task);
void journal_hold(struct worker *worker, struct task *task, bool hold);
/* What a journal record brings: nothing yet, a whole cut in the reader, or something that cannot be read (the
 * task is halted then). */
enum journal_news { JOURNAL_NOTHING, JOURNAL_CUT, JOURNAL_BAD };
enum journal_news journal_take(struct worker *worker, struct task *task,
                               const struct log_record *record, struct cut_header *out_header,
                               struct slice *out_payload);
uint32_t journal_partition_of(const struct worker *worker, uint32_t task, uint32_t partitions);

/* checkpoint.c */
void follow_begin(struct worker *worker, struct task *task);
void follow_end(struct worker *worker, struct task *task);
void follow_step(struct worker *worker, struct task *task);
void follow_journal(struct worker *worker, struct task *task, const struct log_event *event);
void follow_journal_end(struct worker *worker, struct task *task);
void follow_loaded(struct worker *worker, struct task *task, const struct store_answer *answer);

/* restore.c */
void restore_begin(struct worker *worker, struct task *task);
void restore_end(struct worker *worker, struct task *task);
void restore_step(struct worker *worker, struct task *task);
void restore_record(struct worker *worker, struct task *task, const struct log_record *record);
void restore_read_all(struct worker *worker, struct task *task);
void restore_loaded(struct worker *worker, struct task *task, const struct store_answer *answer);
void restore_written(struct worker *worker, struct task *task);

/* rebuild.c */
void rebuild_step(struct worker *worker, struct task *task);
void rebuild_listed(struct worker *worker, struct task *task, const struct store_answer *answer);
void rebuild_written(struct worker *worker, struct task *task);

/* due_step.c */
void due_step(struct worker *worker, struct task *task);
/* How far the deadlines are behind the task's now, for whoever watches. */
void due_tell(struct worker *worker, const struct task *task);
void due_loaded(struct worker *worker, struct task *task, const struct store_answer *answer);
/* A question about due sets: the head, then a command for each set (the caller's), in one MULTI. False: none may
 * be asked now. The answer comes as `operation`. */
bool due_ask_begin(struct worker *worker, struct task *task, enum read_operation operation,
                   struct store_pipeline *out_pipeline);
/* `count` sets from `first` on were asked for. */
void due_ask_end(struct worker *worker, struct task *task, int64_t first, uint32_t count,
                 struct store_pipeline *pipeline);
/* Is it a whole answer that this task may believe? The sets are children 1.. of `exec`. One that somebody else
 * wrote: the task is claimed again, to be written anew. */
bool due_answered(struct worker *worker, struct task *task, const struct store_reply *exec);

/* sweep.c */
void sweep_reset(struct worker *worker, struct task *task);
/* Another playbook, and its sweep has not begun: until it has, nobody is looked at under it. Otherwise a process
 * with the old one that takes over would not know that there is something to look at again. */
bool sweep_waits(const struct worker *worker, const struct task *task);
void sweep_step(struct worker *worker, struct task *task);
void sweep_loaded(struct worker *worker, struct task *task, const struct store_answer *answer);

/* May another cut of this task wait for Redis? */
static inline bool task_may_cut(const struct worker *worker, const struct task *task)
{
    return task->seq - task->acked_seq < worker->options.apply_queue_max;
}

/* Is it known where some source is read? Else there are no offsets to commit a cut with. */
static inline bool task_has_position(const struct worker *worker, const struct task *task)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if (worker->options.sources[i].used && task->sources[i].position >= 0) {
            return true;
        }
    }
    return false;
}

/* May time, a sweep or checkpoints alone bring about another cut, without a record? */
static inline bool task_may_cut_alone(const struct worker *worker, const struct task *task)
{
    return task_has_position(worker, task) && task_may_cut(worker, task);
}

/* learn.c */
/* Take in what the other tasks have counted, if nothing was decided in this cut yet. */
void learn_step(struct worker *worker, struct task *task);

/* tally.c: the task is live with what it has counted; one more cut of it is committed. */
void tally_begin(struct worker *worker, struct task *task);
void tally_committed(struct worker *worker, struct task *task);

/* silence.c */
void silence_heard(struct worker *worker, struct task *task, const struct log_record *record);
/* `lagging`: bit per source that has records left to read. */
void silence_step(struct worker *worker, struct task *task, uint32_t lagging);
void silence_end(struct worker *worker, struct task *task);

/* clock_task.c */
/* The wall clock is `lead_ms` beyond what is believed; 0: it is believed. */
void task_hold_clock(struct worker *worker, struct task *task, int64_t lead_ms);
void task_clock_step(struct worker *worker, struct task *task);
void task_clock_event(struct worker *worker, struct task *task, const struct event *event);
/* How many records of a source are known to wait in the log; -1: its end is not known. */
int64_t task_source_lag(struct worker *worker, struct task *task, enum source source);

#endif
