"""One training step of a linear layer and LIF neurons, against snnTorch: forward and backward through time.

    python benchmarks/train_layer.py --widths 128,512 --repeats 10

16 samples, 500 steps, spikes in with probability 0.05; the loss is the mean number of spikes. Both contestants
begin with the same weights and inputs, reset by snnTorch's rule, and print the same loss.
"""

from __future__ import annotations

import argparse

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from harness import compare

import snnsim as sn
from snnsim.core.engine import run_chunk
from snnsim.core.state import initial_state

BATCH, STEPS, RATE, BETA = 16, 500, 0.05, 0.95


def ours(inputs: np.ndarray, weights: np.ndarray, unroll: int | None):
    """A contestant: our network, gradient of the weights."""
    n = weights.shape[0]
    tau = -1.0 / np.log(BETA)
    net = sn.Network(dict(input=sn.Input(n), layer=sn.LIF(n, tau_mem=tau, reset_timing="residual",
                                                                  surrogate=sn.neurons.FastSigmoid(25.0))),
                     [sn.Projection("input", "layer", sn.Dense(weight=jnp.asarray(weights)))], key=jax.random.key(0))
    given, (trainable, rest) = {"input": jnp.asarray(inputs)}, sn.partition(net)

    @eqx.filter_jit
    def step(trainable, rest, given):
        def loss(trainable):
            network = eqx.combine(trainable, rest)
            state = initial_state(network, BATCH, 1.0)
            _, outputs, _ = run_chunk(network, state, given, dt=1.0, steps=STEPS, seed=jnp.uint32(0),
                                      inference=False, record=(), unroll=unroll)
            return outputs["layer"].mean()
        return jax.value_and_grad(loss)(trainable)

    def run():
        value, gradient = step(trainable, rest, given)
        jax.block_until_ready(gradient)
        return float(value)
    return run


def snntorch(inputs: np.ndarray, weights: np.ndarray):
    """A contestant: the loop over steps of snnTorch's tutorials."""
    import snntorch as snn
    import torch
    from snntorch import surrogate

    device = "cuda" if torch.cuda.is_available() else "cpu"
    x = torch.tensor(inputs, device=device)
    linear = torch.nn.Linear(weights.shape[0], weights.shape[1], bias=False, device=device)
    linear.weight.data = torch.tensor(weights.T.copy(), device=device)
    leaky = snn.Leaky(beta=BETA, spike_grad=surrogate.fast_sigmoid(25.0), reset_delay=False).to(device)

    def run():
        linear.weight.grad = None
        membrane, spikes = leaky.init_leaky(), []
        for current in linear(x):
            spike, membrane = leaky(current, membrane)
            spikes.append(spike)
        loss = torch.stack(spikes).mean()
        loss.backward()
        return loss.item()
    return run


def main() -> None:
    """Measure each width; contestants that are not installed are left out with a notice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", default="128,512")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--unroll", type=int, default=None,
                        help="steps per turn of the loop; by default as the simulator chooses")
    chosen = parser.parse_args()
    for width in (int(w) for w in chosen.widths.split(",")):
        rng = np.random.default_rng(0)
        inputs = (rng.random((STEPS, BATCH, width)) < RATE).astype(np.float32)
        # Mean and spread of the input are the same at every width: about one spike in ten steps.
        weights = rng.normal(1.0 / width, 0.3 / (RATE * width) ** 0.5, (width, width)).astype(np.float32)
        contestants = {"snnsim": ours(inputs, weights, chosen.unroll)}
        try:
            contestants["snntorch"] = snntorch(inputs, weights)
        except ImportError as error:
            print(f"# snnTorch left out: {error}")
        compare("train_layer", contestants, repeats=chosen.repeats, width=width, batch=BATCH, steps=STEPS)


if __name__ == "__main__":
    main()
