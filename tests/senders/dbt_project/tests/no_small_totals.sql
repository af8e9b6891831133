-- Fails: customer 10 has 29.50.
select customer_id from {{ ref("customers") }} where total < 1000
