"""What of an endpoint's settings decides its answers, where address and key come from, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from models.endpoint import ChatEndpoint, Endpoint
from warehouse.errors import PlumblineError


def test_the_hash_is_of_what_decides_the_answers(tmp_path: Path) -> None:
    def name(**more: Any) -> str:
        return ChatEndpoint.open(Endpoint(**{"url": "http://a/v1", "model": "m"} | more), "r", tmp_path).hash

    assert (
        name() == name(url="http://a/v1/") == name(concurrency=1, retries=0, timeout=1, key="K", price_in=1, tokens=9)
    )
    assert (
        len({name(), name(url="http://b/v1"), name(model="n"), name(extra={"top_k": 1}), name(structured=False)}) == 5
    )


def test_the_address_and_the_key_follow_the_openai_conventions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    assert ChatEndpoint.open(Endpoint(model="m"), "r", tmp_path).url == "http://127.0.0.1:9/v1"
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(PlumblineError, match="r: no key in OPENAI_API_KEY; set it"):
        ChatEndpoint.open(Endpoint(model="m"), "r", tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "anything")
    assert ChatEndpoint.open(Endpoint(model="m"), "r", tmp_path).url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"key": "sk-abc"}, "never the key itself"),
        ({"url": "localhost:8000"}, "give an address like"),
        ({"url": "http://me:sk-abc@host/v1"}, "without a name or password"),
        ({"extra": {"max_tokens": 9}}, "extra may not hold max_tokens"),
        ({"length": "tokens"}, "max_completion_tokens"),
        ({"budget": 5.0}, "a budget needs price_in"),
        ({"extra": {"stream": True}}, "extra may not hold stream"),
        ({"modle": "m"}, "modle"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint) as error:
        Endpoint(**{"model": "m"} | wrong)
    assert "sk-abc" not in str(error.value)
