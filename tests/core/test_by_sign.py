"""What cannot be sorted by sign is refused instead of being sent to both ports."""

import jax
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError


@pytest.mark.parametrize("connection", [sn.Dense(bias=True), sn.SumPool2d(1)])
def test_bias_and_pooling_have_no_sign(connection):
    with pytest.raises(ConfigurationError, match="by_sign"):
        sn.Network(dict(a=sn.Input((1, 2, 2)), b=sn.LIFPscExp((1, 2, 2))),
                   [sn.Projection("a", "b", connection, port="by_sign")], key=jax.random.key(0))
