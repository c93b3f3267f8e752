# Copyright: Contributors to the pilotlight.aws_dr project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""State tables of several applications, read and written together."""

from __future__ import annotations

import pytest
from simulated_aws import EAST, WEST, Bench, Call

from plugins.module_utils._recovery.errors import CallFailed, RecoveryError, RegionUnreachable
from plugins.module_utils._recovery.journal import Journal, flush, stored_events
from plugins.module_utils._recovery.model import Application
from plugins.module_utils._recovery.options import Options
from plugins.module_utils._recovery.results import MOVED, REFUSED
from plugins.module_utils._recovery.runner import run_move
from plugins.module_utils._recovery.store import Item, Place, Store, read_together, write_together


def bench_of(*names: str) -> tuple[Bench, list[Application]]:
    bench = Bench.of(*names)
    return bench, list(bench.aws.applications)


def place(application: Application, item: str = "run") -> Place:
    return (application.dr.state_table, application.name, item)


def lose_table(bench: Bench, application: Application) -> None:
    """Each call that names this table is refused as a whole, as DynamoDB refuses it."""

    def refuse(call: Call) -> CallFailed | None:
        if call.service != "dynamodb" or application.dr.state_table not in call.params.get("RequestItems", {}):
            return None
        return CallFailed(call.region, call.service, call.operation, "ResourceNotFoundException", "not found")

    bench.aws.refusals = [refuse]


def test_what_was_written_together_is_read_together_in_one_call_each() -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    caller, access = bench.tools().caller, shop.dr.access
    items = [(one.dr.state_table, Item(one.name, "run", {"of": one.name})) for one in (shop, depot)]
    assert write_together(caller, access, items) == {}
    wanted = [place(shop), place(depot), place(shop, "lag")]
    assert read_together(caller, access, wanted) == {
        place(shop): {"of": "shop"}, place(depot): {"of": "depot"}, place(shop, "lag"): None
    }  # fmt: skip
    assert [call.operation for call in bench.aws.made("dynamodb")] == ["BatchWriteItem", "BatchGetItem"]


def test_a_table_that_is_missing_blinds_its_own_application_alone() -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    caller, access = bench.tools().caller, shop.dr.access
    Store(caller, access, depot.dr.state_table).write([Item(depot.name, "run", {"of": "depot"})])
    lose_table(bench, shop)
    found = read_together(caller, access, [place(shop), place(depot)])
    assert isinstance(found[place(shop)], CallFailed)
    assert found[place(depot)] == {"of": "depot"}


def test_a_table_that_takes_no_writes_keeps_back_its_own_journal_alone() -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    caller = bench.tools().caller
    journals = [
        Journal("20261124T100000Z-drill-1", one.name, bench.clock, Store(caller, one.dr.access, one.dr.state_table))
        for one in (shop, depot)
    ]
    for journal in journals:
        for number in range(20):  # so that they share a call
            journal.append("waiting", "decide", reason=f"the answer {number}")
    lose_table(bench, shop)
    assert list(flush(journals)) == ["shop"]
    assert [len(journal.unsaved) for journal in journals] == [20, 0]
    depots = Store(caller, depot.dr.access, depot.dr.state_table)
    assert [event["seq"] for event in stored_events(depots, "depot", journals[1].run_id)] == list(range(1, 21))


def test_a_region_that_is_gone_is_not_asked_once_for_each_table() -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    caller, access = bench.tools().caller, shop.dr.access
    bench.aws.outage(WEST)
    items = [(one.dr.state_table, Item(one.name, "run", {})) for one in (shop, depot)]
    failed = write_together(caller, access, items)
    assert {name: type(error) for name, error in failed.items()} == dict.fromkeys(("shop", "depot"), RegionUnreachable)
    assert len(bench.aws.made("dynamodb", "BatchWriteItem")) <= 1


def test_a_batch_of_which_dynamodb_never_gives_the_rest_is_given_up() -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    store = Store(bench.tools().caller, shop.dr.access, shop.dr.state_table)
    bench.aws.keeps_back = {depot.dr.state_table}
    found = read_together(store.caller, store.access, [place(shop), place(depot)])
    assert found[place(shop)] is None
    assert isinstance(found[place(depot)], CallFailed)
    assert len(bench.aws.made("dynamodb", "BatchGetItem")) < 20


@pytest.mark.parametrize("text", ["{not JSON", "[1]", ""])
def test_a_document_that_somebody_wrote_wrongly_blinds_its_own_application_alone(text: str) -> None:
    bench, (shop, depot) = bench_of("shop", "depot")
    caller, access = bench.tools().caller, shop.dr.access
    assert write_together(caller, access, [(depot.dr.state_table, Item("depot", "run", {"of": "depot"}))]) == {}
    row = {"application": {"S": "shop"}, "item": {"S": "run"}, "document": {"S": text}}
    bench.aws.tables[(WEST, shop.dr.state_table)]["shop|run"] = row
    found = read_together(caller, access, [place(shop), place(depot)])
    assert "the document of shop/run is no JSON object" in str(found[place(shop)])
    assert found[place(depot)] == {"of": "depot"}
    with pytest.raises(RecoveryError, match="mend it in the state table"):
        Store(caller, access, shop.dr.state_table).read([("shop", "run")])


def test_a_switch_position_that_somebody_wrote_wrongly_ends_no_failover() -> None:
    bench = Bench.of()
    rows = bench.aws.tables[(WEST, "shop-dr-state")]
    rows["shop|switch#primary"] = {
        "application": {"S": "shop"}, "item": {"S": "switch#primary"}, "document": {"S": "{position: 1}"}
    }  # fmt: skip
    bench.aws.outage(EAST)
    lost = Options("dr", "unplanned", accept_data_loss=True, accept_unfenced=True, waive=("switch-position",))
    (outcome,) = run_move(bench.aws.applications, lost, bench.tools()).applications
    assert outcome.status in (MOVED, REFUSED)
    if outcome.status == REFUSED:
        assert "switch#primary is no JSON object" in outcome.reasons[0]
