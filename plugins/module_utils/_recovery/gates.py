# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold before a move: pure functions of a snapshot, in a table that says in which mode each one blocks.

A gate holds, fails with a reason, or cannot be known now with a reason. All are asked, and all that block are reported
together. In a planned move what cannot be known blocks; in an unplanned one it is said, and the operator decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .errors import RecoveryError
from .lease import run_of, seconds_left
from .model import Site
from .snapshot import Cluster, GlobalCluster, GroupState, Snapshot, Unknown
from .steps.base import Move
from .steps.fencing import unknown_fence
from .steps.pending_job import open_job
from .steps.registry import MODES
from .steps.traffic_switch import stored_position
from .store import LEASE, READINESS, RUN, pending_item
from .switch import POSITIONS


class Verdict(Enum):
    """The three answers."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """A gate's answer, with what it rests on or why not."""

    verdict: Verdict
    reason: str = ""


def holds(reason: str = "") -> Answer:
    """It holds."""
    return Answer(Verdict.HOLDS, reason)


def fails(reason: str) -> Answer:
    """It does not hold."""
    return Answer(Verdict.FAILS, reason)


def unknown(reason: str) -> Answer:
    """Nobody can say now."""
    return Answer(Verdict.UNKNOWN, reason)


Check = Callable[[Move, Snapshot], Answer]


@dataclass(frozen=True)
class Gate:
    """A check, the rule it comes from, and by mode which answers block; a mode that is not named does not ask it."""

    name: str
    rule: str
    asks: str
    check: Check
    blocks: Mapping[str, frozenset[Verdict]]
    waivable: bool = True


@dataclass(frozen=True)
class Ruling:
    """A gate's answer in a move, and what follows from it."""

    gate: Gate
    answer: Answer
    blocks: bool
    waived: bool

    def line(self) -> str:
        """For people."""
        return f"{self.gate.name} ({self.gate.rule}): {self.answer.reason}"


_BOTH = frozenset({Verdict.FAILS, Verdict.UNKNOWN})
_FAILS = frozenset({Verdict.FAILS})
_SAID = frozenset[Verdict]()


def _view(move: Move, snapshot: Snapshot) -> GlobalCluster | Answer:
    view = snapshot.global_cluster(move.application, move.target, move.source)
    if isinstance(view, Unknown):
        return unknown(view.reason)
    if view is None:
        return fails(f"there is no global cluster {move.application.global_cluster}")
    return view


def _region_answers(site: Site, move: Move, snapshot: Snapshot) -> Answer:
    read: list[object] = [snapshot.cluster(site), snapshot.item(move.application, site, RUN)]
    read += [snapshot.group(site, group.name) for group in site.groups]
    silent = [one.reason for one in read if isinstance(one, Unknown)]
    return unknown(silent[0]) if len(silent) == len(read) else holds(site.region)


def target_region(move: Move, snapshot: Snapshot) -> Answer:
    """The target's region answers us."""
    return _region_answers(move.target, move, snapshot)


def source_region(move: Move, snapshot: Snapshot) -> Answer:
    """The region that is left answers us; where it does not, an unplanned move goes on without it."""
    return _region_answers(move.source, move, snapshot)


def _decided(move: Move, snapshot: Snapshot) -> bool:
    """The target is the writer, or on its way to it: a run that is taken up again is past what guards the promotion."""
    view = _view(move, snapshot)
    member = view.member(move.target) if isinstance(view, GlobalCluster) else None
    if member is None or isinstance(view, Answer):
        return False
    return member.writer or (view.failover_status is not None and view.failover_to == member.arn)


def global_cluster(move: Move, snapshot: Snapshot) -> Answer:
    """Both sites' clusters are members, and one of them is the writer (R31)."""
    view = _view(move, snapshot)
    if isinstance(view, Answer):
        return view
    for site in (move.target, move.source):
        if view.member(site) is None:
            return fails(f"cluster {site.cluster} in {site.region} is no member of {view.identifier}")
    if view.writer is None:
        return fails(f"{view.identifier} has no single writer")
    if move.application.site_in(view.writer.region) is None:
        return fails(f"the writer of {view.identifier} is in {view.writer.region}, where the application has no site")
    return holds(f"the writer is {view.writer.cluster} in {view.writer.region}")


