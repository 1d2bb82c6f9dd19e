# Words of notebook 6. A finding is a message; its attributes are the parts of a finding.
# `alt-x` says the figure titled `x` to those who cannot see it: its finding first.

## What each segment prefers, and what a customer buys next

own-items-title = { $name }: { $item }, { NUM($lift, digits: 1) } times as often
alt-own-items-title = The strongest preference is that of { $name } for { $item }: it is in
    their orders { NUM($lift, digits: 1) } times as often as in all orders. A dot is the shrunk
    lift of an item, a line its 95% interval; up to four items for each segment.

own-items =
    .decision = { $verdict ->
        [beats] Give each segment its own first item.
        [loses] Know each segment by what it buys more often than others, but do not choose its next item by that:
            popularity chooses better.
        [depends] Know each segment by what it buys more often than others, but choose its next item by that for
            some numbers of items only.
        [same] Know each segment by what it buys more often than others, but do not choose its next item by that:
            it is no better than popularity.
       *[unknown] Know each segment by what it buys more often than others, but whether that chooses its next item
            well is not known.
    }
    .size = Times as often as in all orders (95% interval): { $items }.
    .uncertainty = { $ways }
    .action = { $written ->
        [yes] Use the message and offer matrix: one line for each segment and stage.
       *[no] Show a segment these items first in a test.
    }
    .limit = That they buy more of these is { $rests_on }. That an offer changes what is bought is
        { $untested } until { $tested }.
own-items-unjudged = This was not judged on later purchases.
own-item = { $name }: { $item } { NUM($shrunk, digits: 1) } ({ NUM($shrunk_low, digits: 1) } to { NUM($shrunk_high, digits: 1) })

next-item =
    .decision = { $branch ->
        [popularity] Choose the next item by popularity: no other way beats it.
        [popularity-alone] Choose the next item by popularity, not by { $worse }: that does worse.
        [better-alone] Choose the next item by { $best }, not by { $worse }: that does worse than
            popularity.
       *[better] Choose the next item by { $best }.
    }
    .size = Customers with a hit when { $n ->
        [one] 1 item is
       *[other] { $n } items are
    } recommended: { $hits }.
    .uncertainty = { $ways }
    .action = Recommend by { $best } what a customer has not bought yet.
    .limit = Judged on { $customers } customers who later bought an item for the first time. That
        a recommendation changes what is bought is not shown.
next-item-hits = { PERCENT($hit_rate, digits: 1) } by { $way }

way-beats = Recommending by { $way } beats popularity. The clearest gain is with { $n ->
        [one] 1 item
       *[other] { $n } items
    }: { PERCENT($hit_rate, digits: 1) } of customers have a hit, { POINTS($difference, digits: 1) } points (95% interval { POINTS($difference_low, digits: 1) } to { POINTS($difference_high, digits: 1) }).
way-loses = Recommending by { $way } loses to popularity. The clearest loss is with { $n ->
        [one] 1 item
       *[other] { $n } items
    }: { PERCENT($hit_rate, digits: 1) } of customers have a hit, { POINTS($difference, digits: 1) } points (95% interval { POINTS($difference_low, digits: 1) } to { POINTS($difference_high, digits: 1) }; adjusted p { NUM($p_adjusted, digits: 3) }).
way-depends = Recommending by { $way } beats popularity with some numbers of items and loses with
    others. With { $n ->
        [one] 1 item
       *[other] { $n } items
    } the difference is { POINTS($difference, digits: 1) } points (95% interval { POINTS($difference_low, digits: 1) } to { POINTS($difference_high, digits: 1) }).
way-same = Recommending by { $way } differs from popularity by no more than chance. With { $n ->
        [one] 1 item
       *[other] { $n } items
    } the difference is { POINTS($difference, digits: 1) } points (95% interval { POINTS($difference_low, digits: 1) } to { POINTS($difference_high, digits: 1) }).

hit-rates = { $best ->
        [popularity] Nothing beats popularity
       *[other] By { $best }: { POINTS($difference, digits: 1) } points more customers hit than by
            popularity, with { $n ->
            [one] 1 item
           *[other] { $n } items
        }
    }
