"""`linked-care wipe`: remove from landing what was refused, and keep the receipts."""

from datetime import UTC, datetime

import typer
from rich.console import Console

from assets.feeds.wiping import all_refused, named_refused, refuse_to_wipe
from assets.feeds.wiping import wipe as wipe_one
from cli.user import user_name
from pipelines.environment import home_path
from pipelines.home import holding
from schemas.contract import contracts


def wipe(names: list[str], everything: bool, is_confirmed: bool) -> None:
    """Ask, unless confirmed, and wipe the deliveries named or all refused ones."""
    console, home = Console(soft_wrap=True), home_path()
    with holding(home):
        chosen = all_refused(home, contracts()) if everything else named_refused(home, contracts(), names)
        refuse_to_wipe(chosen)
        for one in chosen:
            line = f"{one.feed}/{one.delivery_id}: {len(one.files()):,} files; refused: {one.judged.reason}"
            console.print(line, markup=False, highlight=False)
        if not chosen:
            console.print("nothing refused is left to wipe")
            return
        if not is_confirmed:
            typer.confirm(f"Remove these {len(chosen)} deliveries for good? Their receipts stay.", abort=True)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        removed = sum(wipe_one(one, user_name(), when) for one in chosen)
    console.print(f"{len(chosen)} deliveries wiped, {removed:,} files; they stay refused until a good one comes")
