/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in, in each seed: events of known customers with times that are a little late, and some garbage. */
#include "sim/sim.h"

enum { LATE_MS = 500 };

void sim_make_inputs(void)
{
    uint32_t by_task[SIM_TASKS][SIM_CUSTOMERS];
    uint32_t counts[SIM_TASKS] = {0};
    for (uint32_t i = 0; i < SIM_CUSTOMERS; i++) {
        uint32_t task = sim_customer_task(i);
        by_task[task][counts[task]++] = i;
    }
    for (uint32_t source = 0; source < SIM_SOURCES; source++) {
        for (uint32_t task = 0; task < SIM_TASKS; task++) {
            uint32_t count = (uint32_t)sim_between(8, 60);
            struct sim_input *inputs = sim_take(count * sizeof(*inputs));
            int64_t at = 0;
            for (uint32_t i = 0; i < count; i++) {
                struct sim_input *input = &inputs[i];
                at += sim_between(0, 2 * SIM_PHASE_1_US / count);
                input->customer = by_task[task][random_below(&sim->random, counts[task])];
                input->number = i;
                input->visible_us = at;
                input->append_ms = SIM_WALL_MS + at / 1000;
                input->time_ms = input->append_ms -
                                 sim_between(0, random_chance(&sim->random, .1) ? LATE_MS : 500);
                input->garbage = random_chance(&sim->random, .03);
                struct bytes_writer writer = bytes_writer(input->value, 24);
                bytes_put_u32(&writer, i);
                bytes_put_u64(&writer, (uint64_t)input->time_ms);
                bytes_put_slice(&writer, sim_customer_id(input->customer));
                input->value_size = (uint8_t)(writer.size - (input->garbage ? 1 : 0));
                sim->garbage_expected += input->garbage;
                sim->input_expected[input->customer] += !input->garbage;
            }
            sim->inputs[source][task] = inputs;
            sim->input_count[source][task] = count;
        }
    }
}

/* What clock stream must make of a task's inputs: the earliest head goes first, whatever is behind it. */
static void merge_inputs(uint32_t task)
{
    uint32_t at[SIM_SOURCES] = {0};
    uint32_t most = 0;
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        most += sim->input_count[i][task];
    }
    struct sim_place *order = sim_take(most * sizeof(*order));
    sim->order[task] = order;
    sim->order_now_ms[task] = INT64_MIN;
    for (;;) {
        const struct sim_input *first = NULL;
        uint32_t source = 0;
        for (uint32_t i = 0; i < SIM_SOURCES; i++) {
            const struct sim_input *inputs = sim->inputs[i][task];
            while (at[i] < sim->input_count[i][task] && inputs[at[i]].garbage) {
                at[i]++;
            }
            if (at[i] < sim->input_count[i][task] &&
                (first == NULL || inputs[at[i]].time_ms < first->time_ms)) {
                first = &inputs[at[i]];
                source = i;
            }
        }
        if (first == NULL) {
            return;
        }
        order[sim->order_count[task]++] = (struct sim_place){(uint8_t)source, at[source]++};
        if (first->time_ms > sim->order_now_ms[task]) {
            sim->order_now_ms[task] = first->time_ms;
        }
    }
}

void sim_merge_inputs(void)
{
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        merge_inputs(task);
    }
}
