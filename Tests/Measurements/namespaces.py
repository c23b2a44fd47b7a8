"""Linux network namespaces, joined by pairs of virtual Ethernet devices. Needs root and iproute2.

Namespaces are named after this process. The next start removes those of processes that no longer exist, for example
after a kill.
"""

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys

PREFIX = "paceline-"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def missing():
    """The reason why namespaces cannot be used here; None if they can."""
    if os.geteuid() != 0:
        return "network namespaces need root; run as root to see this"
    if shutil.which("ip") is None:
        return "there is no 'ip' command; install iproute2"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True)
    if probe.returncode != 0:
        return f"'ip netns' does not work here: {probe.stderr.strip()}"
    name = f"{PREFIX}{os.getpid()}-probe"
    probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if probe.returncode != 0:
        return f"namespaces cannot be created here: {probe.stderr.strip()}"
    ip("netns", "delete", name)
    return None


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """A chain of namespaces, each joined to the next: link n is the network 10.77.n.0/30."""

    def __init__(self, *names):
        remove_abandoned()
        self.names = {name: f"{PREFIX}{os.getpid()}-{name}" for name in names}
        self.addresses = {}
        atexit.register(self.remove)
        # A signal's default action would leave the namespaces behind.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        try:
            for namespace in self.names.values():
                ip("netns", "add", namespace)
                ip("-n", namespace, "link", "set", "lo", "up")
            for index, pair in enumerate(zip(names, names[1:]), start=1):
                self._join(index, *pair)
        except BaseException:
            self.remove()
            raise

    def _join(self, index, left, right):
        ip(
            "link",
            "add",
            f"to-{right}",
            "netns",
            self.names[left],
            "type",
            "veth",
            "peer",
            "name",
            f"to-{left}",
            "netns",
            self.names[right],
        )
        for number, (here, there) in enumerate([(left, right), (right, left)], start=1):
            address = f"10.77.{index}.{number}"
            ip("-n", self.names[here], "address", "add", f"{address}/30", "dev", f"to-{there}")
            ip("-n", self.names[here], "link", "set", f"to-{there}", "up")
            self.addresses[here, there] = address

    def address(self, here, towards):
        """The address of `here` on its link with `towards`."""
        return self.addresses[here, towards]

    def path(self, name):
        return f"/run/netns/{self.names[name]}"

    @contextlib.contextmanager
    def inside(self, name):
        """Sockets that are created in this context belong to the namespace for good."""
        with open("/proc/self/ns/net") as home, open(self.path(name)) as away:
            enter(away.fileno())
            try:
                yield
            finally:
                enter(home.fileno())

    def entering(self, name):
        """For `preexec_fn`: moves a child into the namespace."""
        path = self.path(name)

        def preexec():
            with open(path) as namespace:
                enter(namespace.fileno())

        return preexec

    def remove(self):
        for name in self.names.values():
            remove(name)
        self.names = {}
        atexit.unregister(self.remove)


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def remove(namespace):
    """Removes a namespace and all processes in it; does nothing if it does not exist."""
    found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    for pid in found.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)


def remove_abandoned():
    for line in ip("netns", "list").splitlines():
        namespace = line.split()[0] if line.strip() else ""
        owner = namespace.removeprefix(PREFIX).split("-")[0]
        if namespace.startswith(PREFIX) and owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            remove(namespace)
