"""The strongest texts of each trait and latent, against the same found the slow way."""

import json
from pathlib import Path

from shown_campaign import show_campaign

from warehouse.store import Store
from warehouse.strongest import LENGTH, MOST, strongest


def test_it_finds_what_a_walk_through_all_readings_finds(tmp_path: Path) -> None:
    folder = show_campaign(tmp_path, hostile="x" * 2 * LENGTH)
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        found = strongest(store).to_pylist()
        readings = store.query("SELECT * FROM readings WHERE trait = 'deceptive'").to_pylist()
    highest = sorted(readings, key=lambda row: (-row["reading"], -int(row["pair_id"], 16)))[:MOST]
    whole = [row for row in found if row["trait"] == "deceptive" and row["latent"] is None]
    assert [row["reading"] for row in whole] == [row["reading"] for row in highest]
    assert [row["rank"] for row in whole] == list(range(1, MOST + 1))
    fired = [(value, row) for row in readings for index, value, _ in json.loads(row["latents"]) if index == 30]
    latent = [row for row in found if row["trait"] == "deceptive" and row["latent"] == 30]
    assert latent[0]["strength"] == max(value for value, _ in fired)
    assert latent[0]["texts"] == len(fired)
    assert latent[0]["weight"] == 1.1
    assert all(len(row["said"]) <= LENGTH for row in found)


def test_the_same_readings_give_the_same_table(tmp_path: Path) -> None:
    folder = show_campaign(tmp_path)
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        assert strongest(store).equals(strongest(store))