def at_rest(move: Move, snapshot: Snapshot) -> Answer:
    """No other move of the global cluster is under way (R14)."""
    view = _view(move, snapshot)
    if isinstance(view, Answer):
        return view
    if view.at_rest:
        return holds("FailoverState is empty")
    member = view.member(move.target)
    if view.failover_status and member and view.failover_to == member.arn:
        return holds(f"it is on its way to the target already ({view.failover_status})")
    return fails(f"global cluster {view.identifier} is {view.failover_status or view.status}")


def target_instance(move: Move, snapshot: Snapshot) -> Answer:
    """The target's cluster has an instance: a headless one cannot be promoted (R5)."""
    cluster = snapshot.cluster(move.target)
    if isinstance(cluster, Unknown):
        return unknown(cluster.reason)
    if cluster is None:
        return fails(f"there is no cluster {move.target.cluster} in {move.target.region}")
    if not cluster.instances:
        return fails(f"cluster {cluster.identifier} has no instance: create one before it can be promoted")
    return holds(f"{len(cluster.instances)} instances")


def engine_version(move: Move, snapshot: Snapshot) -> Answer:
    """Both clusters run the same major and minor version, or the managed operations refuse (R6)."""
    if _decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    versions = []
    for site in (move.target, move.source):
        cluster = snapshot.cluster(site)
        if not isinstance(cluster, Cluster):
            reason = cluster.reason if isinstance(cluster, Unknown) else f"there is no cluster {site.cluster}"
            return unknown(f"the engine version in {site.region}: {reason}")
        versions.append(cluster.engine_version)
    if versions[0] != versions[1]:
        return fails(f"{move.target.cluster} runs {versions[0]} and {move.source.cluster} {versions[1]}")
    return holds(versions[0])


def synchronised(move: Move, snapshot: Snapshot) -> Answer:
    """The target is not still resynchronising after an earlier failover (R9)."""
    view = _view(move, snapshot)
    if isinstance(view, Answer):
        return view
    member = view.member(move.target)
    if member is None:
        return fails(f"cluster {move.target.cluster} is no member of {view.identifier}")
    if member.synchronisation not in (None, "connected") and not _decided(move, snapshot):
        return fails(f"cluster {member.cluster} is {member.synchronisation}: wait until it has joined again")
    return holds(member.synchronisation or "connected")


def lag(move: Move, snapshot: Snapshot) -> Answer:
    """The target's lag is known and below the RPO objective: a switchover takes as long as it (R10, R11)."""
    if _decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    found = snapshot.lag(move.target)
    if isinstance(found, Unknown):
        return unknown(found.reason)
    objective = move.application.objectives.rpo_seconds
    text = f"{found.seconds:.1f} s, {max(0.0, snapshot.at - found.at):.0f} s ago, as {found.region} says"
    return holds(text) if found.seconds <= objective else fails(f"{text}; the objective is {objective:g} s")


def group_limits(move: Move, snapshot: Snapshot) -> Answer:
    """The target's groups exist and may grow to the active capacity (R20)."""
    problems = []
    for group in move.target.groups:
        state = snapshot.group(move.target, group.name)
        if isinstance(state, Unknown):
            return unknown(state.reason)
        if state is None:
            problems.append(f"there is no Auto Scaling group {group.name} in {move.target.region}")
        elif not isinstance(state, GroupState) or state.max < group.active.desired:
            problems.append(f"{group.name} may grow to {state.max}, and {group.active.desired} are needed")
    return fails("; ".join(problems)) if problems else holds()


def target_key(move: Move, snapshot: Snapshot) -> Answer:
    """The key of the target's cluster is enabled: with a disabled one it is inaccessible, and lost in a week (R23)."""
    cluster = snapshot.cluster(move.target)
    if not isinstance(cluster, Cluster):
        return unknown(cluster.reason if isinstance(cluster, Unknown) else f"there is no cluster {move.target.cluster}")
    if not cluster.key:
        return unknown("the cluster names no key")
    state = snapshot.keys.get((move.target.access, cluster.key), Unknown("it was not read"))
    if isinstance(state, Unknown):
        return unknown(state.reason)
    return holds(state) if state == "Enabled" else fails(f"key {cluster.key} is {state}")


def failover_records(move: Move, snapshot: Snapshot) -> Answer:
    """Each name has a valid, harmless pair of failover records (R16, R18)."""
    found = snapshot.records.get(move.application.name, Unknown("it was not read"))
    if isinstance(found, Unknown):
        return unknown(found.reason)
    return fails("; ".join(found)) if found else holds()


