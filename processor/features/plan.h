/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a playbook's features, for the files of this folder only: which parts a customer's state has,
 * what feeds each, and which part each feature reads.
 *
 *   state | head | rings .. | window totals .. | samples .. | tables .. | rows of the rings ..
 *         | remembered events per source | known ids per source |
 *
 * group    tiles of one unit and count: a ring of rows, one row a tile, one cell a (feed, operation)
 * window   running totals of some cells of a group over its last `length` tiles
 * samples  the newest (or oldest) matching events, in order of time or arrival
 * table    different values with the tile they were last seen in
 * feed     which events a part takes and what of them */
#ifndef FEATURES_PLAN_H
#define FEATURES_PLAN_H

#include "base/civil.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "features/features.h"
#include "model/fields.h"

enum {
    PLAN_NONE = 255,
    PLAN_GROUPS_MAX = 32,
    PLAN_PLACES_NARROW_MAX = 255, /* rows whose places fit into a byte each */
    PLAN_PARTS_MAX = 2 * FEATURES_MAX,
    PLAN_AHEAD_MS = 5 * 60000, /* events dated further ahead are rejected before they come here */
    PLAN_DAY_TILE_MS = 0, /* tile_ms of days: their length is the customer's calendar's business */
};

#define TILE_NONE INT32_MIN
/* Times and tiles beyond are refused when read back, so that reckoning with them cannot overflow. */
#define PLAN_TIME_MS_MAX INT64_C(9000000000000000)
#define PLAN_TILE_MAX    (INT32_C(1) << 30)

/* The end of a tile's sum, either way: the sum of a whole ring at its end still fits into 64 bits. The same for
 * every length, so that a tile at its end is there under another playbook too. `all` is one tile. */
#define PLAN_TILES_MAX    512
#define PLAN_TILE_SUM_MAX (INT64_MAX / PLAN_TILES_MAX)
_Static_assert(FEATURES_DAYS_MAX < PLAN_TILES_MAX, "a ring of days and the one ahead");
_Static_assert(PLAN_TILE_SUM_MAX / 16 > EVENT_AMOUNT_MINOR_MAX, "a day has room for some amounts");

/* How an event counts; a feed accepts some of these. */
enum feed_class {
    FEED_POSTED = 1,
    FEED_PENDING = 2,
    FEED_POSTED_LATE = 4,
    FEED_PENDING_LATE = 8,
};

struct feed {
    uint8_t source;
    uint8_t predicate; /* bit in facts.matched */
    uint8_t value;     /* index in facts.values; PLAN_NONE: the event itself */
    uint8_t accepts;   /* enum feed_class bits */
};

struct predicate {
    const struct cel_program *program; /* NULL: every event */
    struct slice text;
    struct slice currency; /* empty: any */
};

struct value_plan {
    enum feature_value_from from;
    uint8_t field;
    const struct cel_program *program;
    struct slice text;
    enum feature_value_type type;
};

enum cell_operation { CELL_COUNT, CELL_SUM, CELL_MIN, CELL_MAX };

struct link {
    uint16_t window;
    uint16_t total;
};

struct cell {
    struct feed feed;
    uint8_t operation;
    uint8_t unit;
    uint8_t group;
    uint16_t index;  /* in the group's row */
    uint16_t length; /* tiles of the longest window */
    uint16_t link_count;
    /* CELL_MIN, CELL_MAX: number of the cell with the extreme of those events of the tile that are remembered no
     * more. With the remembered ones it makes the extreme anew when one is taken back. UINT16_MAX: none */
    uint16_t forgotten;
    bool is_forgotten; /* is such a cell itself: events do not reach it */
    uint32_t tile_ms;
    uint32_t name; /* in the record */
    const struct link *links;
};

struct group {
    uint8_t unit;
    uint16_t tile_count;
    uint16_t cell_count;
    uint16_t window_count;
    uint32_t tile_ms;
    const uint16_t *cells; /* by index in the row */
    const uint16_t *windows;
    const int64_t *empty_row; /* cell_count values */
    struct slice packed_head; /* how its part of the record begins: kind, unit, names of cells */
    uint32_t offset;          /* struct ring */
    uint32_t touched_offset;  /* a bit per slot */
    uint32_t places_offset;   /* where each slot's row stands (tiles.c) */
    uint32_t rows_offset;
};

/* State of a group. */
struct ring {
    int32_t head;  /* newest tile; TILE_NONE: no tile yet */
    uint32_t rows; /* in use: as many as slots that were touched */
};

