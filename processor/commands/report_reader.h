/* SPDX-License-Identifier: Apache-2.0 */
/* Reading for `segue report`: what report.c and report_units.c share. */
#ifndef COMMANDS_REPORT_READER_H
#define COMMANDS_REPORT_READER_H

#include "commands/report.h"

struct json_t; /* jansson */

enum { BY_OFFER, BY_VARIANT, BY_CHANNEL, BY_DAY, BY_SEGMENT };

/* What was read and counts, until all is read. */
struct report_line {
    int64_t at_ms;
    char *text; /* JSON of the fields that count */
    int rank;   /* what comes first at the same moment; see report_lines.c */
};

/* Maps are JSON objects from a text to an index. */
struct reader {
    struct report report;
    const struct playbook *playbook;
    int by;
    const char *only, *segment; /* NULL: all */
    struct json_t *rows;        /* name -> row */
    struct json_t *experiments; /* "offer|layer|part" -> experiment */
    struct json_t *exposed;     /* "customer|offer|layer" that was exposed, whoever asked for it */
    struct json_t *layers;      /* layer -> {offer: true} */
    struct json_t *units;       /* "customer|offer", "customer|*|layer" -> [unit, ..] */
    struct json_t *made;        /* "decision|offer" -> [row, ..] */
    struct json_t *members;     /* customer -> {segment: true} */
    struct json_t *arms;        /* "customer|offer" seen in a variant layer */
    struct json_t *outcomes;    /* "customer|event" seen */
    struct report_line *lines;
    uint32_t line_count;
    bool segment_seen; /* somebody entered or left `segment` */
    bool offer_seen;   /* a record names the offer `only` */
    bool failed;       /* memory is short */
};

/* One more entry at the end of an array, zeroed; NULL: memory is short. */
void *reader_grow(void **list, uint32_t *count, size_t size);

/* "" when there is none. */
const char *reader_text(const struct json_t *object, const char *key);

/* A timestamp in ms or as ISO text. */
int64_t reader_time(const struct json_t *object, const char *key);

/* "a|b", or "a|b|c" when c is not empty; to be freed. NULL: memory is short. */
char *reader_join(const char *a, const char *b, const char *c);

/* The index behind a key; -1. */
int64_t reader_find(const struct json_t *map, const char *key);

/* ---- report_lines.c: the order in which things happened ---- */

enum report_kind {
    REPORT_MEMBERSHIP,
    REPORT_EXPOSURE,
    REPORT_DECISION,
    REPORT_WITHDRAWAL,
    REPORT_OUTCOME
};

/* Keep what counts of one line's value; nothing of others. */
void lines_keep(struct reader *reader, const struct json_t *value);

/* Give all back in their order, each outcome once. */
void lines_replay(struct reader *reader, void (*take)(struct reader *reader, enum report_kind kind,
                                                      const struct json_t *value));

/* ---- report_units.c: customers in experiments ---- */

/* An exposure; all of them, for the first one decides. `counts`: it is of the time and of the customers that were
 * asked for. */
void units_expose(struct reader *reader, const struct json_t *value, bool counts);

/* What came back, whoever asked for it. */
void units_outcome(struct reader *reader, const struct json_t *value, bool accepted,
                   int64_t revenue);

/* When all has been taken in. */
void units_finish(struct reader *reader);

#endif
