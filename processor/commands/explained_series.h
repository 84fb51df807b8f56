/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a customer's recurring payments, in an adviser's words. */
#ifndef COMMANDS_EXPLAINED_SERIES_H
#define COMMANDS_EXPLAINED_SERIES_H

#include <stdio.h>

#include "engine/explain.h"

/* One line for each series of the explanation of a life event, under a title; nothing when it reads none. Amounts
 * are in units of hundred minor ones, of whatever currency the payments are in; dates are the customer's own. */
void explained_series(const struct explanation *explanation, FILE *out);

/* The customer's own calendar day at that moment, as 2026-11-25. */
void explained_date(const struct explanation *explanation, int64_t time_ms, FILE *out);

#endif
