/* SPDX-License-Identifier: MIT */
#include <comoq/c.h>
