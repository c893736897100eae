"""Local models over `transformers`: loading, formatting, micro-batches, generation, and the heads of reward models."""
