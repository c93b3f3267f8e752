"""Which client came back when, and what follows from it.  Pure functions over what the clients saw.

A client is **out** from its first failed try to the first good one after which none fails while it is watched.
A client with several connections is back when each of them is: a user who meets a dead one sees an outage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Behaviour = Literal["obeys-ttl", "keeps-address", "pooled"]
BEHAVIOURS: tuple[Behaviour, ...] = ("obeys-ttl", "keeps-address", "pooled")


@dataclass(frozen=True)
class Try:
    """One numbered write of a client; times in seconds since the epoch."""

    behaviour: Behaviour
    member: int
    """Which of its connections it was; 0 for a client that opens one each time."""
    began: float
    ended: float
    region: str | None
    """The region that stored it; nothing where none did."""
    error: str | None = None

    @property
    def good(self) -> bool:
        """Whether the write was stored."""
        return self.error is None


@dataclass(frozen=True)
class Return:
    """How it went for a client."""

    behaviour: Behaviour
    tries: int
    failed: int
    out_at: float | None
    """When its first try failed that began; nothing where none did."""
    back_at: float | None
    """When it was back for good; nothing where it was never out, or is not back."""
    first: str | None
    last: str | None
    """The region that stored its first and its last good write."""
    error: str | None
    """What its last failed try met."""

    @property
    def seconds(self) -> float | None:
        """How long it was out; 0 for one that never was, nothing for one that is not back."""
        if self.out_at is None:
            return 0.0
        return None if self.back_at is None else self.back_at - self.out_at


def returns(tries: Iterable[Try]) -> tuple[Return, ...]:
    """What became of each client."""
    all_tries = sorted(tries, key=lambda one: one.began)
    return tuple(_of([one for one in all_tries if one.behaviour == behaviour], behaviour) for behaviour in BEHAVIOURS)


def _of(tries: Sequence[Try], behaviour: Behaviour) -> Return:
    failed = [one for one in tries if not one.good]
    good = [one for one in tries if one.good]
    return Return(
        behaviour=behaviour,
        tries=len(tries),
        failed=len(failed),
        out_at=failed[0].began if failed else None,
        back_at=_back(tries) if failed else None,
        first=good[0].region if good else None,
        last=good[-1].region if good else None,
        error=failed[-1].error if failed else None,
    )


def _back(tries: Sequence[Try]) -> float | None:
    """When the last of its connections was good for good."""
    moments = []
    for member in {one.member for one in tries}:
        mine = [one for one in tries if one.member == member]
        failures = [position for position, one in enumerate(mine) if not one.good]
        after = mine[failures[-1] + 1 :] if failures else []
        if failures and not after:
            return None
        if after:
            moments.append(after[0].ended)
    return max(moments)


def advice(found: Sequence[Return], ttl: float) -> tuple[str, ...]:
    """What to change in the clients, one line each.  `ttl` in seconds, of the application's record."""
    by_behaviour = {one.behaviour: one for one in found}
    said = []
    obeying = by_behaviour.get("obeys-ttl")
    if obeying is not None and obeying.seconds is None:
        said.append("a client that obeys the TTL is not back: the application itself is not, look there first")
    keeping = by_behaviour.get("keeps-address")
    if keeping is not None and _behind(keeping, obeying):
        said.append(
            f"a client that keeps addresses for ever {_how(keeping)}: have it ask DNS again, at the latest when the "
            f"TTL of {ttl:g} s is over (in Java networkaddress.cache.ttl; in proxies a resolver that is asked at run "
            "time), and use the global writer endpoint for the database, never a regional one (R15)"
        )
    pooled = by_behaviour.get("pooled")
    if pooled is not None and _behind(pooled, obeying):
        said.append(
            f"a client with a pool {_how(pooled)}: give its connections a lifetime of a few TTLs, throw away those "
            "that time out or meet a read-only database, and let the load balancer close them sooner than after its "
            "3600 s (R18)"
        )
    if not said and obeying is not None and obeying.failed:
        said.append(f"every client came back about as soon as one that obeys the TTL of {ttl:g} s (R18)")
    return tuple(said)


def _behind(one: Return, obeying: Return | None) -> bool:
    """Whether a client was out clearly longer than one that obeys the TTL, or is so still."""
    if one.seconds is None:
        return True
    return obeying is not None and obeying.seconds is not None and one.seconds > obeying.seconds + 1.0


def _how(one: Return) -> str:
    if one.seconds is None:
        return f"is not back ({one.error})"
    return f"was out for {one.seconds:.1f} s"


def table(found: Sequence[Return]) -> list[str]:
    """Who came back when."""
    lines = [f"{'client':<16}{'tries':>7}{'failed':>8}{'out for':>12}  from -> to"]
    for one in found:
        out = "not back" if one.seconds is None else f"{one.seconds:.2f} s"
        where = f"{one.first or 'nowhere'} -> {one.last or 'nowhere'}"
        lines.append(f"{one.behaviour:<16}{one.tries:>7}{one.failed:>8}{out:>12}  {where}")
    return lines
