"""Step 3, activity: all care in one shape, one row per payable unit.

Belongs here: what counts as a unit of care, in which setting and month.
Does not belong here: what it costs (costing).
"""
