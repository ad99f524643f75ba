"""Which pages there are, and in whose view; a page joins by its line here.

Reads: nothing. Writes: nothing. Must not know: what a page shows.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from dashboard import audit_page, campaign_page, profile_page

View = Literal["author", "auditor"]
VIEWS: dict[View, str] = {"author": "Author's view", "auditor": "Auditor's view"}


class Page(NamedTuple):
    """`path` is its place in the URL, one for each page of each view."""

    path: str
    title: str
    icon: str
    view: View
    show: Callable[[], None]


PAGES: tuple[Page, ...] = (
    Page("campaign", "Campaign", ":material/timeline:", "author", campaign_page.show),
    Page("profile", "Profile", ":material/tune:", "author", profile_page.show),
    Page("audit", "Audit", ":material/balance:", "auditor", audit_page.show),
)
