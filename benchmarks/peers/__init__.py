"""The harness of `bench_peers.py`. Files named like a system run in that system's own environment."""
