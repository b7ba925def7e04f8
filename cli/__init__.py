"""The `linked-care` commands: thin, over the pipeline's own functions."""
