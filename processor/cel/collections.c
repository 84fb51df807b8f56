/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, maps, sets and optionals. */
#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

FUNCTION(some)
{
    (void)count;
    return cel_some(m, &a[0]);
}

FUNCTION(none)
{
    UNUSED_ARGUMENTS;
    return cel_none();
}

static bool is_zero(const struct cel_value *value)
{
    switch ((int)value->kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !value->b;
    case CEL_INT:
    case CEL_UINT:
        return value->i == 0;
    case CEL_DOUBLE:
        return value->d == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return value->text.size == 0;
    case CEL_LIST:
    case CEL_MAP:
        return value->list.count == 0;
    case CEL_DURATION:
    case CEL_TIMESTAMP:
        return value->i == 0 && value->nanos == 0;
    case CEL_OPTIONAL:
        return value->inner == NULL;
    default:
        return false;
    }
}

FUNCTION(some_non_zero)
{
    (void)count;
    return is_zero(&a[0]) ? cel_none() : cel_some(m, &a[0]);
}

FUNCTION(has_value)
{
    UNUSED_ARGUMENTS;
    return cel_bool(a[0].inner != NULL);
}

FUNCTION(value_of)
{
    UNUSED_ARGUMENTS;
    return a[0].inner == NULL ? cel_error("optional.none() dereference") : *a[0].inner;
}

FUNCTION(or_else)
{
    UNUSED_ARGUMENTS;
    return a[0].inner == NULL ? a[1] : a[0];
}

FUNCTION(or_value)
{
    UNUSED_ARGUMENTS;
    return a[0].inner == NULL ? a[1] : *a[0].inner;
}

FUNCTION(first)
{
    (void)count;
    return a[0].list.count == 0 ? cel_none() : cel_some(m, &a[0].list.items[0]);
}

FUNCTION(last)
{
    (void)count;
    return a[0].list.count == 0 ? cel_none() : cel_some(m, &a[0].list.items[a[0].list.count - 1]);
}

static struct cel_value copy_list(struct cel_machine *m, const struct cel_value *list,
                                  struct cel_value **out)
{
    struct cel_value *items = cel_take_values(m, list->list.count);
    *out = items;
    if (items == NULL) {
        return cel_out_of_scratch();
    }
    memcpy(items, list->list.items, list->list.count * sizeof(*items));
    return cel_list(items, list->list.count);
}

FUNCTION(unwrap)
{
    (void)count;
    struct cel_value *items = NULL, out = copy_list(m, &a[0], &items);
    uint32_t kept = 0;
    for (uint32_t i = 0; items != NULL && i < out.list.count; i++) {
        if (items[i].kind != CEL_OPTIONAL) {
            return cel_no_overload();
        }
        if (items[i].inner != NULL) {
            items[kept++] = *items[i].inner;
        }
    }
    return items == NULL ? out : cel_list(items, kept);
}

FUNCTION(list_size)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].list.count);
}

FUNCTION(slice_list)
{
    UNUSED_ARGUMENTS;
    if (a[1].i < 0 || a[2].i < a[1].i || a[2].i > a[0].list.count) {
        return cel_error("slice: index out of range");
    }
    return cel_list(a[0].list.items + a[1].i, (uint32_t)(a[2].i - a[1].i));
}

FUNCTION(reverse_list)
{
    (void)count;
    struct cel_value *items = NULL, out = copy_list(m, &a[0], &items);
    for (uint32_t i = 0; items != NULL && i < out.list.count; i++) {
        items[i] = a[0].list.items[out.list.count - 1 - i];
    }
    return out;
}

FUNCTION(distinct)
{
    (void)count;
    struct cel_value *items = NULL, out = copy_list(m, &a[0], &items);
    uint32_t kept = 0;
    for (uint32_t i = 0; items != NULL && i < out.list.count; i++) {
        bool seen = false;
        for (uint32_t k = 0; !seen && k < kept; k++) {
            seen = cel_equal(&items[k], &items[i]);
        }
        if (!seen) {
            items[kept++] = items[i];
        }
    }
    return items == NULL ? out : cel_list(items, kept);
}

