/* SPDX-License-Identifier: Apache-2.0 */
/* From a byte of a decoded scalar back to the byte of the file it came from. Inside text/ only. */
#ifndef TEXT_YAML_MAP_H
#define TEXT_YAML_MAP_H

#include "text/yaml.h"

enum yaml_form { YAML_FORM_PLAIN, YAML_FORM_SINGLE, YAML_FORM_DOUBLE, YAML_FORM_BLOCK };

/* The span of bytes from..to of a file; cut at the end of its first line. */
struct source_span yaml_span(const struct source_file *file, size_t from, size_t to);

/* The same for a caller that knows the line (from 1) and the byte at which it starts. */
struct source_span yaml_span_on(const struct source_file *file, uint32_t line, size_t line_start,
                                size_t from, size_t to);

/* Set content_at and map of a scalar whose text is set and which stands in bytes from..to of its
 * file (node->span.file). False: the arena is full. */
bool yaml_map_build(struct yaml_node *node, enum yaml_form form, size_t from, size_t to,
                    struct arena *arena);

#endif