struct window {
    uint8_t group;
    uint8_t anchor;
    uint16_t length; /* tiles */
    uint16_t total_count;
    uint16_t *cells; /* by total: number of the cell */
    uint32_t offset; /* struct window_state */
};

struct window_state {
    int32_t end; /* last tile inside; TILE_NONE: to be recounted */
    int32_t reserved;
    int64_t totals[];
};

struct samples_plan {
    struct feed feed;
    uint8_t order; /* enum feature_order */
    bool oldest;   /* keeps the oldest instead of the newest */
    bool with_text;
    uint16_t capacity;
    uint16_t stride; /* bytes of an entry */
    uint32_t offset;
    uint32_t name;
};

struct table_plan {
    struct feed feed;
    uint8_t unit;
    uint16_t capacity;
    uint32_t tile_ms;
    uint32_t offset;
    uint32_t name;
};

struct remembered_plan {
    uint32_t capacity;
    uint32_t entry_size;
    uint32_t offset;
    uint32_t known_room; /* ids behind them (known.h) */
    uint32_t known_offset;
    uint32_t name; /* of the predicates and values whose results are remembered */
};

/* Parts of one kind that events of a source reach, by the number of their condition: those of condition p stand
 * from ends[p - 1] (of the first: 0) to ends[p]. */
struct fed {
    const uint16_t *parts;
    const uint16_t *ends;
};

struct source_plan {
    const struct predicate *predicates;
    const struct value_plan *values;
    struct fed cells, samples;
    struct fed extremes; /* cells with a `forgotten` */
    const uint16_t *tables;
    uint32_t predicate_count, value_count, table_count, extreme_count;
    uint32_t groups; /* bit per group that has a cell of this source */
    const uint64_t (
        *by_predicate)[FEATURES_WORDS]; /* the features that a matching event may move */
    uint64_t all[FEATURES_WORDS];       /* that any event of the source may */
    uint64_t firsts
        [FEATURES_WORDS]; /* features of the first matching event: later ones do not move them */
    uint64_t sessions[FEATURES_WORDS]; /* features of that kind */
    bool any;
    bool takes_pending;
    struct remembered_plan remembered;
};

/* Which part a feature reads. */
struct reader {
    uint16_t cell[2];   /* tile kinds: the cell, and AVG's count */
    uint16_t total[2];  /* their totals, each in its `window` */
    uint16_t window[2]; /* UINT16_MAX: the rows themselves */
    uint16_t samples[2];
    uint16_t table;
    enum feature_value_type type;
    /* It is what these totals of one window over days are: most that rules ask is. */
    struct {
        uint32_t window; /* offset of its struct window_state; UINT32_MAX: it is something else */
        uint16_t total[2];
        uint8_t kind, anchor;
    } quick;
};

/* Dues (dues.c) stand in two lists: of features that change at a local midnight, and of those that change at any
 * moment. */
struct dues_plan {
    const uint16_t *daily; /* by place: the feature */
    const uint16_t *timed;
    const uint16_t *place; /* by feature: its place in its list; UINT16_MAX: no due is kept */
    uint32_t daily_count, timed_count;
    uint64_t kept[FEATURES_WORDS]; /* a bit per feature that has a place */
};

struct features_plan {
    const struct feature_def *defs;
    uint32_t count;
    struct features_options options;
    const struct cell *cells;
    const struct group *groups;
    const struct window *windows;
    const struct samples_plan *samples;
    const struct table_plan *tables;
    const struct reader *readers;
    uint32_t cell_count, group_count, window_count, samples_count, table_count;
    struct source_plan sources[SOURCE_COUNT];
    struct dues_plan dues;
    uint64_t anchored[FEATURES_WORDS]; /* features that move with the customer's latest day */
    uint64_t made[FEATURES_WORDS];     /* ratio and rfm */
    size_t state_size;
    size_t packed_size_max;
    size_t ids_size_max; /* of those the known ids */
};

/* First bytes of the state. */
struct state_head {
    /* the customer's newest local day, of events that were not late; TILE_NONE */
    int32_t latest_day;
    int32_t reserved;
};

/* The type of the value that a definition takes from its events. */
enum feature_value_type plan_value_type(const struct feature_def *def);

/* Groups, windows, offsets and sizes, once every part is known. STATUS_FULL: the arena, or too many groups. */
enum status plan_lay_out(struct features_plan *plan, struct arena *arena);

