/* SPDX-License-Identifier: Apache-2.0 */
#include "cel/machine.h"

const struct cel_function cel_formats[] = {{NULL, NULL, NULL}};
