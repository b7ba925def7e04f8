"""Step 6, analysis: cost against multimorbidity and age, over all registered people.

Belongs here: aggregates that answer what explains cost.
Does not belong here: choosing whom to care for (cohorts) or suppression (publication).
"""
