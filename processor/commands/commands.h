/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of commands, one file each. */
#ifndef COMMANDS_COMMANDS_H
#define COMMANDS_COMMANDS_H

/* Exit codes (DESIGN section 3, after sysexits.h). */
enum exit_code {
    EXIT_GOOD = 0,
    EXIT_NO = 1, /* it ran and the answer is no: a failing test, an invalid file */
    EXIT_USAGE = 64,
    EXIT_AWAY = 69,  /* a dependency cannot be reached */
    EXIT_AGAIN = 75, /* the watchdog's: start me again */
    EXIT_CONFIG = 78,
};

/* Run the command named by arguments[1]; the process's exit code. */
int commands_main(int argument_count, char **arguments);

/* The program's own arguments, as main got them. */
char **commands_arguments(void);

struct command {
    const char *name;
    const char *summary;                              /* one line */
    int (*run)(int argument_count, char **arguments); /* arguments[0] is the command's name */
};

#endif
