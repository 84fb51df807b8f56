/* SPDX-License-Identifier: Apache-2.0 */
/* The Common Expression Language (cel-spec, langdef.md) as a module of its own: parse, check types,
 * compile to bytecode, evaluate. No protobuf, no allocation per evaluation, cost bounded when
 * compiled.
 *
 *   text -> cel_compile(environment) -> struct cel_program -> cel_evaluate(activation) -> struct
 * cel_value
 *
 * Depends on base/ only, so that others can lift it out. */
#ifndef CEL_CEL_H
#define CEL_CEL_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/zone.h"

enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TIMESTAMP, /* nanoseconds would overflow: seconds in `i`, nanoseconds in `nanos` */
    CEL_DURATION,  /* likewise */
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_IP,     /* network extension: `text` is 4 or 16 bytes */
    CEL_CIDR,   /* likewise, `nanos` is the prefix length */
    CEL_DYN,    /* in declarations: not known when compiled */
    CEL_ERROR,  /* evaluation failed; `text` says why */
    CEL_ABSENT, /* a known name with no value now: has() is false, reading it is an error
                   "missing:NAME" */
    CEL_KIND_COUNT
};

struct cel_value;

/* Lists and maps of the host and of literals: `items` has `count` values (lists) or 2 x count
 * (maps: key, value, key, value ...). Borrowed. */
struct cel_items {
    const struct cel_value *items;
    uint32_t count;
};

struct cel_value {
    enum cel_kind kind;
    int32_t nanos; /* CEL_TIMESTAMP, CEL_DURATION */
    union {
        bool b;
        int64_t i; /* CEL_INT; seconds of CEL_TIMESTAMP and CEL_DURATION */
        uint64_t u;
        double d;
        struct slice text;     /* CEL_STRING, CEL_BYTES, CEL_ERROR (message), CEL_TYPE (its name) */
        struct cel_items list; /* CEL_LIST, CEL_MAP */
        const struct cel_value *inner; /* CEL_OPTIONAL: NULL when none */
    };
};

/* A declared type: kind plus element types for lists and maps. */
struct cel_type {
    enum cel_kind kind;
    const struct cel_type *key;     /* maps */
    const struct cel_type *element; /* lists, maps, optionals */
};

/* One name that expressions may read: "f.spend_90d", "now", "seg". Dotted names are declared whole.
 */
struct cel_name {
    const char *name;
    struct cel_type type;
    uint32_t slot; /* handed to the activation */
};

enum {
    CEL_TEXT_SIZE_MAX = 65536, /* bytes of one expression */
    CEL_DEPTH_MAX = 250,
    CEL_COST_MAX = 1000000, /* default bound of a program's worst cost, in steps */
    CEL_LEAVES_MAX = 64,
};

/* Days that a calendar treats otherwise than its weekdays: one day (since 1970), a day of every year, or one so
 * many days from Easter Sunday. */
enum cel_holiday_kind { CEL_ONCE, CEL_YEARLY, CEL_EASTER };
struct cel_holiday {
    enum cel_holiday_kind kind;
    int32_t value; /* the day; month * 32 + day of the month; the distance */
};

/* A calendar of the host's own, for is_business_day and business_days. What `working` names is no holiday. */
struct cel_calendar {
    struct slice name;
    bool england_wales; /* its bank holidays too */
    uint8_t weekend;    /* bit per weekday, 0 Sunday */
    const struct cel_holiday *holidays, *working;
    uint32_t holiday_count, working_count;
};

/* Outlives the programs that are compiled with it. */
struct cel_environment {
    /* Sorted by the caller or not; looked up by a hash made at compile */
    const struct cel_name *names;
    uint32_t name_count;
    /* Namespace prefix for resolution (spec, "Name Resolution"); usually empty */
    struct slice container;
    uint64_t cost_max;         /* 0: CEL_COST_MAX */
    uint32_t list_size_max;    /* bound assumed for host lists in the cost; 0: 1024 */
    const struct zones *zones; /* IANA time zones (base/zone.h); NULL: only UTC and fixed offsets */
    const struct cel_calendar *calendars; /* beside "england_wales", which is always there */
    uint32_t calendar_count;
    bool dynamic;   /* unknown names are dyn instead of errors (conformance tests) */
    bool no_macros; /* conformance tests */
    bool no_check;  /* conformance tests: parse only, run dynamically */
};

