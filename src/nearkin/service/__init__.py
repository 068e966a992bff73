"""The HTTP service: a collection offered to others, under the same verbs."""
