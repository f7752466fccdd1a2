// SPDX-License-Identifier: Apache-2.0
/* Where a user's own files lie. Any thread, while nobody changes the environment. */
#pragma once

/* $HOME, else what the user database says of the effective user: a service of the machine (systemd, mount -a)
 * has no HOME. NULL: nobody can tell. The caller frees it. */
char *home_folder(void);
