/* SPDX-License-Identifier: Apache-2.0 */
#include "support/suite.h"

#include <string.h>
#include <sys/resource.h>

#include "io/resolver.h"

/* Whoever is started while the machine has no descriptor left must be started again: no configuration is wrong. */
START_TEST(no_descriptor_is_no_wrong_configuration)
{
    struct resolver *resolver = NULL;
    struct status_text text = {""};
    struct rlimit before, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum status status = resolver_open(&resolver, &text);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(status, STATUS_AWAY);
    ck_assert_ptr_nonnull(strstr(text.text, "Too many open files"));
    ck_assert_int_eq(resolver_open(&resolver, &text), STATUS_OK);
    resolver_close(resolver);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tests = tcase_create("resolver");
    tcase_add_test(tests, no_descriptor_is_no_wrong_configuration);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
