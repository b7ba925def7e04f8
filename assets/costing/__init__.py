"""Step 4, costing: what each unit of care costs, and the proof that no penny is lost.

Belongs here: price books, costs, the ledger.
Does not belong here: comparing people (analysis).
"""
