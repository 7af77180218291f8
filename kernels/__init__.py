"""Numba kernels: floats and arrays in, floats and arrays out; no units, no objects, no I/O."""
