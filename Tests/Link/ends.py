"""link.9, who is gone: parent, reader of stdout, terminal. And where the agent must live on."""

import fcntl
import os
import random
import select
import signal
import subprocess
import termios
import threading
import time

from harness.process import alive, wait_until
from harness.tunnel import TUNNEL

from .callers import ask

ENDS = 1.0
DOMAIN = "mine.example"
# How long one that lives on is looked at; the agent looks around twice a second.
LIVES = 3.0


def gone_after(pid, since, patience=8.0):
    """Seconds from `since` until the process is no more; None if it stays."""
    while time.monotonic() < since + patience:
        if not alive(pid):
            return time.monotonic() - since
        time.sleep(0.002)
    return None


class Terminal:
    """A pseudo-terminal and the leader of its session: bash with a script. What the terminal shows
    is read all the time."""

    def __init__(self, script, env, cwd):
        self.master, slave = os.openpty()
        os.set_inheritable(self.master, False)
        self.process = subprocess.Popen(
            ["bash", "-c", script], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.reading, self.read = os.pipe()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            ready, _, _ = select.select([self.master, self.reading], [], [])
            if self.reading in ready:
                return os.write(self.read, b"x")
            try:
                os.read(self.master, 65536)
            except OSError:
                return None

    def close(self):
        """The window is closed."""
        os.write(self.read, b"x")
        time.sleep(0.05)
        os.close(self.master)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Ends:
    """Starts an agent by a shell, and says how it fared."""

    def __init__(self, stage, relay, app):
        self.stage, self.relay, self.app = stage, relay, app
        home = stage.home()
        self.file, self.work = home.work / "pid", home.work
        self.env = home.env(TUNNEL_AUTHTOKEN=relay.token, AGENT=f"{TUNNEL} --domain {DOMAIN} "
                            f"--port {app.port} --relay {relay.url}", PID=self.file)

    def pid(self):
        def written():
            return self.file.exists() and self.file.read_text().strip()

        return int(wait_until("the agent's pid", written))

    def ready(self):
        """The agent's pid once it forwards, and some time after: it looks around at a beat."""
        pid = self.pid()
        wait_until("the tunnel", lambda: ask(self.relay.port, DOMAIN).status == 200)
        time.sleep(random.uniform(0, 0.6))
        return pid

    def shell(self, script, **streams):
        """A bash outside of any terminal."""
        self.file.unlink(missing_ok=True)
        return subprocess.Popen(["bash", "-c", script], env=self.env, cwd=self.work,
                                stdin=subprocess.DEVNULL, **streams)

    def terminal(self, script):
        self.file.unlink(missing_ok=True)
        return Terminal(script, self.env, self.work)

    def busy(self):
        """An exchange that the app never answers."""
        seen = len(self.app.requests)
        arguments = (self.relay.port, DOMAIN, "/wait", 12)
        threading.Thread(target=ask, args=arguments, daemon=True).start()
        wait_until("it at the app", lambda: len(self.app.requests) > seen)

    def left(self, pid):
        """Ends what should have ended, or what lived on."""
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
        wait_until("its end", lambda: not alive(pid))


def parent_killed(ends, busy):
    """A runner that holds the agent's stdout, and itself dies at once."""
    here, there = os.pipe()
    parent = ends.shell('$AGENT & echo $! >$PID; wait', stdout=there, stderr=there)
    os.close(there)
    pid = ends.ready()
    if busy:
        ends.busy()
    since = time.monotonic()
    parent.kill()
    seconds = gone_after(pid, since)
    parent.wait()
    os.close(here)
    ends.left(pid)
    return seconds


def reader_gone(ends, busy):
    here, there = os.pipe()
    agent = ends.shell('echo $$ >$PID; exec $AGENT', stdout=there, stderr=subprocess.DEVNULL)
    os.close(there)
    ends.ready()
    if busy:
        ends.busy()
    since = time.monotonic()
    os.close(here)
    while agent.poll() is None and time.monotonic() < since + 8:
        time.sleep(0.002)
    seconds = time.monotonic() - since if agent.returncode == 0 else None
    if agent.poll() is None:
        agent.kill()
        agent.wait()
    return seconds


def terminal_closed(script):
    def closed(ends, busy):
        terminal = ends.terminal(script)
        pid = ends.ready()
        if busy:
            ends.busy()
        since = time.monotonic()
        terminal.close()
        # The leader may be the agent itself, and this process is its parent then.
        threading.Thread(target=terminal.process.wait, daemon=True).start()
        seconds = gone_after(pid, since)
        ends.left(pid)
        terminal.stop()
        return seconds

    return closed


# What ends the agent, and how.
GONE = {
    "its parent killed": parent_killed,
    "stdout's reader gone": reader_gone,
    "its terminal closed": terminal_closed("echo $$ >$PID; exec $AGENT"),
    "its terminal closed, a shell between": terminal_closed("$AGENT & echo $! >$PID; wait"),
    "its terminal closed, job control": terminal_closed(
        'set -m; bash -c \'echo $$ >$PID; exec $AGENT\'; true'),
}


def script_over(ends):
    """`tunnel 3000 >/dev/null &` in a script that ends; its stderr is a pipe whose reader goes."""
    here, there = os.pipe()
    parent = ends.shell('$AGENT >/dev/null & echo $! >$PID', stdout=there, stderr=there)
    os.close(there)
    parent.wait()
    pid = ends.ready()
    os.close(here)
    return pid


def script_in_terminal(ends):
    """The same script, started from a terminal that is closed afterwards."""
    terminal = ends.terminal("set -m; bash -c '$AGENT >/dev/null & echo $! >$PID'; read -r x")
    pid = ends.ready()
    terminal.close()
    terminal.process.wait(10)
    return pid


def nohup(ends):
    """`nohup tunnel 3000 &` in a terminal that is closed afterwards."""
    terminal = ends.terminal("set -m; nohup $AGENT & echo $! >$PID; read -r x")
    pid = ends.ready()
    terminal.close()
    terminal.process.wait(10)
    return pid


LIVE = {
    "`tunnel >/dev/null &` in a script that is over": script_over,
    "the same from a terminal that was closed": script_in_terminal,
    "`nohup tunnel &` in a terminal that was closed": nohup,
}


def lives(ends, start):
    pid = start(ends)
    until = time.monotonic() + LIVES
    while time.monotonic() < until and alive(pid):
        time.sleep(0.05)
    stays = alive(pid) and ask(ends.relay.port, DOMAIN).status == 200
    ends.left(pid)
    return stays
