/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a playbook, section by section: what the loader, the JSON Schema and the reference are made from. */
#include "playbook/keys_table.h"

#include "base/attributes.h"

#define CATEGORIES                                                                                 \
    "none special_category health religion politics union sex_life ethnicity genetic biometric"
#define PURPOSE_WORDS "MARKETING SERVICE PROFILING FRAUD"
#define BASIS_WORDS   "NONE CONSENT LEGITIMATE_INTEREST CONTRACT LEGAL_OBLIGATION"
#define CHANNEL_WORDS "EMAIL PUSH IN_APP SMS PHONE POST"
#define PRODUCT_WORDS                                                                              \
    "UNKNOWN CURRENT SAVINGS CREDIT_CARD LOAN MORTGAGE INVESTMENT PENSION BUSINESS INSURANCE FX"
#define SOLD_WORDS                                                                                 \
    "NONE CURRENT SAVINGS CREDIT_CARD LOAN MORTGAGE INVESTMENT PENSION BUSINESS INSURANCE FX"

#define PLAIN(name, form, meaning, otherwise)                                                      \
    {                                                                                              \
        name, form, NULL, KEYS_SECTION_COUNT, meaning, otherwise                                   \
    }
#define CHOICE(name, form, words, meaning, otherwise)                                              \
    {                                                                                              \
        name, form, words, KEYS_SECTION_COUNT, meaning, otherwise                                  \
    }
#define NESTED(name, form, section, meaning, otherwise)                                            \
    {                                                                                              \
        name, form, NULL, section, meaning, otherwise                                              \
    }
#define VERSION_ABOUT                                                                              \
    PLAIN("version", KEY_INTEGER, "from 1, written into outputs; not part of the hash", "1"),      \
        PLAIN("about", KEY_TEXT,                                                                   \
              "in plain words; what `segue get --subject-access` says to the customer (of a "      \
              "segment: "                                                                          \
              "`disclosure`)",                                                                     \
              "")
#define PUBLISH                                                                                    \
    PLAIN("publish", KEY_BOOL, "its value is in the view that channels read from Redis", "false")

static const struct key top[] = {
    PLAIN("currency", KEY_TEXT, "sums are in it unless a feature says otherwise", "GBP"),
    PLAIN("zone", KEY_TEXT, "of customers whose profile names none", "Europe/London"),
    PLAIN("allowed_lateness", KEY_DURATION,
          "so long a duplicate counts once and a reversal finds its event; of a customer with more "
          "events of a source than that, the newest ones (see `remember`)",
          "7d"),
    PLAIN("late_after", KEY_DURATION,
          "an event that many days older than the customer's newest is late (see `late`)", "never"),
    PLAIN(
        "remember", KEY_NUMBERS,
        "`{transactions: N, ..}`: per source and customer the newest N events, at most 64, can be "
        "taken back exactly, and of 8 N, at most 256, the ids are known: they count once. 0: no "
        "memory",
        "32; 16 of other sources"),
    PLAIN("data_kept", KEY_DURATION,
          "how long the bank may keep what it knows: a window, `within` or `absent.for` that is "
          "longer does not load",
          "no such rule"),
    NESTED("sensitive", KEY_INSIDE, KEYS_SENSITIVE,
           "codes and payees that tell a special category, see Sensitive data", "the known codes"),
    NESTED("calendars", KEY_NAMED, KEYS_CALENDAR, "business days of the bank's own, below",
           "`england_wales` alone"),
    PLAIN("stale_after", KEY_DURATION,
          "when nobody's records of a source have come for so long, what has not come says "
          "nothing: `absent:`, "
          "`absence` and `series` stand still until it is heard again. A source's own "
          "`stale_after` in segue.yaml "
          "goes before",
          "never"),
    NESTED("features", KEY_NAMED, KEYS_FEATURE, "what is kept per customer, below", ""),
    NESTED("life_events", KEY_NAMED, KEYS_LIFE, "changes in a life, below", ""),
    NESTED("segments", KEY_NAMED, KEYS_SEGMENT, "who is in, below", ""),
    NESTED("offers", KEY_NAMED, KEYS_OFFER, "what may be offered, below", ""),
    NESTED("contact_policy", KEY_INSIDE, KEYS_POLICY, "what holds for all offers, below", ""),
    PLAIN("about", KEY_TEXT, "for readers", ""),
};