/* Which features an event can move and whose dues are kept, once every part is planned. STATUS_FULL: the arena. */
enum status plan_dues(struct features_plan *plan, struct arena *arena);

/* What one event means to the plan; what is remembered of it. */
struct facts {
    int64_t time_ms;
    int32_t day;                         /* local */
    uint8_t class;                       /* enum feed_class */
    uint32_t present;                    /* bit per value */
    uint64_t matched[2];                 /* bit per predicate */
    int64_t values[FEATURES_VALUES_MAX]; /* numbers; a double's bits; the hash of a text */
    struct slice texts[FEATURES_VALUES_MAX];
};

/* More conditions than one word has bits: what is remembered of an event keeps the second word as one value more,
 * so that its bytes are of the same form, and a program that knows 64 passes over them. */
static inline bool plan_is_wide(const struct source_plan *source)
{
    return source->predicate_count > 64;
}

/* Values that are remembered of an event of the source. */
static inline uint32_t plan_kept_values(const struct source_plan *source)
{
    return source->value_count + plan_is_wide(source);
}

/* The second word from where it was kept. */
static inline void facts_widen(const struct source_plan *source, struct facts *facts)
{
    facts->matched[1] = plan_is_wide(source) ? (uint64_t)facts->values[source->value_count] : 0;
}

/* How far a tile's sum goes, either way. */
static inline int64_t plan_sum_max(const struct cell *cell)
{
    return cell->unit == FEATURE_ALL ? INT64_MAX : PLAN_TILE_SUM_MAX;
}

static inline bool facts_match(const struct facts *facts, uint8_t predicate)
{
    return (facts->matched[predicate / 64] >> predicate % 64 & 1) != 0;
}

/* Of an event that met the condition. */
static inline bool feed_admits(const struct feed *feed, const struct facts *facts)
{
    return (feed->accepts & facts->class) != 0 &&
           (feed->value == PLAN_NONE || (facts->present >> feed->value & 1) != 0);
}

static inline bool feed_takes(const struct feed *feed, const struct facts *facts)
{
    return facts_match(facts, feed->predicate) && feed_admits(feed, facts);
}

/* A walk over the parts whose condition the event met:
 *
 *     struct fed_walk walk = fed_walk(source, &source->cells, facts);
 *     for (const uint16_t *part = fed_next(&walk); part != NULL; part = fed_next(&walk)) */
struct fed_walk {
    const struct fed *fed;
    uint64_t rest[2]; /* conditions that it met and that are not walked yet */
    uint32_t at, end;
};

static inline struct fed_walk fed_walk(const struct source_plan *source, const struct fed *fed,
                                       const struct facts *facts)
{
    struct fed_walk walk = {.fed = fed, .rest = {facts->matched[0], facts->matched[1]}};
    for (uint32_t half = 0; half < 2; half++) { /* what is remembered of an event may say more */
        uint32_t first = half * 64, count = source->predicate_count;
        uint32_t left = count > first ? count - first : 0;
        walk.rest[half] &= left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
    }
    return walk;
}

static inline const uint16_t *fed_next(struct fed_walk *walk)
{
    while (walk->at == walk->end) {
        uint32_t half = walk->rest[0] == 0;
        uint64_t rest = walk->rest[half];
        if (rest == 0) {
            return NULL;
        }
        uint32_t number = half * 64 + (uint32_t)__builtin_ctzll(rest);
        walk->rest[half] = rest & (rest - 1);
        walk->at = number > 0 ? walk->fed->ends[number - 1] : 0;
        walk->end = walk->fed->ends[number];
    }
    return &walk->fed->parts[walk->at++];
}

static inline int64_t feed_value(const struct feed *feed, const struct facts *facts)
{
    return feed->value == PLAN_NONE ? 0 : facts->values[feed->value];
}

/* The tile of an event in a unit. */
static inline int32_t tile_of(uint32_t tile_ms, int64_t time_ms, int32_t day)
{
    if (tile_ms == PLAN_DAY_TILE_MS) {
        return day;
    }
    int64_t tile = civil_floor(time_ms, tile_ms);
    return tile < -PLAN_TILE_MAX  ? -PLAN_TILE_MAX
           : tile > PLAN_TILE_MAX ? PLAN_TILE_MAX
                                  : (int32_t)tile;
}

static inline void *state_at(void *state, uint32_t offset)
{
    return (uint8_t *)state + offset;
}

static inline const void *state_at_const(const void *state, uint32_t offset)
{
    return (const uint8_t *)state + offset;
}

#endif
