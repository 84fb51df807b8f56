/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/kpis.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "commands/kpis_experiments.h"
#include "model/codes.h"

static const char *const outcomes[] = {"PRESENTED", "CLICKED",    "ACCEPTED",
                                       "REJECTED",  "COMPLAINED", "OPTED_OUT"};
_Static_assert(ARRAY_COUNT(outcomes) == ARM_STAT_REVENUE, "one label per outcome");

static const struct metric_family outcomes_family = {
    "segue_offer_outcomes", NULL,
    "Outcomes that came back, all tasks, since the offer began; REJECTED has DISMISSED in it",
    METRIC_GAUGE};
static const struct metric_family revenue_family = {
    "segue_offer_revenue", NULL, "Revenue of outcomes, in major units of the currency",
    METRIC_GAUGE};
/* Shares of the offers presented. */
static const struct {
    struct metric_family family;
    enum arm_stat stat;
} rates[] = {
    {{"segue_offer_conversion_ratio", NULL, "Accepted of presented", METRIC_GAUGE},
     ARM_STAT_ACCEPTED},
    {{"segue_offer_opt_out_ratio", NULL, "Opted out of presented", METRIC_GAUGE},
     ARM_STAT_OPTED_OUT},
    {{"segue_offer_complaint_ratio", NULL, "Complained of presented", METRIC_GAUGE},
     ARM_STAT_COMPLAINED},
};

struct counts {
    int64_t numbers[ARM_STAT_COUNT];
};

/* One label set. */
struct row {
    struct counts total;
    struct metric *series[ARM_STAT_COUNT];
};

struct kpis {
    struct kpis_options options;
    pthread_mutex_t mutex;
    struct counts *seen; /* task_count x arm_count: what each task has counted per arm */
    uint32_t arm_count;
    struct row *rows; /* per offer; or per offer, variant and channel */
    uint32_t *row_of; /* per arm */
    uint32_t row_count;
    bool fine; /* rows by variant and channel */
    bool ready;
    struct metric *rates[OFFERS_MAX][ARRAY_COUNT(rates)];
    struct kpis_experiments *experiments;
};

static bool may_use(const struct offer_def *def, uint32_t channel)
{
    return (def->channels >> channel & 1) != 0;
}

/* Rows when each offer's variants and channels are told apart. */
static uint32_t fine_rows(const struct offers *offers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < offers->count; i++) {
        count += offer_variant_count(&offers->defs[i]) *
                 (uint32_t)__builtin_popcount(offers->defs[i].channels);
    }
    return count;
}

/* Which row an arm counts in. A channel that the offer may not use (any more) counts in its first one. */
static void map_arms(struct kpis *kpis)
{
    const struct offers *offers = kpis->options.offers;
    uint32_t row = 0;
    for (uint32_t i = 0; i < offers->count; i++) {
        uint32_t first = row;
        for (uint32_t v = 0; v < offer_variant_count(&offers->defs[i]); v++) {
            for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
                for (uint32_t context = 0; context < offers_context_count(offers); context++) {
                    uint32_t arm = offers_arm(offers, i, v, channel, context);
                    kpis->row_of[arm] = !kpis->fine                          ? i
                                        : may_use(&offers->defs[i], channel) ? row
                                                                             : first;
                }
                row += kpis->fine && may_use(&offers->defs[i], channel);
            }
        }
    }
}

struct kpis *kpis_open(const struct kpis_options *options)
{
    struct kpis *kpis = memory_take(sizeof(*kpis), "figures of offers");
    kpis->options = *options;
    kpis->arm_count = engine_arm_count(options->engine);
    kpis->fine = fine_rows(options->offers) * ARM_STAT_COUNT <= KPIS_SERIES_MAX;
    kpis->row_count = kpis->fine ? fine_rows(options->offers) : options->offers->count;
    kpis->seen =
        memory_take((size_t)options->task_count * kpis->arm_count * sizeof(*kpis->seen) + 1,
                    "figures of offers");
    kpis->rows = memory_take(kpis->row_count * sizeof(*kpis->rows) + 1, "figures of offers");
    kpis->row_of = memory_take(kpis->arm_count * sizeof(*kpis->row_of) + 1, "figures of offers");
    (void)pthread_mutex_init(&kpis->mutex, NULL);
    kpis->experiments =
        kpis_experiments_open(options->offers, options->currency, options->task_count);
    map_arms(kpis);
    return kpis;
}

uint32_t kpis_series(const struct kpis *kpis)
{
    return kpis->row_count * ARM_STAT_COUNT +
           kpis->options.offers->count * (uint32_t)ARRAY_COUNT(rates) +
           kpis_experiments_series(kpis->experiments);
}

static void add_label(char labels[METRIC_LABELS_SIZE], const char *name, struct slice value)
{
    char text[METRIC_LABELS_SIZE / 4];
    size_t size = value.size < sizeof(text) - 1 ? value.size : sizeof(text) - 1;
    memcpy(text, value.data, size);
    text[size] = '\0';
    (void)metrics_label(labels, name, text); /* names too long for a label are cut */
}

