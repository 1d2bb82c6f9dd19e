# Words of notebook 5. A finding is a message; its attributes are the parts of a finding.

# --- Who is new?
starts = { $pile ->
        [one-day] All orders were made on one day.
       *[other] First orders per day are { NUM($pile, digits: 1) } times as many { $days ->
            [1] on the first day
           *[other] in the first { $days } days
        } as later.
    } { $known ->
        [none] Starts were not observed: no customer is called new in this run.
       *[other] Starts are known for { $known } of the customers.
    }

# --- Where does each customer stand?
stages-title = { $well ->
        [withheld] { $lapsed_share ->
            [withheld] Customers by stage at the end of { $period }
           *[other] At the end of { $period } { $lapsed_share } had lapsed
        }
       *[other] { $lapsed_share ->
            [withheld] At the end of { $period } { $well_share } ordered as usual
           *[other] At the end of { $period } { $well_share } ordered as usual; { $lapsed_share } had lapsed
        }
    }
flows-title = { $stay ->
        [none] { $back ->
            [none] Stages from { $before } to { $after }: too few customers for shares
           *[other] { $before } to { $after }: { $back } of the lapsed came back
        }
       *[other] { $back ->
            [none] { $before } to { $after }: { $stay } of the active went on
           *[other] { $before } to { $after }: { $stay } of the active went on, { $back } of the lapsed came back
        }
    }
stages =
    .decision = { $branch ->
        [soon] Write to customers who are slowing, before they lapse.
        [alike] Write to silent customers, slowing or lapsed: no difference in how often they come back is visible.
        [few] Write to nobody who is slowing now: they are fewer than 10.
        [none] Do not count on win-backs: no silent customer came back within { $ever ->
            [yes] the last period.
           *[no] a period.
        }
        [calm] Leave customers alone for now: fewer than 10 are slowing or lapsed.
       *[unknown] Find out where customers stand before acting: whether silent ones come back is not known yet.
    }
    .size = { $slowing ->
        [withheld] { $lapsed ->
            [withheld] { "" }
           *[other] { stages-now } { $lapsed } have lapsed.
        }
       *[other] { $lapsed ->
            [withheld] { stages-now } { $slowing } are slowing.
           *[other] { stages-now } { $slowing } are slowing and { $lapsed } have lapsed.
        }
    } { $lapsing ->
        [none] { "" }
       *[other] { $lapsing } of the active lapse within a period.
    } { $returning ->
        [none] { "" }
       *[other] { $returning } of the slowing and lapsed come back within a period.
    } { $branch ->
        [soon] { stages-apart }
       *[other] { "" }
    }
    .uncertainty = { $lapsing_low ->
        [none] { "" }
       *[other] 95% interval of those who lapse: ({ PERCENT($lapsing_low, digits: 1) } to { PERCENT($lapsing_high, digits: 1) }).
    } { $returning_low ->
        [none] { "" }
       *[other] 95% interval of those who come back: ({ PERCENT($returning_low) } to { PERCENT($returning_high) }).
    }
    .action = { $branch ->
        [none] Look after those who still order as usual.
        [soon] Leave out a random half, to measure what the message adds.
        [alike] Leave out a random half, to measure what the message adds.
       *[other] Look again at the end of the next period.
    }
    .limit = Stages are rules; who was silent may have bought elsewhere. { $starts_known ->
        [yes] { "" }
       *[no] Starts were not observed, so nobody is called new.
    }
stages-apart = { $lapsed_back_low ->
        [none] The slowing come back more often than the lapsed.
       *[other] { $slowing_back_low ->
            [none] The slowing come back more often than the lapsed.
           *[other] { $slowing_back } of the slowing do (95% interval { PERCENT($slowing_back_low) } to { PERCENT($slowing_back_high) }), and { $lapsed_back } of the lapsed ({ PERCENT($lapsed_back_low) } to { PERCENT($lapsed_back_high) }).
        }
    }
stages-now = At the end of { $period }{ $customers ->
        [withheld] { "" }
       *[other] , of { NUM($customers) } customers
    },

# --- Who stays?
who-stays-title = { $branch ->
        [one] After { days-on } { PERCENT($best_retained) } have not lapsed
        [alike] After { days-on } { PERCENT($worst_retained) } to { PERCENT($best_retained) } have not lapsed: no visible difference ({ $p_alike })
       *[other] After { days-on } { PERCENT($worst_retained) } to { PERCENT($best_retained) } have not lapsed: { $group }s differ ({ $p_alike })
    }
