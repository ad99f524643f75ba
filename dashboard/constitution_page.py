"""The constitution: its versions as a tree, what changed between any two, what each amendment did, and a person's word.

Reads: the author's snapshot, the inbox. Writes: nothing itself. Must not know: the held-out side.
"""

import streamlit as st

from dashboard import steering
from dashboard.constitution_figures import amendments_table, points, principles_picture
from dashboard.constitution_tree import FATES, outline, standing
from dashboard.data import about, begun, chosen, folder, has, store
from dashboard.difference import Change, as_html, changes
from dashboard.drawing import draw
from dashboard.links import asked, link
from dashboard.plain import cut
from dashboard.style import empty, escaped, percent, when
from dashboard.versions import History, Row, Version, attributions, history

CSS = """<style>
.plumbline-principles { border-collapse: collapse; width: 100%; font-size: .93rem; }
.plumbline-principles td { border-bottom: 1px solid #e3e0d8; padding: .35rem .7rem .35rem 0; vertical-align: top;
  overflow-wrap: anywhere; unicode-bidi: isolate; }
.plumbline-principles th { font-weight: 400; color: #556070; text-align: left; font-size: .85rem; }
.plumbline-principles th:last-child { text-align: right; }
.plumbline-principles td:first-child { white-space: nowrap; font-weight: 600; max-width: 14rem; overflow: hidden;
  text-overflow: ellipsis; }
.plumbline-principles td:last-child { white-space: nowrap; text-align: right; color: #556070; padding-right: 0; }
.plumbline-principles ins, .plumbline-word.new { background: #d9efe9; color: #0a5157; text-decoration: none; }
.plumbline-principles del { background: #f6dede; color: #9b2226; text-decoration: line-through; }
.plumbline-word.gone { background: #f6dede; color: #9b2226; }
.plumbline-word { border-radius: 3px; padding: 0 .3rem; font-size: .8rem; font-weight: 400; text-decoration: none; }
.plumbline-word.reworded { background: #f5ead5; color: #7a4f10; }
.plumbline-wait { background: #f5ead5; border-radius: 6px; padding: .6rem 1rem; margin-bottom: .6rem; }
.plumbline-wait ul { margin: .3rem 0 0 1.2rem; padding: 0; }
.plumbline-figures { border-collapse: collapse; width: 100%; font-size: .9rem; }
.plumbline-figures th { text-align: right; font-weight: 400; color: #556070; padding: .3rem 0 .3rem .9rem; }
.plumbline-figures td { text-align: right; border-top: 1px solid #e3e0d8; padding: .4rem 0 .4rem .9rem;
  vertical-align: top; white-space: nowrap; }
.plumbline-figures td:nth-child(2), .plumbline-figures th:nth-child(2) { text-align: left; white-space: normal;
  overflow-wrap: anywhere; unicode-bidi: isolate; }
.plumbline-figures :is(td, th):first-child { padding-left: 0; text-align: left; }
.plumbline-figures small { color: #556070; }
.plumbline-scroll { max-height: 26rem; overflow-y: auto; }
</style>"""


def show() -> None:
    campaign = chosen()
    st.title("Constitution")
    if not begun(campaign):
        empty("The first round is at work; this page fills when it is done.")
        return
    if not has(campaign, "reverts"):
        empty("An older Plumbline wrote this snapshot; it is written anew when the campaign runs on.")
        return
    record = store(campaign)
    told = history(record, campaign)
    if told.current is None:
        empty(
            "These pairs were written elsewhere, under no constitution of this campaign. To have one written under and "
            "amended, run a campaign with a constitution:",
            "plumbline run CAMPAIGN.yaml   # mode: update",
        )
        return
    st.html(CSS)
    _proposals(told)
    steering.messages(folder(campaign), {name: one.label for name, one in told.versions.items()})
    version = _tree_and_version(told)
    _compare(told, version)
    amendments_table(told, record)
    principles_picture(told, record)


def _proposals(told: History) -> None:
    """What waits for somebody's word stands above everything else."""
    for waits in told.waiting:
        version = told.versions[waits.constitution]
        with st.container(border=True):
            st.subheader("An amendment waits for your word")
            st.text(f"Round {waits.round} proposes {version.label}: {cut(waits.amendment, 300)}")
            if version.trial:
                st.text(_tried(version.trial))
            _principles(changes(told.versions[waits.parent].constitution, version.constitution), {})
            steering.answer(folder(chosen()), version.hash)


