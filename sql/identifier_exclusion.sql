-- identifier_exclusion: identifiers whose records in a feed belong to nobody, and why.
-- Grain: one row per feed, pseudonym domain and pseudonym. The order of reasons is that of schemas.activity.UNLINKED.
-- Source: identifier_finding.
with reason as (
    select
        feed,
        pseudonym_domain,
        pseudonym,
        case when finding_code in ('fork', 'reused') then 'ambiguous' else finding_code end as reason,
        case
            when finding_code = 'impossible_volume' then 1
            when finding_code in ('fork', 'reused') then 2
            when finding_code = 'birth_year_conflict' then 3
            when finding_code = 'sex_conflict' then 4
            else 5
        end as place
    from identifier_finding
    where action = 'unlink'
)

select
    feed,
    pseudonym_domain,
    pseudonym,
    max_by(reason, (reason is not null, -place)) as reason
from reason
group by feed, pseudonym_domain, pseudonym
