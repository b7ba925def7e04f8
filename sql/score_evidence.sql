-- score_evidence: when and where each category of a score, or group of medicines, was coded.
-- Grain: one row per person, score, category, financial year of the code and source.
-- Units: codes, and items of medicines. Source: apc_spell (its diagnoses once, for all scores), gp_coded_event,
-- gp_prescription, less identifiers that are no person's there; score_code, score_condition, condition_snomed.
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
    select
        pseudonym_domain,
        pseudonym,
        discharge_date,
        case when substr(admission_method_code, 1, 1) = '2' then 'hospital_emergency' else 'hospital_other' end
            as evidence_source,
        replace(replace(icd10_codes, '||', ','), '|', ',') as codes
    from apc_spell
    where icd10_codes is not null
),

diagnosis as (
    select
        l.pseudonym_domain,
        l.pseudonym,
        l.discharge_date,
        l.evidence_source,
        replace(split_part(l.codes, ',', p.place), '.', '') as icd10_code
    from diagnosis_list as l
    inner join position as p on p.place <= length(l.codes) - length(replace(l.codes, ',', '')) + 1
),

code_used as (  -- what a code sets is found once for each code, not for each time it was used
    select distinct 'icd10' as code_system, icd10_code as code
    from diagnosis
    union all
    select distinct 'bnf' as code_system, bnf_code as code
    from gp_prescription
),

width as (select distinct length(code_prefix) as characters from score_code where code_system <> 'snomed'),

code_set as (
    select distinct c.code_system, c.code, s.score, s.category
    from code_used as c
    cross join width as w
    inner join score_code as s on c.code_system = s.code_system and substr(c.code, 1, w.characters) = s.code_prefix
    where w.characters = length(s.code_prefix)
),

concept_set as (
    select code_prefix as snomed_code, score, category
    from score_code
    where code_system = 'snomed'
    union distinct
    select n.snomed_code, m.score, m.category
    from score_condition as m
    inner join condition_snomed as n on m.condition_code = n.condition_code
),

coded as (
    select
        'apc_spell' as feed,
        d.pseudonym_domain,
        d.pseudonym,
        d.evidence_source,
        s.score,
        s.category,
        d.discharge_date as event_date,
        1 as record_count
    from diagnosis as d
    inner join code_set as s on d.icd10_code = s.code
    where s.code_system = 'icd10'
    union all
    select
        'gp_coded_event' as feed,
        e.pseudonym_domain,
        e.pseudonym,
        'gp' as evidence_source,
        s.score,
        s.category,
        e.event_date,
        1 as record_count
    from gp_coded_event as e
    inner join concept_set as s on e.snomed_code = s.snomed_code
    union all
    select
        'gp_prescription' as feed,
        g.pseudonym_domain,
        g.pseudonym,
        'prescription' as evidence_source,
        s.score,
        s.category,
        g.processing_month as event_date,
        g.item_count as record_count
    from gp_prescription as g
    inner join code_set as s on g.bnf_code = s.code
    where s.code_system = 'bnf'
),

by_identifier as (  -- fewer rows to hold against people
    select
        feed,
        pseudonym_domain,
        pseudonym,
        evidence_source,
        score,
        category,
        year(event_date) - case when month(event_date) < 4 then 1 else 0 end as first_year,
        min(event_date) as first_date,
        max(event_date) as last_date,
        sum(record_count) as record_count
    from coded
    group by
        feed, pseudonym_domain, pseudonym, evidence_source, score, category,
        year(event_date) - case when month(event_date) < 4 then 1 else 0 end
)

select
    i.person_id,
    b.score,
    b.category,
    cast(b.first_year as string) || '-' || right(cast(b.first_year + 1 as string), 2) as financial_year,
    b.evidence_source,
    min(b.first_date) as first_date,
    max(b.last_date) as last_date,
    cast(sum(b.record_count) as bigint) as record_count
from by_identifier as b
inner join person_identifier as i on b.pseudonym_domain = i.pseudonym_domain and b.pseudonym = i.pseudonym
left join identifier_exclusion as x
    on b.feed = x.feed and b.pseudonym_domain = x.pseudonym_domain and b.pseudonym = x.pseudonym
where x.reason is null
group by i.person_id, b.score, b.category, b.first_year, b.evidence_source
