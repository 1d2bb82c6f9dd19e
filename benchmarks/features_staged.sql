-- All features of the default run's tables, staged by hand: what features.py measures
-- ours against. The variables lines and products hold the paths. The one run that it
-- serves is written into it: window, needs, columns, no checks.

-- Numbers for products and needs
create or replace temp table product_codes as
select product_id, (row_number() over () - 1)::int as product,
    (dense_rank() over (order by need_state) - 1)::int as need, need_state,
    need_state not in ('fuel', 'not_merchandise', 'unclassified') as is_goods,
    brand = 'Private' as is_private
from read_parquet(getvariable('products'));

-- Numbers for customers
create or replace temp table customer_codes as
select customer_id, (row_number() over () - 1)::int as customer
from (
    select distinct customer_id from read_parquet(getvariable('lines'))
    where ordered_at >= date '2017-01-01' and ordered_at < date '2018-01-01'
);

-- One row an order
create or replace temp table orders as
select customer, summed.* exclude (customer_id)
from customer_codes
join (
    select customer_id, min(ordered_at) as began, min(store_id) as store_id,
        sum((amount_cents + coupon_cents)::int)::bigint as sales,
        sum(case when is_goods then (amount_cents + coupon_cents)::int else 0 end)::bigint
            as goods_sales,
        sum(is_goods::int)::int as goods_lines, max(coupon_cents) as coupon
    from read_parquet(getvariable('lines')) join product_codes using (product_id)
    where ordered_at >= date '2017-01-01' and ordered_at < date '2018-01-01'
    group by customer_id, order_id
) summed using (customer_id);

-- One row a line, in numbers alone; flags: 1 own brand, 2 in the mailer, 4 on display
create or replace temp table coded as
select customer, product, need::utinyint as need, is_goods,
    (amount_cents + coupon_cents)::int as sales, shelf_amount_cents::int as shelf,
    (is_private::int + 2 * on_mailer::int + 4 * on_display::int)::utinyint as flags
from read_parquet(getvariable('lines'))
join product_codes using (product_id) join customer_codes using (customer_id)
where ordered_at >= date '2017-01-01' and ordered_at < date '2018-01-01';

-- One row a customer and need: both in one number, which is hashed faster than two
create or replace temp table needs as
select code >> 5 as customer, code & 31 as need, summed.* exclude (code)
from (
    select (customer << 5) | need as code, count(*) as lines,
        sum(sales)::bigint as sales, sum(shelf)::bigint as shelf,
        sum(if(flags & 1 > 0, sales, 0))::bigint as private,
        sum(if(flags & 2 > 0, sales, 0))::bigint as mailer,
        sum(if(flags & 4 > 0, sales, 0))::bigint as display
    from coded group by code
) summed;

-- Different products of a customer
create or replace temp table variety as
select (code >> 20)::int as customer, count(*) as products
from (select distinct customer::bigint << 20 | product as code from coded where is_goods)
group by 1;

create or replace temp table stores as
select customer, count(store_id) as stores, max(times) as most
from (select customer, store_id, count(*) as times from orders group by all)
group by customer;

create or replace temp table rhythm as
select customer, max(day) as newest, min(day) as oldest, count(gap) as gaps,
    sum(gap) as gap_sum, sum(gap * gap) as gap_squares
from (
    select customer, day, day - lag(day) over (partition by customer order by day) as gap
    from (select distinct customer, began::date as day from orders)
)
group by customer;

create or replace temp table of_orders as
select customer, count(*) as orders,
    coalesce(sum(sales) filter (began >= date '2017-07-03'), 0) as late,
    coalesce(sum(sales) filter (began < date '2017-07-03'), 0) as early,
    sum(goods_sales) filter (goods_lines > 0) as goods_sales,
    sum(goods_lines) as goods_lines,
    count(*) filter (goods_lines > 0) as goods_orders,
    count(*) filter (hour(began) between 5 and 10) as morning,
    count(*) filter (hour(began) >= 18) as evening,
    count(*) filter (isodow(began) >= 6) as weekend,
    count(*) filter (goods_lines > 0 and coupon > 0) as coupons
from orders group by customer;

create or replace temp table of_needs as
select customer, sum(sales) filter (is_goods) as sales,
    sum(lines) filter (is_goods) as lines, sum(shelf) filter (is_goods) as shelf,
    sum(private) filter (is_goods) as private, sum(mailer) filter (is_goods) as mailer,
    sum(display) filter (is_goods) as display,
    sum(sales) filter (need_state = 'fuel') as fuel,
    sum(sales::double * sales) filter (is_goods) as squares,
    sum(sales) filter (need_state = 'produce') as share_produce,
    sum(sales) filter (need_state = 'fresh_meat_fish') as share_fresh_meat_fish,
    sum(sales) filter (need_state = 'packaged_meat') as share_packaged_meat,
    sum(sales) filter (need_state = 'deli_prepared') as share_deli_prepared,
    sum(sales) filter (need_state = 'natural_organic') as share_natural_organic,
    sum(sales) filter (need_state = 'bakery') as share_bakery,
    sum(sales) filter (need_state = 'dairy_eggs') as share_dairy_eggs,
    sum(sales) filter (need_state = 'frozen_food') as share_frozen_food,
    sum(sales) filter (need_state = 'snacks_sweets') as share_snacks_sweets,
    sum(sales) filter (need_state = 'soft_drinks') as share_soft_drinks,
    sum(sales) filter (need_state = 'breakfast_juice_coffee') as share_breakfast_juice_coffee,
    sum(sales) filter (need_state = 'alcohol') as share_alcohol,
    sum(sales) filter (need_state = 'tobacco') as share_tobacco,
    sum(sales) filter (need_state = 'cooking_basics') as share_cooking_basics,
    sum(sales) filter (need_state = 'canned_ready_meals') as share_canned_ready_meals,
    sum(sales) filter (need_state = 'household_cleaning') as share_household_cleaning,
    sum(sales) filter (need_state = 'pet_care') as share_pet_care,
    sum(sales) filter (need_state = 'baby') as share_baby,
    sum(sales) filter (need_state = 'health_beauty') as share_health_beauty,
    sum(sales) filter (need_state = 'general_merchandise') as share_general_merchandise,
    sum(sales) filter (need_state = 'other_grocery') as share_other_grocery
