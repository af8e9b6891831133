-- Is skipped in a build: its model fails.
select order_id from {{ ref("refunds") }} where refund > 1000