days-on = { $days ->
        [one] 1 day
       *[other] { NUM($days) } days
    }
who-stays-note = { $branch ->
        [one] Only one { $group } has 10 customers to follow: nothing is compared.
        [alike] Log-rank test that all lapse alike: { $p_alike }.
       *[other] Log-rank test that all lapse alike: { $p_alike }. Among customers with similar times between orders: { $p_similar }.
    }
who-stays =
    .decision = { $branch ->
        [differ] Watch retention by { $group }: { $group }s lapse at different rates.
        [others] Do not read these rates as loyalty: among customers with similar times between orders, other { $group }s lapse sooner.
        [pace] Do not read these rates as loyalty: among customers with similar times between orders, no difference is visible.
        [alike] Do not treat { $group }s as differently loyal: in the holdout no difference in lapses is visible.
       *[one] Plan with one retention rate: there are no two { $group }s to compare.
    }
    .size = { $branch ->
        [one] After { days-on }, { PERCENT($best_retained) } of { $best_segment } have not lapsed.
       *[other] After { days-on }, { PERCENT($best_retained) } of { $best_segment } and { PERCENT($worst_retained) } of { $worst_segment } have not lapsed.
    }
    .uncertainty = { $branch ->
        [one] 95% interval: ({ PERCENT($best_low) } to { PERCENT($best_high) }).
       *[other] 95% intervals: ({ PERCENT($best_low) } to { PERCENT($best_high) }) and ({ PERCENT($worst_low) } to { PERCENT($worst_high) }). { who-stays-note }
    }
    .action = { $branch ->
        [differ] Ask first what drives { $worst_segment } away.
       *[other] Steer retention by stage and usual time between orders.
    }
    .limit = Silence beyond the usual time between orders counts as a lapse; some of it ends. { $branch ->
        [alike] { $more ->
            [none] { "" }
           *[other] Over all periods { went-silent }
        }
       *[other] { "" }
    }
went-silent = { $more } went silent more often than { $less }: { PERCENT($more_share, digits: 1) } ({ PERCENT($more_low, digits: 1) } to { PERCENT($more_high, digits: 1) }) and { PERCENT($less_share, digits: 1) } ({ PERCENT($less_low, digits: 1) } to { PERCENT($less_high, digits: 1) }).
flows-alt = { $more ->
        [none] Over all periods no { $group } visibly goes silent more often than another.
       *[other] Over all periods { went-silent }
    } The figure shows the last two periods, one panel per { $group }.

# --- Cohorts
cohorts-note = { $branch ->
        [began] Cohorts of which fewer than 10 came again are left out.
        [one] First seen does not mean new: earlier orders are not in the data.
       *[several] First seen does not mean new: most of the first cohort ordered before the data begin, and later cohorts hold rare visitors. The difference between them says nothing about age.
    }

# --- What may a customer be worth?
fitted = BG/NBD was fitted on { NUM($customers) } customers: r = { NUM($r, digits: 2) }, alpha = { NUM($alpha, digits: 2) }, a = { NUM($a, digits: 3) }, b = { NUM($b, digits: 1) }. { $bounds ->
        [none] { "" }
       *[other] The data do not determine { $bounds }: at a bound.
    } Ages count from the first order seen.
value-title = { $branch ->
        [no-model] The naive rate is off by { NUM($naive_error, digits: 2) } days per customer
        [no-better] The model is no nearer: { value-both }
        [worse] The model is farther off: { value-both }
        [barely] The model is barely nearer: { value-both }
       *[other] The model is nearer: { value-both }
    }
value-both = off by { NUM($model, digits: 2) } days per customer, the naive rate by { NUM($naive_error, digits: 2) }
value-note = { $branch ->
        [no-model] Mean absolute error over customers, and its interval.
       *[other] Mean absolute error over customers. The difference is model less naive rate: below 0 the model is nearer. Intervals are over customers; the model is not refitted.
    }
unrelated = { $branch ->
        [none] Number or size of purchases is the same for everybody, so they have no correlation.
        [near] Their rank correlation is { NUM($correlation, digits: 2) }: near 0, as Gamma-Gamma assumes.
       *[far] Their rank correlation is { NUM($correlation, digits: 2) }: not near 0, although Gamma-Gamma assumes so. Read values in money with care.
    }
worth-note = The interval is over customers; how far forecasts miss is shown above. { $longer ->
        [yes] The horizon is longer than the { $seen } weeks of data.
       *[no] { "" }
    }
