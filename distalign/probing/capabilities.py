"""General capabilities of a whole model, measured by lm-evaluation-harness (table 5)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, has_gpu
from distalign.records.schemas import InputError


class CapabilitiesParams(BaseModel):
    """The `capabilities` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    tasks: list[str] = Field(min_length=1)
    """Names of tasks: those of the project's folder, or of lm-evaluation-harness, whose data come
    from a hub (the paper's: mmlu, gsm8k, truthfulqa_gen, ifeval)."""
    chat: bool
    """Ask through the model's chat template."""
    limit: int | None = Field(ge=1)
    """Documents a task; null takes all."""
    batch_size: int = Field(ge=1)
    seed: int


def check_tasks(names: Sequence[str], tasks: Path) -> None:
    """Load the tasks with their data, as `evaluate` will.

    Args:
        tasks: folder with the project's task files.

    Raises:
        InputError: a task is known neither here nor to the harness, or its packages or data are
            not to be had.
    """
    from lm_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager(include_path=str(tasks))
    unknown = [name for name in names if name not in manager.all_tasks]
    if unknown:
        own = sorted(path.stem for path in tasks.glob("*.yaml"))
        raise InputError(f"params.yaml: capabilities.tasks: no task {unknown}; own tasks: {own}")
    for name in names:
        where = f"params.yaml: capabilities.tasks: {name}"
        try:
            get_task_dict([name], manager)
        except ImportError as error:
            raise InputError(
                f"{where}: needs the package {error.name!r}: pip install 'lm-eval[{name}]'"
            ) from error
        except Exception as error:  # whatever a task's own code, and the hub's client, raise
            reason = str(error).splitlines() or [""]
            raise InputError(
                f"{where}: its data cannot be read ({type(error).__name__}: {reason[0]}); go "
                "online once, or take it out"
            ) from error


def evaluate(
    folder: Path, tasks: Path, params: CapabilitiesParams, precision: Precision, store: Path
) -> dict[str, Any]:
    """Task -> metric -> value, with a metric's standard error beside it where there is one.

    Args:
        folder: a whole model with its tokenizer, adapter merged.
        tasks: folder with the project's task files.
        store: folder for answers; an interrupted run goes on from there. Who has the result
            removes it.

    Raises:
        InputError: see `check_tasks`.
    """
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    torch.set_num_threads(threads_of())
    check_tasks(params.tasks, tasks)
    store.mkdir(parents=True, exist_ok=True)
    model = HFLM(
        pretrained=str(folder),
        device="cuda" if has_gpu() else "cpu",
        dtype=precision,
        batch_size=params.batch_size,
    )
    found = simple_evaluate(
        model,
        tasks=params.tasks,
        task_manager=TaskManager(include_path=str(tasks)),
        use_cache=str(store / "answers"),
        limit=params.limit,
        apply_chat_template=params.chat,
        random_seed=params.seed,
        numpy_random_seed=params.seed,
        torch_random_seed=params.seed,
        fewshot_random_seed=params.seed,
    )
    return {task: _numbers(values) for task, values in found["results"].items()}


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """The harness's `metric,filter` keys without its default filter's name; numbers alone."""
    return {
        key.removesuffix(",none"): round(float(value), 6)
        for key, value in values.items()
        if "," in key and isinstance(value, int | float)
    }
