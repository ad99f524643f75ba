"""What a node was made of and what was made of it, as a tree: a count for each kind, and below it the first of them.

Reads: the warehouse, or a snapshot of it. Writes: nothing. Must not know: how a terminal shows it.
"""

from collections.abc import Callable

from warehouse.graph import Item, Reached, ancestors, descendants
from warehouse.lineage import Node
from warehouse.nodes import describe, shown
from warehouse.store import Store

LISTED = 8


def above(store: Store, item: Item) -> Node:
    """Everything it was made of."""
    return _tree(store, item, ancestors, "nothing in this warehouse is behind it")


def below(store: Store, item: Item) -> Node:
    """Everything that was made of it, or with it."""
    return _tree(store, item, descendants, "nothing was made of it")


def _tree(store: Store, item: Item, reach: Callable[..., Reached], none: str) -> Node:
    found = reach(store, *item, limit=LISTED)
    told = describe(store, [item, *found.items])
    kinds = [
        Node(
            name=f"{count:,}",
            value=kind if count == 1 else f"{kind}s",
            children=(
                *(_line(one, told[one]) for one in found.items if one.kind == kind),
                *([Node(name="…", value=f"and {count - LISTED:,} more")] if count > LISTED else []),
            ),
        )
        for kind, count in found.counts.items()
    ]
    top = _line(item, told[item])
    return Node(name=top.name, value=top.value, children=tuple(kinds) or (Node(name=none),))


def _line(item: Item, told: str) -> Node:
    return Node(name=item.kind, value=f"{shown(item)}  {told}".rstrip())
