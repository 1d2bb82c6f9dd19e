# Words of notebook 7. A finding is a message; its attributes are the parts of a finding.

# --- Why a section is left out
nothing-later = Nothing to review: the model was trained up to { $last }, and there is no later day.
no-order = Nothing to review: there is no order from { $first } to { $last }.
few-classified = Nothing to review: in { $period } fewer than { $fewest } customers can be classified.
short-periods = Movement beyond noise is not measured: two neighbouring periods hold about { NUM($days) } days, and odd and even weeks need { $needed }.
one-group = There is one { $group }, so nobody can move to another.
few-moved = Movement into { $period } is not measured: fewer than { $fewest } customers can be classified in both periods and in odd and even weeks alike.
few-cuts = No random cuts were drawn: { $customers } customers are compared, and { $needed } are needed, 10 for each segment.
few-changed = No random cuts were drawn: too few customers changed { $group }, or stayed, to compare their share.
no-earlier-move = Only one move was measured, so nobody can be seen again after it.
few-moved-earlier = Too few customers moved into { $period } to say whether they stayed.
no-index = The features have no limit: { $why }.
few-challenged = No challenger was fitted: { $customers } customers have enough data from { $first } to { $last }, and { $needed } are needed, 10 for each segment.
few-in-both = The two are not compared: { $customers } customers have enough data in odd and in even weeks, and { $needed } are needed, 10 for each segment.

# --- Which periods do we compare?
followed = { $groups ->
        [one] 1 { $group }
       *[other] { $groups } { $group }s
    }, trained on { $first } to { $last }. Reviewed: { $review_start } to { $review_end }. { $why ->
        [none] { "" }
       *[other] { $why } Value tiers are followed instead.
    }
periods = { $periods ->
        [one] 1 period
       *[other] { $periods } periods
    } of training, { $reviewed } to review. { season }
season = { $twice ->
        [yes] Each season was seen twice, so a period is compared with the same season before.
       *[no] Not every season was seen twice, so season and change cannot be separated here.
    }

# --- Who moved, beyond noise?
floors = By chance alone { PERCENT($noise_1, digits: 1) } change in alternate weeks{ $noise_2 ->
        [none] { "" }
       *[other] , { PERCENT($noise_2, digits: 1) } in blocks of two weeks
    }{ $noise_4 ->
        [none] { "" }
       *[other] , { PERCENT($noise_4, digits: 1) } in blocks of four weeks
    }{ $noise_6 ->
        [none] { "" }
       *[other] , { PERCENT($noise_6, digits: 1) } in blocks of six weeks
    }. { $several ->
        [yes] The largest floor decides: { $largest }.
       *[no] This floor decides alone.
    } { $verdict ->
        [more] { $several ->
            [yes] Movement is clearly more than any of them.
           *[no] Movement is clearly more than this.
        }
        [less] Movement is clearly less than this.
        [mood] Movement is more than alternate weeks move, but a mood that lasts longer can explain it.
       *[open] Movement is not clearly more than this.
    } { $out ->
        [none] { "" }
       *[other] Left out, as periods are too short or customers too few: { $out }.
    }
moved-title = { $shown ->
        [yes] { $moved } changed { $group }, { PERCENT($noise) } would by noise alone
       *[no] Changed { $group }: { $moved } of the customers
    }
any-cut = Beyond noise, segments change by { SIGNED($excess, digits: 1) } points; random cuts by { SIGNED($excess_mean, digits: 1) } points on average ({ SIGNED($excess_min, digits: 1) } to { SIGNED($excess_max, digits: 1) } over { $draws } draws). { $branch ->
        [more] Movement of segments says more than movement of any of these cuts.
        [less] Segments move less beyond noise than any of these cuts.
       *[same] As a whole, movement of segments says no more than movement of any cut.
    } { $top ->
        [none] { "" }
       *[other] The largest movement of one segment is { SIGNED($top, digits: 1) } points, { $larger ->
            [yes] more than in any random group
           *[no] no more than a random group may reach
        }: { SIGNED($largest_mean, digits: 1) } points on average ({ SIGNED($largest_min, digits: 1) } to { SIGNED($largest_max, digits: 1) }).
    }
