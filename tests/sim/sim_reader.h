/* SPDX-License-Identifier: Apache-2.0 */
/* The part of struct log_ops that reads back what was written (sim_kafka.c has the rest). */
#ifndef SIM_SIM_READER_H
#define SIM_SIM_READER_H

#include "sim/sim.h"

struct sim_process *sim_process_of(const struct log *log, uint32_t *out_index);

bool sim_log_next_event(struct log *log, struct log_event *out_event);
void sim_log_read_journal(struct log *log, uint32_t task, int64_t offset);
void sim_log_stop_journal(struct log *log, uint32_t task);
void sim_log_trim_journal(struct log *log, uint32_t task, int64_t keep_ms,
                          log_low_offset *low_offset);
void sim_log_read_checkpoints(struct log *log, uint32_t task);
void sim_log_stop_checkpoints(struct log *log, uint32_t task);
void sim_log_hold_reader(struct log *log, uint32_t task, bool hold);

#endif
