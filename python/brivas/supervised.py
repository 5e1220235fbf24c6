"""A process that `brivas up` started ends with it, even when the supervisor is killed.

The supervisor tells its process id in BRIVAS_SUPERVISOR_PID; Linux sends SIGTERM when it dies (PR_SET_PDEATHSIG), so
that the gateway still drains. Each long-running command calls `end_with_supervisor` first.
"""

from __future__ import annotations

import ctypes
import os
import signal

from brivas import settings

PR_SET_PDEATHSIG = 1


def end_with_supervisor() -> None:
    """Asks for SIGTERM at the supervisor's death; without a supervisor does nothing."""
    supervisor = os.environ.get(settings.SUPERVISOR_PID.variable, "")
    if supervisor.isdecimal():
        end_with_parent(int(supervisor))


def end_with_parent(parent: int) -> None:
    """Asks for SIGTERM at the death of the process that started this one. On Linux; elsewhere does nothing."""
    if not hasattr(signal, "pidfd_send_signal"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        # It died before the request above could be heard.
        os.kill(os.getpid(), signal.SIGTERM)
