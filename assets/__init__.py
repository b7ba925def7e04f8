"""The eight steps, in reading order: feeds, linkage, activity, costing, morbidity, analysis, cohorts, publication."""
