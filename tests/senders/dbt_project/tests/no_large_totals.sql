-- Passes.
select customer_id from {{ ref("customers") }} where total > 1000
