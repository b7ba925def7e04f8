"""`linked-care calibrate`: published figures beside those of the last release."""

from rich.console import Console
from rich.table import Table

from assets.analysis.calibration import Calibration, calibration
from assets.parameters import EXPOSURE_RULE, LOOK_BACK_YEARS
from assets.publication.catalogue import CATALOGUE
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError

_WHOLE = 10


def show_calibration(year: str | None) -> bool:
    """Print the table; whether every hard target is met."""
    restricted = home_path() / "outputs" / "restricted" / "explained_variance"
    years = sorted(path.name.removeprefix("financial_year=") for path in restricted.glob("financial_year=*"))
    if not years:
        raise LinkedCareError(f"{home_path() / 'outputs'}: nothing is published. Run `linked-care nightly`.")
    chosen = year or years[-1]
    if chosen not in years:
        raise LinkedCareError(f"--year {chosen}: published are {', '.join(years)}.")
    measures = calibration(home_path() / "outputs" / CATALOGUE, chosen)
    table = Table(
        "measure", "target", "tolerance", "achieved", "", title=f"Calibration, {chosen}", title_justify="left"
    )
    for one in measures:
        table.add_row(
            one.description,
            _figure(one.target),
            f"{_figure(one.low)} to {_figure(one.high)}",
            _figure(one.achieved),
            _verdict(one),
        )
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(
        f"Conditions: the 52-condition list, coded within {LOOK_BACK_YEARS} financial years. People: {EXPOSURE_RULE}."
    )
    hard = [one for one in measures if one.grade == "hard"]
    console.print(f"{sum(one.is_met for one in hard)} of {len(hard)} hard targets met", highlight=False)
    return all(one.is_met for one in hard)


def _figure(value: float) -> str:
    return f"{value:.1f}" if value >= _WHOLE else f"{value:.4f}"


def _verdict(one: Calibration) -> str:
    return f"{one.grade}: {'met' if one.is_met else 'missed'}"
