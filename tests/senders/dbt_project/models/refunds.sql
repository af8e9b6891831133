{{ config(materialized="table") }}

-- Fails when it runs: the function does not exist.
select order_id, refund_of(amount) as refund from {{ ref("orders") }}
