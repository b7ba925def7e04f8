"""Step 5, morbidity: which long-term conditions a person lives with, and how many.

Belongs here: coded events to conditions, counts and bands.
Does not belong here: what the conditions cost (analysis).
"""