static const struct key sensitive[] = {
    PLAIN("mcc", KEY_ANY, "merchant codes by category", ""),
    PLAIN("payees", KEY_ANY, "ids or names of payees by category", ""),
};

static const struct key calendar[] = {
    CHOICE("base", KEY_WORD, "none england_wales", "whose holidays it has too", "none"),
    PLAIN("holidays", KEY_IDS,
          "days on which nobody works: `2026-11-30` that day, `12-25` every year, `easter-2` so "
          "many days from "
          "Easter Sunday",
          ""),
    PLAIN("working", KEY_IDS, "days that are none, whatever `base` and `holidays` say", ""),
    CHOICE("weekend", KEY_WORDS, "SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY",
           "which weekdays are free", "SATURDAY SUNDAY"),
};

static const struct key feature[] = {
    PLAIN("where", KEY_CEL, "which events", "all"),
    PLAIN("window", KEY_TEXT,
          "`30d` (local calendar days, today included), `15m`, `last 20 events`, `all`", "all"),
    PLAIN("currency", KEY_TEXT, "three letters, or `any`", "the playbook's for money, else any"),
    CHOICE("pending", KEY_WORD, "exclude include only", "PENDING transactions", "exclude"),
    CHOICE("late", KEY_WORD, "exclude include only", "late events", "exclude"),
    CHOICE("anchor", KEY_WORD, "now customer",
           "the window ends now, or at the customer's newest day", "now"),
    CHOICE("order", KEY_WORD, "time time_strict arrival", "what \"last\" means", "time"),
    PLAIN("source", KEY_TEXT, "when WHAT does not say it: `transactions`, ..", "from WHAT"),
    CHOICE("sensitivity", KEY_WORD, CATEGORIES, "the category that is said; see Sensitive data",
           "seen from the expressions"),
    PLAIN("place", KEY_INTEGER,
          "of `nth`, `top`, `top_count`: from 1, the newest or the most frequent", "1"),
    PLAIN("q", KEY_NUMBER, "of `quantile`: 0 to 1", ""),
    PLAIN("half_life", KEY_DURATION, "of `decay`", ""),
    PLAIN("within", KEY_DURATION, "of `sessions`, `sequence`, `absence`", ""),
    PLAIN("then", KEY_CEL, "of `sequence`, `absence`: the second event", ""),
    PLAIN("capacity", KEY_INTEGER, "of `distinct`: values kept, at most 256", "32"),
    PLAIN("cuts", KEY_ANY, "of `rfm`: three lists of four rising limits", ""),
    PUBLISH,
    VERSION_ABOUT,
};

static const struct key series[] = {
    CHOICE("series", KEY_WORD, "tx.credit tx.debit", "a recurring payment per counterparty", ""),
    PLAIN("where", KEY_CEL, "which transactions", "all"),
    PLAIN("min_hits", KEY_INTEGER, "equal payments before it is one", "3"),
    PLAIN("tolerance", KEY_DURATION, "how late before it is a miss", "4d"),
    PLAIN("amount_tolerance", KEY_SHARE, "how equal", "0%"),
    CHOICE("period", KEY_WORD, "auto weekly fortnightly four_weekly monthly", "how often", "auto"),
    PLAIN("follow_renames", KEY_BOOL,
          "an unknown payer's equal payment on the expected day goes on with the silent one",
          "false"),
    PLAIN("recent", KEY_DURATION, "how long `starts` and `stops` look back", "60d"),
    CHOICE("sensitivity", KEY_WORD, CATEGORIES, "as of other features", "seen from `where`"),
    PUBLISH,
    VERSION_ABOUT,
};

