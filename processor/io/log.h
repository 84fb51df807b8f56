/* SPDX-License-Identifier: Apache-2.0 */
/* The log as one worker sees it: Kafka in production (io/kafka_log.h), a model in simulations.
 *
 * Nothing here blocks. A call starts something; how it ended comes back later as a struct log_event from
 * next_event(). Records that fetch() hands out are borrowed until release(). One worker, one thread.
 *
 *   assigned -> ask_committed -> COMMITTED -> read_journal .. JOURNAL_END -> start(from) -> fetch / commit
 */
#ifndef IO_LOG_H
#define IO_LOG_H

#include "base/slice.h"
#include "base/status.h"
#include "model/event.h"
#include "model/header.h"

enum {
    LOG_METADATA_SIZE_MAX =
        256, /* bytes of an offset's metadata string that we use (Kafka: 4096) */
    LOG_HEADERS_MAX = 16,
    LOG_TASKS_PER_WORKER_MAX = 256,
};

/* What an offset's metadata string says of the journal: from which offset on the task still needs it. False:
 * it says nothing. The runtime's, given to trim_journal. */
typedef bool log_low_offset(const char *metadata, int64_t *out_offset);

/* A record that was read. Borrowed until release. */
struct log_record {
    struct slice key;
    struct slice value;
    bool has_key;
    bool has_value; /* false: tombstone */
    uint8_t source; /* enum source; SOURCE_COUNT for the journal */
    uint32_t partition;
    int64_t offset;
    int64_t append_ms; /* the record's timestamp */
    const struct header *headers;
    uint32_t header_count;
    void *handle; /* the adapter's */
};

/* Where a record landed. */
struct log_written {
    int64_t offset;    /* -1: not known */
    int64_t append_ms; /* the broker's timestamp, when the topic has LogAppendTime; else ours */
};

/* A record to write. Everything is borrowed until the commit ends. */
struct log_write {
    const char *topic;
    int32_t partition; /* -1: murmur2 of the key, as Kafka's default partitioner */
    struct slice key;
    struct slice value;
    bool has_key;
    bool has_value;
    int64_t timestamp_ms; /* 0: now */
    const struct header *headers;
    uint32_t header_count;
};

struct log_offset {
    uint32_t task;
    uint8_t source;
    int64_t offset;                       /* next to read */
    char metadata[LOG_METADATA_SIZE_MAX]; /* NUL-terminated text */
};

/* One transaction: offsets first, then writes in this order, then EndTxn. */
struct log_transaction {
    const struct log_offset *offsets;
    uint32_t offset_count;
    const struct log_write *writes;
    uint32_t write_count;
    /* NULL, or write_count of them: filled when LOG_COMMIT_DONE comes */
    struct log_written *written;
};

enum log_event_kind {
    LOG_ASSIGNED, /* task: ours now; claim it. `generation` counts assignments in this process */
    LOG_REVOKED,  /* task: ours no longer; forget it, answer nothing */
    LOG_PRODUCER_READY, /* open_producer ended well: the epoch is bumped, nothing older can commit */
    LOG_PRODUCER_FAILED,   /* try again; after LOG_FATAL never */
    LOG_COMMITTED_OFFSETS, /* answer of ask_committed: offsets[], stable */
    LOG_JOURNAL_RECORD, /* one record of read_journal, in order; borrowed until the next next_event */
    LOG_JOURNAL_END, /* read_journal has reached the last stable offset; it goes on when more comes */
    LOG_COMMIT_DONE,   /* the transaction is committed */
    LOG_COMMIT_FAILED, /* it is not, or nobody knows: open_producer, then claim every task again */
    LOG_COMMIT_FENCED, /* somebody newer owns the group place or the id: drop the tasks, wait for LOG_ASSIGNED */
    LOG_ENDS,    /* answer of ask_ends: high_watermark has heard the broker since it was asked */
    LOG_DELETED, /* trim_journal ended; text says what was wrong, or is empty */
    /* the offset to read on from is not in that topic (`ticket`: enum source); text says which */
    LOG_INPUT_GONE,
    LOG_FATAL, /* leave the process (exit 75); text says why */
};

