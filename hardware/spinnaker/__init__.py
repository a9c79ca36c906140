"""SpiNNaker 1."""
