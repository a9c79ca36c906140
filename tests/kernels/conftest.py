"""Lets these tests import what they share, and the table of neurons and NEST's network of their neighbours."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent / "neurons", HERE.parent / "reference")]
