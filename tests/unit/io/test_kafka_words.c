/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_words.h"

#include <stdatomic.h>

#include "support/suite.h"

enum { SPOKEN = 300000 };

static struct kafka_words words;
static struct kafka_connection connection;
static atomic_bool done;
static uint32_t passed_on;

static void pass_on(void *context UNUSED, enum log_level level UNUSED, const char *facility UNUSED,
                    const char *text UNUSED)
{
    passed_on++;
}

static void set_up(void)
{
    passed_on = 0;
    connection = (struct kafka_connection){.log_function = pass_on};
    kafka_words_listen(&words, &connection);
}

static void tear_down(void)
{
    kafka_words_finish(&words);
}

static void speak(enum log_level level, const char *text)
{
    connection.log_function(connection.log_context, level, "FAIL", text);
}

START_TEST(trouble_is_remembered_and_all_goes_on)
{
    char last[KAFKA_WORDS_SIZE];
    speak(LOG_ERROR, "connection refused");
    speak(LOG_INFO, "trying again");
    kafka_words_last(&words, last);
    ck_assert_str_eq(last, "connection refused");
    ck_assert_uint_eq(passed_on, 2);
    kafka_words_forget(&words);
    kafka_words_last(&words, last);
    ck_assert_str_eq(last, "");
}
END_TEST

/* One letter or the other, all through: a text that is half and half was read while it was written. */
static void *speak_on(void *unused)
{
    char text[2][KAFKA_WORDS_SIZE];
    for (int i = 0; i < 2; i++) {
        memset(text[i], 'a' + i, sizeof(text[i]) - 1);
        text[i][sizeof(text[i]) - 1] = '\0';
    }
    for (uint32_t i = 0; i < SPOKEN; i++) {
        kafka_words_put(&words, text[i % 2]);
    }
    done = true;
    return unused;
}

START_TEST(what_is_read_is_whole_while_others_speak)
{
    pthread_t thread;
    char last[KAFKA_WORDS_SIZE];
    done = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, speak_on, NULL), 0);
    uint32_t torn = 0;
    while (!done) {
        kafka_words_last(&words, last);
        size_t size = strlen(last);
        torn += size > 0 && (size != sizeof(last) - 1 || last[0] != last[size - 1]);
    }
    (void)pthread_join(thread, NULL);
    ck_assert_uint_eq(torn, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_words");
    TCase *tests = tcase_create("words");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, trouble_is_remembered_and_all_goes_on);
    tcase_add_test(tests, what_is_read_is_whole_while_others_speak);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