static const struct key life[] = {
    PLAIN("when", KEY_CEL, "the primary condition", ""),
    NESTED("absent", KEY_INSIDE, KEYS_ABSENT,
           "more than `for` has passed since a moment; fires with no traffic", ""),
    NESTED("evidence", KEY_LIST, KEYS_EVIDENCE,
           "each adds its weight (-1..1) while it holds, then fades; at most 8", ""),
    PLAIN("weight", KEY_NUMBER, "of the primary condition", "1 alone, 0.7 beside evidence"),
    PLAIN("suspect_at", KEY_NUMBER,
          "evidence (the sum of the weights, 0..1) at which it is SUSPECTED", "0.3"),
    PLAIN("confirm_at", KEY_NUMBER, "evidence at which it is CONFIRMED", "0.7"),
    PLAIN("calibration", KEY_ANY,
          "how often so much evidence was right: points `[evidence, confidence]`, both rising, at "
          "most 8; "
          "what is published as confidence lies on the line between them",
          "confidence is the evidence"),
    PLAIN("unless", KEY_CEL, "refutes it", "never"),
    PLAIN("ends", KEY_CEL, "it is over", "never"),
    PLAIN("expires", KEY_DURATION, "it is over after that long", "never"),
    PLAIN("window", KEY_DURATION, "how far before it may have happened", "`absent.for`"),
    NESTED("policy", KEY_INSIDE, KEYS_LIFE_POLICY, "what it means for contact", ""),
    PLAIN("data_category", KEY_TEXT, "header of its outputs", "the category of what it reads"),
    PUBLISH,
    VERSION_ABOUT,
    NESTED("tests", KEY_LIST, KEYS_TEST, "see tests", ""),
};

static const struct key absent[] = {
    PLAIN("feature", KEY_TEXT, "`f.NAME` of a moment: a series' `last_at`, `{last: event.time}`",
          ""),
    PLAIN("for", KEY_DURATION, "how long nothing came", ""),
};

static const struct key evidence[] = {
    PLAIN("id", KEY_TEXT, "its name in the proof", "the condition"),
    PLAIN("if", KEY_CEL,
          "when it holds; one that reads the event counts from that (posted) event on", ""),
    NESTED("absent", KEY_INSIDE, KEYS_ABSENT, "or: nothing came for so long", ""),
    PLAIN("weight", KEY_NUMBER, "-1 to 1", ""),
    PLAIN("half_life", KEY_DURATION, "how fast it fades once it no longer holds", "at once"),
    PLAIN("about", KEY_TEXT,
          "what it means when it holds, in an adviser's words: `segue why` says it", ""),
};

static const struct key life_policy[] = {
    PLAIN("vulnerable", KEY_BOOL, "care, never marketing", "false"),
    PLAIN("route", KEY_TEXT, "who is to act on it: header `ce_route` of its outputs", "nobody"),
};

