/* SPDX-License-Identifier: Apache-2.0 */
/* What is held about a customer, in plain words, as a person who asks has a right to. Pure. */
#ifndef COMMANDS_SUBJECT_ACCESS_H
#define COMMANDS_SUBJECT_ACCESS_H

#include <stdio.h>

#include "model/customer.h"
#include "settings/settings.h"

/* Before the features, life events, segments and offers (commands/explained.h): who, and the profile. */
void subject_access_begin(const struct settings *settings, const struct customer *customer,
                          FILE *out);

/* After them: where copies are, for how long, and what can be asked for. */
void subject_access_end(const struct settings *settings, FILE *out);

#endif
