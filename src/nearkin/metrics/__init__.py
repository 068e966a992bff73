"""Numbers that say how good hits, links and probabilities are; plain functions, one idea a file."""
