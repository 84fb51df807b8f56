/* SPDX-License-Identifier: Apache-2.0 */
/* The profile inside a customer: taking in the newest, and its packed form. Private to engine/. */
#ifndef ENGINE_PROFILE_H
#define ENGINE_PROFILE_H

#include "base/bytes.h"
#include "base/zone.h"
#include "model/customer.h"

/* Replace the profile by a newer one (an older one changes nothing but consents that are newer than ours).
 * A consent is judged by its own updated_at. `home_zone` is for a profile that names none.
 * Returns true when a consent that was granted is no longer. */
bool profile_take(struct profile *profile, const struct event *event, const struct zones *zones,
                  int32_t home_zone);

bool profile_is_empty(const struct profile *profile);
void profile_pack(const struct profile *profile, const struct zones *zones,
                  struct bytes_writer *writer);
bool profile_unpack(struct profile *profile, const struct zones *zones, int32_t home_zone,
                    struct bytes_reader *reader);

#endif
