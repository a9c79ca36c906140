"""Network, events, simulation: everything that knows no particular neuron."""
