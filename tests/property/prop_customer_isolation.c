/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a customer does not depend on the others: each customer alone gets the lines that it
 * gets in the crowd. (Outcomes are left out: they move the offers' odds for everybody, on purpose.) */
#include "support/engine_kit.h"
#include "support/suite.h"

enum { EVENTS = 3000, CUSTOMERS = 5 };

/* Only the lines of one customer. */
static char *lines_of(const struct kit *kit, uint32_t customer)
{
    char id[16];
    (void)snprintf(id, sizeof(id), "c-%02u", customer);
    char *out = calloc(1, kit->said_size + 1);
    size_t size = 0;
    for (const char *line = kit->said; *line != 0;) {
        const char *end = strchr(line, '\n') + 1;
        if (strncmp(line, id, strlen(id)) == 0) {
            memcpy(out + size, line, (size_t)(end - line));
            size += (size_t)(end - line);
        }
        line = end;
    }
    return out;
}

/* `only`: CUSTOMERS for all. `leak`: the canary, now and then somebody else's event is taken too. */
static void run(struct kit *kit, uint64_t seed, uint32_t only, bool leak)
{
    struct kit_stream stream;
    kit_reset(kit);
    kit_stream_init(&stream, seed, CUSTOMERS, false);
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t customer = 0;
        struct event event = kit_stream_next(&stream, &customer);
        if (only == CUSTOMERS || customer == only) {
            kit_event(kit, customer, &event);
        } else if (leak && i % 500 == 0) {
            kit_event(kit, only, &event);
        }
    }
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        kit_advance(kit, i, stream.time_ms);
    }
}

static void compare(uint64_t seed, bool leak, bool equal)
{
    struct kit kit;
    kit_open(&kit);
    run(&kit, seed, CUSTOMERS, false);
    char *crowd[CUSTOMERS];
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        crowd[i] = lines_of(&kit, i);
        ck_assert(crowd[i][0] != 0);
    }
    bool all = true;
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        run(&kit, seed, i, leak);
        char *alone = lines_of(&kit, i);
        all = all && strcmp(alone, crowd[i]) == 0;
        free(alone);
        free(crowd[i]);
    }
    ck_assert_msg(all == equal, "SEED=%llu", (unsigned long long)seed);
    kit_close(&kit);
}

START_TEST(a_customer_alone_is_the_customer_in_the_crowd)
{
    compare(kit_seed(2000) + (uint64_t)_i, false, true);
}
END_TEST

START_TEST(canary_a_leak_is_seen)
{
    compare(kit_seed(2000), true, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prop_customer_isolation");
    TCase *tests = tcase_create("customer_isolation");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_customer_alone_is_the_customer_in_the_crowd, 0, 4);
    tcase_add_test(tests, canary_a_leak_is_seen);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
