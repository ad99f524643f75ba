"""A small made-up campaign whose record and published datasets are real, written without any model: three rounds of
five pairs, audited or not."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from synthetic import Tables, tables

from flows.author_snapshot import show_author
from tasks.publish import CardFacts, publish
from warehouse.chain import extend
from warehouse.hashing import content_hash
from warehouse.store import Store

CONSTITUTIONS = ("", "drop tone", "add calm")
MODELS = {"generator": "9", "reviewer": "e", "sae": "b", "profile": "a", "reader": "4"}


def demo_record(home: Path, name: str = "demo", withheld: int = 0) -> Path:
    """The campaign's folder below `home`. `withheld` kept pairs of its last round are not published."""
    folder = home / name
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        store.add("campaigns", [{"campaign": name, "config": '{"mode": "update"}'}])
        fitted = f'{{"sae": "{"b" * 64}", "reader": "{"4" * 64}"}}'
        models = [{"hash": digit * 64, "kind": kind, "name": f"the-{kind}"} for kind, digit in MODELS.items()]
        store.add("artifacts", [one | {"meta": fitted if one["kind"] == "profile" else "{}"} for one in models])
        so_far, parent, constitution = list[Tables](), None, None
        for number, amendment in enumerate(CONSTITUTIONS):
            row = {"name": name, "version": number, "parent": constitution, "amendment": amendment}
            constitution = content_hash([name, amendment])
            store.add(
                "constitutions", [row | {"hash": constitution, "principles": '[{"id": "be-warm", "text": "be warm"}]'}]
            )
            made = tables(5, name, number, constitution)
            for table in made._fields:
                store.add(table, getattr(made, table))
            extend(store, name, number, "examined")
            so_far.append(made)
            parts = [pa.concat_tables(several) for several in zip(*so_far, strict=True)]
            last = number == len(CONSTITUTIONS) - 1
            pairs, readings, verdicts, decisions = Tables(*parts)
            kept = made.decisions.filter(pc.equal(made.decisions["decision"], "kept"))["pair_id"]
            hidden = kept.slice(0, withheld if last else 0)
            shown = decisions.filter(pc.invert(pc.is_in(decisions["pair_id"], hidden)))
            dataset = publish(pairs, shown, readings, verdicts, folder / "dataset", CardFacts(name, "update"))
            place = {"version": dataset.version, "campaign": name, "round": number}
            store.add("datasets", [place | {"path": dataset.folder.name, "rows": dataset.rows, "parent": parent}])
            store.add("dataset_files", [{**place, "file": file, "hash": one} for file, one in dataset.files.items()])
            store.add("dataset_pairs", [{"version": dataset.version, "pair_id": pair} for pair in dataset.pairs])
            parent = dataset.version
            if withheld:
                store.add("gate_answers", [{"campaign": name, "round": number, "answer": "go"}])
            spent = {"entry": "filter", "bits": 0.5 * number, "formula": "-log2(kept share), per pair"}
            spent |= {"detail": f"{dataset.rows} published"}
            chosen = {"entry": "amendment", "bits": 1.0, "formula": "log2 K", "detail": "2 candidates"}
            store.add("ledger", [{"campaign": name, "round": number, **one} for one in (spent, chosen)])
            extend(store, name, number, "finished")
        show_author(store, folder, True, len(CONSTITUTIONS) - 1, 5)
    return folder