static const struct key segment[] = {
    PLAIN("including", KEY_RULES,
          "all of these must hold: `NAME: EXPRESSION`; names are in the proof", ""),
    PLAIN("excluding", KEY_RULES, "none of these may", ""),
    NESTED("stay", KEY_INSIDE, KEYS_STAY, "shortest, longest stay; when to leave",
           "entry no longer holds"),
    PLAIN("dwell", KEY_DURATION, "entry must hold that long first", "0"),
    PLAIN("cool_down", KEY_DURATION, "not again before, after an exit", "0"),
    PLAIN("expires", KEY_DURATION, "the longest stay, as `stay.max`", "none"),
    PLAIN("exit_when", KEY_CEL, "as `stay.exit_when`", ""),
    PLAIN("min_size", KEY_INTEGER,
          "k, counted in each task (partition): while a task has fewer members nobody in it is "
          "told to be in, "
          "neither in outputs and views nor to `seg` and offers; with 32 tasks a segment of 32k "
          "members may be "
          "needed until all of them tell. Not for a segment in `contact_policy: stops`",
          "0"),
    CHOICE("evaluate", KEY_WORD, "always on_event", "`on_event`: time alone moves nobody",
           "always"),
    PLAIN("retired", KEY_BOOL,
          "with no rules: members leave (origin `RULE_CHANGE`), nobody enters; keep it until all "
          "have",
          "false"),
    PLAIN("need", KEY_TEXT, "what it is for", ""),
    CHOICE("purpose", KEY_WORD, PURPOSE_WORDS,
           "what its members may be used for; written into outputs", ""),
    CHOICE("basis", KEY_WORD, BASIS_WORDS,
           "`CONSENT`: only who has given explicit consent for `purpose` is in, and leaves with it",
           "none"),
    PLAIN("data_category", KEY_TEXT, "of which special category its data is", "of what it reads"),
    PLAIN("disclosure", KEY_TEXT, "what the customer may be told; `segue why` shows it", ""),
    PUBLISH,
    VERSION_ABOUT,
    NESTED("tests", KEY_LIST, KEYS_TEST, "see tests", ""),
};

static const struct key stay[] = {
    PLAIN("min", KEY_DURATION, "the shortest stay", "0"),
    PLAIN("max", KEY_DURATION, "the longest", "none"),
    PLAIN("exit_when", KEY_CEL, "when to leave: leave a gap to `including`",
          "entry no longer holds"),
};

static const struct key offer[] = {
    CHOICE("purpose", KEY_WORD, PURPOSE_WORDS, "what for", "required"),
    CHOICE("basis", KEY_WORD, BASIS_WORDS, "lawful basis", "the consent's own"),
    CHOICE("channels", KEY_WORDS, CHANNEL_WORDS, "where it may go", "required"),
    PLAIN("eligible", KEY_CEL, "a gate; what is missing blocks", "pass"),
    PLAIN("suitable", KEY_CEL, "a gate", "pass"),
    PLAIN("affordable", KEY_CEL, "a gate", "pass"),
    CHOICE("product", KEY_WORD, SOLD_WORDS,
           "what it sells; marketing does not load without. INVESTMENT and PENSION (whatever can "
           "lose money: funds, shares, bonds, crypto) are blocked without `risk_profile` and "
           "`knowledge` of it, whatever `suitable` and `purpose` say; marketing of CREDIT_CARD, "
           "LOAN and MORTGAGE does not load without `affordable`. NONE: it sells no product",
           "required of marketing"),
    PLAIN("segments_any", KEY_IDS, "must be in one of them; entering one triggers the offer", ""),
    NESTED("on", KEY_INSIDE, KEYS_ON, "triggers instead", ""),
    PLAIN("not_life", KEY_IDS, "suspected or confirmed blocks", ""),
    CHOICE("not_holding", KEY_WORDS, PRODUCT_WORDS, "products that make it not applicable", ""),
    PLAIN("value", KEY_CEL, "minor units, or an expression", "required"),
    PLAIN("context", KEY_CEL, "C of the score P*C*V*L", "1"),
    PLAIN("priority", KEY_NUMBER, "L of the score", "1"),
    NESTED("contact", KEY_INSIDE, KEYS_CONTACT, "how often", ""),
    NESTED("valid", KEY_INSIDE, KEYS_VALID, "when", "always"),
    PLAIN("stock", KEY_INTEGER, "how many in all", "unlimited"),
    PLAIN("holdout", KEY_SHARE, "control group of this offer", "0%"),
    PLAIN("holdout_layer", KEY_TEXT,
          "offers of one layer hold out the same customers; not the policy's layer", "its own"),
    PLAIN("variants", KEY_NUMBERS, "`{a: 1, b: 1}`: by weight, the same for a customer every time",
          "one, `default`"),
    PLAIN("learn", KEY_BOOL,
          "variants by what was learned (Thompson sampling), the weights for the share of "
          "exploration",
          "false"),
    PLAIN(
        "propensity", KEY_CEL,
        "a model's own P, 0 to 1 (a feature over `bank.scores`): the prior that outcomes then move",
        "the policy's prior"),
    PLAIN("propensity_while", KEY_CEL,
          "the model's word counts only while this holds (`f.score_age <= 7`); else the policy's "
          "prior, and the "
          "decision says so: `propensity_from: policy`",
          "always"),
    PLAIN("bundle", KEY_TEXT,
          "offers of one bundle that pass together are one entry of the ranking, with the sum of "
          "their scores",
          "none"),
    PLAIN("review", KEY_BOOL,
          "a person must release it; it goes to `for_review` of the decision, not to a channel",
          "false"),
    CHOICE("class", KEY_WORD, "marketing transactional mandatory",
           "`transactional` counts in no cap", "by purpose"),
    PUBLISH,
    VERSION_ABOUT,
    NESTED("tests", KEY_LIST, KEYS_TEST, "see tests", ""),
};

