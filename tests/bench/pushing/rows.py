"""The rows of the table: what is pushed, from which state, by whom, and what is owed."""
from dataclasses import dataclass, field

from pushing import contenders as c
from pushing import data
from pushing.data import MIB, Layers, archive_image

MEMORY_MIB = 64


@dataclass
class Row:
    key: str
    work: str
    state: str
    contenders: tuple
    image: data.Image
    before: data.Image = None
    over_link: bool = False
    goals: tuple = field(default_factory=tuple)     # of callables: results -> [Verdict]


@dataclass
class Verdict:
    what: str
    value: float
    limit: float

    @property
    def ok(self):
        return self.value <= self.limit

    def __str__(self):
        word = "ok" if self.ok else "NOT REACHED"
        return f"{self.what}: {self.value:.2f}, goal {self.limit:.2f}: {word}"


class Results:
    """Medians by name, and which of ours counts: from the engine, or until then from an archive."""

    def __init__(self, runs_of, engine=None, bound=None):
        self.runs_of, self.engine, self.bound = runs_of, engine, bound

    def ours(self):
        names = (k.name for k in (c.LandedEngine, c.LandedArchive, c.LandedLayout))
        return next((n for n in names if n in self.runs_of), None)


def middle(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def seconds(results, name):
    return middle([run.seconds for run in results.runs_of[name]])


def cpu(results, name):
    return middle([run.cpu for run in results.runs_of[name]])


def times(factor, peer):
    def judge(results):
        if results.ours() and peer.name in results.runs_of:
            yield Verdict(f"time / {peer.name}",
                          seconds(results, results.ours()) / seconds(results, peer.name), factor)
    return judge


def within_bound(results):
    if results.ours() and results.bound:
        yield Verdict("time / (first byte + bytes / (cores x rate))",
                      seconds(results, results.ours()) / results.bound, 1.2)


def cpu_at_most(peer):
    def judge(results):
        if results.ours() and peer.name in results.runs_of:
            yield Verdict(f"CPU / {peer.name}",
                          cpu(results, results.ours()) / cpu(results, peer.name), 1.0)
    return judge


def beyond(milliseconds, peer):
    """Each of ours, with and without local state."""
    def judge(results):
        for kind in (c.LandedEngine, c.LandedBare):
            if kind.name in results.runs_of and peer.name in results.runs_of:
                yield Verdict(f"{kind.name}, ms beyond {peer.name}", 1000 * (
                    seconds(results, kind.name) - seconds(results, peer.name)), milliseconds)
    return judge


def fastest(results):
    if results.ours():
        for name in results.runs_of:
            if not name.startswith("landed"):
                yield Verdict(f"time / {name}",
                              seconds(results, results.ours()) / seconds(results, name), 1.0)


def memory(results):
    peaks = [run.peak_kib for name, all in results.runs_of.items() if name.startswith("landed")
             for run in all]
    if peaks:
        yield Verdict("peak MiB", max(peaks) / 1024, MEMORY_MIB)


class Images:
    """Made when they are first asked for: the rows that were not selected cost nothing."""

    def __init__(self, folder, scale):
        self.folder, self.scale = folder, scale
        self.layers = Layers(folder / "layers")
        self.made = {}

    def size(self, mib):
        return max(1, mib // self.scale) * MIB

    def archive(self, name, sizes):
        if name not in self.made:
            layers = [self.layers.make(self.size(mib)) for mib in sizes]
            self.made[name] = archive_image(self.folder, name, layers)
            self.made[name].layers = layers
        return self.made[name]

    def changed(self, name, of):
        """OF with another small layer on top."""
        if name not in self.made:
            layers = [*of.layers[:-1], self.layers.make(self.size(4))]
            self.made[name] = archive_image(self.folder, name, layers)
        return self.made[name]

    def layout(self, name, mib, blobs):
        if name not in self.made:
            total = self.size(mib)
            source, _ = self.layers.make(self.size(64))
            path = data.write_layout(self.folder / name, [total // blobs] * blobs, source)
            self.made[name] = data.Image(name, total, layout=path)
        return self.made[name]


def cold(key, work, image, goal):
    return Row(key, work, "cold", c.COLD, image,
               goals=(*((times(goal, c.Docker), within_bound) if goal else (fastest,)), memory))


def make(key, images):
    """The row KEY, with its images."""
    one = lambda: images.archive("one", [512])                      # noqa: E731
    eight = lambda: images.archive("eight", [64] * 8)               # noqa: E731
    large = lambda: images.archive("large", [680, 680, 680, 4])     # noqa: E731
    thin = lambda: images.archive("thin", [40] * 6 + [4])           # noqa: E731
    match key:
        case "cold-one":
            return cold(key, "cold, one layer of 512 MB", one(), 0.25)
        case "cold-eight":
            return cold(key, "cold, 8 layers of 64 MB", eight(), 0.45)
        case "cold-sixty":
            return cold(key, "cold, 60 layers of 2 MB", images.archive("sixty", [2] * 60), None)
        case "warm":
            return Row(key, "warm, 8 layers of 64 MB, nothing changed", "warm", c.WARM, eight(),
                       goals=(beyond(20, c.Docker), memory))
        case "changed":
            return Row(key, "2 GB, one small layer changed, fresh runner and engine", "changed",
                       c.CHANGED, images.changed("large2", large()), large(),
                       goals=(times(1 / 3, c.Docker), memory))
        case "link-cold":
            return Row(key, "link: cold, 240 MB in 7 layers", "cold", c.LINK, thin(),
                       over_link=True, goals=(fastest, memory))
        case "link-warm":
            return Row(key, "link: warm, nothing changed", "warm", c.WARM, thin(), over_link=True,
                       goals=(fastest, memory))
        case "link-changed":
            return Row(key, "link: one small layer changed, fresh runner and engine", "changed",
                       c.LINK, images.changed("thin2", thin()), thin(), over_link=True,
                       goals=(fastest, memory))
        case "layout-8":
            return Row(key, "OCI layout, 175 MB in 8 blobs", "cold", c.LAYOUT,
                       images.layout("layout8", 175, 8),
                       goals=(times(0.65, c.Curl), cpu_at_most(c.SkopeoLayout), memory))
        case "layout-1g":
            return Row(key, "OCI layout, 1 GiB in 8 blobs", "cold", c.LAYOUT,
                       images.layout("layout1g", 1024, 8),
                       goals=(times(0.65, c.Curl), cpu_at_most(c.SkopeoLayout), memory))
    raise ValueError(key)


KEYS = ("layout-8", "layout-1g", "cold-one", "cold-eight", "cold-sixty", "warm", "changed",
        "link-cold", "link-warm", "link-changed")
