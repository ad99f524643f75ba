import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, answer_to
from openai._models import FinalRequestOptions

from models.asking import AHEAD
from models.chat import ChatModel
from models.conversations import Messages
from models.endpoint import ChatEndpoint, Endpoint
from models.language import LanguageModel
from models.spending import Spent
from models.wire import _Client
from warehouse.errors import PlumblineError


def talks(count: int) -> list[Messages]:
    return [[{"role": "user", "content": f"question {number}"}] for number in range(count)]


def answers(count: int, seed: int = 0) -> list[str]:
    return [answer_to(f"question {number}", seed) for number in range(count)]


def opened(server: FaultServer, folder: Path, **more: Any) -> ChatEndpoint:
    return ChatEndpoint.open(Endpoint(url=server.url, model="m", **more), "generator", folder)


def ask(model: ChatModel, count: int) -> list[str]:
    return model.chat(talks(count), [0] * count, 16, 1.0)


def test_answers_come_in_order_and_are_asked_for_once(server: FaultServer, tmp_path: Path) -> None:
    model, steps = opened(server, tmp_path, price_in=10, price_out=100), list[tuple[int, int]]()
    twice = [*talks(20), *talks(20)]
    said = model.chat(twice, [0] * 40, 16, 1.0, on_progress=lambda done, total: steps.append((done, total)))
    assert said == answers(20) * 2
    assert steps[-1] == (40, 40) and all(total == 40 for _, total in steps)
    assert model.spent() == pytest.approx(Spent(20, 40, 100, (40 * 10 + 100 * 100) / 1e6))
    again = opened(server, tmp_path, price_in=10, price_out=100)
    assert again.spent() == model.spent() and ask(again, 20) == answers(20)
    assert server.log().outcomes == {"answered": 20}
    assert again.chat(talks(1) * 2, [0, 1], 16, 1.0) == [answers(1)[0], answers(1, 1)[0]]
    assert server.log().outcomes == {"answered": 21}


def test_what_is_sent(server: FaultServer, tmp_path: Path) -> None:
    server.tell(keep=True)
    extra = {"generation_config": "{}", "temperature": None}
    model = opened(server, tmp_path, extra=extra, length="max_completion_tokens")
    model.chat([[{"role": "user", "content": "a lone \ud800"}]], [3], 16, 1.0)
    assert server.log().bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "a lone ?"}],
            "seed": 3,
            "max_completion_tokens": 16,
            "generation_config": "{}",
        }
    ]
    (kept,) = model.journal
    assert kept.body == server.log().bodies[0] and kept.seed == 3 and kept.model == "echo-1"


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "429"},
        {"fault": "500"},
        {"fault": "503"},
        {"fault": "reset"},
        {"fault": "cut"},
        {"fault": "babble"},
        {"fault": "malformed", "body": "[" * 100_000},
        {"fault": "malformed", "body": "{"},
        {"fault": "malformed", "body": ""},
        {"fault": "malformed", "body": "<html>"},
        {"fault": "malformed", "body": "{}"},
        {"fault": "malformed", "body": '{"choices": []}'},
        {"fault": "malformed", "body": '{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}'},
        {"fault": "malformed", "body": '{"error": {"message": "busy"}}'},
    ],
)
def test_a_fault_is_asked_again_by_the_client(server: FaultServer, tmp_path: Path, fault: dict[str, str]) -> None:
    server.tell(script=[fault])
    assert ask(opened(server, tmp_path), 1) == answers(1)
    assert server.log().outcomes == {fault["fault"]: 1, "answered": 1}


