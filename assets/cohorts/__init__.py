"""Step 7, cohorts: named rules and what the people they select cost.

Belongs here: rules as data, and their candidates.
Does not belong here: what explains cost in general (analysis).
"""