static const struct key on[] = {
    PLAIN("segments", KEY_IDS, "entering one", ""),
    PLAIN("life", KEY_IDS, "a confirmed life event", ""),
    PLAIN("app", KEY_IDS, "an app event", ""),
};

static const struct key contact[] = {
    PLAIN("group", KEY_TEXT, "one offer per group in a decision", ""),
    PLAIN("cap", KEY_ANY, "`2/30d`: rolling", "none"),
    PLAIN("caps", KEY_ANY, "a list of caps, as in `contact_policy`", "none"),
    PLAIN("cool_down", KEY_TIMES, "`{rejected: 60d}`: by outcome, in lower case", "none"),
    PLAIN("repeat_after", KEY_DURATION, "not again before", "1d"),
};

static const struct key cap[] = {
    PLAIN("cap", KEY_TEXT, "`3/7d`, at most 24 contacts", ""),
    CHOICE("scope", KEY_WORD, "offer group channel all", "what is counted", "by place"),
    CHOICE("channel", KEY_WORD, CHANNEL_WORDS, "contacts on this one", "any"),
};

static const struct key valid[] = {
    PLAIN("from", KEY_TIME, "not before", ""),
    PLAIN("until", KEY_TIME, "not from then on", ""),
};

static const struct key policy[] = {
    PLAIN("top", KEY_INTEGER, "entries of a decision", "3"),
    NESTED("caps", KEY_LIST, KEYS_CAP,
           "`[{cap: 3/7d, scope: all}, {cap: 1/1d, channel: PUSH}]`, rolling; over all offers of a "
           "decision together",
           "none"),
    NESTED(
        "quiet_hours", KEY_INSIDE, KEYS_QUIET,
        "in the customer's time zone; holds, does not drop: every gate is asked again at the end",
        "none"),
    NESTED("stops", KEY_INSIDE, KEYS_STOPS, "no marketing while in one of them: arrears, fraud",
           "none"),
    NESTED("fatigue", KEY_INSIDE, KEYS_FATIGUE,
           "points by outcome, halving; at `limit` marketing waits; ACCEPTED forgives all", "none"),
    PLAIN("max_age", KEY_DURATION,
          "no offer from an event that is older when somebody can hear of it", "1d"),
    PLAIN("open_for", KEY_DURATION, "an offer with no outcome can still be withdrawn so long",
          "7d"),
    PLAIN("holdout", KEY_SHARE, "global control group", "0%"),
    PLAIN("holdout_layer", KEY_TEXT, "its name", "`global`"),
    NESTED("prior", KEY_INSIDE, KEYS_PRIOR, "what P starts from", "1 of 20"),
    PLAIN("attribution", KEY_DURATION, "an outcome later after its decision moves no P", "30d"),
    PLAIN(
        "contexts", KEY_RULES,
        "`{young: 'c.age < 30'}`: up to three; P is learned apart in each and in the rest, `other`",
        "none"),
    PLAIN("explore_offers", KEY_SHARE,
          "share of decisions whose first offer is drawn evenly among those that passed; "
          "`selection_probability` has the chance in it",
          "0%"),
    PLAIN("explore", KEY_SHARE, "share in which learned variants are drawn by weight", "5%"),
    PLAIN("phone_from", KEY_INTEGER,
          "minor units of value from which PHONE is used, and then first", "no rule"),
    PLAIN("publish_no_offer", KEY_BOOL,
          "decisions without an offer are published, with the reasons", "true"),
    PLAIN("about", KEY_TEXT, "for readers", ""),
};