struct log_event {
    enum log_event_kind kind;
    uint32_t task;       /* ASSIGNED, REVOKED, COMMITTED_OFFSETS, JOURNAL_* (its reader's task) */
    uint32_t generation; /* ASSIGNED */
    uint32_t ticket;     /* ENDS: of its question; INPUT_GONE: the source */
    struct log_offset offsets[SOURCE_COUNT]; /* COMMITTED_OFFSETS; offset -1: none committed */
    struct log_record record;                /* JOURNAL_RECORD */
    int64_t journal_end;   /* JOURNAL_END: next offset; the last stable offset when it was asked */
    int64_t journal_start; /* JOURNAL_END: first offset that still exists */
    bool reinit; /* COMMIT_DONE: EndTxn, TxnOffsetCommit or AddOffsetsToTxn was sent more than once:
                              open_producer before the next commit (DESIGN 5.7) */
    struct status_text text;
};

struct log;

struct log_ops {
    /* The next thing that happened; false when there is nothing. Never blocks. */
    bool (*next_event)(struct log *log, struct log_event *out_event);

    /* Up to `max` records of that task that have arrived, in order per source: of one source, or
     * (SOURCE_COUNT) of all, mixed as they came. One way or the other for the log's whole life. What is not
     * taken waits in a bounded queue, and fetching stops when that is full. Never blocks; 0 when there are
     * none. */
    uint32_t (*fetch)(struct log *log, uint32_t task, uint32_t source,
                      struct log_record *out_records, uint32_t max);
    void (*release)(struct log *log, struct log_record *records, uint32_t count);

    /* Begin reading a task's sources at these offsets (SOURCE_COUNT of them; -1: not used;
     * -2: earliest). Only after LOG_ASSIGNED and its claim. */
    void (*start)(struct log *log, uint32_t task, const int64_t *offsets);
    void (*stop)(struct log *log, uint32_t task);

    /* The end of the input as known from the last fetch or LOG_ENDS (next offset that will be written);
     * -1: not known. `out_empty`: nothing was handed out since start, and there is nothing before it. */
    int64_t (*high_watermark)(struct log *log, uint32_t task, enum source source, bool *out_empty);

    /* Ask the broker where this task's sources end now. The answer is LOG_ENDS with this ticket, however
     * late; none after stop, or when it is asked again meanwhile. */
    void (*ask_ends)(struct log *log, uint32_t task, uint32_t ticket);

    /* The answer is LOG_COMMITTED_OFFSETS; one to a question from before LOG_REVOKED, or before it was asked again,
     * never comes. */
    void (*ask_committed)(struct log *log, uint32_t task);

    /* Read the journal partition of this task from `offset` (-2: from its first; one that was deleted means
     * the first that still exists), read_committed. Events go on until stop_journal; none come after it. */
    void (*read_journal)(struct log *log, uint32_t task, int64_t offset);
    void (*stop_journal)(struct log *log, uint32_t task);

    /* Replace the producer: the old instance is purged and destroyed, a new one is initialised. */
    void (*open_producer)(struct log *log);

    /* Begin, send, end. One at a time; only after LOG_PRODUCER_READY. `transaction` and all it points to
     * stay untouched until LOG_COMMIT_*. */
    void (*commit)(struct log *log, const struct log_transaction *transaction);

    /* Delete what nobody needs of this task's journal partition: records that are older than `keep_ms` and lie
     * below the least offset that the stable committed metadata of all tasks of the partition name, ours or not.
     * A task that has committed nothing needs everything. */
    void (*trim_journal)(struct log *log, uint32_t task, int64_t keep_ms,
                         log_low_offset *low_offset);

    /* Read all of a task's checkpoint partition, up to its end now: the high watermark, not the last stable
     * offset, for the marker of a transaction that is committed may still be on its way. Answers as
     * LOG_JOURNAL_* with task | LOG_CHECKPOINT_READER. */
    void (*read_checkpoints)(struct log *log, uint32_t task);
    void (*stop_checkpoints)(struct log *log, uint32_t task);

    /* A reader's records (task, or task | LOG_CHECKPOINT_READER) wait until it is let go on. What shares its
     * partition waits too, so never for long. */
    void (*hold_reader)(struct log *log, uint32_t task, bool hold);

    /* Sleep until something may have happened, at most `timeout_ms`. The simulator never calls it. */
    void (*wait)(struct log *log, int32_t timeout_ms);
};

#define LOG_CHECKPOINT_READER UINT32_C(0x80000000)

struct log {
    const struct log_ops *ops;
};

#endif