def _tree_and_version(told: History) -> Version:
    """The tree on the left, and on the right the version that was picked in it."""
    assert told.current is not None
    picked = asked("constitution") or ""
    if picked and picked not in told.versions:
        st.text(f"There is no version {cut(picked, 70)} in this campaign; below is the one in force.")
    version = told.versions.get(picked, told.current)
    left, right = st.columns([5, 6], gap="large")
    with left:
        losers = sum(one.fate == "lost" for one in told.versions.values())
        lost = bool(losers) and st.toggle("Show candidates that were not chosen", key="lost")
        boxes, lines = outline(told, version.hash, lost)
        with st.container(height=620 if boxes[-1].y > 600 else "content", border=False):
            clicked = draw(boxes, lines, "the versions of the constitution", key="tree", steps=True)
        if len(told.versions) == 1:
            empty(
                "Nothing has been amended yet. Amendments come in mode update, after the first rounds:",
                "plumbline run CAMPAIGN.yaml   # mode: update",
            )
    if clicked and clicked != version.hash:
        st.query_params["constitution"] = clicked
        st.rerun()
    with right:
        _version(told, version)
    return version


def _version(told: History, version: Version) -> None:
    st.subheader(version.label)
    st.text(f"{cut(version.constitution.amendment, 300) or 'The first version'}\n{standing(version)}")
    if version.trial:
        st.text(_tried(version.trial))
    if version.told:
        verb = "Approved" if version.told["approve"] else "Rejected"
        note = f": {version.told['note']}" if version.told["note"] else ""
        st.text(f"{verb} by {version.told['who']}, {when(version.told['given'])}{note}")
    for row in told.back:
        if row["constitution"] == version.hash:
            note = f": {row['note']}" if row["note"] else ""
            st.text(f"{row['who']} went back to it from round {row['round']} on, {when(row['given'])}{note}")
    parent = told.versions.get(version.constitution.parent or "")
    before = (parent or version).constitution
    without = {row["principle"]: row for row in attributions(store(chosen())) if row["constitution"] == version.hash}
    _principles(changes(before, version.constitution), without)
    if without:
        st.caption(
            f"With all of them {percent(next(iter(without.values()))['with'])} were flagged on the same prompts."
        )
    here, there = st.columns(2)
    with here:
        link("lineage", "What came of it", icon=":material/account_tree:", node=version.hash)
    with there:
        if version.fate in ("was in force", "left"):
            if about(chosen())["over"]:
                st.caption(
                    "The campaign has ended or stands still: to go on from an earlier version, `plumbline resume`."
                )
            else:
                steering.go_back(folder(chosen()), version.hash, version.label)


def _principles(said: list[Change], without: dict[str, Row]) -> None:
    """A row for each principle: its name, its words with what came and went marked, what leaving it out does."""
    rows = []
    for one in said:
        mark = "" if one.kind == "same" else f' <span class="plumbline-word {one.kind}">{one.kind}</span>'
        row = without.get(one.principle)
        effect = f"{percent(row['without'])} ({points(row['delta'])})" if row else ""
        rows.append(
            f"<tr><td>{escaped(cut(one.principle, 60))}{mark}</td><td>{as_html(one)}</td><td>{effect}</td></tr>"
        )
    body = "".join(rows) or "<tr><td>no principle at all</td></tr>"
    if without:
        body = "<tr><th>Principle</th><th></th><th>Flagged without it</th></tr>" + body
    st.html(f'<div class="plumbline-scroll"><table class="plumbline-principles">{body}</table></div>')


def _compare(told: History, version: Version) -> None:
    if len(told.versions) < 2:
        return
    st.header("Between two versions")
    names = list(told.versions)
    parent = version.constitution.parent
    left, right = st.columns(2)

    def called(name: str) -> str:
        one = told.versions[name]
        return f"{one.label}  {FATES[one.fate]}  {cut(one.constitution.amendment, 60)}"

    start = names.index(parent) if parent in names else 0
    before = left.selectbox("From", names, start, format_func=called, key=f"from-{version.hash}")
    after = right.selectbox("To", names, names.index(version.hash), format_func=called, key=f"to-{version.hash}")
    said = changes(told.versions[before].constitution, told.versions[after].constitution)
    if all(one.kind == "same" for one in said):
        st.caption("The same principles in both.")
    _principles(said, {})


def _tried(trial: Row) -> str:
    """The figures of a candidate, in one sentence."""
    frozen = f"{percent(trial['flag_rate'])} flagged, {percent(trial['unjustified_rate'])} unjustified"
    fresh = ""
    if trial["fresh_flag_rate"] is not None:
        fresh = f"; on fresh prompts {percent(trial['fresh_flag_rate'])} and {percent(trial['fresh_unjustified_rate'])}"
    return f"Tried after round {trial['round']} on frozen prompts: {frozen}{fresh}."
