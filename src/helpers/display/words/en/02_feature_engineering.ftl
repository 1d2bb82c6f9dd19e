# Words of notebook 2. A finding is a message; its attributes are the parts of a finding.

### Windows

order-pattern = The { $days } days to { $end } are kept for later. An order is { MONEY($value, digits: 2) } in the median and { NUM($lines, digits: 1) } lines in the mean. { $time ->
    [none] Nobody ordered on two days.
   *[other] The median inter-purchase time is { NUM($time, digits: 1) } days.
}

### How customers spread, and which features go together

spread-title = { $branch ->
    [leaning] Money and visits lean to the right
   *[plain] How customers spread
}

too-few-features = Left out, since { $differ } of { $all } features differs between customers; two are needed to compare.

related-title = { $branch ->
    [apart] Volume is one block; attitudes to price are separate from it
    [block] Volume is one block
   *[plain] Which features rise and fall together
}

### Who has enough data, and what builds the segments

enough = { $enough ->
    [0] No customer has at least { $orders } orders{ $lines ->
        [0] { "" }
       *[other] { " " }and { $lines } lines
    }: nobody's mix of needs can be read.
   *[other] { $customers } customers{ $share ->
        [none] { "" }
       *[other] { " " }({ $share })
    } have at least { $orders } orders{ $lines ->
        [0] { "" }
       *[other] { " " }and { $lines } lines
    }; they hold { PERCENT($sales, digits: 1) } of sales. { $few ->
        [0] Nobody is left with too little data.
       *[other] The others are a class of their own: too little data.
    }
} { $one_line ->
    [yes] Every order is one line, so lines are not asked for, whatever the run file says.
   *[no] { "" }
}

builds = { $features ->
    [0] No feature distinguishes customers: there is nothing to build segments from.
    [one] 1 feature builds the segments: { $families }.
   *[other] { $features } features build the segments: { $families }.
}

useless = Left out, as { $reason }: { $names }{ $more ->
    [0] .
   *[other] { " " }and { $more } more.
}

parts-ready = { $ready } of { $all } parts are ready{ $left ->
    [none] .
   *[other] ; left out: { $left }.
}

skewness = The median skewness { $branch ->
    [falls] falls
   *[stays] goes
} from { NUM($before, digits: 1) } to { NUM($after, digits: 1) }. Most skewed afterwards: { $most }. { $many ->
    [yes] Many customers have none of these, and no smooth step changes that.
   *[no] { "" }
}

### Deals and answers

no-deals = This run shows no sign of deals: prices before reductions, or marks of offers, would.

deals = The middle half of customers lies between { NUM($low, digits: 1) } and { NUM($high, digits: 1) }, where 0 is the average. The rank correlation of the index with sales is { NUM($related, digits: 2) }.

one-deal-part = The index has one part: there is nothing to compare.

answered = { $share } { $by ->
    [coupon] redeemed a coupon
   *[answer] answered a campaign
}, { $times } in all.

no-campaign-tables = This run lacks { $tables }: answers to campaigns are not known, before or later.

answered-later = { $targeted ->
    [0] No customer with enough data was targeted by a campaign that starts after { $end }: later answers are not judged.
   *[other] { $targeted } customers with enough data were targeted by a campaign that starts from { $first } to { $last }; { $share } of them { $by ->
        [coupon] redeemed a coupon of it
       *[answer] answered it
    } in that time.
}

### Halves and the later window

halves-agree = { $customers } customers with enough data. The median over all { $features } is { NUM($median, digits: 2) }.

no-halves = Left out: { $features } features can be compared over { $customers } customers with enough data who bought in both; 1 feature and { $least } customers are needed.

came-again = From { $first } to { $last }, { $share } came again. { $known ->
    [yes] The rank correlation of later with earlier sales is { NUM($related, digits: 2) }.
   *[no] Sales, before or after, are the same for all.
}

no-activity = By no limit do some of the { $customers } { $whom } stay active and others not: there is nothing to predict.

active-days = { $weeks ->
    [4] Four weeks leave
   *[other] { $days } days leave
} { $gone } customers to predict instead of { $whole }, and { $weeks ->
    [0] fit the inter-purchase time
   *[other] are whole weeks
}: notebook 3 takes them unless the run says otherwise.

no-active-days = A limit of { $days } days divides no customers here, or is the whole later window.

### Findings

compare =
    .decision = { $branch ->
        [nothing] Look for no needs segments: { $enough } of { $customers } customers have enough data, and { $features } { $features ->
            [one] feature distinguishes
           *[other] features distinguish
        } them.
        [all] Compare all { $customers } customers by { $how ->
            [needs] what they buy
           *[ordering] how they buy
        }: each has enough data.
       *[some] Compare { $enough } customers by { $how ->
            [needs] what they buy
           *[ordering] how they buy
        }; leave { $few } with too little data in a class of their own.
    }
    .size = { $branch ->
        [nothing] Those with enough data
       *[some] Those compared
    } hold { PERCENT($share_sales, digits: 1) } of sales from { $first } to { $last }.
    .uncertainty = Enough is at least { $orders } orders{ $lines ->
        [0] { "" }
       *[other] { " " }and { $lines } lines
    }. Limits of { $double_orders }{ $lines ->
        [0] { " " }orders
       *[other] { " " }and { $double_lines }
    } would keep { $kept_double } instead of { $kept }.
    .action = { $branch ->
        [nothing] Read { $instead }: no needs are asked for there.
        [all] Nobody has to be left out of a comparison for too little data.
       *[some] Send customers with too little data no offer by need. They have bought (median { NUM($median_orders) } orders), but too little to show what they want.
    }
    .limit = The limit is a choice; it trades noise for coverage.

apart =
    .decision = { $same ->
        [yes] Expect nothing of volume: it is the same for all.
       *[no] Keep volume{ $deals ->
            [yes] ,
           *[no] { " " }and
        } { $how ->
            [needs] needs
           *[ordering] the way of ordering
        }{ $deals ->
            [yes] { " " }and deal proneness
           *[no] { "" }
        } apart.
    }
    .size = { $same ->
        [yes] Each of { $customers } customers has sales of { MONEY($sales, digits: 2) }.
       *[no] { $related ->
            [orders] Orders are the same for all.
           *[both] Orders and sales have a rank correlation of { NUM($together, digits: 2) }.
        } { $near ->
            [near] Of the features that build segments, { $nearest } is closest to sales, with { NUM($nearest_sales, digits: 2) }.
           *[alone] { "" }
        }
    }
    .uncertainty = Ranks over { $customers } customers of the training window.
    .action = Read value from rules{ $segmented ->
        [yes] , { $how ->
            [needs] needs
           *[ordering] ways of ordering
        } from clusters
       *[no] { "" }
    }{ $deals ->
        [yes] , deals from an index.
       *[no] .
    }
    .limit = Attitudes are read from purchases. What customers were asked describes segments; it does not build them.
