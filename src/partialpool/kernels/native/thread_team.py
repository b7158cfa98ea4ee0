"""A team of threads: a task is cut into shares, which its owner and helpers take; the idle sleep.

Which thread does a share changes nothing, so long as each share writes to a place of its own. A team is a
monitor: one lock guards all of it, and nobody holds that lock while doing a share. Locks are Python's own,
called by address. They need no interpreter, are there on every system, and may be released by another thread
than the one that acquired them: that is how a thread that sleeps on its lock is woken.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from partialpool.kernels.native.compiling import compile_native, kernel
from partialpool.kernels.native.pointers import as_pointer, call_acquire, call_release, call_share

# A team is one array of integers: these, a row for each task that may be under way, a row for each helper.
# Locks, and what acquires and releases them, are addresses.
ACQUIRE, RELEASE, MONITOR, CLOSED, N_TASKS, N_HELPERS = range(6)
HEAD = 6
# Of both kinds of row: whether its thread sleeps, and the lock that it sleeps on.
ASLEEP, SIGNAL = range(2)
# Of a task: the address of a C function (argument, share), its argument, and how many shares there are (0:
# the row is free), have been taken and are done.
FUNCTION, ARGUMENT, SHARES, TAKEN, DONE = range(2, 7)
ROW = 7


@kernel
def _row(team, k):
    return carray(as_pointer(team.ctypes.data + 8 * (HEAD + ROW * k)), (ROW,), np.int64)


@kernel
def _enter(team):
    call_acquire(team[ACQUIRE], team[MONITOR], 1)


@kernel
def _leave(team):
    call_release(team[RELEASE], team[MONITOR])


@kernel
def _sleep(team, who):
    """Leave the monitor, and enter it again when woken."""
    who[ASLEEP] = 1
    _leave(team)
    call_acquire(team[ACQUIRE], who[SIGNAL], 1)
    _enter(team)


@kernel
def _wake(team, who):
    """Wake a thread that sleeps; return whether it did."""
    if who[ASLEEP] == 0:
        return False
    who[ASLEEP] = 0
    call_release(team[RELEASE], who[SIGNAL])
    return True


@kernel
def _take_share(team, task):
    """Take a share, leave while it is done, and wake the owner when it was the last one."""
    share = task[TAKEN]
    task[TAKEN] += 1
    _leave(team)
    call_share(task[FUNCTION], task[ARGUMENT], share)
    _enter(team)
    task[DONE] += 1
    if task[DONE] == task[SHARES]:
        _wake(team, task)


@kernel
def _open_task(team, first):
    """Number of a task with shares left, or -1; looked for from a number on, so that helpers spread."""
    for i in range(team[N_TASKS]):
        k = (first + i) % team[N_TASKS]
        task = _row(team, k)
        if task[TAKEN] < task[SHARES]:
            return k
    return -1


@kernel
def _call_helpers(team, n):
    """Wake n helpers, or as many as sleep."""
    for k in range(team[N_TASKS], team[N_TASKS] + team[N_HELPERS]):
        if n > 0 and _wake(team, _row(team, k)):
            n -= 1


@kernel
def _post(team, function, argument, n_shares):
    """Write a task into a free row; return its number, or -1 when no row is free."""
    for k in range(team[N_TASKS]):
        task = _row(team, k)
        if task[SHARES] == 0:
            task[FUNCTION], task[ARGUMENT], task[TAKEN], task[DONE] = function, argument, 0, 0
            task[SHARES] = n_shares
            return k
    return -1


@kernel
def share_out(team, function, argument, n_shares):
    """Have a C function called with (argument, share) for every share; return when all are done.

    The caller does all of them, in turn, where the team has no members or has its hands full.
    """
    k = -1
    if n_shares > 1 and team.shape[0] > 0:
        _enter(team)
        k = _post(team, function, argument, n_shares)
        if k < 0:
            _leave(team)
    if k < 0:
        for share in range(n_shares):
            call_share(function, argument, share)
        return
    task = _row(team, k)
    _call_helpers(team, n_shares - 1)
    while task[TAKEN] < n_shares:
        _take_share(team, task)
    if task[DONE] < n_shares:
        _sleep(team, task)
    task[SHARES] = 0
    _leave(team)


@kernel
def help_out(team, number):
    """Take shares of any task, and sleep while there is none, until the team is closed."""
    own = _row(team, team[N_TASKS] + number)
    _enter(team)
    while team[CLOSED] == 0:
        k = _open_task(team, number)
        if k >= 0:
            _take_share(team, _row(team, k))
        else:
            _sleep(team, own)
    _leave(team)


@kernel
def close(team):
    """End all helpers, each after the share that it is doing; owners of tasks go on alone."""
    _enter(team)
    team[CLOSED] = 1
    _call_helpers(team, team[N_HELPERS])
    _leave(team)


@kernel
def _team_at(address):
    head = carray(as_pointer(address), (HEAD,), np.int64)
    return carray(as_pointer(address), (HEAD + ROW * (head[N_TASKS] + head[N_HELPERS]),), np.int64)


def _help_entry(address, number):
    help_out(_team_at(address), number)


def _close_entry(address):
    close(_team_at(address))


@cache
def native_help() -> Any:
    """C function (address of a team, number of a helper): helps until the team is closed."""
    return compile_native(_help_entry, types.void(types.int64, types.int64))


@cache
def native_close() -> Any:
    """C function (address of a team): closes it."""
    return compile_native(_close_entry, types.void(types.int64))
