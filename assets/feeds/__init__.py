"""Step 1, feeds: take in deliveries, reject what breaks a contract, keep the latest submission.

Belongs here: everything between a file in `landing/` and typed, accepted rows.
Does not belong here: who a pseudonym is (linkage) or what a record costs (costing).
"""
