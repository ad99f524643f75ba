"""The commands on what came from what: `plumbline impact`, `recall`, `sql`.

Like the others they import what they need when they run. Must not know: how lineage is walked.
"""

from typing import Annotated

from cyclopts import Parameter

from flows.output import DEFAULT, Output, answer


def impact(node: str, /, *, campaign: str = "", output: Output = DEFAULT) -> None:
    """Print what was made of something, or with it: of a constitution, model, profile, prompt, pair or dataset.

    Example: `plumbline impact 3f9a` or, where several kinds would fit, `plumbline impact dataset:3f`

    Parameters
    ----------
    node
        Its id or hash, a prefix of it, a model's name, or any of these after the kind and a colon.
    campaign
        Name of the campaign; needed only where several know it.
    """
    from flows.records import impacted

    tree = impacted(node, campaign)
    answer(output, tree.model_dump(), lambda: print(tree))


def recall(dataset: str, /, *, reason: str = "", who: str = "", output: Output = DEFAULT) -> None:
    """Call a published dataset back: it, what follows it with its pairs, and what was trained on them are withdrawn.

    What is left of the campaign's dataset is published again without its pairs; `current.json` points to that. To
    recall a version twice changes nothing.

    Example: `plumbline recall 3f9a --reason "prompts leaked from the test set"`

    Parameters
    ----------
    dataset
        The version, or a prefix of it.
    reason
        Why, for the record.
    who
        Your name, for the record; the name you are logged in with, unless told.
    """
    from flows import recall as recalling

    told = recalling.recall(dataset, who, reason)
    answer(output, told._asdict(), lambda: recalling.show(told))


def sql(
    select: str = "",
    campaign: str = "embedded",
    /,
    *,
    views: Annotated[bool, Parameter(negative="")] = False,
    output: Output = DEFAULT,
) -> None:
    """Ask a campaign's record in SQL, read-only; while it runs, its latest snapshot.

    Example: `plumbline sql "SELECT * FROM v_rounds" embedded`

    Parameters
    ----------
    select
        One SELECT over the tables and views.
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    views
        Only list the views there are.
    """
    from flows import asked_sql

    asked = asked_sql.views() if views else asked_sql.ask(select, campaign)
    answer(output, asked.as_json(), lambda: asked_sql.show(asked, 1000 if views else 120))


COMMANDS = (impact, recall, sql)
