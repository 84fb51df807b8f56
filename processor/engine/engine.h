/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: one pure step. No I/O, no clock, no globals, no allocation, no randomness but a hash of ids.
 *
 *   event -> features -> life events -> segments -> offers -> outputs
 *
 * Events go one at a time through all stages, so how a stream is cut into batches changes nothing. Time is an
 * argument. After each step `customer->deadline_ms` is the first future moment at which any rule of this
 * customer could change with no further event; it may be too early, never too late.
 *
 * Threads: a struct engine is immutable after engine_open and shared; customers, task states and effects
 * belong to one worker. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/status.h"
#include "base/zone.h"
#include "model/customer.h"
#include "model/output.h"

struct engine;
struct playbook;

enum {
    ENGINE_OUTPUTS_PER_STEP_MAX =
        512, /* outputs of one call, deadlines fired on the way included */
    ENGINE_ARENA_PER_STEP_MAX = 1048576, /* bytes of effects' arena one call may need */
    ENGINE_DEADLINES_PER_STEP_MAX = 16,  /* a call that meets more stops early: see engine_result */
    ENGINE_RECORD_SIZE_MAX = 131072,     /* bytes of a packed customer */
    ENGINE_VIEW_FIELDS_MAX = 384,
    ENGINE_VIEW_TEXT_SIZE_MAX = 512,
};

enum engine_clock { ENGINE_CLOCK_LIVE, ENGINE_CLOCK_STREAM };

struct engine_options {
    enum engine_clock clock;
    int64_t live_from_ms; /* before: origin BACKFILL, state topic only; INT64_MIN: always live */
    uint64_t salt;        /* keyed hashes of holdouts and arms */
    uint32_t task_count;  /* N */
    /* At every moment evaluate everything, whatever changed: slow, and says the same */
    bool look_at_all;
};

/* Lay out customers for the playbook. Everything lives in memory_take'n pools, until exit.
 * STATUS_FULL: a customer of this playbook would not fit its limits (out_text says which rule). */
enum status engine_open(const struct playbook *playbook, const struct zones *zones,
                        struct engine_options options, const struct engine **out_engine,
                        struct status_text *out_text);

/* Bytes of a customer's working block, and of a task's (segment sizes, offer counters). */
size_t engine_customer_size(const struct engine *engine);
size_t engine_task_size(const struct engine *engine);

/* Bytes of a customer's working block by stage; of one series and one life event. Beside them are the profile
 * and what the view was told. For plans. */
struct engine_customer_parts {
    size_t features, recall, series, life, segments, offers;
    size_t one_series, one_life_event;
};
struct engine_customer_parts engine_customer_parts(const struct engine *engine);

/* Are all conditions over this source's events asked at once, by an index? false: each by itself, which says the
 * same and takes longer: they are beyond a limit (README.md), or look_at_all is set. */
bool engine_indexed(const struct engine *engine, enum source source);

/* Patterns over this source's texts that match one by one, as their automaton is beyond a limit: the first `max` as
 * written, borrowed from the playbook; how many there are. */
uint32_t engine_patterns_alone(const struct engine *engine, enum source source,
                               struct slice *out_texts, uint32_t max);

enum { ENGINE_LINE_SIZE = 64 };

/* Which lines of a customer's block nearly every event touches, counted from its begin: heads, totals, the first
 * rows of each ring and the end of the ledger; not the other tiles, known ids, profiles and offers. For whoever
 * wants to ask for them beforehand. Returns how many, at most `limit`. */
uint32_t engine_hot_lines(const struct engine *engine, uint16_t *out_lines, uint32_t limit);

/* Names the packed layout: equal hashes read each other's bytes without migration. */
uint64_t engine_layout_hash(const struct engine *engine);
/* Of the whole playbook; written into cuts and heads. */
uint64_t engine_playbook_hash(const struct engine *engine);

/* A customer that nobody has seen yet. `id` at most CUSTOMER_ID_SIZE_MAX bytes. */
void engine_customer_init(const struct engine *engine, struct customer *customer, struct slice id);
void engine_task_init(const struct engine *engine, void *task, uint32_t task_number);

