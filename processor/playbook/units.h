/* SPDX-License-Identifier: Apache-2.0 */
/* Units of the numbers in a rule: money is not days. Inside playbook/ only. */
#ifndef PLAYBOOK_UNITS_H
#define PLAYBOOK_UNITS_H

#include "playbook/loader.h"

/* An error where an expression (compiled, from `node`) compares, adds or subtracts two numbers of different
 * units, with the names of both. What the unit is follows from the names: f.spend_30d is money when it sums
 * tx.amount_minor. A number as written has none and goes with all; so does whatever is not understood here. */
void units_check(struct loader *loader, const struct yaml_node *node);

#endif
