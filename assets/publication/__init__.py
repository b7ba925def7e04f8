"""Step 8, publication: one whole release, swapped in by one link.

Belongs here: what a reader of `outputs/` sees.
Does not belong here: computing tables.
"""