static void register_row(struct kpis *kpis, struct metrics *metrics, struct row *row,
                         const char *labels)
{
    for (int n = 0; n < ARM_STAT_COUNT; n++) {
        char all[METRIC_LABELS_SIZE];
        (void)snprintf(all, sizeof(all), "%s", labels);
        add_label(all, n == ARM_STAT_REVENUE ? "currency" : "outcome",
                  slice_text(n == ARM_STAT_REVENUE ? kpis->options.currency : outcomes[n]));
        row->series[n] = metrics_register(
            metrics, n == ARM_STAT_REVENUE ? &revenue_family : &outcomes_family, all);
    }
}

static void register_offer(struct kpis *kpis, struct metrics *metrics, uint32_t offer,
                           uint32_t *row)
{
    const struct offer_def *def = &kpis->options.offers->defs[offer];
    char labels[METRIC_LABELS_SIZE] = "";
    add_label(labels, "offer", def->id);
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        kpis->rates[offer][i] = metrics_register(metrics, &rates[i].family, labels);
    }
    if (!kpis->fine) {
        register_row(kpis, metrics, &kpis->rows[(*row)++], labels);
        return;
    }
    for (uint32_t v = 0; v < offer_variant_count(def); v++) {
        for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
            char all[METRIC_LABELS_SIZE];
            (void)snprintf(all, sizeof(all), "%s", labels);
            add_label(all, "variant", offer_variant_id(def, v));
            add_label(all, "channel", slice_text(codes_text(&codes_channel, channel)));
            if (may_use(def, channel)) {
                register_row(kpis, metrics, &kpis->rows[(*row)++], all);
            }
        }
    }
}

void kpis_register(struct kpis *kpis, struct metrics *metrics)
{
    uint32_t row = 0;
    for (uint32_t i = 0; i < kpis->options.offers->count; i++) {
        register_offer(kpis, metrics, i, &row);
    }
    INVARIANT(row == kpis->row_count);
    kpis_experiments_register(kpis->experiments, metrics);
}

void kpis_take(struct kpis *kpis, const struct arm_stats *stats)
{
    INVARIANT(stats->task < kpis->options.task_count && stats->arm < kpis->arm_count);
    (void)pthread_mutex_lock(&kpis->mutex);
    struct counts *seen = &kpis->seen[(size_t)stats->task * kpis->arm_count + stats->arm];
    struct counts *total = &kpis->rows[kpis->row_of[stats->arm]].total;
    for (int n = 0; n < ARM_STAT_COUNT; n++) {
        total->numbers[n] += stats->counts[n] - seen->numbers[n];
        seen->numbers[n] = stats->counts[n];
    }
    (void)pthread_mutex_unlock(&kpis->mutex);
}

bool kpis_take_experiment(struct kpis *kpis, const json_t *record)
{
    (void)pthread_mutex_lock(&kpis->mutex);
    bool known = kpis_experiments_take(kpis->experiments, record);
    (void)pthread_mutex_unlock(&kpis->mutex);
    return known;
}

void kpis_ready(struct kpis *kpis)
{
    (void)pthread_mutex_lock(&kpis->mutex);
    kpis->ready = true;
    (void)pthread_mutex_unlock(&kpis->mutex);
}

/* The rows of an offer stand side by side. */
static void refresh_rates(struct kpis *kpis)
{
    const struct offers *offers = kpis->options.offers;
    struct counts sums[OFFERS_MAX] = {{{0}}};
    for (uint32_t i = 0, row = 0; i < offers->count; i++) {
        uint32_t own = !kpis->fine ? 1
                                   : offer_variant_count(&offers->defs[i]) *
                                         (uint32_t)__builtin_popcount(offers->defs[i].channels);
        for (uint32_t k = 0; k < own; k++, row++) {
            for (int n = 0; n < ARM_STAT_COUNT; n++) {
                sums[i].numbers[n] += kpis->rows[row].total.numbers[n];
            }
        }
        for (size_t r = 0; r < ARRAY_COUNT(rates); r++) {
            double whole = (double)sums[i].numbers[ARM_STAT_PRESENTED];
            metric_set(kpis->rates[i][r],
                       whole > 0 ? (double)sums[i].numbers[rates[r].stat] / whole : 0);
        }
    }
}

void kpis_refresh(void *context)
{
    struct kpis *kpis = context;
    (void)pthread_mutex_lock(&kpis->mutex);
    if (kpis->ready) {
        for (uint32_t i = 0; i < kpis->row_count; i++) {
            for (int n = 0; n < ARM_STAT_COUNT; n++) {
                double value = (double)kpis->rows[i].total.numbers[n];
                metric_set(kpis->rows[i].series[n], n == ARM_STAT_REVENUE ? value / 100 : value);
            }
        }
        refresh_rates(kpis);
        kpis_experiments_refresh(kpis->experiments);
    }
    (void)pthread_mutex_unlock(&kpis->mutex);
}
