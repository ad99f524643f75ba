"""Versioned documents: principles a generator is steered by, and prompt templates."""
