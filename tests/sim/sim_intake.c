/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs: they appear at their time, sources of a task are fetched at random, what a process knows of
 * an end is as old as its last fetch, and the brokers may be out of its reach. */
#include "sim/sim.h"

static struct sim_process *process_of(struct log *log)
{
    return &sim->processes[((struct sim_log *)log)->process];
}

/* How many there are by now. */
static uint32_t input_end(uint32_t source, uint32_t task)
{
    const struct sim_input *inputs = sim->inputs[source][task];
    uint32_t *end = &sim->input_end[source][task];
    while (*end < sim->input_count[source][task] && inputs[*end].visible_us <= sim->now_us) {
        (*end)++;
    }
    return *end;
}

void sim_intake_retention(uint32_t task)
{
    sim_trace("inputs of task %u: what is committed is deleted", task);
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        int64_t committed = sim->group.offsets[task][i];
        sim->input_first[i][task] = committed > 0 ? committed : 0;
    }
}

/* False: what comes next is not there, which is told once. */
static bool is_there(struct log *log, uint32_t task, uint32_t source)
{
    uint32_t index = ((struct sim_log *)log)->process;
    int64_t *at = &sim->processes[index].fetch_at[task][source];
    if (*at >= sim->input_first[source][task]) {
        return true;
    }
    *at = -1;
    sim_push(index, &(struct log_event){.kind = LOG_INPUT_GONE, .task = task, .ticket = source});
    return false;
}

static struct log_record record_of(uint32_t source, uint32_t task, int64_t offset)
{
    struct sim_input *input = &sim->inputs[source][task][offset];
    struct slice id = sim_customer_id(input->customer);
    uint8_t *key = input->value + sizeof(input->value) - 8;
    memcpy(key, id.data, id.size);
    return (struct log_record){.key = slice_of(key, id.size),
                               .has_key = true,
                               .has_value = true,
                               .value = slice_of(input->value, input->value_size),
                               .source = (uint8_t)source,
                               .partition = task,
                               .offset = offset,
                               .append_ms = input->append_ms};
}

uint32_t sim_intake_fetch(struct log *log, uint32_t task, uint32_t of_source,
                          struct log_record *out_records, uint32_t max)
{
    uint32_t count = 0;
    struct sim_process *process = process_of(log);
    if (process->fetch_away_until_us > sim->now_us) {
        return 0;
    }
    uint32_t first = (uint32_t)random_below(&sim->random, SIM_SOURCES);
    for (uint32_t k = 0; k < SIM_SOURCES; k++) {
        uint32_t source = (first + k) % SIM_SOURCES;
        int64_t *at = &process->fetch_at[task][source];
        if (*at < 0 || (of_source != SOURCE_COUNT && of_source != source) ||
            !is_there(log, task, source)) {
            continue;
        }
        process->end_seen[task][source] = input_end(source, task);
        uint32_t burst = (uint32_t)sim_between(sim->stream ? 0 : 1, 24);
        for (; *at < process->end_seen[task][source] && count < max && burst > 0; burst--) {
            process->handed_out[task][source] = true;
            out_records[count++] = record_of(source, task, (*at)++);
        }
    }
    return count;
}

void sim_intake_release(struct log *log, struct log_record *records, uint32_t count)
{
    (void)log;
    (void)records;
    (void)count;
}

void sim_intake_start(struct log *log, uint32_t task, const int64_t *offsets)
{
    struct sim_process *process = process_of(log);
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        process->fetch_at[task][i] = offsets[i] == -2 ? sim->input_first[i][task] : offsets[i];
        process->end_seen[task][i] = -1;
        process->handed_out[task][i] = false;
    }
}

void sim_intake_stop(struct log *log, uint32_t task)
{
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        process_of(log)->fetch_at[task][i] = -1;
    }
}

int64_t sim_intake_high_watermark(struct log *log, uint32_t task, enum source source,
                                  bool *out_empty)
{
    *out_empty = false;
    if ((uint32_t)source >= SIM_SOURCES) {
        return -1;
    }
    const struct sim_process *process = process_of(log);
    int64_t at = process->fetch_at[task][source];
    int64_t end = process->end_seen[task][source];
    *out_empty = end >= 0 && at >= end && !process->handed_out[task][source];
    return end;
}

struct asking {
    uint32_t task, ticket, life;
};

static void ends_arrive(void *data, uint32_t index)
{
    const struct asking *asking = data;
    struct sim_process *process = &sim->processes[index];
    if (!process->alive || process->life != asking->life) {
        return;
    }
    if (process->fetch_away_until_us > sim->now_us) {
        sim_later(sim_between(1000, 330000), index, UINT32_MAX, ends_arrive, data);
        return;
    }
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        if (process->fetch_at[asking->task][i] >= 0) {
            process->end_seen[asking->task][i] = input_end(i, asking->task);
        }
    }
    struct log_event event = {.kind = LOG_ENDS, .task = asking->task, .ticket = asking->ticket};
    sim_push(index, &event);
}

void sim_intake_ask_ends(struct log *log, uint32_t task, uint32_t ticket)
{
    struct asking *asking = sim_take(sizeof(*asking));
    *asking = (struct asking){task, ticket, process_of(log)->life};
    sim_later(sim_between(200, 5000), ((struct sim_log *)log)->process, UINT32_MAX, ends_arrive,
              asking);
}