FUNCTION(sort)
{
    (void)count;
    struct cel_value *items = NULL, out = copy_list(m, &a[0], &items);
    for (uint32_t i = 1; items != NULL && i < out.list.count; i++) {
        struct cel_value value = items[i];
        uint32_t at = i;
        int order = 0;
        for (; at > 0; at--) {
            if (value.kind != items[at - 1].kind || !cel_compare(&items[at - 1], &value, &order)) {
                return cel_error("list elements must be of one comparable type");
            }
            if (order <= 0 || order == CEL_UNORDERED) {
                break;
            }
            items[at] = items[at - 1];
        }
        items[at] = value;
    }
    return out;
}

FUNCTION(flatten)
{
    (void)count;
    size_t total = 0;
    for (uint32_t i = 0; i < a[0].list.count; i++) {
        const struct cel_value *item = &a[0].list.items[i];
        total += item->kind == CEL_LIST ? item->list.count : 1;
    }
    struct cel_value *items = cel_take_values(m, total);
    uint32_t used = 0;
    if (items == NULL || total > UINT32_MAX) {
        return cel_out_of_scratch();
    }
    for (uint32_t i = 0; i < a[0].list.count; i++) {
        const struct cel_value *item = &a[0].list.items[i];
        const struct cel_items one = {item, 1}, from = item->kind == CEL_LIST ? item->list : one;
        memcpy(items + used, from.items, from.count * sizeof(*items));
        used += from.count;
    }
    return cel_list(items, used);
}

FUNCTION(lists_range)
{
    (void)count;
    if (a[0].i < 0 || a[0].i > 1000000) {
        return cel_error("lists.range: 0 to 1,000,000");
    }
    struct cel_value *items = cel_take_values(m, (size_t)a[0].i);
    for (int64_t i = 0; items != NULL && i < a[0].i; i++) {
        items[i] = cel_int(i);
    }
    return items == NULL ? cel_out_of_scratch() : cel_list(items, (uint32_t)a[0].i);
}

static bool contains(const struct cel_value *list, const struct cel_value *value)
{
    for (uint32_t i = 0; i < list->list.count; i++) {
        if (cel_equal(&list->list.items[i], value)) {
            return true;
        }
    }
    return false;
}

static bool subset(const struct cel_value *all, const struct cel_value *some_of)
{
    for (uint32_t i = 0; i < some_of->list.count; i++) {
        if (!contains(all, &some_of->list.items[i])) {
            return false;
        }
    }
    return true;
}

FUNCTION(sets_contains)
{
    UNUSED_ARGUMENTS;
    return cel_bool(subset(&a[0], &a[1]));
}

FUNCTION(sets_equivalent)
{
    UNUSED_ARGUMENTS;
    return cel_bool(subset(&a[0], &a[1]) && subset(&a[1], &a[0]));
}

FUNCTION(sets_intersects)
{
    UNUSED_ARGUMENTS;
    for (uint32_t i = 0; i < a[1].list.count; i++) {
        if (contains(&a[0], &a[1].list.items[i])) {
            return cel_bool(true);
        }
    }
    return cel_bool(false);
}

const struct cel_function cel_collections[] = {
    {"optional.of", "A:OA", some},
    {"optional.ofNonZeroValue", "A:OA", some_non_zero},
    {"optional.none", ":OA", none},
    {"optional.unwrap", "LOA:LA", unwrap},
    {"unwrapOpt", ".LOA:LA", unwrap},
    {"hasValue", ".OA:b", has_value},
    {"value", ".OA:A", value_of},
    {"or", ".OAOA:OA", or_else},
    {"orValue", ".OAA:A", or_value},
    {"first", ".LA:OA", first},
    {"last", ".LA:OA", last},
    {"slice", ".LAii:LA", slice_list},
    {"distinct", ".LA:LA", distinct},
    {"sort", ".LA:LA", sort},
    {"flatten", ".L*:L*", flatten},
    {"lists.range", "i:Li", lists_range},
    {"sets.contains", "LALA:b", sets_contains},
    {"sets.equivalent", "LALA:b", sets_equivalent},
    {"sets.intersects", "LALA:b", sets_intersects},
    {NULL, NULL, NULL},
};

struct cel_value cel_list_size(struct cel_machine *m, const struct cel_value *a, uint32_t count)
{
    return list_size(m, a, count);
}

struct cel_value cel_list_reverse(struct cel_machine *m, const struct cel_value *a, uint32_t count)
{
    return reverse_list(m, a, count);
}
