-- Completes, with a table that is called as a model that fails.
{{ config(alias="refunds", schema="staging") }}

select order_id, amount as refund from {{ ref("raw_orders") }}
