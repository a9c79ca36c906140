"""Loihi 1."""
