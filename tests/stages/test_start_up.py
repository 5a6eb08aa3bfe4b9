"""Stages must not load torch's compiler, which takes a second and is not used."""

import subprocess
import sys
from pathlib import Path

STEP = """
import sys
from pathlib import Path

from pipeline.encoder.kernels import Kernels
from pipeline.encoder.weights import load_backbone
from pipeline.plumbing.params import OptimizerParams
from pipeline.training.optimizer import new_optimizer

backbone = load_backbone(Path(sys.argv[1]), Kernels())
params = OptimizerParams(weight_decay=0.0, betas=(0.9, 0.99), epsilon=1e-6)
optimizer = new_optimizer(backbone, 0.01, params, fused=True)
backbone.pooler.dense.weight.sum().backward()
optimizer.step()
optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""


def test_a_training_step_loads_no_compiler(tiny_backbone_dir: Path) -> None:
    done = subprocess.run((sys.executable, "-c", STEP, str(tiny_backbone_dir)))
    assert done.returncode == 0