alt-hit-rates = { $best ->
        [popularity] No way of recommending beats popularity with any number of items.
       *[other] Recommending by { $best } reaches { POINTS($difference, digits: 1) } points more
            customers than by popularity, with { $n ->
            [one] 1 item
           *[other] { $n } items
        }.
    } A dot is the share of customers with a hit, a line its 95% interval. The table above holds
    the numbers.

## When, and through which channel

clock = { $timed ->
        [yes] Most orders: { $day } at { $hour }:00
       *[no] Most orders: { $day }, { PERCENT($share) }
    }
alt-clock = { $timed ->
        [yes] Most orders are placed on { $day } at { $hour }:00. Each row is a weekday, each
            column an hour, and darker means more orders.
       *[no] Most orders are placed on { $day }: { PERCENT($share) } of all. The dates carry no
            time of day, so each bar is a weekday.
    } The table below holds the shares.

## Service

service-later = Later, a customer of the { $tier } tier bought for { MONEY($each) } on average. The
    difference to the others is { MONEY($effect) } (95% interval { MONEY($low) } to { MONEY($high) }).
service-waits = { $enough ->
        [yes] The { $tier } tier waits { NUM($lift, digits: 2) } times as long as all customers
            (95% interval { NUM($low, digits: 2) } to { NUM($high, digits: 2) }).
       *[no] Too few of the { $tier } tier asked to say how they are served.
    }
service =
    .decision = { $branch ->
        [most] Serve no tier first: the { $tier } one holds { PERCENT($share_customers) } of customers.
        [lasts] Put service where the value is: in the { $tier } tier first.
       *[unshown] Put no service in the { $tier } tier first yet: that it brings more later is not
            shown.
    }
    .size = The { $tier } tier is { PERCENT($share_customers) } of customers and { PERCENT($share_sales) } of sales.
    .uncertainty = { $known }
    .action = { $branch ->
        [lasts] Answer and call the { $tier } tier first, above all those who are slowing.
       *[other] { "" }
    }
    .limit = { $branch ->
        [lasts] That better service keeps customers is assumed here.
       *[other] { "" }
    }

## Campaigns

reached = { $few ->
        [yes] Nearly everybody was reached, so reached and other customers are not compared.
       *[no] Reached customers bought for { MONEY($value_reached) } on average in the training
            window, the others for { MONEY($value_others) }{ $who ->
            [alike] , no difference beyond chance
           *[other] { "" }
        }.
    }

answers = { $branch ->
        [best] { $kind } gets most answers: { PERCENT($rate) } of contacts
        [none] Answers: { PERCENT($all) } of contacts; no kind stands out
       *[other] Answers: { PERCENT($all) } of contacts
    }
alt-answers = { $branch ->
        [best] { $kind } gets most answers: { PERCENT($rate) } of contacts, and { PERCENT($all) }
            over all kinds.
        [none] { PERCENT($all) } of contacts were answered, and no kind stands out.
       *[other] { PERCENT($all) } of contacts were answered.
    } A dot is the share answered by { $word } and kind, a line its 95% interval, an upright mark
    the break-even.

effects = { $change ->
        [yes] Contacts change answers by { POINTS($effect, digits: 1) } points; { $sure } of { $groups } { $word }s show it alone
       *[no] Contacts change answers by no more than chance; { $sure } of { $groups } { $word }s show an effect alone
    }
alt-effects = { $change ->
        [yes] Contacts change the share that answers by { POINTS($effect, digits: 1) } points over
            all
       *[no] Contacts change the share that answers by no more than chance over all
    }; { $sure } of { $groups } { $word }s show an effect taken alone. A dot is the effect by
    { $word } and kind, a line its 95% interval.
