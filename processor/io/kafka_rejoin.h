/* SPDX-License-Identifier: Apache-2.0 */
/* When does a member that was given nothing join its group anew?
 *
 * A leader that had not yet seen the topics (a broker that comes up) deals out nothing, and a static
 * member that starts again is given that stored assignment with no rebalance (KIP-345), so nothing
 * would ever mend it. Joining anew as leader makes the coordinator deal again. Pure. */
#ifndef IO_KAFKA_REJOIN_H
#define IO_KAFKA_REJOIN_H

#include <stdbool.h>
#include <stdint.h>

enum { KAFKA_REJOIN_FIRST_MS = 3000, KAFKA_REJOIN_LAST_MS = 300000 };

struct kafka_rejoin {
    /* private */
    bool empty; /* the last assignment had no partition */
    int64_t since_ms;
    int64_t wait_ms;
};

void kafka_rejoin_init(struct kafka_rejoin *rejoin);
void kafka_rejoin_assigned(struct kafka_rejoin *rejoin, bool empty, int64_t now_ms);
void kafka_rejoin_revoked(struct kafka_rejoin *rejoin);

/* Has it been without a task so long that somebody should count the members? Then the wait begins again. */
bool kafka_rejoin_asks(struct kafka_rejoin *rejoin, int64_t now_ms);

/* Join anew? Not when the members are not known (-1), nor when there are more of them than tasks, which
 * leaves some rightly idle. Yes doubles the wait before the next. */
bool kafka_rejoin_decide(struct kafka_rejoin *rejoin, int members, uint32_t task_count);

#endif
