{{ config(materialized="table") }}
select customer, sum(amount) as amount from {{ source("loaded", "raw_orders") }} group by customer
