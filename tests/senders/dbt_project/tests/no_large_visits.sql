-- Passes.
select order_id from {{ ref("visits") }} where amount > 1000
