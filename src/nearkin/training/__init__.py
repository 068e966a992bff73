"""The one training loop, what it writes, and batches of sequences; torch lives here and in `layers` and `losses`."""
