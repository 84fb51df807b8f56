/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions like those of the whole job's load (README.md): a bank's own Avro record of 16 fields, 269 bytes, of
 * which a few customers bring many. Made in memory; a pure function of the counts. */
#ifndef BENCH_JOB_LOAD_H
#define BENCH_JOB_LOAD_H

#include "base/slice.h"
#include "model/mapping.h"

enum { JOB_TASKS = 8, JOB_ID_SIZE = 11, JOB_DAYS = 60 };

struct job_record {
    struct slice key, value;
};

/* `count` records of JOB_DAYS days; each task's in their order, until exit. */
struct job_load {
    struct job_record *records[JOB_TASKS];
    uint32_t counts[JOB_TASKS];
};

void job_load_make(struct job_load *load, uint32_t count, uint32_t customers);

/* The record's schema, and how its fields become those of the contract; static. */
struct slice job_schema(void);
const struct source_mapping *job_mapping(void);

#endif
