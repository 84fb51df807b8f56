/* SPDX-License-Identifier: Apache-2.0 */
/* segue: one program, one file per command (commands/). */
#include "commands/commands.h"

int main(int argument_count, char **arguments)
{
    return commands_main(argument_count, arguments);
}