def test_a_server_is_left_alone_for_as_long_as_it_says(server: FaultServer, tmp_path: Path) -> None:
    server.tell(script=[{"fault": "429"}], retry_after="0.7")
    began = time.monotonic()
    assert ask(opened(server, tmp_path), 1) == answers(1)
    assert time.monotonic() - began >= 0.7


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"message": {"content": None}, "finish_reason": "content_filter"}, ""),
        ({"message": {"content": None}, "finish_reason": "length"}, ""),
        ({"message": {"content": None, "refusal": "I would rather not."}}, "I would rather not."),
        ({"message": {"content": "  spaced \n"}}, "spaced"),
        ({"message": {"content": "broken \ud800"}}, "broken ?"),
    ],
)
def test_an_answer_without_text_is_an_answer_where_the_server_says_why(
    server: FaultServer, tmp_path: Path, said: dict[str, Any], text: str
) -> None:
    server.tell(script=[said])
    model = opened(server, tmp_path)
    assert ask(model, 1) == ask(opened(server, tmp_path), 1) == [text]
    assert server.log().outcomes == {"answered": 1}


def test_many_faults_lose_and_double_nothing(server: FaultServer, tmp_path: Path) -> None:
    server.tell(latency=0.01, shares={"429": 0.1, "500": 0.05, "reset": 0.03, "malformed": 0.02, "cut": 0.01}, seed=1)
    model = opened(server, tmp_path, concurrency=16)
    assert ask(model, 200) == answers(200)
    log = server.log()
    assert len(log.outcomes) == 6 and log.most <= 16
    assert log.answered == dict.fromkeys(answers(200), 1)
    assert [one.answer for one in sorted(model.journal, key=lambda one: int(one.answer.split()[1]))] == answers(200)


def test_what_fails_for_good_is_said_after_all_else_is_kept(server: FaultServer, tmp_path: Path) -> None:
    server.tell(script=[{"fault": "400"}] * 3)
    with pytest.raises(PlumblineError) as error:
        ask(opened(server, tmp_path), 40)
    message = str(error.value)
    assert message.startswith("generator: 3 of 40 requests to http://127.0.0.1") and "told to say 400" in message
    assert "37 of 40 answers are kept" in message
    assert ask(opened(server, tmp_path), 40) == answers(40)
    assert server.log().answered == dict.fromkeys(answers(40), 1)


@pytest.mark.parametrize(
    ("more", "clause"),
    [
        ({"url": "http://127.0.0.1:9/v1"}, "check that the server is up"),
        ({"shares": {"401": 1.0}, "key": "SECRET"}, "set the right key in SECRET"),
        ({"shares": {"404": 1.0}}, "check `url` and `model`"),
        ({"shares": {"malformed": 1.0}}, "speaks the OpenAI protocol"),
        ({"latency": 5.0, "timeout": 0.2}, "raise `timeout`"),
    ],
)
def test_a_server_that_only_fails_is_not_asked_everything(
    server: FaultServer, tmp_path: Path, more: dict[str, Any], clause: str
) -> None:
    server.tell(**{name: more.pop(name) for name in ("shares", "latency") if name in more})
    endpoint = Endpoint(**{"url": server.url, "model": "m", "retries": 0, "concurrency": 4} | more)
    with pytest.raises(PlumblineError, match=clause):
        ask(ChatEndpoint.open(endpoint, "judge", tmp_path), 1000)
    assert sum(server.log().asked.values()) <= 4 + 4 * AHEAD


@pytest.mark.parametrize("usage", [True, False])
def test_a_budget_ends_a_run_in_good_order_and_is_never_passed(
    server: FaultServer, tmp_path: Path, usage: bool
) -> None:
    server.tell(latency=0.01, usage=usage)
    model = opened(server, tmp_path, price_in=1e4, price_out=1e4, budget=3.0, concurrency=8)
    with pytest.raises(PlumblineError, match="generator: .* the budget of 3, of which .*; raise `budget`") as error:
        ask(model, 100)
    spent, most = model.spent(), 10 + 16 + 64 + 16
    assert 0 < spent.money <= 3.0 and spent.money + (most + 2) * 1e4 / 1e6 > 3.0
    assert f"{spent.requests} of 100 answers are kept" in str(error.value)
    assert all(one.estimated != usage for one in model.journal)
    richer = opened(server, tmp_path, price_in=1e4, price_out=1e4, budget=1000.0)
    assert ask(richer, 100) == answers(100)
    assert server.log().answered == dict.fromkeys(answers(100), 1)


