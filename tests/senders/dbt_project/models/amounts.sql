select amount from {{ ref("raw_orders") }}
