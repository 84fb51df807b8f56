/* SPDX-License-Identifier: Apache-2.0 */
/* The code lists of the contract (DESIGN section 4), once: enum, text, count.
 *
 * Each list is an X-macro; codes_text(list, code) and codes_find(list, text) work on all of them.
 * Order is part of the record format: append only. */
#ifndef MODEL_CODES_H
#define MODEL_CODES_H

#include "base/slice.h"

/* clang-format off */
#define ACCOUNT_TYPES(X)                                                                           \
    X(ACCOUNT_UNKNOWN, "UNKNOWN") X(ACCOUNT_CURRENT, "CURRENT") X(ACCOUNT_SAVINGS, "SAVINGS")      \
    X(ACCOUNT_CREDIT_CARD, "CREDIT_CARD") X(ACCOUNT_LOAN, "LOAN")                                  \
    X(ACCOUNT_MORTGAGE, "MORTGAGE") X(ACCOUNT_INVESTMENT, "INVESTMENT")                            \
    X(ACCOUNT_PENSION, "PENSION") X(ACCOUNT_BUSINESS, "BUSINESS")
#define DIRECTIONS(X) X(DIRECTION_DEBIT, "DEBIT") X(DIRECTION_CREDIT, "CREDIT")
#define TX_STATUSES(X) X(TX_POSTED, "POSTED") X(TX_PENDING, "PENDING") X(TX_REVERSED, "REVERSED")
#define TX_KINDS(X)                                                                                \
    X(KIND_OTHER, "OTHER") X(KIND_CARD, "CARD") X(KIND_ATM, "ATM") X(KIND_TRANSFER, "TRANSFER")    \
    X(KIND_DIRECT_DEBIT, "DIRECT_DEBIT") X(KIND_STANDING_ORDER, "STANDING_ORDER")                  \
    X(KIND_CHEQUE, "CHEQUE") X(KIND_CASH, "CASH") X(KIND_FEE, "FEE")                               \
    X(KIND_INTEREST, "INTEREST")
#define TX_CHANNELS(X)                                                                             \
    X(TX_CHANNEL_AUTOMATIC, "AUTOMATIC") X(TX_CHANNEL_BRANCH, "BRANCH") X(TX_CHANNEL_ATM, "ATM")   \
    X(TX_CHANNEL_POS, "POS") X(TX_CHANNEL_ONLINE, "ONLINE") X(TX_CHANNEL_MOBILE, "MOBILE")         \
    X(TX_CHANNEL_PHONE, "PHONE")
#define APP_CHANNELS(X)                                                                            \
    X(APP_MOBILE_APP, "MOBILE_APP") X(APP_WEB, "WEB") X(APP_EMAIL, "EMAIL") X(APP_PUSH, "PUSH")
#define EMPLOYMENT_STATUSES(X)                                                                     \
    X(EMPLOYMENT_UNKNOWN, "UNKNOWN") X(EMPLOYMENT_EMPLOYED, "EMPLOYED")                            \
    X(EMPLOYMENT_SELF_EMPLOYED, "SELF_EMPLOYED") X(EMPLOYMENT_UNEMPLOYED, "UNEMPLOYED")            \
    X(EMPLOYMENT_STUDENT, "STUDENT") X(EMPLOYMENT_RETIRED, "RETIRED")                              \
    X(EMPLOYMENT_HOMEMAKER, "HOMEMAKER")
#define INCOME_BANDS(X)                                                                            \
    X(INCOME_A, "A") X(INCOME_B, "B") X(INCOME_C, "C") X(INCOME_D, "D") X(INCOME_E, "E")           \
    X(INCOME_F, "F")
#define PURPOSES(X)                                                                                \
    X(PURPOSE_MARKETING, "MARKETING") X(PURPOSE_SERVICE, "SERVICE")                                \
    X(PURPOSE_PROFILING, "PROFILING") X(PURPOSE_FRAUD, "FRAUD")
#define CHANNELS(X)                                                                                \
    X(CHANNEL_EMAIL, "EMAIL") X(CHANNEL_PUSH, "PUSH") X(CHANNEL_IN_APP, "IN_APP")                  \
    X(CHANNEL_SMS, "SMS") X(CHANNEL_PHONE, "PHONE") X(CHANNEL_POST, "POST")
#define CONSENT_STATUSES(X)                                                                        \
    X(CONSENT_NONE, "NONE") X(CONSENT_GRANTED, "GRANTED") X(CONSENT_DENIED, "DENIED")              \
    X(CONSENT_WITHDRAWN, "WITHDRAWN")
#define LAWFUL_BASES(X)                                                                            \
    X(BASIS_NONE, "NONE") X(BASIS_CONSENT, "CONSENT")                                              \
    X(BASIS_LEGITIMATE_INTEREST, "LEGITIMATE_INTEREST") X(BASIS_CONTRACT, "CONTRACT")              \
    X(BASIS_LEGAL_OBLIGATION, "LEGAL_OBLIGATION")
