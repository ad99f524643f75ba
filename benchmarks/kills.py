"""Kill a campaign at random moments and see whether it ends with the dataset an undisturbed run gives.

    python benchmarks/kills.py [--kills 20] [--seed 0] [--campaign CAMPAIGN.yaml]

Prints each kill and what the run after it found; ends with exit code 1 if any byte of the dataset differs.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from warehouse.hashing import folder_hash


def start(home: Path, campaign: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PLUMBLINE_HOME": str(home)}
    command = [sys.executable, "-m", "flows.cli", "run", *([campaign] if campaign else []), "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate()
    if process.returncode:
        sys.exit(f"the campaign failed: {err}")
    return dict(json.loads(out.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--campaign", default="")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        calm, rough = Path(folder, "calm"), Path(folder, "rough")
        began = time.monotonic()
        whole = finish(start(calm, options.campaign))
        seconds = time.monotonic() - began
        print(f"undisturbed: {seconds:.1f} s, {whole['written']} shards written")
        lost = 0
        for kill in range(options.kills):
            process = start(rough, options.campaign)
            wait = draw.uniform(0, seconds / 2)
            try:
                process.communicate(timeout=wait)
                print(f"kill {kill}: it had ended within {wait:.1f} s")
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.communicate()
                marks = [json.loads(mark.read_text()) for mark in rough.glob("*/generator/inflight/*.json")]
                lost += sum(mark["pairs"] for mark in marks)
                print(f"kill {kill}: after {wait:.1f} s, in flight {[mark['shard'] for mark in marks]}")
        report = finish(start(rough, options.campaign))
        print(f"at the end: {report['finished']} shards found finished, {report['written']} written; {lost} pairs lost")
        same = folder_hash(report["dataset"]) == folder_hash(whole["dataset"])
        print("the datasets are identical" if same else "THE DATASETS DIFFER")
        sys.exit(not same)


if __name__ == "__main__":
    main()
