/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka record header: what the codec writes (CloudEvents) and reads (schema ids), and io carries. */
#ifndef MODEL_HEADER_H
#define MODEL_HEADER_H

#include "base/slice.h"

/* The name of the header that says which schema wrote the value, when nothing in front of it does (Confluent). */
#define HEADER_SCHEMA_ID "__value_schema_id"

/* A null value has no data; an empty one has. */
struct header {
    struct slice name;
    struct slice value;
};

#endif
