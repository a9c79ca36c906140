"""Machines of which only totals are published: TrueNorth as a target, others as rows for comparison."""