def dns_answers(move: Move, snapshot: Snapshot) -> Answer:
    """Names and the target's endpoint are answered by DNS, the data plane that goes on working (R3)."""
    host = snapshot.host(move.target)
    if isinstance(host, Unknown):
        return unknown(f"the endpoint of {move.target.region}: {host.reason}")
    for name in (*move.application.traffic.names, host):
        addresses = snapshot.addresses(name)
        if isinstance(addresses, Unknown):
            return unknown(addresses.reason)
    return holds()


def switch_position(move: Move, snapshot: Snapshot) -> Answer:
    """The positions that the move depends on can be read where they are kept (R17)."""
    if move.application.traffic.policy != "orchestrated":
        return holds("Route 53's own health checks move traffic")
    said = []
    for position in POSITIONS[(move.place, move.planned)]:
        value = stored_position(snapshot, move.application, position.record)
        if isinstance(value, Unknown):
            if position.needed:
                return unknown(f"switch {position.record}: {value.reason}")
        else:
            said.append(f"{position.record} {'open' if value else 'closed'}")
    return holds(", ".join(said))


def state_store(move: Move, snapshot: Snapshot) -> Answer:
    """The state table in the target's region answers: journal and lease live there (R29)."""
    found = snapshot.item(move.application, move.target, RUN)
    return unknown(found.reason) if isinstance(found, Unknown) else holds()


def lease_free(move: Move, snapshot: Snapshot) -> Answer:
    """No other run holds a lease that the move takes, unless the operator has named it to be broken."""
    said: Answer = holds()
    for side in MODES[move.mode].leases:
        site = move.side(side)
        found = snapshot.item(move.application, site, LEASE)
        if isinstance(found, Unknown):
            said = unknown(found.reason)
            continue
        run, left = run_of(found or {}), seconds_left(found or {}, snapshot.at)
        if not left or run == move.run_id:
            continue
        if run != move.break_lease:
            seconds = f"its lease in {site.region} runs out in {left:.0f} s"
            return fails(f"run {run} moves {move.application.name}; {seconds}. If it is dead: break_lease={run}")
        if said.verdict is Verdict.HOLDS:
            said = holds(f"the lease of run {run} is to be broken")
    return said


def data_loss(move: Move, snapshot: Snapshot) -> Answer:
    """The operator has accepted that data may be lost."""
    del snapshot
    if move.accept_data_loss:
        return holds("accept_data_loss is true")
    return fails("an unplanned move may lose data: say accept_data_loss=true, or move planned")


def fence(move: Move, snapshot: Snapshot) -> Answer:
    """The old site can be fenced, or the operator has accepted that it cannot be (R7)."""
    if _decided(move, snapshot):
        return holds("the target is the writer, or on its way to it")
    reason = unknown_fence(move, snapshot)
    if reason is None:
        return holds(f"{move.source.region} answers")
    if move.accept_unfenced:
        return holds(f"accept_unfenced is true; {reason}")
    return fails(
        f"what writes in {move.source.region} cannot be stopped before the promotion ({reason}): "
        "say accept_unfenced=true to move without that"
    )


def reconciled(move: Move, snapshot: Snapshot) -> Answer:
    """Nothing waits to be reconciled at the target after an unplanned move away from it (R8)."""
    found = snapshot.item(move.application, move.source, pending_item(move.place))
    if isinstance(found, Unknown):
        return unknown(found.reason)
    job = open_job(found)
    if job is None:
        return holds()
    return fails(f"run {job.get('run_id')} left a job for {move.target.region}: run playbooks/reconcile.yml first")


def readiness(move: Move, snapshot: Snapshot) -> Answer:
    """What the last readiness snapshot in the living region said, with its age."""
    found = snapshot.item(move.application, move.target, READINESS)
    if isinstance(found, Unknown):
        return unknown(found.reason)
    if not found:
        return unknown("no readiness snapshot was ever stored")
    age = max(0.0, snapshot.at - float(found.get("at", 0))) / 3600
    return holds(f"score {found.get('score', 'unknown')}, {age:.1f} h old")


_ALWAYS = {"planned": _BOTH, "unplanned": _BOTH}
_SAID_IF_UNKNOWN = {"planned": _BOTH, "unplanned": _FAILS}
_PLANNED_ONLY = {"planned": _BOTH}
_EVERYWHERE = {**_ALWAYS, "reconcile": _BOTH}
_STORE = {"planned": _BOTH, "unplanned": _SAID, "reconcile": _BOTH}
_LEASE = {**_SAID_IF_UNKNOWN, "reconcile": _BOTH}

