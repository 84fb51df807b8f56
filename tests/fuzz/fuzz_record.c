/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record, as Redis, journal and checkpoints give them back: refused, or a customer (a task) that
 * packs to a fixed point and goes on through the engine. */
#include "fuzz.h"

#include "base/invariant.h"
#include "support/engine_kit.h"

static struct kit kit;
static uint8_t packed[ENGINE_RECORD_SIZE_MAX], again[ENGINE_RECORD_SIZE_MAX];

static void customer_from(struct slice record)
{
    struct status_text text;
    struct customer *customer = kit.customers[0];
    if (engine_customer_unpack(kit.engine, customer, slice_text("x"), record, &text) != STATUS_OK) {
        return;
    }
    size_t size = engine_customer_pack(kit.engine, customer, packed);
    INVARIANT(size <= sizeof(packed));
    INVARIANT(engine_customer_unpack(kit.engine, customer, slice_text("x"), slice_of(packed, size),
                                     &text) == STATUS_OK);
    INVARIANT(engine_customer_pack(kit.engine, customer, again) == size &&
              memcmp(packed, again, size) == 0);
    /* The runtime never goes back before what a customer has seen, nor sleeps past its deadline. */
    if (customer->seen_ms > 0 && customer->seen_ms < KIT_START_MS &&
        customer->deadline_ms > KIT_START_MS) {
        struct event event = kit_app(KIT_START_MS, "view");
        kit.effects.count = 0;
        kit.effects.arena.used = 0;
        (void)engine_event(kit.engine, kit.task, customer, &event, KIT_START_MS, &kit.effects);
    }
}

static void task_from(struct slice record)
{
    struct status_text text;
    if (engine_task_unpack(kit.engine, kit.task, 0, record, &text) == STATUS_OK) {
        size_t size = engine_task_pack(kit.engine, kit.task, packed);
        INVARIANT(engine_task_unpack(kit.engine, kit.task, 0, slice_of(packed, size), &text) ==
                  STATUS_OK);
        INVARIANT(engine_task_pack(kit.engine, kit.task, again) == size &&
                  memcmp(packed, again, size) == 0);
    }
    engine_task_init(kit.engine, kit.task, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (kit.engine == NULL) {
        kit_open(&kit);
    }
    customer_from(slice_of(data, size));
    task_from(slice_of(data, size));
    return 0;
}
