"""What every table and feed looks like, declared once."""