from needs
join (select distinct need, need_state, is_goods from product_codes) using (need)
group by customer;

select customer_id, date '2017-12-31' - newest as recency_days,
    date '2017-12-31' - oldest as tenure_days,
    ln((late + 1000.0) / (early + 1000.0)) as trend, orders,
    coalesce(of_needs.sales, 0) / 100.0 as sales, coalesce(lines, 0) as lines,
    gap_sum / nullif(gaps, 0)::double as gap_mean_days,
    sqrt((gaps * gap_squares - gap_sum * gap_sum)::double
        / nullif(gaps * (gaps - 1), 0)) / (gap_sum / nullif(gaps, 0)::double)
        as gap_variation,
    goods_sales / 100.0 / nullif(goods_orders, 0) as sales_per_order,
    goods_lines::double / nullif(goods_orders, 0) as lines_per_order,
    pow(nullif(of_needs.sales, 0)::double, 2) / nullif(squares, 0) as need_variety,
    1 - products / lines::double as repeat_share, stores,
    most / orders::double as main_store_share, morning / orders::double as morning_share,
    evening / orders::double as evening_share, weekend / orders::double as weekend_share,
    coalesce(fuel, 0) / 100.0 as fuel_sales,
    coalesce(private, 0) / nullif(of_needs.sales, 0)::double as private_label_share,
    (shelf - of_needs.sales) / nullif(shelf, 0)::double as discount_depth,
    coalesce(mailer, 0) / nullif(of_needs.sales, 0)::double as mailer_share,
    coalesce(display, 0) / nullif(of_needs.sales, 0)::double as display_share,
    coupons / nullif(goods_orders, 0)::double as coupon_order_rate,
    coalesce(share_produce, 0) / nullif(of_needs.sales, 0)::double as share_produce,
    coalesce(share_fresh_meat_fish, 0) / nullif(of_needs.sales, 0)::double as share_fresh_meat_fish,
    coalesce(share_packaged_meat, 0) / nullif(of_needs.sales, 0)::double as share_packaged_meat,
    coalesce(share_deli_prepared, 0) / nullif(of_needs.sales, 0)::double as share_deli_prepared,
    coalesce(share_natural_organic, 0) / nullif(of_needs.sales, 0)::double as share_natural_organic,
    coalesce(share_bakery, 0) / nullif(of_needs.sales, 0)::double as share_bakery,
    coalesce(share_dairy_eggs, 0) / nullif(of_needs.sales, 0)::double as share_dairy_eggs,
    coalesce(share_frozen_food, 0) / nullif(of_needs.sales, 0)::double as share_frozen_food,
    coalesce(share_snacks_sweets, 0) / nullif(of_needs.sales, 0)::double as share_snacks_sweets,
    coalesce(share_soft_drinks, 0) / nullif(of_needs.sales, 0)::double as share_soft_drinks,
    coalesce(share_breakfast_juice_coffee, 0) / nullif(of_needs.sales, 0)::double as share_breakfast_juice_coffee,
    coalesce(share_alcohol, 0) / nullif(of_needs.sales, 0)::double as share_alcohol,
    coalesce(share_tobacco, 0) / nullif(of_needs.sales, 0)::double as share_tobacco,
    coalesce(share_cooking_basics, 0) / nullif(of_needs.sales, 0)::double as share_cooking_basics,
    coalesce(share_canned_ready_meals, 0) / nullif(of_needs.sales, 0)::double as share_canned_ready_meals,
    coalesce(share_household_cleaning, 0) / nullif(of_needs.sales, 0)::double as share_household_cleaning,
    coalesce(share_pet_care, 0) / nullif(of_needs.sales, 0)::double as share_pet_care,
    coalesce(share_baby, 0) / nullif(of_needs.sales, 0)::double as share_baby,
    coalesce(share_health_beauty, 0) / nullif(of_needs.sales, 0)::double as share_health_beauty,
    coalesce(share_general_merchandise, 0) / nullif(of_needs.sales, 0)::double as share_general_merchandise,
    coalesce(share_other_grocery, 0) / nullif(of_needs.sales, 0)::double as share_other_grocery
from customer_codes
join of_orders using (customer) join stores using (customer)
join rhythm using (customer) join of_needs using (customer)
left join variety using (customer)
order by customer_id
