/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test's main needs: run suites, print TAP (Check does the counting). */
#ifndef SUPPORT_SUITE_H
#define SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Run the suites given and exit: `return suite_main(suite_a(), NULL)`. */
static inline int suite_run_all(Suite *first)
{
    SRunner *runner = srunner_create(first);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
