-- Fails when it runs: the function does not exist.
select refund_of(amount) as refund from {{ ref("orders") }}
