"""Compile the numerical kernels with numba: floats and arrays in, floats and arrays out, without objects or I/O."""
