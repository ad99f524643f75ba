"""Pages opened as a browser would, on made-up campaigns."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from shown_campaign import show_campaign
from streamlit.testing.v1 import AppTest

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """AppTest leaves its script behind as `__main__`, which a process that is spawned later would run."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with campaigns: `shown` ended with an alarm, `running` is not over, `probed` and `told` read otherwise."""
    home = tmp_path_factory.mktemp("shown")
    show_campaign(home, hostile="<script>alert(1)</script> \u202eevil **bold** $x$")
    show_campaign(home, name="running", over=False, alarm=False)
    show_campaign(home, name="probed", kind="probe")
    show_campaign(home, name="told", kind="narrator")
    yield home
    st.cache_resource.clear()


@pytest.fixture
def open_page(shown: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """The page of that path, opened with a query."""

    def opened(path: str, home: Path = shown, **query: str) -> AppTest:
        monkeypatch.setenv("PLUMBLINE_HOME", str(home))
        page = AppTest.from_string(f"from dashboard.shell import main\nmain({path!r})", default_timeout=60)
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return opened
