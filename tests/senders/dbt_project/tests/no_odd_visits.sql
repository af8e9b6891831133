-- Cannot be run.
select order_id from {{ ref("visits") }} where no_such_function(amount)