struct cel_program; /* immutable; may be shared between threads */

/* Compile `text`. Errors go to `diagnostics` with positions inside `origin`: `origin.line/column`
 * is where the first byte of `text` stands in its file, and columns count from there (an expression
 * with line breaks moves to the next line, column 1 + origin.column - 1 is kept only for the first
 * line). The program and its constants live in `arena`. NULL when there was an error (at least one
 * was added). */
const struct cel_program *cel_compile(const struct cel_environment *environment, struct slice text,
                                      struct source_span origin, struct arena *arena,
                                      struct diagnostics *diagnostics);

/* The checked type of the result. */
struct cel_type cel_program_type(const struct cel_program *program);

/* The slots that it reads, each once, in order of first use. Borrowed from the program. */
const uint32_t *cel_program_slots(const struct cel_program *program, uint32_t *out_count);

/* The largest parts of the expression that read this name and no other, each a program of its own in `arena`: all
 * that the rest can learn of the name comes through them. The first `max` go to `out`. Returns how many there are;
 * UINT32_MAX: the arena is full. The environment of the program must still be there. */
uint32_t cel_program_parts(const struct cel_program *program, uint32_t slot, struct arena *arena,
                           const struct cel_program **out, uint32_t max);

/* Worst-case cost in steps, as bounded when compiled. */
uint64_t cel_program_cost(const struct cel_program *program);

/* Reads names for one evaluation. A missing value is CEL_ABSENT. Lists may be built in
 * activation->scratch. */
struct cel_activation {
    struct cel_value (*read)(const struct cel_activation *activation, uint32_t slot);
    /* Conformance tests only (environment.dynamic): by name. May be NULL. */
    struct cel_value (*read_name)(const struct cel_activation *activation, struct slice name);
    const void *context;
    struct arena *scratch; /* for strings and lists made on the way; reset by the caller */
};

/* Evaluate. Never allocates beyond `scratch`; out of scratch is a CEL_ERROR. Pure. */
struct cel_value cel_evaluate(const struct cel_program *program,
                              const struct cel_activation *activation);

/* A name of a predicate over whole numbers and moments (milliseconds since 1970). CEL_OTHER: it has a value of
 * another kind; CEL_UNSURE: this reader does not know. */
enum cel_found { CEL_WHOLE, CEL_MOMENT, CEL_MISSING, CEL_OTHER, CEL_UNSURE };
typedef enum cel_found cel_read_whole(const void *context, uint32_t slot, int64_t *out_value);

enum { CEL_WHOLE_FAILS = 2 };

/* What cel_evaluate would say, quicker, where names with such values, constants, arithmetic, comparisons, has()
 * and logic decide: 1 true, 0 false, CEL_WHOLE_FAILS an error (which, cel_evaluate says). -1: something else is
 * needed; evaluate it. */
int cel_evaluate_whole(const struct cel_program *program, cel_read_whole *read,
                       const void *context);

struct cel_pattern;

/* The boolean leaves of the top-level &&, ||, ! and ?: tree, for proofs. */
enum cel_leaf_form {
    CEL_LEAF_OTHER,
    CEL_LEAF_COMPARES, /* NAME < CONSTANT and the like, NAME in [CONSTANTS]: `constant` */
    CEL_LEAF_HAS,      /* has(NAME) */
    CEL_LEAF_CONTAINS, /* CONSTANT in NAME: `constant` */
    CEL_LEAF_MATCHES,  /* NAME.matches('..'): `pattern` */
    CEL_LEAF_SAME,     /* NAME == OTHER_NAME of two texts: slots[1] is the other's */
    CEL_LEAF_DIFFERS,  /* NAME != OTHER_NAME of two texts */
    CEL_LEAF_DISTANCE, /* NAME < OTHER_NAME - CONSTANT and the like: `constant`, slots[1] is the other's */
};

