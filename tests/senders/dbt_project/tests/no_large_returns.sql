-- Is skipped in a build, with its model.
select order_id from {{ ref("returns") }} where refund > 1000