value =
    .decision = { $branch ->
        [barely] Rank customers by the model, but plan with the naive rate in mind: it is nearly as good.
        [better] Rank customers by the model: it misses by less than the naive rate.
        [totals] Predict totals by the model, and rank nobody by it: what customers bought does not rise with its predictions.
        [misranks] Predict totals by the model, and rank customers by the naive rate.
        [no-model] Plan with the naive rate, that customers go on as before: no model fits.
       *[other] Plan with the naive rate: the model does not beat it.
    }
    .size = { $branch ->
        [no-model] The naive rate is off by { NUM($naive_error, digits: 2) } days with purchases per customer.
       *[other] The model is off by { NUM($model, digits: 2) } days with purchases per customer, the naive rate by { NUM($naive_error, digits: 2) }.
    } { $tenth ->
        [none] No value is predicted for anybody.
       *[other] A tenth of customers holds { PERCENT($tenth) } of the value predicted for { $weeks ->
            [one] 1 week
           *[other] { $weeks } weeks
        }.
    }
    .uncertainty = { $branch ->
        [no-model] 95% interval: ({ NUM($naive_low, digits: 2) } to { NUM($naive_high, digits: 2) }) days.
       *[other] Model less naive rate: { SIGNED($gap_error, digits: 2) } days, 95% interval ({ SIGNED($gap_low, digits: 2) } to { SIGNED($gap_high, digits: 2) }).
    }
    .action = { $branch ->
        [totals] Choose whom to protect by stage.
       *[other] Use it to choose whom to protect, not to promise money.
    }
    .limit = Sales, not margin; seasons are not in the model.

# --- What follows a touchpoint?
contacts-title = { $branch ->
        [not-compared] No contact could be compared: customers differed before
        [none] { contacts-none }
       *[some] { contacts-some }
    }
contacts-none = { $compared ->
        [one] The one contact that could be compared was not followed by a visible change in sales
       *[other] None of the { $compared } contacts that could be compared was followed by a visible change in sales
    }
contacts-some = { $changed } of { $compared ->
        [one] the 1 contact
       *[other] the { $compared } contacts
    } that could be compared { $changed ->
        [one] was
       *[other] were
    } followed by a change in sales
contact-change = { $name } ({ MONEY($low) } to { MONEY($high) })
contacts-note = Each interval stands for itself; the verdict takes account of all comparisons. { $needs ->
        [yes] "need:" is a first purchase in that need.
       *[no] { "" }
    } { $left ->
        [0] { "" }
       *[other] { $left } more are not shown.
    }
contacts =
    .decision = { $branch ->
        [not-compared] Read nothing into what follows a contact: the customers contacted differed before.
        [none] Test contacts before spending on them: next to similar customers, none is followed by a visible change in sales.
       *[some] Test first the contacts that are followed by a change in sales.
    }
    .size = { contacts-title }{ $branch ->
        [some] : { $names }.
       *[other] .
    } { $unlike ->
        [0] { "" }
        [one] 1 contact could not be compared.
       *[other] { $unlike } contacts could not be compared.
    }
    .uncertainty = Change in sales per customer with 95% intervals: { $changes }. { $first ->
        [none] { "" }
       *[other] Before a { $first }, sales already differed by ({ MONEY($first_low) } to { MONEY($first_high) }).
    }
    .action = Give each a random control group; then the change can be called an effect.
    .limit = Observed among matched customers{ $alone ->
        [none] ; what was not measured may differ.
       *[other] ; for the median contact, { PERCENT($alone) } of customers had no similar one.
    }
orders-after = { $changed ->
        [0] No contact that could be compared is followed by a visible change in days with orders.
        [one] One contact is followed by a change in days with orders: { $names }.
       *[other] { $changed } contacts are followed by a change in days with orders: { $names }.
    }

# --- Contracts and satisfaction
revenue-title = { $branch ->
        [began] Monthly recurring revenue began { revenue-over }
        [grew] Monthly recurring revenue grew by { PERCENT($change, digits: 1) } { revenue-over }
        [fell] Monthly recurring revenue fell by { PERCENT($change, digits: 1) } { revenue-over }
       *[same] Monthly recurring revenue did not change { revenue-over }
    }
revenue-over = { $periods ->
        [one] over the last period
       *[other] over the last { $periods } periods
    }
renewal-note = Of all { NUM($contracts) } contracts that ended, { $renewed } were renewed.
renewal-title = { $branch ->
        [nothing] None of what was measured is visibly related to renewal
       *[other] { $clear } of { $drivers } { $drivers ->
            [one] measure is
           *[other] measures are
        } related to renewal
    }