static const struct key quiet[] = {
    PLAIN("from", KEY_TEXT, "a time of day", "'21:00'"),
    PLAIN("to", KEY_TEXT, "a time of day", "'08:00'"),
    CHOICE("channels", KEY_WORDS, CHANNEL_WORDS, "which", "PUSH SMS PHONE IN_APP"),
};

static const struct key stops[] = {
    PLAIN("segments", KEY_IDS, "of these", ""),
    PLAIN("life", KEY_IDS, "or of these", ""),
};

static const struct key fatigue[] = {
    PLAIN("limit", KEY_NUMBER, "points", "6"),
    PLAIN("half_life", KEY_DURATION, "of points", "14d"),
    PLAIN("presented", KEY_NUMBER, "points", "1"),
    PLAIN("clicked", KEY_NUMBER, "points", "-1"),
    PLAIN("rejected", KEY_NUMBER, "points", "2"),
    PLAIN("dismissed", KEY_NUMBER, "points", "2"),
    PLAIN("expired", KEY_NUMBER, "points", "1"),
    PLAIN("complained", KEY_NUMBER, "points", "10"),
    PLAIN("opted_out", KEY_NUMBER, "points", "10"),
};

static const struct key prior[] = {
    PLAIN("accepted", KEY_NUMBER, "of", "1"),
    PLAIN("presented", KEY_NUMBER, "so many", "20"),
};

static const struct key test[] = {
    PLAIN("name", KEY_TEXT, "what is shown", ""),
    NESTED("given", KEY_LIST, KEYS_GIVEN, "what happens", "nothing"),
    PLAIN("now", KEY_TIME, "the clock at the end", "the last event"),
    PLAIN("expect", KEY_ANY, "what was said last, below", "required"),
};

static const struct key given[] = {
    PLAIN("at", KEY_TIME, "when", "required"),
    PLAIN("every", KEY_DURATION, "again after", ""),
    PLAIN("times", KEY_INTEGER, "how often in all", "1"),
    PLAIN("tx", KEY_ANY, "a transaction", ""),
    PLAIN("app", KEY_ANY, "an app event", ""),
    PLAIN("profile", KEY_ANY, "the newest profile", ""),
    PLAIN("outcome", KEY_ANY, "of an offer", ""),
    PLAIN("feedback", KEY_ANY, "to a life event", ""),
    PLAIN("score", KEY_ANY, "of a model", ""),
};

#define SECTION(list)                                                                              \
    {                                                                                              \
#list, list, ARRAY_COUNT(list)                                                             \
    }
const struct keys_table keys_tables[KEYS_SECTION_COUNT] = {
    SECTION(top),   SECTION(sensitive), SECTION(calendar), SECTION(feature),     SECTION(series),
    SECTION(life),  SECTION(absent),    SECTION(evidence), SECTION(life_policy), SECTION(segment),
    SECTION(stay),  SECTION(offer),     SECTION(on),       SECTION(contact),     SECTION(cap),
    SECTION(valid), SECTION(policy),    SECTION(quiet),    SECTION(stops),       SECTION(fatigue),
    SECTION(prior), SECTION(test),      SECTION(given)};
_Static_assert(ARRAY_COUNT(keys_tables) == KEYS_SECTION_COUNT, "one table per section");
