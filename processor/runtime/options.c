/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's defaults, and what its limits come to. */
#include "runtime/worker.h"

enum {
    CUT_BYTES = 4 * 1024 * 1024,
    CUTS_PER_COMMIT = 4,
    COMMIT_BYTES = 16 * 1024 * 1024,
};

void worker_limit_cuts(struct worker_limits *limits, size_t cut_bytes)
{
    size_t several =
        cut_bytes < COMMIT_BYTES / CUTS_PER_COMMIT ? CUTS_PER_COMMIT * cut_bytes : COMMIT_BYTES;
    limits->cut_bytes = cut_bytes;
    limits->commit_bytes = several > cut_bytes ? several : cut_bytes;
}

void worker_options_init(struct worker_options *options)
{
    *options = (struct worker_options){
        .commit_interval_ms = 50,
        .commit_catch_up_ms = 500,
        .commit_floor_ms = 5,
        .apply_queue_max = 3,
        .clock_lead_ms_max = 60000,
        .checkpoint_interval_ms = 30000,
        .journal_keep_ms = 3600000,
        .future_ms_max = 300000,
        .store_timeout_ms = 10000,
        .merge_wait_ms = 2000,
        .limits =
            {
                .chunk_records = 512,
                .customers_per_cut = 8192,
                .records_per_commit = 50000,
                .outputs_per_commit = 16384,
                .due_entries = 4096,
                .input_bytes = 16 * 1024 * 1024,
                .step_bytes = 512 * 1024,
                .message_bytes = 900 * 1024,
                .cache_bytes = 64 * 1024 * 1024,
            },
    };
    worker_limit_cuts(&options->limits, CUT_BYTES);
}

size_t worker_reply_size(const struct worker_limits *limits)
{
    /* Twice, since MULTI answers QUEUED and EXEC the rest: SREM, SADD, DEL, HSET and HDEL of each customer. */
    size_t commands = 2 * (5 * (size_t)limits->customers_per_cut + 16);
    return commands * sizeof(struct store_reply) + 64 * 1024;
}
