/* SPDX-License-Identifier: Apache-2.0 */
/* Types while checking: joined, matched against signatures. Gradual: dyn goes with everything.
 * CEL_ABSENT stands for "not fixed yet" (the elements of []), CEL_KIND_COUNT for an unbound
 * parameter. Private to cel/. */
#ifndef CEL_TYPES_H
#define CEL_TYPES_H

#include "cel/machine.h"

struct cel_type cel_type_of(enum cel_kind kind);
struct cel_type cel_type_list(struct cel_compilation *compilation, enum cel_kind kind,
                              struct cel_type element);
struct cel_type cel_type_map(struct cel_compilation *compilation, struct cel_type key,
                             struct cel_type element);

/* The type that both fit; false when they do not go together (out is then dyn). */
bool cel_type_join(struct cel_compilation *compilation, struct cel_type a, struct cel_type b,
                   struct cel_type *out);
bool cel_type_same(const struct cel_type *a, const struct cel_type *b);

/* Does the overload take these argument types? Then its result. */
bool cel_signature_fits(struct cel_compilation *compilation, const struct cel_function *function,
                        bool method, const struct cel_type *arguments, uint32_t count,
                        struct cel_type *out_result);

/* A call with its argument types as people read it ("int + string"), and what to write instead (""
 * when nobody knows). Types: the target first, then the arguments. */
void cel_describe(const struct cel_node *node, const struct cel_type *types, uint32_t count,
                  char *out, size_t size);
void cel_mend(const struct cel_node *node, const struct cel_type *types, uint32_t count, char *out,
              size_t size);

/* Unfixed parts become dyn. */
struct cel_type cel_type_settle(struct cel_compilation *compilation, struct cel_type type);

#endif
