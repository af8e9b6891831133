-- Cannot be run.
select amount from {{ ref("amounts") }} where no_such_function(amount)
