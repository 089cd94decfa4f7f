"""Data as every system gets it: a folder with logs/*.jsonl, spans/*.jsonl and the same records as OTLP, and a manifest.

The generator is Clewline's own (`clewline bench write`). Real data sets are converted to the same form by `harness.real`.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess

from harness import questions


@dataclasses.dataclass
class Dataset:
    """`otlp` says in which form the spans are there for systems that take OTLP: `otlp` (protobuf) or `otlp-json`."""

    name: str
    folder: pathlib.Path
    logs: int
    spans: int
    values: dict
    otlp: str = "otlp"

    @property
    def signals(self) -> set:
        return {name for name, count in (("logs", self.logs), ("spans", self.spans)) if count}

    def records(self, signal: str) -> int:
        return self.logs if signal == "logs" else self.spans

    def files(self, signal: str, form: str) -> list[pathlib.Path]:
        """Bodies of one signal; each body has the same records in every form."""
        return sorted((self.folder / (signal if form == "jsonl" else f"{signal}-otlp")).iterdir())

    def bytes(self, signal: str, form: str) -> int:
        return sum(file.stat().st_size for file in self.files(signal, form))

    def form_for(self, system, signal: str) -> str:
        form = system.forms[signal]
        return self.otlp if form == "otlp" else form


def generate(binary: pathlib.Path, folder: pathlib.Path, logs: int, spans: int, batch: int, seed: int = 1) -> Dataset:
    """Fresh records: their times end now, so that systems that refuse old records take them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [str(binary), "bench", "write", "--dir", str(folder), "--seed", str(seed), "--batch", str(batch)]
    subprocess.run([*command, "--logs", str(logs), "--spans", str(spans)], check=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    values = {**questions.GENERATED, **{name: str(value) for name, value in manifest.items()}}
    return Dataset(f"generated-{logs}-{spans}", folder, manifest["logs"], manifest["spans"], values)
