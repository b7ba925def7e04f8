-- condition_evidence: when and where each long-term condition was coded.
-- Grain: one row per person, condition, financial year of the code and source.
-- Source: gp_coded_event, apc_spell, mh_diagnosis, less identifiers that are no person's there; condition_icd10,
-- condition_snomed.
with digit as (
    select v.digit
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as v(digit)
),

position as (  -- a spell lists the diagnoses of all its episodes, far more than the 20 of one
    select 100 * h.digit + 10 * t.digit + u.digit + 1 as place
    from digit as h
    cross join digit as t
    cross join digit as u
),

diagnosis_list as (  -- SUS joins diagnoses by commas and double bars; one kind of separator is enough
    select pseudonym_domain, pseudonym, discharge_date, replace(replace(icd10_codes, '||', ','), '|', ',') as codes
    from apc_spell
    where icd10_codes is not null
),

icd10_event as (
    select
        'apc_spell' as feed,
        l.pseudonym_domain,
        l.pseudonym,
        l.discharge_date as event_date,
        'hospital' as evidence_source,
        replace(split_part(l.codes, ',', p.place), '.', '') as icd10_code
    from diagnosis_list as l
    inner join position as p on p.place <= length(l.codes) - length(replace(l.codes, ',', '')) + 1
    union all
    select
        'mh_diagnosis' as feed,
        pseudonym_domain,
        pseudonym,
        diagnosis_date as event_date,
        'mental_health' as evidence_source,
        replace(diagnosis_code, '.', '') as icd10_code
    from mh_diagnosis
    where diagnosis_scheme_code = '02'
),

snomed_event as (
    select 'gp_coded_event' as feed, pseudonym_domain, pseudonym, event_date, 'gp' as evidence_source, snomed_code
    from gp_coded_event
    union all
    select
        'mh_diagnosis' as feed,
        pseudonym_domain,
        pseudonym,
        diagnosis_date as event_date,
        'mental_health' as evidence_source,
        diagnosis_code as snomed_code
    from mh_diagnosis
    where diagnosis_scheme_code = '06'
),

code_used as (  -- what a code sets is found once for each code, not for each time it was used
    select distinct icd10_code
    from icd10_event
),

width as (select distinct length(icd10_prefix) as characters from condition_icd10),

code_set as (  -- a code may set several conditions, and each of them once, whatever prefixes say so
    select distinct u.icd10_code, c.condition_code
    from code_used as u
    cross join width as w
    inner join condition_icd10 as c on substr(u.icd10_code, 1, w.characters) = c.icd10_prefix
    where w.characters = length(c.icd10_prefix)
),

coded as (
    select e.feed, e.pseudonym_domain, e.pseudonym, e.event_date, e.evidence_source, c.condition_code
    from icd10_event as e
    inner join code_set as c on e.icd10_code = c.icd10_code
    union all
    select e.feed, e.pseudonym_domain, e.pseudonym, e.event_date, e.evidence_source, c.condition_code
    from snomed_event as e
    inner join condition_snomed as c on e.snomed_code = c.snomed_code
),

dated as (
    select
        i.person_id,
        c.condition_code,
        c.evidence_source,
        c.event_date,
        year(c.event_date) - case when month(c.event_date) < 4 then 1 else 0 end as first_year
    from coded as c
    inner join person_identifier as i on c.pseudonym_domain = i.pseudonym_domain and c.pseudonym = i.pseudonym
    left join identifier_exclusion as x
        on c.feed = x.feed and c.pseudonym_domain = x.pseudonym_domain and c.pseudonym = x.pseudonym
    where x.reason is null
)

select
    person_id,
    condition_code,
    cast(first_year as string) || '-' || right(cast(first_year + 1 as string), 2) as financial_year,
    evidence_source,
    min(event_date) as first_date,
    max(event_date) as last_date,
    cast(count(*) as bigint) as record_count
from dated
group by person_id, condition_code, first_year, evidence_source
