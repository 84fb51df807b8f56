/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka record header: what the codec writes (CloudEvents) and reads (schema ids), and io carries. */
#ifndef MODEL_HEADER_H
#define MODEL_HEADER_H

#include "base/slice.h"

struct header {
    struct slice name;
    struct slice value;
};

#endif
