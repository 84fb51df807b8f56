/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of settings/ share while one configuration is read. */
#ifndef SETTINGS_PARSE_H
#define SETTINGS_PARSE_H

#include "settings/settings.h"
#include "text/yaml.h"

struct parse {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct settings *settings;
    char folder[400]; /* of the file, with its slash; "" for texts */
    bool read_files;  /* false: secrets' files are not opened */
};

/* A NUL-terminated copy in the arena; "" when it is full (an error was added then). */
const char *parse_copy(struct parse *parse, struct slice text);

/* A path, made relative to the configuration's folder unless it is absolute. */
const char *parse_path(struct parse *parse, struct slice text);

/* The text of a secret's file without its last line break; NULL and an error when it cannot be
 * read. */
const char *parse_secret(struct parse *parse, const struct yaml_node *node);

void parse_kafka(struct parse *parse, const struct yaml_node *node);
void parse_sources(struct parse *parse, const struct yaml_node *node);
void parse_topics(struct parse *parse, const struct yaml_node *node);

/* Lines of the reference for what the table does not hold. */
void sources_print_defaults(FILE *out);

#endif
