"""An Optuna study over the `search` section of a recipe, kept in SQLite so that it can go on."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import optuna
import yaml

from emofuse.errors import ConfigError
from emofuse.train.config import build_config, read_yaml, set_key
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.fusion.training import train_fusion
from emofuse.train.recipe import Recipe, SearchRange
from emofuse.train.trainer import train

__all__ = ["TuneResult", "tune_recipe"]

WARMUP_EPOCHS = 1


@dataclass(frozen=True)
class TuneResult:
    """What a study found.

    Attributes:
        score: Best validation score of all trials so far.
        changes: Dotted key -> value of the best trial.
        trials: Number of trials in the study, stopped ones included.
        recipe: File with the best recipe.
        run_dir: Run of the best trial; those of the others are deleted.
    """

    score: float
    changes: Mapping[str, Any]
    trials: int
    recipe: Path
    run_dir: Path


class _Prune(lightning.Callback):
    """Tells a trial each epoch's score and stops one that lags behind the median of the others."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial
        self.best = float("-inf")

    def on_validation_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Report and maybe stop."""
        score = float(trainer.callback_metrics["val/score"])
        self.best = max(self.best, score)
        self.trial.report(score, step=trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def tune_recipe(
    path: Path, data_root: Path, study_dir: Path, *, trials: int, overrides: Sequence[str] = ()
) -> TuneResult:
    """Train a recipe with values from its `search` section, judged on validation data alone.

    Args:
        path: YAML recipe of a text or face model or a fusion, with a `search` section.
        data_root: Folder that holds the corpora.
        study_dir: Gets `study.db`, `best.yaml` and `best/`, the run of the best trial, and `features/`, what
            the members of a fusion read. A study that is there already goes on.
        trials: Trials to add.
        overrides: `key.sub=value` strings for every trial.

    Returns:
        The best trial so far.

    Raises:
        ConfigError: The recipe is malformed or has nothing to search, or no trial was finished.
        DatasetError: A corpus is missing or malformed.

    Source: Akiba et al. 2019, "Optuna"; tree-structured Parzen estimator, median pruning.
    """
    base = _check(read_yaml(path, overrides))
    if not base.search:
        raise ConfigError(f"{path} has no `search` section that says what to try.", item=str(path))
    study = _open_study(path, base, study_dir, overrides)

    def run(trial: optuna.Trial) -> float:
        changes = {key: _suggest(trial, key, values) for key, values in base.search.items()}
        try:
            recipe = _check(_build(path, overrides, changes))
        except ConfigError as error:  # each value is good, but not beside the others
            raise optuna.TrialPruned(error.message) from error
        prune, folder = _Prune(trial), study_dir / f"trial_{trial.number}"
        try:
            if isinstance(recipe, FusionRecipe):
                train_fusion(recipe, data_root, folder, extra=[prune])
            else:
                train(recipe, data_root, folder, extra=[prune])
            if _beats(study, prune.best):
                shutil.rmtree(study_dir / "best", ignore_errors=True)
                folder.rename(study_dir / "best")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return prune.best

    study.optimize(run, n_trials=trials)
    if not any(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials):
        raise ConfigError("No trial was finished; add more with --trials.", item=str(study_dir))
    found = study.best_params
    best = _build(path, overrides, found)
    (study_dir / "best.yaml").write_text(yaml.safe_dump(best, sort_keys=False), encoding="utf-8")
    return TuneResult(study.best_value, found, len(study.trials), study_dir / "best.yaml", study_dir / "best")


def _check(data: Mapping[str, Any]) -> Recipe | FusionRecipe:
    return build_config(FusionRecipe, data) if data.get("task") == "fusion" else build_config(Recipe, data)


def _open_study(
    path: Path, base: Recipe | FusionRecipe, study_dir: Path, overrides: Sequence[str]
) -> optuna.Study:
    study_dir.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A wrong key, type or range is to be found before hours of training.
    for key, values in base.search.items():
        for value in values.choices or (values.low, values.high):
            _build(path, overrides, {key: value})
    study = optuna.create_study(
        study_name=base.name,
        storage=f"sqlite:///{study_dir / 'study.db'}",
        sampler=optuna.samplers.TPESampler(),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=WARMUP_EPOCHS),
        direction="maximize",
        load_if_exists=True,
    )

    # A study that goes on must not draw its first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    described = json.dumps(dataclasses.asdict(base), sort_keys=True, default=str)
    if study.user_attrs.get("recipe", described) != described:
        raise ConfigError(
            f"The study in {study_dir} tries another recipe or other --set values. Choose another "
            "--study-dir.",
            item=str(study_dir),
        )
    study.set_user_attr("recipe", described)
    return study


def _build(path: Path, overrides: Sequence[str], changes: Mapping[str, Any]) -> dict[str, Any]:
    data = read_yaml(path, overrides)
    for key, value in changes.items():
        set_key(data, key, value)
    _check(data)
    return data


def _suggest(trial: optuna.Trial, key: str, values: SearchRange) -> Any:
    if values.choices:
        return trial.suggest_categorical(key, values.choices)
    return trial.suggest_float(key, values.low, values.high, log=values.log)


def _beats(study: optuna.Study, score: float) -> bool:
    done = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    return all(trial.value is None or score > trial.value for trial in done)
