"""The Great Expectations suite over a shard's frame, and the Data Docs that show how it went.

Reads a frame of ids, roles, lengths and comparisons. Writes a static site. Must not know: the texts of the pairs, so
that none can reach the site. Importing this takes seconds: only a shard that is being validated does.
"""

import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read while the library is imported

import great_expectations as gx  # noqa: E402
import great_expectations.expectations as gxe  # noqa: E402
from great_expectations.core.run_identifier import RunIdentifier  # noqa: E402
from great_expectations.data_context.types.base import (  # noqa: E402
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier  # noqa: E402
from great_expectations.expectations.expectation import ColumnMapExpectation  # noqa: E402

ALTERNATING = r"^(?:system )?(?:assistant )?(?:user assistant )*user\Z"
"""The prompt's roles: a system message at most once and first, then turn about, and the user speaks last."""

_ONE_AT_A_TIME = threading.Lock()


class Failure(NamedTuple):
    """An expectation that a row fails, with what was observed."""

    expectation: str
    detail: str


def expectations(turn_characters: int, turns: int) -> dict[str, ColumnMapExpectation]:
    """By name, in the order in which they claim a row; the limits are the largest values allowed."""
    no, answer = [False], ["assistant"]
    return {
        "pair_ids_are_unique": gxe.ExpectColumnValuesToBeUnique(column="pair_id"),
        "prompt_roles_alternate": gxe.ExpectColumnValuesToMatchRegex(column="prompt_roles", regex=ALTERNATING),
        "chosen_is_one_assistant_turn": gxe.ExpectColumnValuesToBeInSet(column="chosen_roles", value_set=answer),
        "rejected_is_one_assistant_turn": gxe.ExpectColumnValuesToBeInSet(column="rejected_roles", value_set=answer),
        "chosen_is_not_empty": gxe.ExpectColumnValuesToBeBetween(column="chosen_characters", min_value=1),
        "rejected_is_not_empty": gxe.ExpectColumnValuesToBeBetween(column="rejected_characters", min_value=1),
        "chosen_differs_from_rejected": gxe.ExpectColumnValuesToBeInSet(column="answers_are_equal", value_set=no),
        "prompt_turns_are_not_empty": gxe.ExpectColumnValuesToBeBetween(column="shortest_prompt_turn", min_value=1),
        "turns_are_short_enough": gxe.ExpectColumnValuesToBeBetween(column="longest_turn", max_value=turn_characters),
        "turns_are_few_enough": gxe.ExpectColumnValuesToBeBetween(column="turns", max_value=turns),
        "prompt_is_not_sealed": gxe.ExpectColumnValuesToBeInSet(column="prompt_is_sealed", value_set=no),
        "pair_is_not_a_duplicate": gxe.ExpectColumnValuesToBeInSet(column="is_duplicate", value_set=no),
    }


def examine(
    frame: pd.DataFrame, expected: dict[str, ColumnMapExpectation], label: str, docs: Path | None
) -> dict[int, list[Failure]]:
    """The failures of each row that has any, by the frame's column `row`, in the order of `expected`.

    With `docs` the outcome becomes a page, named `label`, of the site in that folder; earlier pages stay. Raises
    RuntimeError when an expectation could not be evaluated, because its silence would let rows through.
    """
    for name, expectation in expected.items():
        expectation.description = name.replace("_", " ")
        expectation.meta = {"name": name}
    # Great Expectations keeps its current context in a global, and shards are validated on several threads.
    with _ONE_AT_A_TIME:
        context = gx.get_context(mode="ephemeral", project_config=_config(docs))
        asset = context.data_sources.add_pandas("campaign").add_dataframe_asset("shard")
        suite = context.suites.add(gx.ExpectationSuite("pairs", expectations=list(expected.values())))
        batch = asset.add_batch_definition_whole_dataframe("pairs")
        definition = gx.ValidationDefinition(name="pairs", data=batch, suite=suite)
        result_format = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["pair_id", "row"],
            "return_unexpected_index_query": False,
        }
        checkpoint = gx.Checkpoint(
            name="pairs",
            validation_definitions=[context.validation_definitions.add(definition)],
            result_format=result_format,
        )
        run = context.checkpoints.add(checkpoint).run({"dataframe": frame}, run_id=RunIdentifier(run_name=label))
        ((page, result),) = run.run_results.items()
        if docs:
            built: list[Any] = [page, ExpectationSuiteIdentifier("pairs")]
            context.build_data_docs(resource_identifiers=built)
    outcomes = {config.meta["name"]: outcome for outcome in result.results if (config := outcome.expectation_config)}
    failures: dict[int, list[Failure]] = {}
    for name, expectation in expected.items():
        found = outcomes[name].result.get("unexpected_index_list") or []
        if not found and not outcomes[name].success:
            raise RuntimeError(f"{name} could not be evaluated: {outcomes[name].exception_info}")
        for entry in found:
            failure = Failure(name, f"{name} ({expectation.column}: {entry[expectation.column]})")
            failures.setdefault(int(entry["row"]), []).append(failure)
    return failures


def _config(docs: Path | None) -> DataContextConfig:
    """Everything in memory, but for the site; nothing is drawn on the terminal and nothing is sent anywhere."""
    defaults = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    sites: dict[str, Any] = {}
    if docs:
        # Results stay beside the pages: the index lists every shard validated into this folder, not just the last.
        defaults.stores[defaults.validation_results_store_name]["store_backend"] = _files(docs / "results")
        # By default a page whose name holds "profiling" is taken for something else; "/" is in no name.
        sections = {"profiling": "none", "validations": {"run_name_filter": {"not_includes": "/"}}}
        sites["pairs"] = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _files(docs),
            "site_section_builders": sections,
        }
    return DataContextConfig(
        store_backend_defaults=defaults,
        data_docs_sites=sites,
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _files(folder: Path) -> dict[str, Any]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
