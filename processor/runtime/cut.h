/* SPDX-License-Identifier: Apache-2.0 */
/* A cut: one committed step of a task, as bytes in the journal (DESIGN 5.1).
 *
 *   payload = header | entry * entry_count           hash chain: header.previous_hash = hash of cut n-1's payload
 *   journal record = magic version task seq owner part parts size | piece of the payload | hash of all before
 *
 * An entry is what Redis must be told about one customer. The same form, alone, is a checkpoint. Everything is
 * data: applying a cut needs no playbook. Readers check each length; bytes from outside are never believed. */
#ifndef RUNTIME_CUT_H
#define RUNTIME_CUT_H

#include "base/bytes.h"
#include "base/status.h"
#include "model/event.h"
#include "model/header.h"

enum {
    CUT_VERSION = 2,
    CUT_PART_OVERHEAD = 44, /* bytes a journal record has besides its piece of the payload */
    CUT_PART_HEAD = 36,     /* of them in front */
    CUT_PARTS_MAX = 1024,
    CUT_HEADER_SIZE_MAX = 640,
};

#define CUT_NO_BUCKET INT64_MIN

struct cut_source {
    /* first offset that this cut read; -1: source not used or position not known yet */
    int64_t from;
    int64_t to;           /* next offset to read */
    uint64_t fingerprint; /* of the record at to - 1, or 0 */
};

struct cut_header {
    struct slice application;
    struct slice cluster_id;
    uint32_t task_count;
    uint32_t journal_partitions;
    uint64_t layout_hash;
    uint64_t playbook_hash;
    uint32_t task;
    uint64_t seq;
    uint64_t owner;
    struct cut_source sources[SOURCE_COUNT];
    int64_t now_ms;
    int64_t due_cursor; /* the lowest bucket in which somebody may still wait */
    int64_t due_last;   /* the highest bucket ever used, far ones aside */
    uint64_t previous_hash;
    uint64_t low;            /* cuts below are not needed for a rebuild */
    uint64_t customer_count; /* of the task, after this cut */
    uint32_t event_count;
    uint32_t output_count;
    uint32_t entry_count;
};

enum cut_entry_flag {
    CUT_RECORD_SET = 1,
    CUT_RECORD_DELETE = 2, /* record and view go */
    CUT_BUCKET_OLD = 4,
    CUT_BUCKET_NEW = 8,
    CUT_VIEW_WHOLE = 16, /* the view holds exactly these fields (checkpoints, another layout) */
};

struct cut_entry {
    struct slice id; /* empty: the task record */
    uint32_t flags;
    int64_t bucket_old;
    int64_t bucket_new;
    struct slice record;
    uint32_t view_count;
    struct slice view; /* view_count times: remove flag, name, text; read with cut_take_field */
};

struct cut_field {
    struct slice name;
    struct slice text;
    bool remove;
};

void cut_put_header(struct bytes_writer *writer, const struct cut_header *header);
void cut_put_entry(struct bytes_writer *writer, const struct cut_entry *entry);
void cut_put_field(struct bytes_writer *writer, const struct cut_field *field);

/* STATUS_INVALID: not a cut of a version that we know. Slices borrow from the reader's bytes. */
MUST_USE enum status cut_take_header(struct bytes_reader *reader, struct cut_header *out_header);
MUST_USE enum status cut_take_entry(struct bytes_reader *reader, struct cut_entry *out_entry);
MUST_USE enum status cut_take_field(struct bytes_reader *reader, struct cut_field *out_field);
/* Read every entry and field, and refuse leftovers. */
MUST_USE enum status cut_check(struct slice payload, struct cut_header *out_header);

uint64_t cut_hash(struct slice payload);

/* Of an input record: of its value, or of a tombstone's key. Never 0. */
uint64_t cut_fingerprint(struct slice value_or_key);

struct cut_part {
    uint32_t task;
    uint64_t seq;
    uint64_t owner; /* of the writer */
    uint32_t part;  /* 0 .. parts - 1 */
    uint32_t parts;
    struct slice piece;
};

/* Frame a piece that already lies at frame + CUT_PART_HEAD; the frame has piece.size + CUT_PART_OVERHEAD bytes. */
void cut_frame(uint8_t *frame, const struct cut_part *part);
MUST_USE enum status cut_part_parse(struct slice value, struct cut_part *out_part);

/* A checkpoint in the compacted topic: key "TASK:ID", value version | entry | hash, or none (the customer is
 * gone); the Kafka header "seq" says after which cut it stood so, on a tombstone too. */
enum { CUT_CHECKPOINT_OVERHEAD = 64 };

void cut_put_checkpoint(struct bytes_writer *writer, const struct cut_entry *entry);
/* STATUS_INVALID: not a checkpoint of a version that we know. Borrows. */
MUST_USE enum status cut_take_checkpoint(struct slice value, struct cut_entry *out_entry);
/* The customer of a checkpoint's key; false: the key is another task's. Borrows. */
bool cut_checkpoint_key(struct slice key, uint32_t task, struct slice *out_id);
/* What the header "seq" says; 0: there is none. */
uint64_t cut_checkpoint_seq(const struct header *headers, uint32_t count);

/* What an offset's metadata string says. */
struct cut_metadata {
    uint64_t seq;
    uint64_t low;
    /* where cut `low` begins in the journal; -1: not known, all of it is needed */
    int64_t low_offset;
    int64_t previous_offset; /* where cut seq - 1 begins; -1: not known */
};

void cut_metadata_write(const struct cut_metadata *metadata, char *out_text, size_t size);
/* log_low_offset: from where on the journal is still needed. */
bool cut_low_offset(const char *text, int64_t *out_offset);
/* False: not ours. */
bool cut_metadata_parse(const char *text, struct cut_metadata *out_metadata);

#endif
