-- identifier_overlap: what share of each feed's identifiers is on the register and in every other feed.
-- Grain: one row per feed, provider, domain and month or year against the register, and one per pair of feeds.
-- Units: identifiers; people in pairs. Source: identifier_use, identifier_exclusion, person_identifier.
with used as (  -- what stands for nobody says nothing of keys; what contradicts the register is not shared with it
    select
        u.feed,
        u.provider_code,
        u.pseudonym_domain,
        u.pseudonym,
        u.last_month,
        case when x.reason is null then i.person_id end as person_id
    from identifier_use as u
    left join dummy_pseudonym as d on u.pseudonym = d.pseudonym
    left join identifier_exclusion as x
        on u.feed = x.feed and u.pseudonym_domain = x.pseudonym_domain and u.pseudonym = x.pseudonym
    left join person_identifier as i on u.pseudonym_domain = i.pseudonym_domain and u.pseudonym = i.pseudonym
    where d.pseudonym is null and coalesce(x.reason, 'none') not in ('dummy', 'impossible_volume')
),

by_month as (  -- an identifier is last seen once, so that months sum to the year
    select
        feed,
        provider_code,
        pseudonym_domain,
        last_month,
        count(*) as identifier_count,
        count(person_id) as shared_count
    from used
    group by feed, provider_code, pseudonym_domain, last_month
),

register as (
    select count(distinct person_id) as people from person_identifier
),

present as (
    select distinct feed from by_month
),

feed_bit as (  -- a bit per feed, by its place in the alphabet
    select p.feed, cast(power(2, count(earlier.feed)) as bigint) as bit
    from present as p
    left join present as earlier on p.feed > earlier.feed
    group by p.feed
),

identity as (  -- the person; where nobody is known, the identifier itself
    select
        u.person_id,
        case when u.person_id is null then u.pseudonym_domain end as pseudonym_domain,
        case when u.person_id is null then u.pseudonym end as pseudonym,
        bit_or(b.bit) as feeds
    from used as u
    inner join feed_bit as b on u.feed = b.feed
    group by
        u.person_id,
        case when u.person_id is null then u.pseudonym_domain end,
        case when u.person_id is null then u.pseudonym end
),

combination as (  -- at most one row per set of feeds, so that pairs need no join of people
    select feeds, count(*) as people from identity
    group by feeds
),

counted as (
    select
        m.feed,
        m.provider_code,
        m.pseudonym_domain,
        substr(cast(m.last_month as string), 1, 7) as seen,
        'patient_register' as other_feed,
        m.identifier_count,
        r.people as other_identifier_count,
        m.shared_count,
        m.identifier_count as judged_count
    from by_month as m
    cross join register as r
    union all
    select
        m.feed, m.provider_code, m.pseudonym_domain, 'year', 'patient_register',
        sum(m.identifier_count), max(r.people), sum(m.shared_count), sum(m.identifier_count)
    from by_month as m
    cross join register as r
    group by m.feed, m.provider_code, m.pseudonym_domain
    union all
    select
        a.feed, 'all', 'all', 'year', b.feed,
        sum(case when (c.feeds & a.bit) > 0 then c.people else 0 end),
        sum(case when (c.feeds & b.bit) > 0 then c.people else 0 end),
        sum(case when (c.feeds & a.bit) > 0 and (c.feeds & b.bit) > 0 then c.people else 0 end),
        least(
            sum(case when (c.feeds & a.bit) > 0 then c.people else 0 end),
            sum(case when (c.feeds & b.bit) > 0 then c.people else 0 end)
        )
    from feed_bit as a
    inner join feed_bit as b on a.feed < b.feed
    cross join combination as c
    group by a.feed, b.feed
),

limited as (  -- the most particular limit first
    select
        c.feed,
        c.provider_code,
        c.pseudonym_domain,
        c.seen,
        c.other_feed,
        c.identifier_count,
        c.other_identifier_count,
        c.shared_count,
        c.judged_count,
        cast(c.shared_count as double) / nullif(c.judged_count, 0) as overlap,
        l.minimum_identifier_count,
        l.refuse_under,
        l.warn_under,
        row_number() over (
            partition by c.feed, c.provider_code, c.pseudonym_domain, c.seen, c.other_feed
            order by
                case when l.provider_code = 'all' then 1 else 0 end asc nulls last,
                case when l.pseudonym_domain = 'all' then 1 else 0 end asc nulls last,
                case when l.feed = 'all' then 1 else 0 end asc nulls last,
                case when l.other_feed = 'all' then 1 else 0 end asc nulls last,
                l.refuse_under asc nulls last,
                l.warn_under asc nulls last,
                l.minimum_identifier_count desc nulls last
        ) as place
    from counted as c
    inner join overlap_limit as l
        on
            l.provider_code in ('all', c.provider_code)
            and l.pseudonym_domain in ('all', c.pseudonym_domain)
            and (
                (l.feed in ('all', c.feed) and l.other_feed in ('all', c.other_feed))
                or (
                    c.other_feed <> 'patient_register'
                    and l.feed in ('all', c.other_feed)
                    and l.other_feed in ('all', c.feed)
                )
            )
)

select
    p.financial_year,
    m.feed,
    m.provider_code,
    m.pseudonym_domain,
    m.seen,
    m.other_feed,
    cast(m.identifier_count as bigint) as identifier_count,
    cast(m.other_identifier_count as bigint) as other_identifier_count,
    cast(m.shared_count as bigint) as shared_count,
    m.overlap,
    m.refuse_under,
    m.warn_under,
    case
        when m.judged_count < m.minimum_identifier_count then 'too_few'
        when m.overlap < m.refuse_under then 'refuse'
        when m.overlap < m.warn_under then 'warn'
        else 'ok'
    end as verdict
from limited as m
cross join run_parameters as p
where m.place = 1