path = { $from } to { $to } ({ SIGNED($path_excess) } customers, { SIGNED($path_low) } to { SIGNED($path_high) })
paths = { $beyond ->
        [0] None of { $all } paths carries clearly more customers than noise does
        [one] 1 of { $all } paths carries clearly more customers than noise does
       *[other] { $beyond } of { $all } paths carry clearly more customers than noise does
    } (simultaneous 95% intervals){ $named ->
        [none] .
       *[other] : { $named }.
    } { $unnamed ->
        [0] { "" }
        [one] 1 of them is not named, to protect the customers on it.
       *[other] { $unnamed } of them are not named, to protect the customers on them.
    }
calm = A customer moves if the new centre is at most { NUM($ratio, digits: 2) } times as far away as the old one. Noise then moves at most { PERCENT($floor) }. Into { $period }, { $false ->
        [none] nobody moves.
       *[other] { $calm } of the customers move, of whom about { PERCENT($false) } are noise.
    }
again = Of those who moved into { $earlier }, { PERCENT($nearest) } are in the new segment again in { $period }; of those who also moved by the calm rule, { PERCENT($calm) }.
movement =
    .decision = { $branch ->
        [still] No customer changed { $group } into { $period }.
        [path] Follow the customers who moved from { $from } to { $to }; { $mostly ->
            [yes] most other changes of { $group } are noise.
           *[no] of the other changes of { $group } less than half are noise.
        }
        [noise] Do not react to a change of { $group } by itself: most of it is noise.
        [less] Do not react to a change of { $group } by itself: noise moves even more.
        [mood] Do not react to a change of { $group } by itself: a mood can explain it.
        [real] Customers change { $group } more than by noise, along no single path.
       *[open] Whether customers change { $group } more than by noise cannot be said yet.
    }
    .size = Into { $period }, { $moved } of the customers changed { $group }{ $shown ->
        [yes] ; beyond noise: { SIGNED($excess, digits: 1) } points.
       *[no] .
    } { $from ->
        [none] { "" }
       *[other] From { $from } to { $to }: { SIGNED($path_excess) } customers beyond noise ({ SIGNED($path_low) } to { SIGNED($path_high) }).
    } { $floors }
    .uncertainty = { $shown ->
        [yes] 95% interval of the movement beyond noise: ({ SIGNED($low, digits: 1) } to { SIGNED($high, digits: 1) } points).
       *[no] { "" }
    } { $any_cut }
    .action = { $calm ->
        [none] Act on a customer's change of { $group } only if the next period shows it too.
       *[other] Change a customer's label only by the calm rule: { $false ->
            [none] nobody moves by it.
           *[other] { $calm } of the customers move by it, listed in moved_customers.csv.
        }
    }
    .limit = { $false ->
        [none] Only customers with enough data in every half were compared.
       *[other] Of the customers on the list of moved ones, about { PERCENT($false) } are noise.
    }

# --- Do segments and features still spread as they did?
no-limit = the training window has too few periods ({ $periods }) to set a limit
reviewed = { $reviewed ->
        [one] { NUM($statistics) } statistics in 1 period
       *[other] { NUM($statistics) } statistics in { $reviewed } periods
    }. { $without ->
        [0] Each has a limit;
        [one] 1 has no limit, because the training window has too few periods;
       *[other] { $without } have no limit, because the training window has too few periods;
    } { $beyond ->
        [0] none lies beyond its limit.
        [one] 1 lies beyond its limit.
       *[other] { $beyond } lie beyond their limits.
    }
shares-title = { $limited ->
        [yes] Shares of { $group }s: { beyond-limits }
       *[no] Shares of { $group }s; too few periods to set limits
    }
indices-title = Spread of the features: { beyond-limits }
beyond-limits = { $beyond ->
        [0] none of { $all } lies beyond its limit
        [one] 1 of { $all } lies beyond its limit
       *[other] { $beyond } of { $all } lie beyond their limits
    }