/* Packed form <-> working block. Pack: bytes written; the buffer has ENGINE_RECORD_SIZE_MAX.
 * Unpack: hostile bytes are refused with STATUS_INVALID and leave `customer` as after init; a record of an
 * older layout keeps every feature, segment and offer whose definition hash is unchanged. */
size_t engine_customer_pack(const struct engine *engine, const struct customer *customer,
                            uint8_t *out);
enum status engine_customer_unpack(const struct engine *engine, struct customer *customer,
                                   struct slice id, struct slice packed,
                                   struct status_text *out_text);
size_t engine_task_pack(const struct engine *engine, const void *task, uint8_t *out);
enum status engine_task_unpack(const struct engine *engine, void *task, uint32_t task_number,
                               struct slice packed, struct status_text *out_text);

/* Room for one more call? When not, commit first. */
static inline bool engine_room(const struct effects *effects)
{
    return effects->capacity - effects->count >= ENGINE_OUTPUTS_PER_STEP_MAX &&
           effects->arena.size - effects->arena.used >= ENGINE_ARENA_PER_STEP_MAX;
}

/* Since `from_ms` no record of that source has come for any customer (INT64_MAX: they come again). What has
 * not come from it is judged as of then: a late feed is not a bank full of lost jobs (DESIGN 6.6). Not packed:
 * gone after engine_task_init. */
void engine_task_silent(const struct engine *engine, void *task, enum source source,
                        int64_t from_ms);

/* The broker's time as far as anybody knows it, in live clock: nothing that is decided now reaches a customer
 * before `act_ms`, and perhaps as late as `heard_ms`, while this machine's clock alone says so. While a task reads
 * a backlog its now is as old as the events; this says how long ago that was, so that nothing is offered from what
 * is older than `max_age`, or after the end of `valid`. INT64_MIN: not known, the task's now counts alone, as ever
 * in stream clock. Not packed: unknown after engine_task_init. */
void engine_task_acts(const struct engine *engine, void *task, int64_t act_ms, int64_t heard_ms);

/* Decisions of one arm of an offer, and how many were accepted. */
struct engine_trials {
    int64_t presented, accepted;
};

/* Arms that are counted apart: offers x variants x channels x contexts. */
uint32_t engine_arm_count(const struct engine *engine);
/* The arm's index, by the names of `segue.offer-stats`; UINT32_MAX: the playbook has none such. */
uint32_t engine_arm_find(const struct engine *engine, struct slice offer, struct slice variant,
                         uint8_t channel, struct slice context);
/* What the other tasks have counted, engine_arm_count entries; it stands in the task's record from now on, so
 * call this only while nothing was decided in the cut that is being built. */
void engine_task_learn(const struct engine *engine, void *task, const struct engine_trials *others);

enum engine_result {
    ENGINE_DONE,
    ENGINE_MORE, /* more deadlines <= now are due than one step may fire: call engine_advance again */
};

/* Fire this customer's deadlines <= now_ms, in order, each evaluated at its own moment; then the event.
 * `now_ms` is the task's now (never goes back, >= what was used for this customer before).
 * ENGINE_MORE: the event has NOT been processed; call engine_advance until ENGINE_DONE, then again. */
enum engine_result engine_event(const struct engine *engine, void *task, struct customer *customer,
                                const struct event *event, int64_t now_ms, struct effects *effects);

/* Fire deadlines <= now_ms only. */
enum engine_result engine_advance(const struct engine *engine, void *task,
                                  struct customer *customer, int64_t now_ms,
                                  struct effects *effects);

/* One published field of the view. `text` lives in the arena given; `remove`: HDEL. */
struct view_change {
    struct slice name; /* "f.spend_30d", "seg.high_value", "offer", ...; static */
    struct slice text;
    bool remove;
};

/* The view fields whose text changed since the last call for this customer (it remembers a hash of each in
 * the record, so call this once per cut, before pack). Returns the count, at most ENGINE_VIEW_FIELDS_MAX. */
uint32_t engine_view(const struct engine *engine, struct customer *customer, struct arena *arena,
                     struct view_change *out_changes);

#endif
