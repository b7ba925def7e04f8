"""Reading the last release without opening the home: for commands that only look.

Belongs here: which files of a release hold a table.
Does not belong here: making a release (`release.py`).
"""

from pathlib import Path

from pipelines.errors import LinkedCareError


def released_files(home: Path, table: str) -> dict[str | None, list[Path]]:
    """The files of a table in the last release, by year; under None where it is not kept by year.

    Raises:
        LinkedCareError: if nothing is published yet.
    """
    release = (home / "outputs").resolve()
    if not (release / "release.json").exists():
        raise LinkedCareError(f"{home}: nothing is published yet. Run `linked-care nightly`.")
    folder = release / "restricted" / table
    by_year: dict[str | None, list[Path]] = {
        path.name.removeprefix("financial_year="): sorted(path.glob("*.parquet"))
        for path in sorted(folder.glob("financial_year=*"))
    }
    return by_year or {None: sorted(folder.glob("*.parquet"))}
