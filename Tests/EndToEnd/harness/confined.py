"""Runs a command under what deploy/relay.service allows, as far as a process can do it to itself:
`confined.py UNIT COMMAND…`. A system call outside of the unit's list ends the command by SIGSYS,
where systemd would only refuse it: so a test sees the first one."""

import ctypes
import os
import resource
import socket
import subprocess
import sys

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EQUAL, GREATER, MASKED_EQUAL = 4, 6, 7
WRITE, EXECUTE = 2, 4
EAFNOSUPPORT = 97
FAMILIES = 45


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def settings(unit):
    """Every `Key=value` of a unit's [Service], the values of one key in order."""
    found = {}
    with open(unit, encoding="utf-8") as file:
        for line in map(str.strip, file):
            key, mark, value = line.partition("=")
            if mark and not line.startswith(("#", ";", "[")):
                found.setdefault(key, []).append(value)
    return found


def members(name):
    """The system calls of a set such as @system-service, by systemd's own table."""
    if not name.startswith("@"):
        return {name}
    table = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True,
                           capture_output=True, text=True).stdout
    names = [line.strip() for line in table.splitlines()[1:]]
    return {call for word in names if word and not word.startswith("#") for call in members(word)}


def allowed_calls(filters):
    """The list that the `SystemCallFilter=` lines make, one after the other (systemd.exec(5))."""
    allowed = set()
    for line in filters:
        calls = {call for word in line.removeprefix("~").split() for call in members(word)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


class Filter:
    def __init__(self, default):
        self.library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, name, *compares):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # Not on this processor.
        array = (Compare * len(compares))(*compares)
        code = self.library.seccomp_rule_add_array(
            self.context, ctypes.c_uint32(action), number, len(compares), array)
        assert code == 0, f"{name}: {code}"

    def load(self):
        code = self.library.seccomp_load(self.context)
        assert code == 0, f"seccomp_load: {code}"


def confine(unit):
    wanted = settings(unit)
    os.umask(int(wanted["UMask"][-1], 8))
    files = int(wanted["LimitNOFILE"][-1])
    if files <= resource.getrlimit(resource.RLIMIT_NOFILE)[1]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    allowed = allowed_calls(wanted["SystemCallFilter"])
    if os.geteuid() == 0:
        # As root only, SQLite gives its log to the database's owner; the service is not root.
        allowed.add("fchown")
    filters = []
    if wanted["MemoryDenyWriteExecute"] == ["yes"]:
        filters.append(memory := Filter(ALLOW))
        both = WRITE | EXECUTE
        memory.add(KILL, "mmap", Compare(2, MASKED_EQUAL, both, both))
        for name in ("mprotect", "pkey_mprotect"):
            memory.add(KILL, name, Compare(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    names = wanted["RestrictAddressFamilies"][-1].split()
    families = {int(getattr(socket, name)) for name in names}
    filters.append(sockets := Filter(ALLOW))
    for family in set(range(FAMILIES + 1)) - families:
        sockets.add(ERRNO | EAFNOSUPPORT, "socket", Compare(0, EQUAL, family, 0))
    sockets.add(ERRNO | EAFNOSUPPORT, "socket", Compare(0, GREATER, FAMILIES, 0))
    filters.append(calls := Filter(KILL))
    for name in allowed:
        calls.add(ALLOW, name)
    for one in filters:
        one.load()


if __name__ == "__main__":
    confine(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