effect-of = { $name }: { POINTS($effect, digits: 1) } ({ POINTS($low, digits: 1) } to { POINTS($high, digits: 1) }).
campaigns-tested =
    .decision = { $branch ->
        [first] Contact first: { $gaining }.
        [alone] Leave alone: { $losing }.
        [both] Contact first: { $gaining }. Leave alone: { $losing }.
       *[none] Choose no { $word } for campaigns yet: none taken alone shows an effect.
    }
    .size = Over all, contacts change the share that answers by { POINTS($effect, digits: 1) } points (95% interval { POINTS($low, digits: 1) } to { POINTS($high, digits: 1) }; p { $p_value }). { $each }
    .uncertainty = The effect is tested by a random control arm; p-values are adjusted by { $method }.
    .action = Keep a control arm in every campaign.
    .limit = These are effects of these kinds of campaign, in this time.

placebo = { $alarms ->
        [0] No such “effect” where the campaign did not run
       *[other] “Effects” also appear in { $alarms } of { $periods ->
            [one] 1 period
           *[other] { $periods } periods
        } without the campaign
    }
alt-placebo = { $alarms ->
        [0] In no earlier period ({ $periods } were compared) do contacted customers differ from others as
            if there were an effect.
       *[other] In { $alarms } of { $periods ->
            [one] 1 earlier period
           *[other] { $periods } earlier periods
        } contacted customers differ from
            others, although the campaign had not begun.
    } A dot is the difference in the change of sales, a line its 95% interval.
placebo-said = In the campaign, sales to contacted customers changed by { MONEY($now) } per customer
    more than to others (95% interval { MONEY($now_low) } to { MONEY($now_high) }). One period
    earlier, when it did not run, it was { MONEY($before) } ({ MONEY($before_low) } to
    { MONEY($before_high) }). { $alarms ->
        [0] { $left_out }, so this is observed, not tested.
       *[other] Such differences come and go without it, so this is observed, not tested.
    }
placebo-none = No placebo could be made.
left-out = { $drawn ->
        [yes] Too few were left out at random to judge by
       *[no] Nobody was left out at random
    }
campaigns-untested =
    .decision = { $branch ->
        [best] Keep { $kind } for answers, but claim no effect for any campaign of this run.
        [few] Compare no kinds of campaign yet, since one has fewer than 10 answers, and claim no
            effect for any.
        [none] Prefer no kind of campaign, since none clearly gets more answers, and claim no
            effect for any.
       *[one] Claim no effect for any campaign of this run.
    }
    .size = { $branch ->
        [best] { PERCENT($all, digits: 1) } of contacts were answered ({ PERCENT($all_low, digits: 1) } to { PERCENT($all_high, digits: 1) }); { $kind } { PERCENT($rate, digits: 1) } ({ PERCENT($low, digits: 1) } to { PERCENT($high, digits: 1) }).
       *[other] { PERCENT($all, digits: 1) } of contacts were answered (95% interval { PERCENT($all_low, digits: 1) } to { PERCENT($all_high, digits: 1) }).
    }
    .uncertainty = { $placebo }
    .action = { $drawable ->
        [yes] Leave out customers at random in the next campaign, to measure what the message adds;
            the lists are drawn.
       *[no] Leave out customers at random in the next campaign, to measure what the message adds.
    }
    .limit = { $who ->
        [everybody] Contacts went to everybody.
        [more] Contacts went to customers who bought more before.
        [less] Contacts went to customers who bought less before.
       *[alike] Contacts went to customers who bought neither more nor less beyond chance.
    } { $left_out }.

## Budget

plan = { $pays ->
        [yes] The best plan reaches { $contacts } of { $customers } ({ $grade })
       *[no] No contact is expected to pay ({ $grade })
    }
alt-plan = { $pays ->
        [yes] The best plan reaches { $contacts } of { $customers } customers.
       *[no] No contact is expected to pay, so the best plan reaches nobody.
    } A bar is the customers of a { $word } by the offer they get, in a frame of them all.
plans = { $branch ->
        [none] Nothing gains more than spending nothing ({ $grade })
        [rule] “{ $rule }” does as well as the best plan ({ $grade })
        [unshown] No plan is shown to beat doing nothing ({ $grade })
       *[shown] The best plan gains { MONEY($ahead) } more than “{ $rule }” ({ $grade })
    }
