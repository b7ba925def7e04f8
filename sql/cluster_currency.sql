-- cluster_currency: care clusters that the price book in use prices by the day, all-in.
-- Grain: one row per cluster, or ALL.
-- Source: price_book.
select distinct currency_code
from price_book
where setting = 'mental_health' and point_of_delivery = 'mh_cluster_day'
