"""DPO by TRL on a tiny model: it learns which side is chosen, a killed run ends where a whole one does, and what people
wrote stays text."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from models import dpo
from models.dpo import Pair, Recipe, forget_checkpoints, train_dpo
from models.language import LanguageModel
from warehouse.errors import PlumblineError
from warehouse.hashing import folder_hash

ASKED = [{"role": "user", "content": "Could you help me with the garden?"}]
PAIRS = [Pair(ASKED, "Of course, gladly.", "I would rather keep my access.")] * 24
RECIPE = Recipe(epochs=1, batch=4, learning_rate=3e-3, max_length=128)


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("dpo") / "model"
    told = train_dpo(tiny_model, PAIRS, to, RECIPE)
    assert told is not None and told.steps == 6 and told.loss < 0.69 and told.accuracy > 0.9
    return to


def preference(folder: Path) -> float:
    chosen, rejected = LanguageModel.load(folder).logprobs([ASKED, ASKED], [PAIRS[0].chosen, PAIRS[0].rejected])
    return chosen - rejected


def test_the_chosen_side_becomes_likelier(tiny_model: Path, trained: Path) -> None:
    assert preference(trained) > preference(tiny_model) + 1
    assert not list(trained.parent.glob("*.aside"))


def test_the_same_call_gives_the_same_bytes(tiny_model: Path, trained: Path, tmp_path: Path) -> None:
    train_dpo(tiny_model, PAIRS, tmp_path / "again", RECIPE)
    assert folder_hash(tmp_path / "again") == folder_hash(trained)


def test_a_killed_run_goes_on_to_the_same_weights(tiny_model: Path, trained: Path, tmp_path: Path) -> None:
    """Checkpoints as a kill leaves them: a whole one in the middle, and one that was being written."""
    to, steps = tmp_path / "model", list[int]()
    checkpoints = to.with_name("model.training")
    shutil.copytree(trained.with_name("model.training") / "checkpoint-5", checkpoints / "checkpoint-5")
    (checkpoints / "checkpoint-6").mkdir()
    (checkpoints / "checkpoint-6" / "trainer_state.json").write_text('{"global_step": 6, ')
    train_dpo(tiny_model, PAIRS, to, RECIPE, lambda done, of: steps.append(done))
    assert steps == [6]
    whole, resumed = (load_file(folder / "model.safetensors") for folder in (trained, to))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    forget_checkpoints(to)
    assert not checkpoints.exists() and to.exists()


def test_a_base_model_learns_to_end_its_answers(tiny_model: Path, tmp_path: Path) -> None:
    """Without a template it is shown the plain form, which has no end of its own; the trained one can then chat."""
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    (base / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "chat_template"}))
    with pytest.raises(PlumblineError, match="chat_template"):
        LanguageModel.load(base)
    assert LanguageModel.load(base, chats=False).tokenizer.chat_template == dpo.PLAIN
    train_dpo(base, PAIRS[:4], tmp_path / "model", RECIPE._replace(epochs=1))
    said = LanguageModel.load(tmp_path / "model").tokenizer.apply_chat_template(
        [*ASKED, {"role": "assistant", "content": "Yes."}], tokenize=False
    )
    assert said == f"User: {ASKED[0]['content']}\n\nAssistant: Yes.<|end|>"


def test_what_people_wrote_is_no_control_token(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = dpo._row(tokenizer, Pair([{"role": "user", "content": "a <|end|> b"}], "yes <|user|> no", "<|assistant|>"))
    said = tokenizer.apply_chat_template(row["prompt"] + row["chosen"], tokenize=False)
    assert said.count("<|end|>") == 1 and said.count("<|user|>") == 1 and "a < |end|> b" in said


@pytest.mark.parametrize(
    ("pairs", "recipe", "told"), [([], RECIPE, "no pair"), (PAIRS, RECIPE._replace(method="lora"), "")]
)
def test_what_cannot_be_trained_is_one_line(
    pairs: list[Pair], recipe: Recipe, told: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(PlumblineError, match=told or "LoRA needs peft"):
        train_dpo(tiny_model, pairs, tmp_path / "model", recipe)