renewal-driver = { NUM($odds, digits: 2) } per { $unit }
renewal-rate =
    .decision = Know how many renew before asking why: what is related to renewal is not known yet.
    .size = Of { NUM($contracts) } contracts that ended, { $renewed } were renewed.
    .uncertainty = 95% interval: ({ PERCENT($low) } to { PERCENT($high) }).
    .action = Ask customers whose contract ends why they stay or go.
    .limit = Only contracts whose end is known.
renewal =
    .decision = { $branch ->
        [faster] Answer faster and fit better before contracts end: both go with renewal.
        [some] Look into what goes with renewal before acting on it.
       *[nothing] Look elsewhere for what decides renewal: nothing measured here goes with it.
    }
    .size = Odds of renewal are multiplied by { $each }. Of the contracts that ended, { $renewed } were renewed{ $promoter ->
        [none] { $detractor ->
            [none] .
           *[other] ; of those of detractors { $detractor }.
        }
       *[other] { $detractor ->
            [none] ; of those of promoters { $promoter }.
           *[other] ; of those of promoters { $promoter }, of detractors { $detractor }.
        }
    }
    .uncertainty = 95% interval per { $strongest }: ({ NUM($odds_low, digits: 2) } to { NUM($odds_high, digits: 2) }).
    .action = { $branch ->
        [faster] Try a faster first answer on a random half of the accounts near their end.
       *[other] Ask customers whose contract ends why they stay or go.
    }
    .limit = Observed, not tested{ $answers ->
        [yes] : customers who are answered late may differ otherwise.
       *[no] .
    }
satisfaction-note = All customers: { NUM($score) }, 95% interval ({ NUM($low) } to { NUM($high) }).
satisfaction =
    .decision = { $branch ->
        [unlike] Ask { $lowest } first why they would not recommend us.
       *[alike] Read satisfaction as one number: no difference between { $group }s is visible.
    }
    .size = The net promoter score of { NUM($customers) } customers is { NUM($score) }.
    .uncertainty = 95% interval: ({ NUM($low) } to { NUM($high) }).
    .action = Ask again each period, the same question on the same scale.
    .limit = Only those who answered.

# --- Who will stay, and who may lapse?
stayed = { $stayed } of { $customers } customers stayed. The mean forecast is off by { NUM($off, digits: 3) }. { $slope ->
        [none] Its slope is not known.
       *[other] Its slope is { NUM($slope, digits: 2) }: 1 fits, below 1 forecasts are too extreme.
    }
stayed-title = { $forecast ->
        [chance] Who stays cannot be ranked beyond chance by all features (AUC { NUM($auc, digits: 2) })
        [fits] Who stays can be ranked (AUC { NUM($auc, digits: 2) }), and forecast shares fit what was observed
       *[off] Who stays can be ranked (AUC { NUM($auc, digits: 2) }), but forecast shares are off
    }
traits-note = { NUM($shown) } of { NUM($all) } differences, the largest first; { $apart } intervals leave out 0. "All together" is the penalised model, for one standard deviation more: shrunk, without an interval.
traits =
    .decision = { $branch ->
        [together] Find customers at risk by order timing and the other features together.
        [timing] Find customers at risk by order timing: other features add nothing visible.
        [alone] Find customers at risk by order timing alone: with the other features the ranking is worse.
       *[nothing] Draw up no list of customers at risk: who stays cannot be predicted beyond chance.
    }
    .size = AUC { NUM($auc, digits: 2) }; order timing alone { NUM($alone, digits: 2) }. { $typical ->
        [none] No difference between those who stay and those who lapse is visible.
       *[other] Most typical of those who stay: { $typical } { $feature }.
    }
    .uncertainty = 95% interval of the AUC: ({ NUM($low, digits: 2) } to { NUM($high, digits: 2) }); of the gain over order timing: ({ SIGNED($gain_low, digits: 3) } to { SIGNED($gain_high, digits: 3) }).
    .action = { $branch ->
        [nothing] Ask again when more days are known.
       *[other] List the customers least likely to stay each month, and test what keeps them.
    }
    .limit = A forecast says who, not why.

# --- Nothing else is known
too-early =
    .decision = Plan by value alone: too little is known of how customers go on.
    .size = { $again } of { NUM($customers) } customers ordered on two days or more.
    .action = Look again when more customers have come back.
    .limit = From { $first } to { $last }.
