"""Numbers of the network of Brunel 2000 (brunel2000), model A; ms and mV, the resting potential is 0."""

ORDER = 2500  # inhibitory neurons; four times as many excite
CONNECTIVITY = 0.1  # share of each population that a neuron listens to
J = 0.1  # mV, step of the membrane at an excitatory spike
DELAY = 1.5
TAU_MEM, T_REF = 20.0, 2.0
V_TH, V_RESET = 20.0, 10.0

# With exponential currents, which are not in the paper; time constant and capacitance of NEST's alpha-synapse example.
TAU_SYN = 0.5  # ms
C_M = 0.25  # nF
