/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store.h"

#include "base/digits.h"
#include "base/invariant.h"

/* "*12\r\n" or "$12\r\n". */
static void put_length(struct store_pipeline *pipeline, char mark, size_t value)
{
    char text[24];
    size_t at = sizeof(text);
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text[--at] = mark;
    size_t size = sizeof(text) - at;
    if (pipeline->full || size > pipeline->limit - pipeline->size) {
        pipeline->full = true;
        return;
    }
    memcpy(pipeline->data + pipeline->size, text + at, size);
    pipeline->size += size;
}

static void put(struct store_pipeline *pipeline, const void *data, size_t size)
{
    if (pipeline->full || size > pipeline->limit - pipeline->size) {
        pipeline->full = true;
        return;
    }
    if (size > 0) {
        memcpy(pipeline->data + pipeline->size, data, size);
    }
    pipeline->size += size;
}

void store_command(struct store_pipeline *pipeline, uint32_t argument_count)
{
    INVARIANT(argument_count > 0);
    put_length(pipeline, '*', argument_count);
    pipeline->command_count++;
}

void store_argument(struct store_pipeline *pipeline, struct slice argument)
{
    store_argument_pair(pipeline, argument, (struct slice){NULL, 0});
}

void store_argument_text(struct store_pipeline *pipeline, const char *text)
{
    store_argument(pipeline, slice_text(text));
}

void store_argument_pair(struct store_pipeline *pipeline, struct slice first, struct slice second)
{
    put_length(pipeline, '$', first.size + second.size);
    put(pipeline, first.data, first.size);
    put(pipeline, second.data, second.size);
    put(pipeline, "\r\n", 2);
}

void store_argument_number(struct store_pipeline *pipeline, struct slice prefix, int64_t number)
{
    char text[DIGITS_MAX];
    store_argument_pair(pipeline, prefix, digits_of(number, text));
}
