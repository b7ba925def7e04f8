-- person_year_segment: the segment of each person by the first rule that holds.
-- Grain: one row per registered person, financial year and segmentation.
-- Source: segment_rule; conditions, counts and scores of the year; admissions of the year as activity links them, with
-- their method from apc_spell.
with found as (  -- whatever a rule may look at, with a number beside it
    select person_id, 'registered' as rule_kind, 'registered' as value, 1 as amount
    from person_year
    union all
    select person_id, 'age' as rule_kind, 'age' as value, age_mid_year as amount
    from person_year
    union all
    select person_id, 'condition' as rule_kind, condition_code as value, 1 as amount
    from person_year_condition
    union all
    select person_id, 'condition_list' as rule_kind, condition_list as value, condition_count as amount
    from person_year_morbidity
    union all
    select person_id, 'list_band' as rule_kind, condition_list || ' ' || list_band as value, 1 as amount
    from person_year_morbidity
    union all
    select person_id, 'score_band' as rule_kind, score || ' ' || band as value, 1 as amount
    from person_year_score
    union all
    select
        a.person_id,
        'admission_method' as rule_kind,
        s.admission_method_code as value,
        cast(count(*) as int) as amount
    from activity as a
    inner join apc_spell as s on a.delivery_id = s.delivery_id and a.source_row = s.source_row
    where a.feed = 'apc_spell'
    group by a.person_id, s.admission_method_code
),

held as (
    select f.person_id, r.segmentation, min(r.precedence) as precedence
    from found as f
    inner join segment_rule as r on f.rule_kind = r.rule_kind and f.value = r.value
    where f.amount >= r.lowest
    group by f.person_id, r.segmentation
),

segment as (select distinct segmentation, precedence, segment from segment_rule)

select
    y.financial_year,
    y.person_id,
    h.segmentation,
    s.segment,
    h.precedence
from person_year as y
inner join held as h on y.person_id = h.person_id
inner join segment as s on h.segmentation = s.segmentation and h.precedence = s.precedence
