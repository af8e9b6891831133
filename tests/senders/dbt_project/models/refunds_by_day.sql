select order_id, refund from {{ ref("refunds") }}