GATES: tuple[Gate, ...] = (
    Gate("data-loss-accepted", "R1", "has the operator accepted it?", data_loss, {"unplanned": _BOTH}, False),
    Gate("old-site-fence", "R7", "can the old site be fenced?", fence, {"unplanned": _BOTH}, False),
    Gate("reconciled", "R8", "is nothing left to be reconciled?", reconciled, _PLANNED_ONLY),
    Gate("target-region", "R2", "does the target's region answer?", target_region, _EVERYWHERE, False),
    Gate(
        "source-region",
        "R2",
        "does the other region answer?",
        source_region,
        {"planned": _BOTH, "unplanned": _SAID, "reconcile": _BOTH},
        False,
    ),
    Gate("global-cluster", "R31", "are both sites members, one the writer?", global_cluster, _ALWAYS, False),
    Gate("no-other-operation", "R14", "is FailoverState empty?", at_rest, _ALWAYS, False),
    Gate("target-instance", "R5", "has the target an instance?", target_instance, _ALWAYS, False),
    Gate("engine-version", "R6", "do the versions match?", engine_version, _SAID_IF_UNKNOWN, False),
    Gate("target-synchronised", "R9", "has the target joined again?", synchronised, _ALWAYS, False),
    Gate("replication-lag", "R11", "is the lag below the objective?", lag, {"planned": _BOTH, "unplanned": _SAID}),
    Gate("group-limits", "R20", "may the target's groups grow?", group_limits, _SAID_IF_UNKNOWN),
    Gate("target-key", "R23", "is the key enabled?", target_key, {"planned": _FAILS, "unplanned": _FAILS}),
    Gate("failover-records", "R16", "is each name a valid pair?", failover_records, _PLANNED_ONLY),
    Gate("dns-answers", "R3", "does DNS answer?", dns_answers, {"planned": _BOTH, "unplanned": _SAID}),
    Gate("switch-position", "R17", "can the switch be read?", switch_position, {"planned": _BOTH, "unplanned": _SAID}),
    Gate("state-store", "R29", "does the state table answer?", state_store, _STORE),
    Gate("lease-free", "lease", "is nobody else moving it?", lease_free, _LEASE, False),
    Gate("readiness", "R29", "what was last known?", readiness, {"unplanned": _SAID}),
)


def check_waivers(waive: Iterable[str]) -> None:
    """Raise for a name that is no gate, or a gate that nobody can waive."""
    gates = {gate.name: gate for gate in GATES}
    for name in waive:
        if name not in gates:
            raise RecoveryError(f"waive: {name!r} is no gate; the gates are {', '.join(gates)}")
        if not gates[name].waivable:
            waivable = ", ".join(gate.name for gate in GATES if gate.waivable)
            raise RecoveryError(f"waive: {name!r} cannot be waived; those that can are {waivable}")


def evaluate(move: Move, snapshot: Snapshot, waive: Iterable[str] = ()) -> tuple[Ruling, ...]:
    """All gates of the move's mode, whatever the first of them says."""
    mode = move.mode
    waived = set(waive)
    rulings = []
    for gate in GATES:
        if mode not in gate.blocks:
            continue
        answer = gate.check(move, snapshot)
        blocks = answer.verdict in gate.blocks[mode]
        forgiven = blocks and gate.waivable and gate.name in waived
        rulings.append(Ruling(gate, answer, blocks and not forgiven, forgiven))
    return tuple(rulings)


def to_be_said(rulings: Iterable[Ruling]) -> tuple[str, ...]:
    """What does not hold and does not block, in lines: waived, or left to the operator."""
    return tuple(
        ("waived: " if ruling.waived else "") + ruling.line()
        for ruling in rulings
        if ruling.answer.verdict is not Verdict.HOLDS and not ruling.blocks
    )


def in_the_way(rulings: Iterable[Ruling]) -> tuple[str, ...]:
    """What blocks, in lines. Where a region does not answer, that is said once, and not again for each reading."""
    blocking = [ruling for ruling in rulings if ruling.blocks]
    region_gates = ("target-region", "source-region")
    lost = any(ruling.gate.name in region_gates for ruling in blocking)
    return tuple(
        ruling.line()
        for ruling in blocking
        if not lost or ruling.gate.name in region_gates or ruling.answer.verdict is Verdict.FAILS
    )
