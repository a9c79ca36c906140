"""Lets the tests of this folder import what they share (`io_networks`, `streamed_networks`)."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", params=["flat", "layers"])
def whole(request, tmp_path_factory):
    """(name, folder, recording) of a simulation that nothing interrupted."""
    import streamed_networks as nets

    from snnsim.io import RecordingFolder

    folder = tmp_path_factory.mktemp("whole") / request.param
    return request.param, folder, nets.simulated(request.param, RecordingFolder(folder))