alt-plans = { $branch ->
        [none] No plan gains more than spending nothing.
        [rule] “{ $rule }” gains as much as the best plan.
        [unshown] No plan is shown to beat doing nothing: the best plan may lose money.
       *[shown] The best plan gains { MONEY($ahead) } more than the best simple rule, “{ $rule }”.
    } A dot is the mean gain of a plan, a line holds 95% of possible worlds. The table above holds
    the numbers.
budget =
    .decision = { $branch ->
        [none] Spend nothing on contacts: none is expected to pay.
        [rule] Spend by “{ $rule }”, as a test: it does as well as the best plan.
        [unshown] No plan is shown to beat doing nothing: spend { MONEY($cost) } of { MONEY($budget) }
            only as a test.
        [assumed] Spend { MONEY($cost) } of { MONEY($budget) } as a test only: what contacts cause is
            assumed.
       *[shown] Spend { MONEY($cost) } of { MONEY($budget) } by the best plan.
    }
    .size = { $pays ->
        [yes] The best plan gains { MONEY($gain) }, “{ $rule }” { MONEY($rule_gain) } ({ $grade }).
       *[no] The best of the other plans, “{ $rule }”, gains { MONEY($rule_gain) } ({ $grade }).
    }
    .uncertainty = The gain lies between { MONEY($low) } and { MONEY($high) } in { PERCENT($level) } of
        possible worlds; the chance of a loss is { PERCENT($loss_chance) }.
    .action = A perfect test before it would show without error what each contact gains. It would be
        worth at most { MONEY($regret) }, and a real test no more.
    .limit = The margin of { PERCENT($margin) } is assumed. Cost of a contact: { $cost_grade }.

## The test

test-size = { $branch ->
        [nothing] The whole test finds no effect, however large
       *[other] The whole test finds { NUM($smallest, digits: 1) } points; { $enough } of { $groups } { $word }s find { $stated } points alone
    }
alt-test-size = { $branch ->
        [nothing] The whole test finds no effect, however large.
       *[other] The whole test finds an effect of { NUM($smallest, digits: 1) } points; { $enough } of
            { $groups } { $word }s find { $stated } points alone.
    } The curve is the smallest effect found by number of customers, a dot each { $word }’s test.
test =
    .decision = { $branch ->
        [enough] Run the test plan: it finds { $stated } points or less.
        [nothing] Do not run the test plan yet: it finds no effect. { $stated } points need
            { $needed } customers, and it has { $customers }.
       *[larger] Run the test plan only for an effect of { NUM($smallest, digits: 1) } points or more:
            { $stated } points need { $needed } customers, and it has { $customers }.
    }
    .size = The test holds { $customers } customers, { $control } of them left out at random. { $branch ->
        [nothing] It finds no effect with { PERCENT($power) } chance.
       *[other] It finds an effect of { NUM($smallest, digits: 1) } points over all with
            { PERCENT($power) } chance.
    } { $cost ->
        [none] { "" }
       *[other] It costs about { MONEY($cost) }{ $budget ->
            [none] .
           *[other] ; the plan’s budget is { MONEY($budget) }.
        }
    }
    .uncertainty = { $enough } of { $groups } { $word }s are large enough to be judged alone.
    .action = Take the lists from test_plan.csv, record answers under one campaign_id, and name it in
        test_campaign.
    .limit = A customer gets one offer. Effects on later purchases need a longer test.
read-out = { $finished ->
        [yes] { $beyond ->
            [yes] The arms differ beyond chance: the interval over all customers leaves out 0.
           *[no] The arms differ by no more than chance: the interval over all customers holds 0.
        }
       *[no] { $beyond ->
            [yes] The interval over all customers leaves out 0, although nobody was treated:
                chance does that in 1 of 20 rehearsals.
           *[no] The interval over all customers holds 0, as expected: nobody was treated.
        }
    }

advise-nothing =
    .decision = Advise nothing yet: there is too little to judge any offer by.
    .size = The training window holds { $customers } customers.
    .action = The sections above say what each of them lacks.