sees-nothing = There is no limit, so no change of a share raises an alarm.
sees = { $name } usually holds { PERCENT($usual, digits: 1) }{ $low ->
        [none] , and could vanish without an alarm on it.
       *[other] .
    } { $low ->
        [none] { $high ->
            [none] No change of this share can raise an alarm.
           *[other] An alarm on this share comes if it rises above { PERCENT($high, digits: 1) }.
        }
       *[other] { $high ->
            [none] An alarm on this share comes if it falls below { PERCENT($low, digits: 1) }.
           *[other] An alarm on this share comes if it falls below { PERCENT($low, digits: 1) } or rises above { PERCENT($high, digits: 1) }.
        }
    } { $least ->
        [none] { "" }
        [never] No movement can be large enough for an alarm.
       *[other] Movement raises an alarm if { PERCENT($least, digits: 1) } or more leave a group beyond noise.
    }
alarms-note = { $limited ->
        [yes] Chance of any false alarm in { $reviews } periods without change: at most { PERCENT($alpha) }, shared by all statistics. { season }
       *[no] No alarm could be raised: { $why }.
    }

# --- Would new segments be better?
match-title = { lives-on }; { $same } of the customers keep theirs
lives-on = { $kept ->
        [0] None of { $segments } segments lives on
        [one] 1 of { $segments } segments lives on
       *[other] { $kept } of { $segments } segments live on
    }
rivals = { $branch ->
        [worse] Re-running the model would predict purchases worse
        [same] Re-running the model would predict purchases no better
        [small] Re-running the model would predict purchases better, but by less than the { NUM($min_gain, digits: 1) } points asked for
       *[better] Re-running the model would predict purchases better
    } ({ SIGNED($gain, digits: 1) } points, { SIGNED($gain_low, digits: 1) } to { SIGNED($gain_high, digits: 1) }). { $cut ->
        [above] The better of the two explains more than all { $draws } random cuts
       *[inside] Neither explains more than the best of { $draws } random cuts
    } ({ PERCENT($least, digits: 1) } to { PERCENT($most, digits: 1) }). { $apart ->
        [yes] Random cuts differ among themselves by more than re-running changes.
       *[no] Re-running changes more than random cuts differ among themselves.
    } Next to it, two component scores gain { $few ->
        [more] more
        [less] less
       *[same] about as much
    } ({ SIGNED($few_gain, digits: 1) } points), and all scores gain { $all ->
        [more] more
        [less] less
       *[same] about as much
    } ({ SIGNED($all_gain, digits: 1) } points).

# --- What do we decide?
decision =
    .decision = { $branch ->
        [keep] { $limited ->
            [yes] Keep the { $group }s as they are.
           *[no] Keep the { $group }s for now: no change could be noticed yet.
        }
        [watch] { $rivals ->
            [none] Keep the { $group }s, and watch: something changed.
           *[other] Keep the { $group }s, and watch: something changed, and new segments are not shown to describe it better.
        }
       *[re-segment] Build new segments: the frozen segments no longer describe the customers.
    }
    .size = { $alarms ->
        [0] No alarm in { decision-reviewed }.
        [one] An alarm in 1 of { decision-reviewed }: { $raised }.
       *[other] An alarm in { $alarms } of { decision-reviewed }: { $raised }.
    } { $kept ->
        [none] There is no challenger. { $no_rival }
       *[other] { lives-on } when the model is re-run{ $weakest ->
            [none] .
           *[other] ; the weakest overlap is { NUM($weakest, digits: 2) }.
        }
    }
    .uncertainty = { $rivals ->
        [none] { "" }
       *[other] { $rivals }
    } { $limited ->
        [yes] The limits allow a false alarm in { $reviews } quiet periods with a chance of at most { PERCENT($alpha) }.
       *[no] No limit: { $no_limit }.
    }
    .action = { $branch ->
        [keep] Review again after the next period.
        [watch] Look into: { $why }.
       *[re-segment] Run notebooks 2 to 4 with the new window, and keep the numbers of segments that live on.
    }
    .limit = { $limited ->
        [yes] { $periods ->
            [one] 1 period sets the limits.
           *[other] { $periods } periods set the limits.
        }
       *[no] { "" }
    } { season }
decision-reviewed = { $reviewed ->
        [one] 1 period reviewed
       *[other] { $reviewed } periods reviewed
    }
nothing-yet =
    .decision = Nothing can be said yet on whether the { $group }s are still true.
    .size = They were built from { $first } to { $last }; no later period of enough customers was observed.
    .action = Run the study again when the next period is over.
