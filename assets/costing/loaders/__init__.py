"""Loaders of price books: each turns one publication into rows of a book, and says what it could not use.

Belongs here: one module per publication, what they share (`terms`, `sheets`), and the merge into a user's book.
Does not belong here: what a book is (`assets/costing/book.py`); whether one is sound (`assets/costing/book_lint.py`).
"""
