# Words of notebook 5 of a customer table. A finding is a message; its attributes are its parts.

# --- Why a section is left out
table-life-few-leavers = How long customers stay is not measured: it needs { $least } customers who left and { $least } who stayed.
table-life-no-outcome = No yes/no outcome is named, so no rates are compared. Name one under outcome.
table-life-no-driver = What goes with leaving is not measured: no column varies enough beside the tenure.
table-life-few-fees = Recurring revenue is not added up: it needs { $least } customers with a monthly fee.
table-life-no-gap = Activity and future orders are not measured: the table does not say since when customers were observed. So their usual time between orders is unknown.
table-life-few-orders = Activity and future orders are not measured: they need { $least } customers whose orders are known.
table-life-no-rfm = There are no cells of recency and frequency: the table lacks { $lacks }.
table-life-no-tiers = There is no table by value tier: tiers are not known, or already shown.
table-life-few-rfm = There are no cells of recency and frequency: they need { $least } customers for each.

# --- Whom do we follow?
table-life-followed = { NUM($customers) } customers, { $groups ->
        [one] in one group.
       *[other] in { $groups } { $group }s.
    } { $group ->
        [segment] { "" }
       *[other] There are no segments that can be used.
    } { $roles ->
        [none] The table names no tenure, fee, orders or outcome.
       *[other] The table knows: { $roles }.
    }
table-life-watched = { $watched ->
        [0] Customers are followed from their beginning.
       *[other] The table watched for leaving over the last { NUM($watched, digits: 1) } units of the tenure. Customers are followed from there on.
    }

# --- Who leaves?
table-life-stay-title = { $branch ->
        [few] Share of customers still there, by { $group }
        [one] Share of customers still there
        [alike] Customers still there, by { $group }: no clear difference
       *[other] How long customers stay differs between { $group }s
    }
table-life-rates-note = { $parts ->
        [0] Not adjusted for tenure: it is not known, or { $group }s share too little of it.
       *[other] At equal tenure: as if each { $group } had the tenures of all, in { $parts } parts.
    }
table-life-leaving =
    .decision = { $branch ->
        [apart] “{ $what }” differs clearly between “{ $most }” and “{ $least }”: compare them first.
        [differ] “{ $what }” differs between { $group }s, but which { $group } comes first is open.
        [alike] Treat all { $group }s alike in “{ $what }”: no difference is visible.
        [one] Only one { $group } can be shown, so “{ $what }” is compared with nothing.
       *[few] “{ $what }” holds for too few customers, or for all but a few, to compare { $group }s.
    }
    .size = { $branch ->
        [few] { "" }
        [one] In “{ $most }” it holds for { PERCENT($most_rate) }.
       *[other] In “{ $most }” it holds for { PERCENT($most_rate) }, in “{ $least }” for { PERCENT($least_rate) }. { $parts ->
            [0] { "" }
           *[other] Both are at equal tenure.
        }
    }
    .uncertainty = { $branch ->
        [few] { "" }
        [one] 95% interval: ({ PERCENT($most_low) } to { PERCENT($most_high) }).
       *[other] 95% intervals: ({ PERCENT($most_low) } to { PERCENT($most_high) }) and ({ PERCENT($least_low) } to { PERCENT($least_high) }). Test of all { $group }s: p { $p }.
    }
    .action = { $branch ->
        [apart] Ask what differs there; test an offer on a random part before it goes to all.
       *[other] { "" }
    }
    .limit = Observed: that a { $group } differs does not say why. { $parts ->
        [0] Rates are not adjusted for tenure.
       *[other] { "" }
    }
table-life-stay =
    .decision = { $branch ->
        [differ] Plan by { $group }: customers do not stay equally long.
        [one] Plan for all customers alike: there is one { $group } to show.
       *[alike] Plan for all { $group }s alike: no difference in how long they stay is visible.
    }
    .size = { $kept ->
        [none] { "" }
       *[other] At { NUM($end) } ({ $unit }), { PERCENT($kept) } of all customers are still there.
    }
    .uncertainty = { $kept ->
        [none] { "" }
       *[other] 95% interval: ({ PERCENT($low) } to { PERCENT($high) }).
    } { $branch ->
        [one] { "" }
       *[other] The test that all { $group }s are alike gives p { $p }.
    }
    .limit = { $watched ->
        [0] Who left before the table was drawn is missing from it, unless it keeps them. Then customers seem to stay longer than they do.
       *[other] Leaving was watched for the last { NUM($watched, digits: 1) } only; early tenures rest on few customers.
    }

# --- What goes with leaving?
table-life-repeats = { $columns ->
        [none] No column was left out for repeating the tenure.
       *[other] Left out, because they grow with the tenure: { $columns }.
    }
