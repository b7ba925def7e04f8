"""Why one row does not count, though its delivery does: asked for a single row, and worked out again.

Belongs here: loading what the answer depends on.
Does not belong here: the rules (`superseded.py`, `submission.py`).
"""

from pathlib import Path

from assets.feeds.current import receipts
from assets.feeds.submission import judge, standing
from assets.feeds.superseded import why
from schemas.contract import CONTRACTS, load


def why_superseded(shelf: Path, delivery_id: str, source_row: int) -> str:
    """Why a row of a current delivery is superseded, and by which delivery."""
    contract = load(CONTRACTS / f"{shelf.name}.odcs.yaml")
    current = standing(judge(receipts(shelf), contract))
    one = next(one for one in current if one.receipt.delivery_id == delivery_id)
    return why(one, current, shelf, contract, source_row)
