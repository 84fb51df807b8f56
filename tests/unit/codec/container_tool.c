/* SPDX-License-Identifier: Apache-2.0 */
/* For avro_share.py: the blocks of a container as codec/container.h gives them, one `COUNT HEX` a line, or
 * `bad TEXT`. usage: container_tool < FILE. Exit 1: its header is refused, the reason on stderr. */
#include <inttypes.h>
#include <stdio.h>

#include "codec/container.h"

static uint8_t input[1 << 22], room[CONTAINER_BLOCK_SIZE_MAX];

int main(void)
{
    struct container container;
    struct container_block block;
    struct status_text text;
    size_t size = fread(input, 1, sizeof(input), stdin);
    if (container_open(slice_of(input, size), room, &container, &text) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", text.text);
        return 1;
    }
    while (!container_ended(&container)) {
        if (container_next(&container, &block, &text) != STATUS_OK) {
            (void)printf("bad %s\n", text.text);
            continue;
        }
        (void)printf("%" PRIu64 " ", block.count);
        for (size_t i = 0; i < block.bytes.size; i++) {
            (void)printf("%02x", block.bytes.data[i]);
        }
        (void)putchar('\n');
    }
    return 0;
}
