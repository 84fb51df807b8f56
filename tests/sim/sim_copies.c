/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of checkpoints: at every commit, one that names cut W is the customer as of W. What he was then is
 * known as long as no later cut was about him: the model of the task is S_C. */
#include "sim/sim_map.h"
#include "sim/sim_world.h"

static struct sim_node *model_of(uint32_t task, char kind, struct slice id)
{
    uint8_t key[CUSTOMER_ID_SIZE_MAX + 1];
    key[0] = (uint8_t)kind;
    memcpy(key + 1, id.data, id.size);
    return sim_map_node(sim->checker.model[task], slice_of(key, id.size + 1));
}

static bool is_view(const struct sim_node *model, const struct cut_entry *copy)
{
    struct bytes_reader reader = bytes_reader(copy->view);
    struct cut_field field;
    for (uint32_t i = 0; i < copy->view_count; i++) {
        if (cut_take_field(&reader, &field) != STATUS_OK) {
            return false;
        }
        const struct slice *value = sim_node_get(model, field.name);
        if (value == NULL || !slice_equal(*value, field.text)) {
            return false;
        }
    }
    return model->count == copy->view_count;
}

static bool is_copy(uint32_t task, struct slice id, const struct sim_entry *entry)
{
    const struct slice none = {NULL, 0};
    const struct slice *record = sim_node_get(model_of(task, 'c', id), none);
    struct cut_entry copy;
    if (entry->tombstone) {
        return record == NULL;
    }
    return record != NULL &&
           cut_take_checkpoint(slice_of(entry->data, entry->size), &copy) == STATUS_OK &&
           slice_equal(copy.record, *record) && is_view(model_of(task, 'v', id), &copy);
}

static void check_copy(const struct sim_entry *entry)
{
    struct slice id;
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        if (!cut_checkpoint_key(entry->key, task, &id)) {
            continue;
        }
        int64_t customer = sim_customer_index(id);
        uint64_t seq = cut_checkpoint_seq(&entry->header, 1);
        if (customer >= 0 && sim->checker.changed[customer] <= seq && !is_copy(task, id, entry)) {
            sim_fail(ORACLE_COPIES, "task %u: the checkpoint of %.*s is not what cut %llu left",
                     task, SLICE_ARG(id), (unsigned long long)seq);
        }
    }
}

void sim_check_copies(const struct sim_txn *txn)
{
    for (uint32_t p = SIM_PARTITION_CHECKPOINTS; p < SIM_PARTITIONS; p++) {
        const struct sim_partition *partition = &sim->partitions[p];
        bool any = (txn->partitions >> p & 1) != 0;
        for (uint32_t i = any ? txn->first[p] : partition->count; i < partition->count; i++) {
            if (partition->entries[i].txn == txn) {
                check_copy(&partition->entries[i]);
            }
        }
    }
}
