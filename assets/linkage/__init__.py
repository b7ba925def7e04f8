"""Step 2, linkage: from pseudonyms to people, the register, and what did not link.

Belongs here: who a pseudonym stands for and who is registered when.
Does not belong here: what care was used (activity).
"""