table-life-drivers =
    .decision = { $clear ->
        [0] Do not choose customers for retention by these columns: none clearly goes with leaving.
       *[other] { $ranks ->
            [yes] Use these columns to choose whom to call first: together they rank who leaves.
           *[no] Watch these columns, but do not rank customers by them yet.
        }
    }
    .size = { $clear } of { $columns } columns clearly go with leaving. { $more ->
        [none] { "" }
       *[other] With more of “{ $more }”, customers leave { NUM($more_hazard_ratio, digits: 2) } times as fast.
    } { $less ->
        [none] { "" }
       *[other] With more of “{ $less }”, customers leave { NUM($less_hazard_ratio, digits: 2) } times as fast.
    }
    .uncertainty = { $more ->
        [none] { "" }
       *[other] Interval of “{ $more }”: ({ NUM($more_low, digits: 2) } to { NUM($more_high, digits: 2) }).
    } { $less ->
        [none] { "" }
       *[other] Interval of “{ $less }”: ({ NUM($less_low, digits: 2) } to { NUM($less_high, digits: 2) }).
    } Pairs ranked correctly, of customers left out: { PERCENT($c) } ({ PERCENT($c_low) } to { PERCENT($c_high) }); chance is 50%.
    .limit = Observed: a column that goes with leaving need not cause it, and changing it need not keep anybody.

# --- What revenue recurs?
table-life-revenue-finding =
    .decision = { $risk ->
        [none] { $top ->
            [none] Plan with the recurring revenue in all; it cannot be shown by { $group }.
           *[other] Begin with “{ $top }”: most recurring revenue lies there.
        }
       *[other] Begin with “{ $risk }”: most recurring revenue is at risk there.
    }
    .size = { MONEY($total) } recur per month. { $top ->
        [none] { "" }
       *[other] “{ $top }” brings { PERCENT($share) }.
    } { $risk ->
        [none] { "" }
       *[other] In “{ $risk }”, { MONEY($risk_money) } per month are at risk.
    }
    .uncertainty = { $risk ->
        [none] { "" }
       *[other] 95% interval of what is at risk: ({ MONEY($risk_low) } to { MONEY($risk_high) }), from the share who left.
    }
    .limit = { $risk ->
        [none] Who will leave is not known here.
       *[other] It assumes that customers leave as often as those in the table did.
    }
table-life-renewal =
    .decision = { $branch ->
        [apart] Begin with renewals of “{ $least }”: fewest contracts are renewed there.
       *[other] Prepare renewals alike in every { $group }: no clear difference is visible.
    }
    .size = { $branch ->
        [few] { "" }
       *[other] “{ $least }”: { PERCENT($least_rate) } renewed; “{ $most }”: { PERCENT($most_rate) }.
    }
    .uncertainty = { $branch ->
        [few] { "" }
       *[other] 95% intervals: ({ PERCENT($least_low) } to { PERCENT($least_high) }) and ({ PERCENT($most_low) } to { PERCENT($most_high) }).
    }
    .limit = Observed: contracts were not assigned at random.

# --- Ready-made features
table-life-activity =
    .decision = { $late ->
        [none] Leave customers alone for now: fewer than 10 are slowing or lapsed.
       *[other] Write to customers who are slowing, and leave out a random half.
    }
    .size = { $late ->
        [none] { "" }
       *[other] { $late } of the customers with a usual time are slowing or lapsed.
    }
    .limit = The usual time is a mean over all orders; one snapshot shows no change.
table-life-rfm-finding =
    .decision = { $best ->
        [none] Do not choose customers by recency and frequency: the best cell cannot be shown.
       *[other] Thank those who came lately and often before you win anybody back.
    }
    .size = { $best ->
        [none] { "" }
       *[other] They are { NUM($best) } of { NUM($customers) } customers: recency { $below }, frequency { $above }.
    }
    .limit = Cells describe the past by cut-offs; they predict nothing by themselves.
table-life-fitted = BG/NBD on { NUM($customers) } customers: r { NUM($r, digits: 4) }, alpha { NUM($alpha, digits: 3) }, a { NUM($a, digits: 3) }, b { NUM($b, digits: 3) }; log-likelihood { NUM($fit, digits: 2) }. { $bounds ->
        [none] { "" }
       *[other] Not determined by the data: { $bounds }.
    }
table-life-orders =
    .decision = { $top ->
        [none] Use the expected orders in all; no { $group } can be shown by itself.
       *[other] { $clear ->
            [yes] Expect most orders from “{ $top }”, and plan stock and contact by that.
           *[no] Expect about as many orders from every { $group }: intervals overlap.
        }
    }
    .size = Over the next { NUM($horizon, digits: 1) }, { NUM($mean, digits: 2) } orders per customer are expected. { $top ->
        [none] { "" }
       *[other] “{ $top }”: { NUM($top_mean, digits: 2) }.
    }
    .uncertainty = { $top ->
        [none] { "" }
       *[other] 95% interval of “{ $top }”: ({ NUM($top_low, digits: 2) } to { NUM($top_high, digits: 2) }), for the mix of customers alone.
    }
    .limit = Not validated: a summary has no later orders to compare with. { $bounds ->
        [none] { "" }
       *[other] A parameter is not determined by the data: { $bounds }.
    }
table-life-nothing-life =
    .decision = Name a tenure, an outcome or orders before you plan by the customer's life.
    .size = The table has { NUM($customers) } customers and none of these columns.
    .limit = Nothing here is estimated from other columns.
