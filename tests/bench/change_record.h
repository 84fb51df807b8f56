/* SPDX-License-Identifier: Apache-2.0 */
/* A segment change read from the output topic's bytes, by hand and without Segue's codec: the
 * benchmark's second opinion about what was written. */
#ifndef TESTS_BENCH_CHANGE_RECORD_H
#define TESTS_BENCH_CHANGE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/slice.h"

/* What the reference's line of an output needs. Texts are borrowed from the record. */
struct change {
    struct slice customer;
    struct slice segment;
    bool entered;
    int64_t cause_ms; /* the time of the event that led to it */
    int64_t cause_partition;
    int64_t cause_offset;
    int64_t count_7d; /* both from the proof's leaves */
    int64_t debit_30d;
};

/* Reads schemas/segment_changed/1 in Confluent framing. False: not such a record, bytes left over,
 * no cause, or a figure is missing in the proof. */
bool change_read(struct slice value, struct change *out_change);

/* "customer segment ENTERED cause_ms cause_partition cause_offset count_7d debit_30d". */
void change_print(const struct change *change, FILE *out);

#endif
