#!/usr/bin/env python3
"""A link of 100 Mbit/s and 100 ms round trip between this network namespace and a new one.

Two tun devices, one in each; this process carries the packets between them, late and no faster
than the rate.  TCP's own handshakes and slow start are therefore real.  (tc's netem would do the same; not
every kernel has it.)  Prints "ready" when it is; whoever is to be behind the link enters
/proc/PID/ns/net.  Ends with its standard input.
"""
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
HERE, THERE = "10.77.0.1", "10.77.0.2"
NETWORK = "10.77.0.0/24"
QUEUE_BYTES = 4 << 20
PACKETS_AT_ONCE = 64


def unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def open_tun(name, ours, theirs):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    ip("addr", "add", ours, "peer", theirs, "dev", name)
    ip("link", "set", name, "up", "txqueuelen", "2000")
    ip("link", "set", "lo", "up")
    return fd


class Direction:
    def __init__(self, source, sink, rate, delay):
        self.source, self.sink, self.rate, self.delay = source, sink, rate, delay
        self.queue, self.queued, self.free_at = deque(), 0, 0.0

    def take(self):
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            if self.queued + len(packet) > QUEUE_BYTES:
                continue        # as a router does whose queue is full
            self.free_at = max(self.free_at, time.monotonic()) + len(packet) / self.rate
            self.queue.append((self.free_at + self.delay, packet))
            self.queued += len(packet)

    def give(self):
        now = time.monotonic()
        while self.queue and self.queue[0][0] <= now:
            _, packet = self.queue.popleft()
            self.queued -= len(packet)
            try:
                os.write(self.sink, packet)
            except BlockingIOError:
                pass


def main():
    mbit, rtt_ms = float(sys.argv[1]), float(sys.argv[2])
    here = open_tun("link0", HERE, THERE)
    unshare(CLONE_NEWNET)
    there = open_tun("link1", THERE, HERE)
    ways = [Direction(a, b, mbit * 1e6 / 8, rtt_ms / 2000)
            for a, b in ((here, there), (there, here))]
    print("ready", flush=True)
    while True:
        due = min((w.queue[0][0] for w in ways if w.queue), default=None)
        wait = 1.0 if due is None else max(0.0, due - time.monotonic())
        ready, _, _ = select.select([here, there, sys.stdin], [], [], wait)
        if sys.stdin in ready and not os.read(0, 1):
            return
        for way in ways:
            if way.source in ready:
                way.take()
            way.give()


class Link:
    """The process above; PREFIX puts a command behind the link, HOST is the near end's address."""
    host = HERE

    def __init__(self, mbit=100, rtt_ms=100):
        self.args = [sys.executable, __file__, str(mbit), str(rtt_ms)]

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            self.process.wait(10)
            raise RuntimeError("the link does not come up")
        self.prefix = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


if __name__ == "__main__":
    main()
