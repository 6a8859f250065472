"""A stand-in for `concurrently [-k] COMMAND…`: runs shell commands side by side, puts `[N] ` before
each of their lines, and with -k ends the others as soon as one ends. Exits as the first did."""

import os
import signal
import subprocess
import sys
import threading

kills = sys.argv[1] == "-k"
commands = sys.argv[2 if kills else 1:]
children = [subprocess.Popen(["sh", "-c", each], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for each in commands]
codes = []


def say(line):
    os.write(1, line)


def follow(number, child):
    say(b"[%d] pid %d\n" % (number, child.pid))
    for line in child.stdout:
        say(b"[%d] " % number + line)
    codes.append(child.wait())
    say(b"[%d] ended with %d\n" % (number, codes[-1]))
    if kills:
        end()


def end(*_):
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
threads = [threading.Thread(target=follow, args=pair) for pair in enumerate(children)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(codes[0])
