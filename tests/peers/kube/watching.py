"""A watch: one JSON object a line, in chunks, until its time is over or a test ends it."""
import time

import wire

from . import tables
from .resources import stored
from .status import bad_request, invalid, too_old
from .store import encode, in_order
from .versions import convert

BATCH = 500
LOOK_S = 1.0             # how often an idle watch looks whether its client is still there
LIFE_S = 1800


class Watches:
    """Those that run.  Tests end them, or let them fall silent; of one resource or of all.
    cut_after: (so many events, how), of every watch that begins from now on."""

    def __init__(self, store):
        self.store = store
        self.running = set()
        self.cut_after = None

    def each(self, resource=None):
        with self.store.lock:
            return [w for w in self.running if resource in (None, w.resource.plural)]

    def tell(self, resource, **orders):
        found = self.each(resource)
        with self.store.lock:
            for watch in found:
                for name, value in orders.items():
                    setattr(watch, name, value)
            self.store.changed.notify_all()
        return len(found)

    def cut(self, resource=None, how="reset"):
        """HOW: "reset", "close" (no last chunk), "torn" (inside a line) or "end" (politely)."""
        return self.tell(resource, ending=how)

    def silence(self, resource=None):
        """Half open: the connection stays and nothing comes any more."""
        return self.tell(resource, silent=True)

    def expire(self, resource=None):
        """An ERROR event with 410, and the end."""
        return self.tell(resource, ending="expired")


class Watch:
    def __init__(self, call, chosen, version):
        self.call, self.chosen, self.version = call, chosen, version
        self.store, self.resource = call.store, call.what.resource
        self.form = tables.form_of(call.head.get("Accept"))
        self.bookmarks = call.flag("allowWatchBookmarks")
        self.ending, self.silent, self.headers = None, False, True
        self.sent, self.cut_after = 0, call.cluster.watches.cut_after
        life = float(call.query.get("timeoutSeconds") or LIFE_S)
        self.ends = time.monotonic() + life
        self.next_bookmark = time.monotonic() + min(call.cluster.bookmark_s, max(life - 2, 0))

    def run(self):
        try:
            while self.ending is None and (self.silent or time.monotonic() < self.ends):
                self.send(self.wait())
                self.maybe_bookmark()
        finally:
            with self.store.lock:
                self.call.cluster.watches.running.discard(self)
        self.finish()

    def wait(self):
        """The next lines, perhaps none."""
        with self.store.lock:
            changes = [] if self.silent else self.store.since(self.resource, self.version)
            if not changes:
                now = time.monotonic()
                due = now + LOOK_S if self.silent else \
                    min(self.ends, self.next_bookmark if self.bookmarks else self.ends)
                self.store.changed.wait(max(0.0, min(LOOK_S, due - now)))
                if self.call.cluster.closing.is_set() or self.call.stream.is_stale():
                    raise wire.Gone("the watcher has gone")
                return []
            changes = changes[:BATCH]
            self.version = changes[-1].version
        return [line for change in changes if (line := self.line(change))]

    def line(self, change):
        """CHANGE as those hear of it who select some objects only."""
        now = change.type != "DELETED" and self.is_mine(change.obj)
        before = change.previous is not None and self.is_mine(change.previous)
        if not now and not before:
            return None
        kind = "DELETED" if not now else "MODIFIED" if before else "ADDED"
        if self.form == "plain" and kind == change.type and self.resource is stored(self.resource):
            return change.line()
        return self.event(kind, change.obj)

    def is_mine(self, obj):
        namespace = self.call.what.namespace
        return namespace in ("", obj["metadata"].get("namespace", "")) and self.chosen(obj)

    def event(self, kind, obj):
        return encode({"type": kind, "object": self.shaped(obj)})

    def shaped(self, obj):
        if self.form == "table":
            headers, self.headers = self.headers, False
            return tables.table([obj], obj["metadata"]["resourceVersion"], self.resource,
                                self.call.query.get("includeObject", "Metadata"), headers)
        if self.form == "partial":
            return tables.partial(obj)
        return convert(self.resource, obj)

    def maybe_bookmark(self):
        if self.bookmarks and not self.silent and time.monotonic() >= self.next_bookmark:
            self.next_bookmark += self.call.cluster.bookmark_s
            self.send([self.bookmark()])

    def bookmark(self, **annotations):
        meta = {"resourceVersion": str(self.version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        obj = {"kind": self.resource.kind, "apiVersion": self.resource.api_version,
               "metadata": meta}
        return encode({"type": "BOOKMARK", "object": obj}) if self.form != "table" \
            else self.event("BOOKMARK", obj)

    def send(self, lines):
        if self.cut_after and lines and self.sent + len(lines) >= self.cut_after[0]:
            lines = lines[:self.cut_after[0] - self.sent]
            self.ending = self.cut_after[1]
        if lines and not self.silent:
            self.call.stream.send(b"".join(map(wire.chunk, lines)))
            self.sent += len(lines)
            self.call.entry["events"] = self.sent

    def finish(self):
        call = self.call
        if self.ending == "reset":
            call.reset()
        elif self.ending in ("close", "torn"):
            if self.ending == "torn":
                call.stream.send(b"7a\r\n" + b'{"type":"MODIFIED","object":{"kin')
            call.keep = False
            call.stream.close()
        else:
            if self.ending == "expired":
                self.send([error_line(too_old(self.version, self.store.version))])
            call.stream.send(wire.LAST_CHUNK)


def error_line(refused):
    return encode({"type": "ERROR", "object": refused.document})


def answer(call, chosen):
    """Streams, and returns nothing; refusals are raised."""
    wanted = call.query.get("resourceVersion", "")
    if wanted and not wanted.isdigit():
        raise bad_request(f'Invalid value: "{wanted}": strconv.ParseUint: parsing "{wanted}": '
                          "invalid syntax")
    asked, initial = int(wanted or 0), call.query.get("sendInitialEvents", "")
    check_initial(call, initial)
    store = call.store
    with store.lock:
        watch = Watch(call, chosen, asked or store.version)
        old = 0 < asked < store.compacted
        if old and call.cluster.expired_as == "status":
            raise too_old(asked, store.compacted)
        first = []
        if not old and (initial == "true" or not asked and initial != "false"):
            watch.version = store.version
            first = [watch.event("ADDED", o) for o in in_order(
                store.objects[stored(call.what.resource)], call.what.namespace) if chosen(o)]
            if initial == "true" and watch.bookmarks:
                first.append(watch.bookmark(initial_events_end=True))
        call.cluster.watches.running.add(watch)
    begin(call)
    if old:
        watch.send([error_line(too_old(asked, store.compacted))])
        watch.ends = 0
    watch.send(first)
    watch.run()


def check_initial(call, initial):
    words = None
    if initial and not call.cluster.watch_list:
        words = ("sendInitialEvents is forbidden for watch unless the WatchList feature gate is "
                 "enabled")
    elif initial and call.query.get("resourceVersionMatch") != "NotOlderThan":
        words = ('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
    if words:
        raise invalid("ListOptions", "meta.k8s.io", "", (
            "sendInitialEvents", "FieldValueForbidden", f"Forbidden: {words}"))


def begin(call):
    head = wire.Head(["HTTP/1.1", "200", "OK"], [
        ("Cache-Control", "no-cache, private"), ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked")])
    call.entry["status"] = 200
    call.stream.send(head.encode())
