"""Where links lead in the end: chains, forks, circles and identifiers that were used again.

Belongs here: following links of any kind from identifier to identifier.
Does not belong here: which links count (`links.py`), or whom an identifier stands for (`identity.py`).

There is a link for nearly every identifier of a foreign domain, millions in all, and nearly all are the only one of
their identifier. Those are followed all at once, by doubling: what a pointer points to becomes its pointer. Only what
forks or runs in a circle is walked one by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
import polars as pl

from assets.linkage.links import FROM, TO

CIRCLE, FORK, REUSED = "circle", "fork", "reused"
_NO_DAY = np.iinfo(np.int32).min
_END = ("end_domain", "end_pseudonym")
ENDS = pl.Schema(
    {
        **dict.fromkeys((*FROM, *_END), pl.String),
        "has_merger": pl.Boolean,
        "has_bridge": pl.Boolean,
        "since": pl.Date,
        "step_count": pl.Int32,
        "finding": pl.String,
    }
)


def follow(links: pl.DataFrame) -> pl.DataFrame:
    """For each identifier that a link starts from, the identifier in which its links end.

    Links in a circle are void: each identifier in it ends in itself. An identifier whose links end in several others
    has no end, nor has one that leads to it; `finding` says why.
    """
    # A domain that nothing leads to has no second link, nor has one that nothing starts from: most have neither.
    begun = links.filter(pl.col("from_domain").is_in(links["to_domain"].unique().to_list()))
    reached = links.filter(pl.col("to_domain").is_in(links["from_domain"].unique().to_list()))
    second = begun.join(reached, left_on=FROM, right_on=TO, how="semi").select(FROM).unique().with_columns(_second=True)
    goes_on = links.join(second, left_on=TO, right_on=FROM, how="left", maintain_order="left")["_second"]
    comes_from = links.join(second, on=FROM, how="left", maintain_order="left")["_second"]
    parts = links.select(pl.struct(FROM).is_duplicated()).to_series()
    in_a_row = parts | goes_on.fill_null(False) | comes_from.fill_null(False)
    alone, rest = links.filter(~in_a_row), links.filter(in_a_row)
    direct = alone.select(
        *FROM,
        end_domain="to_domain",
        end_pseudonym="to_pseudonym",
        has_merger=~pl.col("is_bridge"),
        has_bridge="is_bridge",
        since="since",
        step_count=pl.lit(1, pl.Int32),
        finding=pl.lit(None, pl.String),
    )
    return pl.concat([direct, _follow_rest(rest)]) if rest.height else direct


def _follow_rest(links: pl.DataFrame) -> pl.DataFrame:
    """The same, of links that follow one another or part."""
    node = ["domain", "pseudonym"]
    nodes = pl.concat(
        [
            links.select(FROM).rename(dict(zip(FROM, node, strict=True))),
            links.select(TO).rename(dict(zip(TO, node, strict=True))),
        ]
    )
    nodes = nodes.unique().with_row_index("node")
    numbered = links.join(nodes, left_on=FROM, right_on=node).join(nodes, left_on=TO, right_on=node, suffix="_to")
    graph = _Graph(
        nodes.height,
        numbered["node"].to_numpy(),
        numbered["node_to"].to_numpy(),
        numbered["since"].cast(pl.Int32).to_numpy(),
        numbered["is_bridge"].to_numpy(),
        numbered["is_former"].to_numpy(),
    )
    end, steps, since, merged, bridged, findings = graph.settle()
    starts = np.unique(graph.start)
    found = pl.DataFrame(
        {
            "node": starts.astype(np.uint32),
            "end": end[starts],
            "has_merger": merged[starts],
            "has_bridge": bridged[starts],
            "since": since[starts],
            "step_count": steps[starts],
        }
    ).with_columns(
        pl.when(pl.col("end") >= 0).then("end").cast(pl.UInt32),
        pl.when(pl.col("since") > int(_NO_DAY)).then("since").cast(pl.Date),
    )
    told = pl.DataFrame(
        {"node": list(findings), "finding": list(findings.values())}, schema={"node": pl.UInt32, "finding": pl.String}
    )
    return (
        found.join(told, on="node", how="left")
        .join(nodes.rename(dict(zip(node, FROM, strict=True))), on="node")
        .join(nodes.rename(dict(zip(node, _END, strict=True))), left_on="end", right_on="node", how="left")
        .select(ENDS.names())
        .cast(ENDS)
    )


@dataclass(frozen=True)
class _Graph:
    """Links between numbered identifiers, one entry per link."""

    size: int
    start: np.ndarray
    to: np.ndarray
    since: np.ndarray
    is_bridge: np.ndarray
    is_former: np.ndarray

    def settle(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[int, str]]:
        """Per identifier: end (-1 for none), steps, latest day, whether by merger or bridge; and findings."""
        count = np.bincount(self.start, minlength=self.size)
        pointer, way = self._double(count)
        # What is not settled: identifiers with several links, what leads to them, what never comes to an end.
        odd = np.flatnonzero((count > 1) | (count[pointer] > 0))
        findings: dict[int, str] = {}
        if odd.size:
            findings = _walk(self._links_of(odd), pointer, way)
        return pointer, way.steps, way.since, way.merged, way.bridged, findings

    def _double(self, count: np.ndarray) -> tuple[np.ndarray, "_Way"]:
        """Pointers moved to the end of their chain, or to the first identifier with several links."""
        pointer = np.arange(self.size)
        way = _Way.none(self.size)
        only, goes_on = count[self.start] == 1, count == 1
        start = self.start[only]
        pointer[start] = self.to[only]
        way.steps[start], way.since[start] = 1, self.since[only]
        way.merged[start], way.bridged[start] = ~self.is_bridge[only], self.is_bridge[only]
        moving = start[goes_on[pointer[start]]]
        for _ in range(len(moving).bit_length() + 1):  # as many as the longest chain needs; circles never end
            if not moving.size:
                break
            way.append(moving, pointer[moving])
            pointer[moving] = pointer[pointer[moving]]
            moving = moving[goes_on[pointer[moving]]]
        return pointer, way

    def _links_of(self, nodes: np.ndarray) -> dict[int, list["_Step"]]:
        """The links of some identifiers."""
        chosen = np.flatnonzero(np.isin(self.start, nodes))
        found: dict[int, list[_Step]] = {}
        columns = (self.start, self.to, self.since, self.is_bridge, self.is_former)
        for start, *step in zip(*(column[chosen].tolist() for column in columns), strict=True):
            found.setdefault(start, []).append(_Step(*step))
        return found


@dataclass(frozen=True)
class _Step:
    to: int
    since: int
    is_bridge: bool
    is_former: bool


@dataclass(frozen=True)
class _Way:
    """What lies between each identifier and where its pointer points."""

    steps: np.ndarray
    since: np.ndarray
    merged: np.ndarray
    bridged: np.ndarray

    @staticmethod
    def none(size: int) -> "_Way":
        no = np.zeros(size, bool)
        return _Way(np.zeros(size, np.int32), np.full(size, _NO_DAY, np.int32), no, no.copy())

    def append(self, places: np.ndarray, others: np.ndarray) -> None:
        """Add to the ways of some identifiers those of others."""
        self.steps[places] += self.steps[others]
        self.since[places] = np.maximum(self.since[places], self.since[others])
        self.merged[places] |= self.merged[others]
        self.bridged[places] |= self.bridged[others]

    def clear(self, place: int) -> None:
        """Make an identifier stand for itself."""
        self.steps[place], self.since[place] = 0, _NO_DAY
        self.merged[place] = self.bridged[place] = False


def _walk(links: Mapping[int, Sequence[_Step]], end: np.ndarray, way: _Way) -> dict[int, str]:
    """Settle in place the identifiers of `links`, each after those that it leads to; gives what was found."""
    findings = dict.fromkeys(circles({node: [step.to for step in steps] for node, steps in links.items()}), CIRCLE)
    for node in findings:
        end[node] = node
        way.clear(node)
    open_ = {node: {step.to for step in steps} & links.keys() for node, steps in links.items() if node not in findings}
    for node in TopologicalSorter(open_).static_order():
        if node in findings:
            continue
        way.clear(node)
        steps = links[node]
        for step in steps:
            way.steps[node] = max(way.steps[node], 1 + way.steps[step.to])
            way.since[node] = max(way.since[node], step.since, way.since[step.to])
            way.merged[node] |= not step.is_bridge or bool(way.merged[step.to])
            way.bridged[node] |= step.is_bridge or bool(way.bridged[step.to])
        ends = {int(end[step.to]) for step in steps}
        if -1 in ends:
            findings[node] = min(findings[step.to] for step in steps if end[step.to] == -1)
            end[node] = -1
        elif len(ends) > 1:
            present = {int(end[step.to]) for step in steps if not step.is_former}
            findings[node] = FORK if len(present) > 1 else REUSED
            end[node] = -1
        else:
            end[node] = ends.pop()
    return findings


def circles(links: Mapping[int, Sequence[int]]) -> set[int]:
    """The nodes from which a way leads back to themselves (strongly connected components, after Kosaraju)."""
    backward: dict[int, list[int]] = {}
    for node, targets in links.items():
        for target in targets:
            backward.setdefault(target, []).append(node)
    seen: set[int] = set()
    order = [node for root in links for node in _leaving(root, links, seen)]
    seen.clear()
    found: set[int] = set()
    for root in reversed(order):
        component = list(_leaving(root, backward, seen))
        if len(component) > 1 or root in links.get(root, ()):
            found.update(component)
    return found


def _leaving(root: int, links: Mapping[int, Sequence[int]], seen: set[int]) -> Iterator[int]:
    """What is reached from a node and was not seen, each after all that is reached from it."""
    if root in seen:
        return
    seen.add(root)
    path = [(root, iter(links.get(root, ())))]
    while path:
        node, ahead = path[-1]
        for following in ahead:
            if following not in seen:
                seen.add(following)
                path.append((following, iter(links.get(following, ()))))
                break
        else:
            path.pop()
            yield node
