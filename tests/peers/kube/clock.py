"""The cluster's time: faster than ours by a factor, or only what a test advances it by."""
import heapq
import itertools
import threading
import time
import traceback
from datetime import datetime, timezone


HISTORY_S = 300          # what was settled before start() happened in our past


class Timer:
    def __init__(self, due, call, arguments):
        self.due, self.call, self.arguments = due, call, arguments

    def cancel(self):
        self.call = None


class Clock:
    """LOCK is held while a timer's call runs; one that fails while time passes by itself is told
    in BUGS.  now() is in seconds since the clock was made; it stands still until start(), and for
    ever if SPEED is 0: then advance() moves it."""

    def __init__(self, lock, speed=1.0, bugs=None):
        self.lock, self.speed = lock, speed
        self.bugs = [] if bugs is None else bugs
        self.epoch = time.time() - HISTORY_S
        self.elapsed, self.since = 0.0, None
        self.heap, self.numbers = [], itertools.count()
        self.wake = threading.Condition(lock)
        self.ended = False

    def now(self):
        if self.since is None:
            return self.elapsed
        return self.elapsed + (time.monotonic() - self.since) * self.speed

    def after(self, seconds, call, *arguments):
        with self.lock:
            timer = Timer(self.now() + seconds, call, arguments)
            heapq.heappush(self.heap, (timer.due, next(self.numbers), timer))
            self.wake.notify_all()
            return timer

    def advance(self, seconds):
        """Run all that is due in the next SECONDS, each at its own time."""
        with self.lock:
            end = self.elapsed + seconds
            while self.heap and self.heap[0][0] <= end:
                due, _, timer = heapq.heappop(self.heap)
                self.elapsed = max(self.elapsed, due)
                if timer.call:
                    timer.call(*timer.arguments)
            self.elapsed = end

    def start(self):
        """From now on time passes by itself."""
        with self.lock:
            self.epoch = time.time() - self.elapsed
            if self.speed and self.since is None:
                self.since = time.monotonic()
                threading.Thread(target=self.run, daemon=True).start()

    def stop(self):
        with self.lock:
            self.ended = True
            self.wake.notify_all()

    def run(self):
        with self.lock:
            while not self.ended:
                left = (self.heap[0][0] - self.now()) / self.speed if self.heap else None
                if left is not None and left <= 0:
                    self.ring(heapq.heappop(self.heap)[2])
                else:
                    self.wake.wait(left)

    def ring(self, timer):
        try:
            if timer.call:
                timer.call(*timer.arguments)
        except Exception:
            # time goes on, and the test that looks at `bugs` fails
            self.bugs.append(traceback.format_exc())

    # -- as the API writes it

    def stamp(self, ago=0):
        """metav1.Time: whole seconds."""
        when = datetime.fromtimestamp(self.epoch + self.now() - ago, timezone.utc)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    def micro(self):
        """metav1.MicroTime."""
        when = datetime.fromtimestamp(self.epoch + self.now(), timezone.utc)
        return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
