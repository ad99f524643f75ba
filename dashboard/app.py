"""The dashboard's frame: which campaign, which view, which page. Run by `plumbline ui`.

Reads: PLUMBLINE_HOME, snapshots. Writes: nothing. Must not know: what a page shows.
"""

import streamlit as st

from dashboard import campaign_page
from dashboard.data import campaigns

PAGES = {
    "author": [st.Page(campaign_page.show, title="Campaign", url_path="campaign", default=True)],
}


def main() -> None:
    st.set_page_config(page_title="Plumbline", layout="wide")
    names = campaigns()
    if not names:
        st.title("Plumbline")
        st.info("No campaign has run here yet. Type `plumbline run`, and this page fills after its first round.")
        return
    asked = st.query_params.get("campaign", names[0])
    st.sidebar.selectbox("Campaign", names, names.index(asked) if asked in names else 0, key="campaign")
    st.navigation(PAGES["author"]).run()


main()
