/* SPDX-License-Identifier: Apache-2.0 */
/* The engine alone: events that are decoded already, customers in memory, one core. usage: bench_engine [EVENTS]
 * Prints one figure a line. The playbook is engine_kit's: 4 features, 1 series, 4 life events, 3 segments,
 * 3 offers. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/engine_kit.h"

enum { CUSTOMERS = 10000 };

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct customer **make_customers(const struct kit *kit)
{
    struct customer **customers = malloc(CUSTOMERS * sizeof(struct customer *));
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "b-%u", i);
        customers[i] = malloc(engine_customer_size(kit->engine));
        engine_customer_init(kit->engine, customers[i], slice_text(id));
    }
    return customers;
}

static uint64_t run(struct kit *kit, struct customer **customers, const struct event *events,
                    const uint32_t *whose, uint32_t count)
{
    uint64_t outputs = 0;
    for (uint32_t i = 0; i < count; i++) {
        while (engine_event(kit->engine, kit->task, customers[whose[i]], &events[i],
                            events[i].time_ms, &kit->effects) == ENGINE_MORE) {
            outputs += kit->effects.count;
            kit->effects.count = 0;
            arena_reset(&kit->effects.arena);
        }
        if (!engine_room(&kit->effects) || kit->effects.count > 0) {
            outputs += kit->effects.count;
            kit->effects.count = 0;
            arena_reset(&kit->effects.arena);
        }
    }
    return outputs;
}

int main(int argc, char **argv)
{
    static struct kit kit;
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX];
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    kit_open(&kit);
    struct customer **customers = make_customers(&kit);
    struct event *events = malloc(count * sizeof(*events));
    uint32_t *whose = malloc(count * sizeof(*whose));
    char(*ids)[32] = malloc(count * sizeof(*ids));
    struct kit_stream stream;
    kit_stream_init(&stream, 1, CUSTOMERS, true);
    for (uint32_t i = 0; i < count; i++) {
        events[i] = kit_stream_next(&stream, &whose[i]);
        if (events[i].event_id.size > 0) { /* the stream's buffer is used again */
            memcpy(ids[i], events[i].event_id.data, events[i].event_id.size);
            events[i].event_id.data = (const uint8_t *)ids[i];
        }
    }
    double start = now_s();
    uint64_t outputs = run(&kit, customers, events, whose, count);
    double seconds = now_s() - start;
    size_t packed = 0;
    start = now_s();
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        packed += engine_customer_pack(kit.engine, customers[i], bytes);
    }
    double packing = now_s() - start;
    printf("engine_events_per_s: %.0f\n", (double)count / seconds);
    printf("engine_ns_per_event: %.0f\n", seconds * 1e9 / (double)count);
    printf("engine_outputs: %llu\n", (unsigned long long)outputs);
    printf("engine_customer_bytes: %zu\n", engine_customer_size(kit.engine));
    printf("engine_record_bytes: %zu\n", packed / CUSTOMERS);
    printf("engine_pack_ns: %.0f\n", packing * 1e9 / CUSTOMERS);
    return 0;
}
