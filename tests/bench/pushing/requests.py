"""What a push asks: every request, and the longest chain of those that waited for each other."""
from front import Front
from gate import Gate
from registry import Registry

LATE_S = 0.1


def chain(entries):
    """The most requests of which each began after the one before had been answered."""
    taken, free_at = [], 0.0
    for entry in sorted((e for e in entries if e["end"]), key=lambda e: e["end"]):
        if entry["start"] >= free_at:
            taken.append(entry)
            free_at = entry["end"]
    return taken


def shape(entry):
    """A request without its digests and places."""
    path = entry["path"].split("?")
    kind = ("blob upload" if "/uploads" in path[0] else "blob" if "/blobs/" in path[0] else
            "manifest by digest" if "/manifests/sha256" in path[0] else
            "manifest by tag" if "/manifests/" in path[0] else path[0])
    return f"{entry['method']} {kind}"


def look(contender, image, folder):
    """Of a push into the registry that FOLDER has; each request is answered 100 ms late, so that
    what runs side by side overlaps."""
    late = {"method": ".*", "path": ".*", "times": 0, "authorised": "any",
            "action": {"do": "delay", "seconds": LATE_S}}
    with Registry(folder) as registry, Front(registry.url, Gate("none"), rules=[late]) as front:
        contender.push(image, front.address)
        return front.record.where()


def describe(entries):
    """One line: 'GET /v2/, HEAD blob, 3 x PATCH ...' of the longest chain."""
    words = []
    for name in map(shape, chain(entries)):
        if words and words[-1][1] == name:
            words[-1][0] += 1
        else:
            words.append([1, name])
    return ", ".join(f"{n} x {name}" if n > 1 else name for n, name in words)