struct cel_leaf {
    struct slice text;       /* as written */
    struct slice left_text;  /* left side of a comparison, else the leaf itself */
    struct slice right_text; /* right side of a comparison, else empty */
    uint32_t first_slot;     /* slots[0]; UINT32_MAX: none */
    bool comparison;
    bool constant_left; /* "x" in life, 3 < f.y: what is judged stands on the right */
    enum cel_leaf_form
        form; /* but for OTHER: `first_slot` is NAME's, and it reads no more than said */
    const uint32_t *slots; /* all that it reads, each once */
    uint32_t slot_count;
    const struct cel_value *constant;
    bool ordered; /* COMPARES: by < <= > >= */
    const struct cel_pattern *pattern;
};

uint32_t cel_program_leaf_count(const struct cel_program *program);
const struct cel_leaf *cel_program_leaf(const struct cel_program *program, uint32_t index);

/* How the leaves make the whole, in postfix: for those who evaluate many conditions over one input. */
enum cel_logic_op { CEL_LOGIC_LEAF, CEL_LOGIC_NOT, CEL_LOGIC_AND, CEL_LOGIC_OR };
struct cel_logic {
    uint8_t op;   /* enum cel_logic_op */
    uint8_t leaf; /* CEL_LOGIC_LEAF: its index */
};
/* NULL: it is more than that (?:, a leaf of type dyn, more than CEL_LEAVES_MAX leaves). As CEL has it, an error
 * is a third truth: && and || forget it when the other side decides, in either order. */
const struct cel_logic *cel_program_logic(const struct cel_program *program, uint32_t *out_count);

/* What the leaf is now: CEL_BOOL or CEL_ERROR. */
struct cel_value cel_evaluate_leaf(const struct cel_program *program, uint32_t index,
                                   const struct cel_activation *activation);

/* The same as cel_evaluate_whole would say of it. */
int cel_evaluate_leaf_whole(const struct cel_program *program, uint32_t index, cel_read_whole *read,
                            const void *context);

/* Many patterns over one text in one pass (scanner.c). Immutable. */
struct cel_scanner;
enum { CEL_SCANNER_PATTERNS_MAX = 128 };

/* Lives in `arena`. `work`, another one, is left as it was; it needs some 2 MB, and how much more there is
 * bounds the automaton. NULL: too many patterns or states, or an arena is full: `arena` is then as it was, and the
 * patterns match one by one. */
const struct cel_scanner *cel_scanner_build(const struct cel_pattern *const *patterns,
                                            uint32_t count, struct arena *arena,
                                            struct arena *work);
/* Bit i: pattern i matches somewhere in the text. */
void cel_scanner_scan(const struct cel_scanner *scanner, struct slice text,
                      uint64_t out_bits[CEL_SCANNER_PATTERNS_MAX / 64]);

struct cel_leaf_result {
    struct cel_value holds; /* CEL_BOOL or CEL_ERROR */
    struct cel_value left;  /* value of the left side (or of the leaf) */
    struct cel_value right; /* value of the right side; CEL_NULL when no comparison */
};

/* Evaluate one leaf and its sides; slower than cel_evaluate, for explanations only. */
struct cel_leaf_result cel_explain_leaf(const struct cel_program *program, uint32_t index,
                                        const struct cel_activation *activation);

/* A value as text for people and proofs: 12, 3.5, "text" without quotes, true, [a, b].
 * NUL-terminated, cut at `size`. Returns the length written. */
size_t cel_format(const struct cel_value *value, char *out, size_t size);

static inline struct cel_value cel_int(int64_t i)
{
    return (struct cel_value){.kind = CEL_INT, .i = i};
}

static inline struct cel_value cel_bool(bool b)
{
    return (struct cel_value){.kind = CEL_BOOL, .b = b};
}

static inline struct cel_value cel_double(double d)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .d = d};
}

static inline struct cel_value cel_string(struct slice text)
{
    return (struct cel_value){.kind = CEL_STRING, .text = text};
}

static inline struct cel_value cel_timestamp_ms(int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    return (struct cel_value){
        .kind = CEL_TIMESTAMP, .i = seconds, .nanos = (int32_t)(ms - seconds * 1000) * 1000000};
}

#endif
