"""What benches/api_fuzz.py sends."""
