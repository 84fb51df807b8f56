/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept about a customer, in words for the customer: `about` of the playbook where a bank has written one,
 * else made from the definition. */
#ifndef COMMANDS_PLAIN_WORDS_H
#define COMMANDS_PLAIN_WORDS_H

#include <stdio.h>

#include "playbook/playbook.h"

/* "how many of your payments in the last 30 days, of those where tx.kind == "FEE"". `name`: index in
 * playbook->names, a feature or a field of a series. No line end. */
void plain_meaning(const struct playbook *playbook, uint32_t name, FILE *out);

/* The value as people write it: money in major units with its currency, hours, yes and no. It must be present. No
 * line end. */
void plain_value(const struct playbook *playbook, uint32_t name, const struct feature_value *value,
                 FILE *out);

/* If it is an amount: "54.00 GBP", or "5400 (minor units)" where its currency is not known. No line end. False: it
 * is none, or not present, and nothing is printed. */
bool plain_amount(const struct playbook *playbook, uint32_t name, const struct feature_value *value,
                  FILE *out);

/* A field of a series of which no payment is known: its zeros say nothing. `values` of all of playbook->names. */
bool plain_is_idle(const struct playbook *playbook, uint32_t name,
                   const struct feature_value *values);

#endif