def test_a_limit_on_tokens_counts_what_earlier_runs_spent(server: FaultServer, tmp_path: Path) -> None:
    assert ask(opened(server, tmp_path), 10) == answers(10)
    model = opened(server, tmp_path, tokens=100)
    assert ask(model, 10) == answers(10)
    with pytest.raises(PlumblineError, match="the limit of 100 tokens, of which 70 are spent; raise `tokens`"):
        ask(model, 11)
    assert server.log().outcomes == {"answered": 10}


def test_roles_at_one_address_share_its_connections(server: FaultServer, tmp_path: Path) -> None:
    server.tell(latency=0.02)
    said: dict[str, list[str]] = {}

    def run(role: str) -> None:
        model = ChatEndpoint.open(Endpoint(url=server.url, model="m", concurrency=5), role, tmp_path)
        said[role] = ask(model, 30)

    threads = [threading.Thread(target=run, args=(role,)) for role in ("generator", "judge", "gold")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == dict.fromkeys(("generator", "judge", "gold"), answers(30))
    assert server.log().most == 5


def test_a_thread_with_a_running_loop_may_ask(server: FaultServer, tmp_path: Path) -> None:
    async def inside() -> list[str]:
        return ask(opened(server, tmp_path), 3)

    assert asyncio.run(inside()) == answers(3)


def test_an_interrupt_ends_it_at_once_and_keeps_what_came(server: FaultServer, tmp_path: Path) -> None:
    model, began = opened(server, tmp_path, concurrency=2), time.monotonic()
    server.tell(latency=0.05)

    def interrupt(done: int, total: int) -> None:
        if done == 10:
            server.tell(latency=30)
            os.kill(os.getpid(), signal.SIGINT)

    # Where the tests run in the background, the shell has them ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.chat(talks(100), [0] * 100, 16, 1.0, on_progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 15
    assert 10 <= len(opened(server, tmp_path).journal) <= 12


def test_an_endpoint_travels_to_another_process(server: FaultServer, tmp_path: Path) -> None:
    model = opened(server, tmp_path)
    assert ask(model, 2) == answers(2)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.hash == model.hash and ask(copy, 2) == answers(2)


def test_fits_is_sure_where_the_window_is_known(tmp_path: Path) -> None:
    small = ChatEndpoint.open(Endpoint(url="http://a/v1", model="m", context=200), "r", tmp_path)
    assert small.fits(talks(1)[0], 16) and not small.fits(talks(1)[0], 150)
    assert ChatEndpoint.open(Endpoint(url="http://a/v1", model="m"), "r", tmp_path).fits(talks(1)[0], 10**6)


def test_a_local_model_is_a_chat_model_as_it_is(tiny_model: Path) -> None:
    assert all(isinstance(text, str) for text in ask(LanguageModel.load(tiny_model), 2))


ASKER = """
import sys
from pathlib import Path
from models.endpoint import ChatEndpoint, Endpoint
url, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
model = ChatEndpoint.open(Endpoint(url=url, model="m", concurrency=8), "generator", folder)
talks = [[{"role": "user", "content": f"question {number}"}] for number in range(count)]
model.chat(talks, [0] * count, 16, 1.0)
"""


def test_a_killed_run_repeats_no_more_than_was_in_flight(server: FaultServer, tmp_path: Path) -> None:
    server.tell(latency=0.05)
    command = [sys.executable, "-c", ASKER, server.url, str(tmp_path), "200"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    while len(server.log().answered) < 100:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = (tmp_path / "generator.jsonl").read_bytes().count(b"\n")
    assert 80 <= kept < 200
    assert ask(opened(server, tmp_path), 200) == answers(200)
    asked = server.log().asked
    assert set(asked) == set(answers(200)) and sum(asked.values()) - 200 <= 8


def test_backoff_is_hasty_first_and_patient_then() -> None:
    client = _Client(base_url="http://a/v1", api_key="k", max_retries=12)
    options = FinalRequestOptions(method="post", url="/chat/completions")
    waits = [client._calculate_retry_timeout(12 - made, options) for made in range(12)]
    full = [0.125, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 4, 8]
    assert all(0.75 * most <= wait <= most for wait, most in zip(waits, full, strict=True))  # the rest is jitter
