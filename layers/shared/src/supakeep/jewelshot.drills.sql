-- What must hold of Jewelshot's rows in every backup (docs/proof.md). supakeep.toml names this file.

-- name: no negative balance
select user_id from user_credits where balance < 0

-- name: each transaction has a user
select t.id from credit_transactions t left join user_credits u using (user_id) where u.user_id is null

-- name: the balance is what the last transaction left
select u.user_id
  from user_credits u
  join lateral (select balance_after from credit_transactions t
                 where t.user_id = u.user_id order by created_at desc, id desc limit 1) last on true
 where last.balance_after <> u.balance
