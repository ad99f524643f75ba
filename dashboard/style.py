"""How the pages look: colours, number formats, pictures, and what a page says when it has nothing to show.

The colours are those of the pictures in docs/, told apart by people who do not see red or green as others do: where two
meet in one picture they also differ in lightness, and every line bears its name. Nothing is fetched from elsewhere.
Must not know: campaigns, snapshots.
"""

import html
import math
import re
from datetime import UTC, datetime
from typing import Any

import altair as alt
import streamlit as st

INK, QUIET, RULE, PAPER = "#22252a", "#556070", "#e3e0d8", "#f5f3ee"
FLAGGED, BAD, GOOD, CHOICE, BLUE = "#c07d1f", "#9b2226", "#0a6c74", "#22252a", "#1f5fa8"
"""Flags amber, whatever is bad (and the hidden rate) dark red, good teal, what was chosen ink, other figures blue."""
DECISIONS = {"kept": GOOD, "dropped": BAD, "held": FLAGGED, "abstained": "#8fa3b5", "quarantined": "#b9b4a7"}
CAPTIONS = {"kept": "kept", "dropped": "thrown out", "held": "held", "abstained": "not read", "quarantined": "no pair"}
"""A decision's word in the record, and on a page."""

CSS = f"""
.block-container {{ padding-top: 2.2rem; padding-bottom: 3rem; max-width: 1560px; }}
h1 {{ font-size: 1.9rem !important; padding-bottom: .2rem !important; }}
h2 {{ font-size: 1.25rem !important; }} h3 {{ font-size: 1.05rem !important; }}
[data-testid="stMetricValue"] {{ font-size: 1.55rem; }}
.plumbline-text {{ white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; max-height: 24rem;
  overflow-y: auto; border-left: 3px solid {RULE}; padding: .1rem .8rem; margin: .2rem 0 .8rem; }}
.plumbline-said {{ color: {QUIET}; font-size: .85rem; }}
"""


def dress() -> None:
    """Once for each page, before anything is shown."""
    st.html(f"<style>{CSS}</style>")
    alt.theme.enable("plumbline")


def percent(share: float | None, digits: int = 1) -> str:
    return "–" if _missing(share) else f"{share:.{digits}%}"


def bits(value: float | None) -> str:
    return "unavailable" if _missing(value) else f"{value:.3f}"


def count(value: float | None) -> str:
    return "–" if _missing(value) else f"{value:,.0f}"


def money(value: float | None) -> str:
    return "–" if _missing(value) else f"{value:,.4f}"


def short(digest: str | None) -> str:
    """A hash as people read it aloud."""
    return (digest or "")[:12]


def when(microseconds: int) -> str:
    """A time of the record (microseconds since 1970), in UTC."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")


def escaped(text: object) -> str:
    """Text as HTML that shows it and does nothing else."""
    return html.escape(str(text), quote=True)


def text(said: str, who: str = "", most: int = 20_000) -> None:
    """A text out of the data, as it is: escaped, wrapped, scrolled when long; after `most` characters it is cut."""
    cut = f"\n… {len(said) - most:,} more characters" if len(said) > most else ""
    label = f'<div class="plumbline-said">{escaped(who)}</div>' if who else ""
    st.html(f'{label}<div class="plumbline-text" dir="auto">{escaped(said[:most] + cut)}</div>')


def plain(said: object) -> str:
    """Text as Markdown that shows it and does nothing else."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:])", r"\\\1", str(said))


def empty(what: str, command: str = "") -> None:
    """What a page says when it has nothing to show: why, and what to type."""
    st.info(what)
    if command:
        st.code(command, language="bash")


def picture(chart: Any, says: str, height: int = 280) -> None:
    """A chart in the pages' own dress; `says` tells in words what it shows, for those who cannot see it."""
    st.altair_chart(chart.properties(height=height), theme=None, width="stretch", alt=says)


def rounds_axis(title: str = "round") -> alt.X:
    """Rounds from left to right, each with its number."""
    return alt.X("round:O", title=title, axis=alt.Axis(labelAngle=0, grid=False))


def shares_axis(title: str = "share of pairs", field: str = "value") -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format=".0%"))


def colours(named: dict[str, str], legend: bool = True) -> alt.Color:
    """Series by name, in the order given."""
    scale = alt.Scale(domain=list(named), range=list(named.values()))
    return alt.Color(
        "series:N", title=None, scale=scale, legend=alt.Legend(columns=2 if len(named) > 2 else 0) if legend else None
    )


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


@alt.theme.register("plumbline", enable=True)
def _theme() -> Any:
    font = "Source Sans, Source Sans Pro, system-ui, sans-serif"
    words = {"labelFont": font, "titleFont": font, "labelColor": QUIET, "titleColor": QUIET}
    small = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "config": {
            "background": "transparent",
            "font": font,
            "axis": {**words, **small, "gridColor": RULE, "domainColor": QUIET, "tickColor": QUIET},
            "legend": {**words, "labelFontSize": 12, "orient": "top", "symbolStrokeWidth": 3, "labelLimit": 320},
            "title": {"font": font, "color": INK, "fontSize": 14, "anchor": "start", "fontWeight": 600},
            "line": {"strokeWidth": 2.6},
            "point": {"size": 45, "filled": True},
            "view": {"stroke": None},
        }
    }
