-- Cannot be run, and its model completes.
select order_id from {{ ref("staged_refunds") }} where no_such_function(refund)
