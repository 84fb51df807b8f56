/* SPDX-License-Identifier: Apache-2.0 */
/* Every customer of a backtest, in memory: a table of packed records with as many of them unpacked
 * as fit. */
#ifndef COMMANDS_CUSTOMERS_H
#define COMMANDS_CUSTOMERS_H

#include "engine/engine.h"

struct customers;

/* `working_size`: bytes for unpacked customers. NULL: out of memory. */
struct customers *customers_open(const struct engine *engine, size_t working_size);

/* The customer's working block, made on first use; valid until the next call. NULL: out of memory.
 */
struct customer *customers_get(struct customers *customers, struct slice id);

/* Customers ever seen; and the working block of number `index`, in order of first use. */
uint32_t customers_count(const struct customers *customers);
struct customer *customers_at(struct customers *customers, uint32_t index);

/* The number of a working block that is in use. */
uint32_t customers_number(const struct customers *customers, const struct customer *customer);

#endif
