/* SPDX-License-Identifier: Apache-2.0 */
/* The group coordinator: members, generations, assignments. A static member that comes back in time
 * keeps its generation and its tasks under a new member id; everybody else makes a new generation.
 */
#include "sim/sim.h"

enum { SESSION_US = 1000000 };

struct assignment {
    uint32_t generation, member;
    bool owned[SIM_TASKS];
};

static void assignment_arrives(void *data, uint32_t process)
{
    const struct assignment *assignment = data;
    struct sim_process *of = &sim->processes[process];
    /* Member ids only grow: an answer to an older join is of no use to anybody. */
    if (assignment->generation < of->metadata_generation ||
        assignment->member < of->metadata_member) {
        return;
    }
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        sim_push(process, &(struct log_event){.kind = LOG_REVOKED, .task = i});
    }
    of->metadata_generation = assignment->generation;
    of->metadata_member = assignment->member;
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        if (assignment->owned[i]) {
            sim_push(process, &(struct log_event){.kind = LOG_ASSIGNED,
                                                  .task = i,
                                                  .generation = assignment->generation});
        }
    }
}

static void send_assignment(uint32_t process)
{
    struct assignment *assignment = sim_take(sizeof(*assignment));
    assignment->generation = sim->group.generation;
    assignment->member = sim->group.members[process];
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        assignment->owned[i] = sim->group.owner[i] == process;
    }
    sim_later(sim_between(500, 60000), process, sim->processes[process].life, assignment_arrives,
              assignment);
}

static void rebalance(void)
{
    uint32_t members[SIM_PROCESSES];
    uint32_t count = 0;
    sim->group.generation++;
    sim->counts.rebalances++;
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        if (sim->group.members[i] != 0) {
            members[count++] = i;
        }
    }
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        sim->group.owner[i] = count == 0 ? UINT32_MAX : members[i * count / SIM_TASKS];
    }
    sim_trace("group: generation %u with %u members", sim->group.generation, count);
    for (uint32_t i = 0; i < count; i++) {
        if (sim->processes[members[i]].alive) {
            send_assignment(members[i]);
        }
    }
}

void sim_group_join(uint32_t process, bool restart)
{
    bool in_place = restart && sim->group.members[process] != 0;
    sim->group.members[process] = ++sim->group.next_member;
    if (in_place) {
        send_assignment(process); /* a static member that comes back keeps generation and tasks */
    } else {
        rebalance();
    }
}

void sim_group_leave(uint32_t process)
{
    if (sim->group.members[process] != 0) {
        sim->group.members[process] = 0;
        rebalance();
    }
}

static void session_over(void *data, uint32_t process)
{
    const uint32_t *life = data;
    struct sim_process *of = &sim->processes[process];
    bool gone = !of->alive || of->frozen_until_us > sim->now_us;
    if (of->life == *life && gone) {
        sim_group_leave(process);
    }
}

void sim_process_died(uint32_t process)
{
    uint32_t *life = sim_take(sizeof(*life));
    *life = sim->processes[process].life;
    sim_later(SESSION_US, process, UINT32_MAX, session_over, life);
}