/* products_held and knowledge: the account types, then these; a bit each in that order. */
#define PRODUCTS(X) ACCOUNT_TYPES(X) X(PRODUCT_INSURANCE, "INSURANCE") X(PRODUCT_FX, "FX")
#define VULNERABILITIES(X)                                                                         \
    X(VULNERABLE_HEARING, "HEARING") X(VULNERABLE_SIGHT, "SIGHT")                                  \
    X(VULNERABLE_MOBILITY, "MOBILITY") X(VULNERABLE_LANGUAGE, "LANGUAGE")                          \
    X(VULNERABLE_MENTAL_HEALTH, "MENTAL_HEALTH") X(VULNERABLE_BEREAVEMENT, "BEREAVEMENT")          \
    X(VULNERABLE_FINANCIAL_DIFFICULTY, "FINANCIAL_DIFFICULTY")                                     \
    X(VULNERABLE_LOW_CAPABILITY, "LOW_CAPABILITY") X(VULNERABLE_SCAM_VICTIM, "SCAM_VICTIM")
#define OUTCOMES(X)                                                                                \
    X(OUTCOME_PRESENTED, "PRESENTED") X(OUTCOME_CLICKED, "CLICKED")                                \
    X(OUTCOME_ACCEPTED, "ACCEPTED") X(OUTCOME_REJECTED, "REJECTED")                                \
    X(OUTCOME_DISMISSED, "DISMISSED") X(OUTCOME_EXPIRED, "EXPIRED")                                \
    X(OUTCOME_COMPLAINED, "COMPLAINED") X(OUTCOME_OPTED_OUT, "OPTED_OUT")
#define SEGMENT_TRANSITIONS(X)                                                                     \
    X(TRANSITION_ENTERED, "ENTERED") X(TRANSITION_EXITED, "EXITED")                                \
    X(TRANSITION_REFRESHED, "REFRESHED") X(TRANSITION_CORRECTED, "CORRECTED")
#define ORIGINS(X)                                                                                 \
    X(ORIGIN_LIVE, "LIVE") X(ORIGIN_TIMER, "TIMER") X(ORIGIN_BACKFILL, "BACKFILL")                 \
    X(ORIGIN_RECONCILE, "RECONCILE") X(ORIGIN_RULE_CHANGE, "RULE_CHANGE")                          \
    X(ORIGIN_CONSENT, "CONSENT") X(ORIGIN_ERASURE, "ERASURE") X(ORIGIN_CORRECTION, "CORRECTION")
#define LIFE_EVENT_STATES(X)                                                                       \
    X(LIFE_SUSPECTED, "SUSPECTED") X(LIFE_CONFIRMED, "CONFIRMED") X(LIFE_EXPIRED, "EXPIRED")       \
    X(LIFE_REFUTED, "REFUTED")
#define POLARITIES(X) X(POLARITY_INCLUDING, "INCLUDING") X(POLARITY_EXCLUDING, "EXCLUDING")
/* clang-format on */

#define CODES_ENUM(name, text) name,
enum account_type { ACCOUNT_TYPES(CODES_ENUM) ACCOUNT_TYPE_COUNT };
enum direction { DIRECTIONS(CODES_ENUM) DIRECTION_COUNT };
enum tx_status { TX_STATUSES(CODES_ENUM) TX_STATUS_COUNT };
enum tx_kind { TX_KINDS(CODES_ENUM) TX_KIND_COUNT };
enum tx_channel { TX_CHANNELS(CODES_ENUM) TX_CHANNEL_COUNT };
enum app_channel { APP_CHANNELS(CODES_ENUM) APP_CHANNEL_COUNT };
enum employment_status { EMPLOYMENT_STATUSES(CODES_ENUM) EMPLOYMENT_STATUS_COUNT };
enum income_band { INCOME_BANDS(CODES_ENUM) INCOME_BAND_COUNT };
enum purpose { PURPOSES(CODES_ENUM) PURPOSE_COUNT };
enum channel { CHANNELS(CODES_ENUM) CHANNEL_COUNT };
enum consent_status { CONSENT_STATUSES(CODES_ENUM) CONSENT_STATUS_COUNT };
enum lawful_basis { LAWFUL_BASES(CODES_ENUM) LAWFUL_BASIS_COUNT };
enum product { PRODUCT_INSURANCE = ACCOUNT_TYPE_COUNT, PRODUCT_FX, PRODUCT_COUNT };
enum vulnerability { VULNERABILITIES(CODES_ENUM) VULNERABILITY_COUNT };
enum outcome { OUTCOMES(CODES_ENUM) OUTCOME_COUNT };
enum segment_transition { SEGMENT_TRANSITIONS(CODES_ENUM) SEGMENT_TRANSITION_COUNT };
enum origin { ORIGINS(CODES_ENUM) ORIGIN_COUNT };
enum life_event_state { LIFE_EVENT_STATES(CODES_ENUM) LIFE_EVENT_STATE_COUNT };
enum polarity { POLARITIES(CODES_ENUM) POLARITY_COUNT };
#undef CODES_ENUM

/* One code list as a table. `names` is static; `count` entries. */
struct codes {
    const char *const *names;
    uint32_t count;
};

extern const struct codes codes_account_type, codes_direction, codes_tx_status, codes_tx_kind,
    codes_tx_channel, codes_app_channel, codes_employment_status, codes_income_band, codes_purpose,
    codes_channel, codes_consent_status, codes_lawful_basis, codes_product, codes_vulnerability,
    codes_outcome, codes_segment_transition, codes_origin, codes_life_event_state, codes_polarity;

/* The text of a code; "?" when out of range. Static. */
const char *codes_text(const struct codes *codes, uint32_t code);

/* The code of a text; -1 when it is not in the list. */
int32_t codes_find(const struct codes *codes, struct slice text);

#endif
