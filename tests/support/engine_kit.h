/* SPDX-License-Identifier: Apache-2.0 */
/* A small playbook built by hand, events for it, and what it said as text: for tests of the engine that must not
 * depend on YAML.
 *
 *   features   count_tx, spend, last_activity, logins   series   salary
 *   life       salary.stopped (absent 45 d), windfall (by event), dormant (absent 90 d), stress (evidence)
 *   segments   active (dwell, separate exit), spender (excludes active), lucky (reads life, longest stay)
 *   offers     savings (on entry of lucky), card (on login), notice (mandatory, on salary.stopped) */
#ifndef SUPPORT_ENGINE_KIT_H
#define SUPPORT_ENGINE_KIT_H

#include <stdio.h>

#include "base/random.h"
#include "engine/engine.h"
#include "playbook/playbook.h"

enum { KIT_DAY_MS = 86400000, KIT_ARENA_SIZE = 8 << 20, KIT_CUSTOMERS_MAX = 16 };

/* 2026-01-01T00:00:00Z; a Thursday. */
#define KIT_START_MS INT64_C(1767225600000)

struct kit {
    struct arena arena;
    const struct zones *zones;
    struct playbook playbook;
    const struct engine *engine;
    struct effects effects;
    void *task;
    struct customer *customers[KIT_CUSTOMERS_MAX];
    int64_t now_ms;
    char *said; /* outputs as lines, NUL-terminated */
    size_t said_size, said_limit;
    uint64_t outputs;
};

/* Build the playbook and open the engine; ends the test when it does not load. */
void kit_open(struct kit *kit);
void kit_close(struct kit *kit);
/* The same playbook with spender's definition changed and one life event removed: another layout. `retire`:
 * active is retired too. */
const struct engine *kit_other_layout(struct kit *kit, bool retire);
/* A restart under other rules: everything is packed by the old engine and read by the new one. */
void kit_change_rules(struct kit *kit, const struct engine *other);
/* Sweep the task: begin, every customer up to now_ms, complete. */
void kit_sweep(struct kit *kit, int64_t now_ms);

/* A compiled condition; the test ends when it does not compile. */
struct condition kit_condition(struct kit *kit, const char *name, const char *text);

/* Start over with the same engine: customers, task, what was said. */
void kit_reset(struct kit *kit);

/* Process one event; deadlines first, as the engine says. The event's customer is `customer`. */
void kit_event(struct kit *kit, uint32_t customer, const struct event *event);
/* Fire deadlines up to now_ms for one customer. */
void kit_advance(struct kit *kit, uint32_t customer, int64_t now_ms);
/* A cut: everything is packed, forgotten and read back. */
void kit_cut(struct kit *kit);

/* Does a line that was said contain `text`? How many do? */
uint32_t kit_count(const struct kit *kit, const char *text);

struct event kit_tx(int64_t time_ms, enum direction direction, int64_t amount_minor,
                    const char *payer);
struct event kit_app(int64_t time_ms, const char *what);
/* Consent to marketing by push and e-mail, risk profile 4. */
struct event kit_profile(int64_t time_ms);
struct event kit_outcome(int64_t time_ms, const char *offer, enum outcome outcome);

/* The i-th event of a repeatable stream over `customers` customers, in order of time. `out_customer`: whose.
 * Without `outcomes` nothing that one customer does reaches another. */
struct kit_stream {
    struct random random;
    int64_t time_ms;
    uint32_t customers;
    bool outcomes;
    uint32_t made;
    char ids[2][32];
};
void kit_stream_init(struct kit_stream *stream, uint64_t seed, uint32_t customers, bool outcomes);
struct event kit_stream_next(struct kit_stream *stream, uint32_t *out_customer);

/* SEED from the environment, else the default; printed when a property fails. */
uint64_t kit_seed(uint64_t otherwise);

#endif
