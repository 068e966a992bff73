"""Inner loops over plain arrays, compiled by numba: what several rooms need fast. Each has a NumPy twin in its test."""
