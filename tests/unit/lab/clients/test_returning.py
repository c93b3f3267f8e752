"""Which client came back when is told from its tries, and the advice follows from that."""

from __future__ import annotations

from collections.abc import Iterable

from lab.clients.returning import Behaviour, Return, Try, advice, returns, table

EAST, WEST = "us-east-1", "us-west-2"


def tries(behaviour: Behaviour, story: str, member: int = 0) -> Iterable[Try]:
    """One try a second: `e` and `w` were stored in the east and the west, `.` failed; each took a tenth of a second."""
    for second, letter in enumerate(story):
        region = {"e": EAST, "w": WEST}.get(letter)
        error = None if region else "timed out"
        yield Try(behaviour, member, float(second), second + 0.1, region, error)


def found(*stories: Iterable[Try]) -> dict[str, Return]:
    return {one.behaviour: one for one in returns(one for story in stories for one in story)}


def test_a_client_is_out_from_its_first_failure_to_the_good_try_that_no_failure_follows() -> None:
    one = found(tries("obeys-ttl", "ee.w..www"))["obeys-ttl"]
    assert (one.out_at, one.back_at) == (2.0, 6.1)
    assert (one.failed, one.first, one.last) == (3, EAST, WEST)


def test_a_client_whose_last_try_failed_is_not_back() -> None:
    one = found(tries("keeps-address", "ee....."))["keeps-address"]
    assert one.seconds is None
    assert one.error == "timed out"


def test_a_pool_is_back_when_each_of_its_connections_is() -> None:
    pool = [*tries("pooled", "ee..wwww", 0), *tries("pooled", "ee.....w", 1)]
    assert found(pool)["pooled"].back_at == 7.1
    dead = [*pool, *tries("pooled", "ee......", 2)]
    assert found(dead)["pooled"].seconds is None


def test_a_client_that_never_failed_was_not_out() -> None:
    assert found(tries("obeys-ttl", "eeee"))["obeys-ttl"].seconds == 0.0


def test_advice_names_who_is_not_back_and_what_would_help() -> None:
    seen = found(tries("obeys-ttl", "ee..ww"), tries("keeps-address", "ee...."), tries("pooled", "ee..ww"))
    [line] = advice(tuple(seen.values()), ttl=60)
    assert line.startswith("a client that keeps addresses for ever is not back (timed out)")
    assert "60 s" in line
    assert "R15" in line


def test_a_pool_that_was_out_longer_is_advised_to_limit_the_life_of_its_connections() -> None:
    seen = found(tries("obeys-ttl", "ee..wwwwww"), tries("keeps-address", "ee..wwwwww"), tries("pooled", "ee......ww"))
    [line] = advice(tuple(seen.values()), ttl=2)
    assert "with a pool was out for 6.1 s" in line
    assert "R18" in line


def test_clients_that_all_came_back_need_no_change_and_an_application_that_is_down_comes_first() -> None:
    well = found(*(tries(behaviour, "ee..ww") for behaviour in ("obeys-ttl", "keeps-address", "pooled")))
    assert "every client came back" in advice(tuple(well.values()), ttl=2)[0]
    down = found(*(tries(behaviour, "ee....") for behaviour in ("obeys-ttl", "keeps-address", "pooled")))
    assert "the application itself is not" in advice(tuple(down.values()), ttl=2)[0]


def test_the_table_says_who_went_from_where_to_where() -> None:
    lines = "\n".join(table(tuple(found(tries("obeys-ttl", "ee..ww"), tries("keeps-address", "ee....")).values())))
    assert "us-east-1 -> us-west-2" in lines
    assert "not back" in lines
