/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/halt.h"

#include <string.h>

#include "base/attributes.h"

static const struct {
    const char *code, *what, *mend;
} halts[] = {
    [HALT_NONE] = {"none", "nothing", ""},
    [HALT_OFFSET_FOREIGN] = {"offset_foreign", "a committed offset was not written by Segue",
                             "put it back, or delete the task's offsets: the journal then tells"},
    [HALT_OFFSET_DIFFERS] =
        {"offset_differs", "a committed offset is not where its cut ends",
         "put the offset back, or delete the task's offsets: the journal then tells"},
    [HALT_KAFKA_BEHIND] = {"kafka_behind",
                           "Redis is ahead of what Kafka has committed: Kafka lost data",
                           "restore Kafka, or accept its state: segue rebuild --task N"},
    [HALT_CUT_MISSING] = {"cut_missing",
                          "the journal lacks the cut that the committed offsets name",
                          "find out what the brokers lost before anything else"},
    [HALT_JOURNAL_OF_ANOTHER] = {"journal_of_another",
                                 "the journal was written under another configuration",
                                 "go back to the configuration that wrote it"},
    [HALT_JOURNAL_NOT_CUT] = {"journal_not_cut", "something else writes to the journal",
                              "take its write permission away"},
    [HALT_JOURNAL_BEGINS_LATE] =
        {"journal_begins_late", "neither checkpoints nor journal reach back far enough",
         "restore the journal, or replay the inputs under a new application"},
    [HALT_CUT_NEWER] = {"cut_newer", "a cut was written by a newer version",
                        "start the newer version"},
    [HALT_CUT_TOO_LARGE] = {"cut_too_large", "a cut in the journal is larger than limits.commit",
                            "raise limits.commit"},
    [HALT_HEAD_OF_ANOTHER] = {"head_of_another",
                              "the task's head in Redis is another application's",
                              "another redis.address or application"},
    [HALT_TASK_RECORD] = {"task_record", "the task's own record in Redis cannot be read",
                          "segue rebuild --task N"},
    [HALT_CUSTOMER_RECORD] = {"customer_record", "a customer's record in Redis cannot be read",
                              "segue rebuild --task N"},
    [HALT_CHECKPOINT_NEWER] = {"checkpoint_newer",
                               "a checkpoint is newer than what Kafka has committed",
                               "restore Kafka, or replay the inputs under a new application"},
    [HALT_CHECKPOINT_UNREADABLE] =
        {"checkpoint_unreadable", "a checkpoint cannot be read",
         "start the newer version, or take away the other writer's permission"},
    [HALT_CHECKPOINT_TOO_LARGE] = {"checkpoint_too_large",
                                   "a customer's checkpoint does not fit into a batch",
                                   "raise limits.commit"},
    [HALT_BATCH_TOO_LARGE] = {"batch_too_large",
                              "what one record leads to does not fit into a transaction",
                              "raise limits.commit"},
    [HALT_INPUT_REPLACED] = {"input_replaced", "a source's record is not the one processed before",
                             "segue rebuild --task N, if the topic is meant to be so"},
    [HALT_INPUT_GONE] =
        {"input_gone", "a source no longer has the records that come next",
         "restore them, or go on with the first that are left: segue rebuild --task N"},
};
_Static_assert(ARRAY_COUNT(halts) == HALT_COUNT, "a line per reason");

const char *halt_code(enum halt halt)
{
    return halts[halt].code;
}

const char *halt_what(enum halt halt)
{
    return halts[halt].what;
}

const char *halt_mend(enum halt halt)
{
    return halts[halt].mend;
}

enum halt halt_find(const char *code, unsigned long size)
{
    for (int i = HALT_NONE + 1; i < HALT_COUNT; i++) {
        if (strlen(halts[i].code) == size && memcmp(halts[i].code, code, size) == 0) {
            return (enum halt)i;
        }
    }
    return HALT_NONE;
}
