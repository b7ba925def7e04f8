-- variance_split: the explained variance of age and number of conditions together, divided between the two.
-- Grain: one row per financial year, condition list, outcome, timing and predictor.
-- Method: Shapley's value, also called LMG: what a predictor adds, averaged over both orders of entry. With two
-- predictors that is half of what it explains alone and half of what it adds to the other; the parts sum to the whole.
-- Source: explained_variance, whose sums of squares are exact. Denominator: all registered people.
with subset as (
    select
        financial_year,
        condition_list,
        outcome,
        timing,
        max(case when predictor = 'age_band' then r_squared end) as of_age,
        max(case when predictor = 'count_band' then r_squared end) as of_count,
        max(case when predictor = 'age_band_count_band' then r_squared end) as of_both,
        max(people_count) as people_count,
        max(design) as design,
        max(completeness) as completeness,
        max(exposure_rule) as exposure_rule
    from explained_variance
    where
        predictor in ('age_band', 'count_band', 'age_band_count_band')
        and validation = 'in_sample'
        and truncation = 'none'
    group by financial_year, condition_list, outcome, timing
),

part as (
    select
        financial_year, condition_list, outcome, timing, 'age_band' as predictor, of_age as of_it,
        of_count as of_other, of_both, people_count, design, completeness, exposure_rule
    from subset
    union all
    select
        financial_year, condition_list, outcome, timing, 'count_band' as predictor, of_count as of_it,
        of_age as of_other, of_both, people_count, design, completeness, exposure_rule
    from subset
)

select
    financial_year,
    condition_list,
    outcome,
    timing,
    predictor,
    people_count,
    of_it as r_squared_alone,
    of_both - of_other as r_squared_added,
    of_both as r_squared_together,
    cast(of_it + of_both - of_other as double) / 2 as r_squared_part,
    cast(of_it + of_both - of_other as double) / nullif(2 * of_both, 0) as r_squared_share,
    design,
    completeness,
    exposure_rule
from part
