"""Tables of places that users bring: practices and small areas, with the area that is theirs. Part of step 2."""

from schemas.table import Column, Table

SOURCE = Column("source", "STRING", "The publication that the row is from.")
VINTAGE = Column("vintage", "STRING", "Date or edition of the publication.")
LICENCE = Column("licence", "STRING", "Licence of the publication.")
IS_IN_AREA = Column("is_in_area", "BOOLEAN", "Whether it belongs to the area; null if none was named.", nullable=True)

PRACTICE = Table(
    name="practice",
    step="linkage",
    grain="One row per general practice of the files that were loaded.",
    description="General practices and what they belong to, as loaded by linked-care places; empty until then.",
    columns=(
        Column("practice_code", "STRING", "Organisation code of the general practice."),
        Column("practice_name", "STRING", "Name of the practice."),
        Column(
            "primary_care_network_code",
            "STRING",
            "Primary care network, where its file was loaded and names one.",
            nullable=True,
        ),
        Column("sub_icb_code", "STRING", "Sub-ICB location that commissions it.", nullable=True),
        Column("icb_code", "STRING", "Integrated care board.", nullable=True),
        IS_IN_AREA,
        SOURCE,
        VINTAGE,
        LICENCE,
    ),
    key=("practice_code",),
)

LSOA = Table(
    name="lsoa",
    step="linkage",
    grain="One row per lower layer super output area of the files that were loaded.",
    description="Small areas with local authority and deprivation, as loaded by linked-care places; empty until then.",
    columns=(
        Column("lsoa_code", "STRING", "Lower layer super output area."),
        Column("lsoa_name", "STRING", "Name of the area.", nullable=True),
        Column("local_authority_code", "STRING", "Local authority district.", nullable=True),
        Column("deprivation_score", "DOUBLE", "Index of Multiple Deprivation score.", nullable=True),
        Column("deprivation_rank", "INT", "Index of Multiple Deprivation rank; 1 is most deprived.", nullable=True),
        Column("deprivation_decile", "INT", "Index of Multiple Deprivation decile; 1 is most deprived.", nullable=True),
        IS_IN_AREA,
        SOURCE,
        VINTAGE,
        LICENCE,
    ),
    key=("lsoa_code",),
)
