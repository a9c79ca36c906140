"""Lets the tests of this folder import what they share (`scalar_programs`, `flat_networks`) and the neurons' table."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "neurons")]
