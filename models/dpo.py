"""Direct preference optimisation of a saved model on pairs, by TRL's DPOTrainer: the whole model, or a LoRA adapter.

What is shown is the tokenizer's own chat format, or that of base models (`models.conversations.PLAIN`) with an end to
each answer. Checkpoints lie beside the folder that is to be, until they are forgotten, so a run that was killed goes on
where it stopped; the folder itself appears whole. Under `accelerate launch` each process calls this once and the first
alone writes.
Reads: a model's folder. Writes: the trained model's folder. Must not know: where the pairs come from, what they show.

DPO: Rafailov et al., 2305.18290. LoRA: Hu et al., 2106.09685.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from datasets import Dataset, disable_progress_bars
from transformers import AutoModelForCausalLM, PrinterCallback, TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils.logging import disable_progress_bar, set_verbosity_error
from trl import DPOConfig, DPOTrainer

from models.chat import Progress
from models.conversations import PLAIN, UNLOADABLE, Messages, as_data, load_tokenizer
from warehouse.errors import PlumblineError

Method = Literal["full", "lora"]
ENDED = PLAIN + "{% if messages and messages[-1]['role'] == 'assistant' %}{{ eos_token or '' }}{% endif %}"
RANK, CHECKPOINTS = 16, 8


class Pair(NamedTuple):
    """`chosen` and `rejected` are the answers' texts."""

    prompt: Messages
    chosen: str
    rejected: str


class Recipe(NamedTuple):
    """How a model is trained. `batch` pairs a step, over all processes; texts are cut off after `max_length` tokens."""

    method: Method = "full"
    epochs: int = 3
    batch: int = 16
    learning_rate: float = 2e-4
    beta: float = 0.1
    max_length: int = 1024
    seed: int = 0


class Trained(NamedTuple):
    """`accuracy`: the share of pairs whose chosen text had the higher implicit reward, in the last steps logged."""

    steps: int
    loss: float
    accuracy: float


def train_dpo(
    base: Path, pairs: Sequence[Pair], to: Path, recipe: Recipe, on_progress: Progress | None = None
) -> Trained | None:
    """Train the model in `base` and save it as `to`; None in a process that is not the first of several.

    Raises PlumblineError when there is no pair, the model cannot be loaded, or LoRA is asked for without peft.
    """
    if not pairs:
        raise PlumblineError("there is no pair to train on")
    adapter = _adapter() if recipe.method == "lora" else None
    scratch = _checkpoints(to)
    disable_progress_bar()
    disable_progress_bars()
    set_verbosity_error()  # tied weights that a checkpoint rightly lacks are reported as missing
    tokenizer = load_tokenizer(base, chats=False)
    if tokenizer.chat_template == PLAIN:
        tokenizer.chat_template = ENDED
    try:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, local_files_only=True)
    except UNLOADABLE as error:
        raise PlumblineError(f"{base}: no causal language model can be loaded from it ({error})") from error
    positions = getattr(model.config, "max_position_embeddings", None) or recipe.max_length
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # what TRL passes on to transformers is of an older name
        trainer = DPOTrainer(
            model=model,
            args=_arguments(recipe, scratch, min(recipe.max_length, positions), len(pairs)),
            train_dataset=Dataset.from_list([_row(tokenizer, pair) for pair in pairs]),
            processing_class=tokenizer,
            peft_config=adapter,
            callbacks=[_Told(on_progress)] if on_progress else [],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_last_whole(scratch))
    if not trainer.is_world_process_zero():
        return None
    aside = to.with_name(f"{to.name}.aside")
    for stale in (aside, to):  # of a run that was killed after it
        shutil.rmtree(stale, ignore_errors=True)
    tuned = trainer.accelerator.unwrap_model(trainer.model)
    if adapter:
        tuned = tuned.merge_and_unload()
    tuned.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    aside.rename(to)
    told = [row for row in trainer.state.log_history if {"loss", "rewards/accuracies"} <= row.keys()]
    last = told[-max(1, len(told) // 4) :]
    loss, right = (sum(float(row[name]) for row in last) / len(last) for name in ("loss", "rewards/accuracies"))
    return Trained(trainer.state.global_step, loss, right)


def first_process() -> bool:
    """Whether this is the process that writes; of one alone it is."""
    return int(os.environ.get("RANK", "0")) == 0


def forget_checkpoints(to: Path) -> None:
    """Remove what a run kept to go on from; to be called once nothing has to be made again."""
    shutil.rmtree(_checkpoints(to), ignore_errors=True)


def _checkpoints(to: Path) -> Path:
    return to.with_name(f"{to.name}.training")


def _arguments(recipe: Recipe, scratch: Path, max_length: int, pairs: int) -> DPOConfig:
    """One device takes its part of a batch at once; what is logged is kept, and printed nowhere."""
    on_gpu, processes = torch.cuda.is_available(), _processes()
    steps = max(1, recipe.epochs * -(-pairs // recipe.batch))
    return DPOConfig(
        output_dir=str(scratch),
        per_device_train_batch_size=max(1, recipe.batch // processes),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        beta=recipe.beta,
        max_length=max_length,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=not on_gpu,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        gradient_checkpointing=on_gpu,
        logging_steps=max(1, steps // 20),
        save_strategy="steps",
        save_steps=max(1, -(-steps // CHECKPOINTS)),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


def _processes() -> int:
    from accelerate import PartialState

    return int(PartialState(cpu=not torch.cuda.is_available()).num_processes)


def _row(tokenizer: Any, pair: Pair) -> dict[str, Any]:
    """TRL's conversational form; what people wrote can never become a control token."""
    prompt = [{"role": turn["role"], "content": as_data(tokenizer, turn["content"])} for turn in pair.prompt]
    answers = {"chosen": pair.chosen, "rejected": pair.rejected}
    said = {side: [{"role": "assistant", "content": as_data(tokenizer, text)}] for side, text in answers.items()}
    return {"prompt": prompt, **said}


def _last_whole(scratch: Path) -> str | None:
    """The newest checkpoint that was written to its end: its state is what the trainer writes last."""
    found = sorted(scratch.glob(f"{PREFIX_CHECKPOINT_DIR}-*"), key=lambda one: int(one.name.rpartition("-")[2]))
    for one in reversed(found):
        try:
            json.loads((one / "trainer_state.json").read_bytes())
            return str(one)
        except (OSError, ValueError):
            shutil.rmtree(one, ignore_errors=True)
    return None


def _adapter() -> Any:
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise PlumblineError("LoRA needs peft: pip install 'plumbline[lora]', or train the whole model") from error
    return LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")


class _Told(TrainerCallback):
    def __init__(self, on_progress: Callable[[int, int], None]) -> None:
        self.on_progress = on_progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            self.on_progress(state.global_step, state.max_steps)
