"""The past of the demo's meter, and the energy dashboard that shows it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, Final
from zoneinfo import ZoneInfo

from iec21.simulator.household import Counters, Household
from scripts.home_assistant import TIME_ZONE, Client, wait_for

PAST_DAYS: Final = 7
"""Whole days, before the one that has begun."""

ZONE: Final = ZoneInfo(TIME_ZONE)

HOUR: Final = timedelta(hours=1)

BEFORE_ALL: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""An hour that nobody looks at.

Home Assistant takes the sum before the first row for zero, so that the first row
seems to say that all of it was used in one hour. That hour had better be this one.
"""

ENERGY: Final[dict[str, Callable[[Counters], Any]]] = {
    "1.8.0": lambda counters: counters.import_total,
    "1.8.1": lambda counters: counters.import_tariff_1,
    "1.8.2": lambda counters: counters.import_tariff_2,
    "2.8.0": lambda counters: counters.export_total,
}
"""Registers with a past, by OBIS code."""

POWER: Final = "16.7.0"

WAIT_TIME: Final = 30.0
"""Seconds until the recorder has written what it was given; it takes two."""


def by_code(states: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Arrange the states of a meter's sensors by OBIS code, groups C to E only."""
    return {
        code.rpartition(":")[2].partition("*")[0]: state
        for state in states.values()
        if (code := state["attributes"].get("obis_code"))
    }


# -- the past -----------------------------------------------------------------


async def write_past(
    client: Client, house: Household, states: Mapping[str, dict[str, Any]]
) -> None:
    """Import what the meter of `house` counted before Home Assistant came.

    The sums go on where they end: Home Assistant counts from the first state that
    it has recorded, so the sum is negative before that and zero there.

    Raises:
        DemoError: Home Assistant does not take it.

    """
    sensors = {
        code: state["entity_id"]
        for code, state in by_code(states).items()
        if code in (*ENERGY, POWER)
    }
    first = await _first_states(client, list(sensors.values()))
    for code, entity_id in sensors.items():
        since, value = first[entity_id]
        hours = list(_hours_before(since))
        if code == POWER:
            await _import(client, entity_id, "power", "kW", _power_rows(house, hours))
        else:
            rows = _energy_rows(house, hours, ENERGY[code], value)
            await _import(client, entity_id, "energy", "kWh", rows)
    await _wait_for_statistics(client, list(sensors.values()))


async def _first_states(
    client: Client, entity_ids: list[str]
) -> dict[str, tuple[datetime, float]]:
    """Return when and with what value the recorder has begun, by entity id."""
    start = datetime.now(UTC) - HOUR

    async def look() -> dict[str, tuple[datetime, float]] | None:
        history = await client.get(
            f"/api/history/period/{start.isoformat()}",
            filter_entity_id=",".join(entity_ids),
            significant_changes_only="0",
        )
        first = dict(_first_numbers(history))
        return first if first.keys() == set(entity_ids) else None

    return await wait_for(look, WAIT_TIME, "The recorder has no states of the meter.")


def _first_numbers(
    history: list[list[dict[str, Any]]],
) -> Iterator[tuple[str, tuple[datetime, float]]]:
    for states in history:
        for state in states:
            if state["state"] not in ("unknown", "unavailable"):
                since = datetime.fromisoformat(state["last_updated"])
                yield state["entity_id"], (since, float(state["state"]))
                break


def _hours_before(moment: datetime) -> Iterator[datetime]:
    """Return the hours of the past; Home Assistant writes that of `moment` itself."""
    today = moment.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    hour = (today - timedelta(days=PAST_DAYS)).astimezone(UTC)
    while hour + HOUR <= moment:
        yield hour
        hour += HOUR


def _energy_rows(
    house: Household,
    hours: list[datetime],
    register: Callable[[Counters], Any],
    zero: float,
) -> Iterator[dict[str, Any]]:
    """Return what a register showed at the end of every hour."""
    for start, at in (
        (BEFORE_ALL, hours[0]),
        *((hour, hour + HOUR) for hour in hours),
    ):
        value = float(register(house.counters(at)))
        yield {
            "start": start.isoformat(),
            "state": value,
            "sum": round(value - zero, 3),
        }


def _power_rows(house: Household, hours: list[datetime]) -> Iterator[dict[str, Any]]:
    """Return the mean power of every hour, with its limits.

    The power changes with every quarter of an hour; a look in each will do.
    """
    for hour in hours:
        before, after = house.counters(hour), house.counters(hour + HOUR)
        bought = after.import_total - before.import_total
        sold = after.export_total - before.export_total
        looks = [
            (incoming - outgoing) / 1000
            for incoming, outgoing in (
                house.power(hour + timedelta(minutes=minute))
                for minute in range(5, 60, 15)
            )
        ]
        mean = float(bought - sold)
        yield {
            "start": hour.isoformat(),
            "mean": mean,
            "min": min(mean, *looks),
            "max": max(mean, *looks),
        }


async def _import(
    client: Client,
    entity_id: str,
    unit_class: str,
    unit: str,
    rows: Iterator[dict[str, Any]],
) -> None:
    stats = list(rows)
    has_sum = "sum" in stats[0]
    await client.command(
        "recorder/import_statistics",
        metadata={
            "statistic_id": entity_id,
            "source": "recorder",
            "name": None,
            "has_sum": has_sum,
            # 1 is the arithmetic mean, 0 is none.
            "mean_type": 0 if has_sum else 1,
            "unit_class": unit_class,
            "unit_of_measurement": unit,
        },
        stats=stats,
    )


async def _wait_for_statistics(client: Client, entity_ids: list[str]) -> None:
    """Wait until the recorder has written what it was given."""
    start = datetime.now(UTC) - timedelta(days=PAST_DAYS)

    async def look() -> bool | None:
        statistics = await client.command(
            "recorder/statistics_during_period",
            start_time=start.isoformat(),
            statistic_ids=entity_ids,
            period="day",
            types=["change", "mean"],
        )
        return statistics.keys() == set(entity_ids) or None

    await wait_for(look, WAIT_TIME, "The recorder has not taken the statistics.")


# -- the dashboard ------------------------------------------------------------


async def configure_energy(
    client: Client, states: Mapping[str, dict[str, Any]]
) -> bool:
    """Let the energy dashboard show the meter; False if it counts no energy.

    The registers of the tariffs are for meters that do not add them up.
    """
    sensors = {code: state["entity_id"] for code, state in by_code(states).items()}

    def registers(flow: int) -> list[str]:
        tariffs = [f"{flow}.8.{tariff}" for tariff in range(1, 5)]
        codes = [f"{flow}.8.0"] if f"{flow}.8.0" in sensors else tariffs
        return [sensors[code] for code in codes if code in sensors]

    sources = [
        {
            "type": "grid",
            "stat_energy_from": bought,
            "stat_energy_to": sold,
            "cost_adjustment_day": 0,
        }
        for bought, sold in zip_longest(registers(1), registers(2))
    ]
    if not sources:
        return False
    if POWER in sensors:
        sources[0]["stat_rate"] = sensors[POWER]
    await client.command("energy/save_prefs", energy_sources=sources)
    return True
