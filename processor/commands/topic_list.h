/* SPDX-License-Identifier: Apache-2.0 */
/* What every topic must look like: for `segue topics` and doctor; which are Segue's: for tail. */
#ifndef COMMANDS_TOPIC_LIST_H
#define COMMANDS_TOPIC_LIST_H

#include "io/kafka_admin.h"
#include "settings/settings.h"

enum { TOPIC_LIST_MAX = 2 * SOURCE_COUNT + OUTPUT_KIND_COUNT + 3 };

struct topic_sizes {
    uint32_t task_count;        /* partitions of everything that the tasks read */
    uint32_t output_count;      /* of every output */
    uint32_t journal_count;     /* of journal and checkpoints, if there are as many tasks */
    int32_t replication_factor; /* -1: the broker's default */
};

/* Every topic that Segue reads or writes, as it must be. Returns how many. Borrows from `settings`.
 */
uint32_t topic_list_fill(const struct settings *settings, const struct topic_sizes *sizes,
                         struct kafka_topic_want out_wants[TOPIC_LIST_MAX]);

/* Does Segue read or write a topic of that name? */
bool topic_list_has(const struct settings *settings, const char *topic);

/* For a topic, or its key in the settings (`journal`), whose values are Segue's own and no Avro: what they are and
 * which command shows it, static. NULL: it is none of those. */
const char *topic_list_packed(const struct settings *settings, const char *name);

#endif
