/* SPDX-License-Identifier: MIT */
/*
 * secrecy - keeps what is in memory from the disk and from other processes, for
 * programs that hold keys, tokens or passwords.
 */
#ifndef SECRECY_H
#define SECRECY_H

/*
 * Called before the first secret is read, and not taken back: the process, and
 * those that it starts, dump no core; other processes of the same user can
 * neither trace it nor read its memory or its environment (prctl(2),
 * PR_SET_DUMPABLE). What it finds in /proc/self stays open to itself.
 */
void secrecy_begin(void);

#endif
