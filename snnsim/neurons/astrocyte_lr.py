"""`AstrocyteLR`: an astrocyte with Li-Rinzel calcium dynamics and slow inward current (NEST astrocyte_lr_1994)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param, shape_tuple, static
from snnsim.core.neuron import AbstractPointNeuron, Inputs, check_fields
from snnsim.neurons.integrators import METHODS, one_step


class AstrocyteLRState(NamedTuple):
    """Calcium in the cytosol ca (uM), inositol trisphosphate ip3 (uM), share h of receptors not inactivated."""

    ca: jax.Array
    ip3: jax.Array
    h: jax.Array


class AstrocyteLR(AbstractPointNeuron):
    """Calcium of an astrocyte, and the slow inward current that it causes in neurons.

    tau_ip3 d ip3/dt = ip3_0 - ip3; a spike that arrives with weight w adds w delta_ip3.
    d ca/dt = J_channel - J_pump + J_leak + calcium, with ca_er = (ca_tot - ca) / ratio_er_cyt and
    J_channel = ratio_er_cyt rate_ip3r (m n h)^3 (ca_er - ca), m = ip3 / (ip3 + kd_ip3_1), n = ca / (ca + kd_act),
    J_pump = rate_serca ca^2 / (km_serca^2 + ca^2), J_leak = ratio_er_cyt rate_l (ca_er - ca).
    dh/dt = alpha (1 - h) - beta h, alpha = k_ip3r kd_inh (ip3 + kd_ip3_1) / (ip3 + kd_ip3_2), beta = k_ip3r ca.

    Output is the current sic_scale ln(y) where y = 1000 (ca - sic_th) > 1, else 0: a projection without delay takes
    it to the port "current" of neurons. Output follows the calcium of the same step; NEST's sic_connection of delay d
    acts like a projection with delay d + dt.

    Args:
        shape: number of units, or shape.
        ca_tot: total calcium, referred to the volume of the cytosol (uM).
        ip3_0: IP3 at rest (uM).
        kd_ip3_1: first dissociation constant of IP3 from its receptor (uM).
        kd_ip3_2: second dissociation constant of IP3 from its receptor (uM).
        kd_act: dissociation constant of activating calcium (uM).
        kd_inh: dissociation constant of inactivating calcium (uM).
        km_serca: half-activation of the pump (uM).
        delta_ip3: rise of IP3 for an arriving spike of weight 1 (uM).
        tau_ip3: time constant of IP3 (ms).
        k_ip3r: rate of calcium binding to the receptor's inactivation site (1/(uM ms)).
        rate_ip3r: largest rate of release through the receptor (1/ms).
        rate_l: rate of leak from the endoplasmic reticulum (1/ms).
        rate_serca: largest rate of the pump (uM/ms).
        ratio_er_cyt: volume of endoplasmic reticulum over that of cytosol.
        sic_th: calcium above which current is caused (uM).
        sic_scale: scale of the current (nA).
        ca_0: calcium at the beginning (uM).
        h_0: share of receptors not inactivated at the beginning.
        method: "rk4" or "euler".

    References:
        Li & Rinzel 1994, J. Theor. Biol. 166:461; De Young & Keizer 1992, PNAS 89:9895; Nadkarni & Jung 2003,
        Phys. Rev. Lett. 91:268101 (current); NEST astrocyte_lr_1994 (defaults).
    """

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    ca_tot: jax.Array = param(2.0, unit="uM", doc="total calcium, referred to the cytosol", bounds=(0.0, None))
    ip3_0: jax.Array = param(0.16, unit="uM", doc="IP3 at rest", bounds=(0.0, None))
    kd_ip3_1: jax.Array = param(0.13, unit="uM", doc="first dissociation constant of IP3", bounds=(1e-9, None))
    kd_ip3_2: jax.Array = param(0.9434, unit="uM", doc="second dissociation constant of IP3", bounds=(1e-9, None))
    kd_act: jax.Array = param(0.08234, unit="uM", doc="dissociation constant, activation", bounds=(1e-9, None))
    kd_inh: jax.Array = param(1.049, unit="uM", doc="dissociation constant, inactivation", bounds=(0.0, None))
    km_serca: jax.Array = param(0.1, unit="uM", doc="half-activation of the pump", bounds=(1e-9, None))
    delta_ip3: jax.Array = param(0.0002, unit="uM", doc="rise of IP3 for an arriving weight of 1", bounds=(0.0, None))
    tau_ip3: jax.Array = param(7142.0, unit="ms", doc="time constant of IP3", bounds=(1e-3, None))
    k_ip3r: jax.Array = param(0.0002, unit="1/(uM ms)", doc="binding rate of calcium, inactivation", bounds=(0.0, None))
    rate_ip3r: jax.Array = param(0.006, unit="1/ms", doc="largest rate of release", bounds=(0.0, None))
    rate_l: jax.Array = param(0.00011, unit="1/ms", doc="rate of leak from the reticulum", bounds=(0.0, None))
    rate_serca: jax.Array = param(0.0009, unit="uM/ms", doc="largest rate of the pump", bounds=(0.0, None))
    ratio_er_cyt: jax.Array = param(0.185, unit="1", doc="volume of reticulum over cytosol", bounds=(1e-9, None))
    sic_th: jax.Array = param(0.19669, unit="uM", doc="calcium above which current is caused", bounds=(0.0, None))
    sic_scale: jax.Array = param(0.001, unit="nA", doc="scale of the slow inward current")
    ca_0: jax.Array = param(0.073, unit="uM", doc="calcium at the beginning", bounds=(0.0, None))
    h_0: jax.Array = param(0.793, unit="1", doc="receptors not inactivated at the beginning", bounds=(0.0, 1.0))
    method: str = static("rk4", doc="integration", choices=METHODS, kw_only=True)

    ports: ClassVar = {"in": "jump", "calcium": "drive"}
    membrane: ClassVar = "ca"
    spiking: ClassVar = False

    def __check_init__(self):
        check_fields(self)

    def init(self) -> AstrocyteLRState:
        """Calcium ca_0, IP3 at rest."""
        return AstrocyteLRState(ca=self.ca_0, ip3=self.ip3_0, h=self.h_0)

    def flow(self, state: AstrocyteLRState, dt: float, drive: Inputs) -> AstrocyteLRState:
        """One step of `method`; calcium stays between 0 and ca_tot."""
        def derivative(s):
            ca = jnp.clip(s.ca, 0.0, self.ca_tot)
            gradient = (self.ca_tot - ca) / self.ratio_er_cyt - ca
            gate = s.ip3 / (s.ip3 + self.kd_ip3_1) * (ca / (ca + self.kd_act)) * s.h
            pump = self.rate_serca * ca**2 / (self.km_serca**2 + ca**2)
            release = self.ratio_er_cyt * gradient * (self.rate_ip3r * gate**3 + self.rate_l)
            alpha = self.k_ip3r * self.kd_inh * (s.ip3 + self.kd_ip3_1) / (s.ip3 + self.kd_ip3_2)
            return AstrocyteLRState(release - pump + drive["calcium"], (self.ip3_0 - s.ip3) / self.tau_ip3,
                                    alpha * (1.0 - s.h) - self.k_ip3r * ca * s.h)
        after = one_step(self.method, derivative, state, dt)
        return after._replace(ca=jnp.clip(after.ca, 0.0, self.ca_tot))

    def receive(self, state: AstrocyteLRState, arrivals: Inputs) -> AstrocyteLRState:
        """Arriving spikes step IP3."""
        return state._replace(ip3=state.ip3 + self.delta_ip3 * arrivals["in"])

    def fire(self, state: AstrocyteLRState) -> tuple[AstrocyteLRState, jax.Array]:
        """The slow inward current (nA)."""
        above = 1000.0 * (state.ca - self.sic_th)  # in nM, as the fit of Nadkarni & Jung is
        active = above > 1.0
        return state, jnp.where(active, self.sic_scale * jnp.log(jnp.where(active, above, 1.0)), 0.0)
